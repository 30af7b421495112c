#include "core/rpc/commands/config_diff.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace masu::core::rpc::commands {
namespace {

using boost::json::parse;

TEST(ConfigDiff, shows_changes_in_kubos_form) {
  auto before = parse(R"({"Swarm":{"ConnMgr":{},"Filters":null},"API":{"b":1,"a":2},"Gone":true,"Kind":1})");
  auto after =
      parse(R"({"API":{"a":2,"b":1},"Kind":"x","Swarm":{"ConnMgr":{"LowWater":20},"Filters":["y"]}})");
  EXPECT_EQ(config_diff(before, after),
            "{\n"
            "\"API\": {\"a\":2,\"b\":1},\n"
            "\x1b[31m>> \"Gone\": true,\x1b[0m\n"
            "\x1b[33m<> \"Kind\": 1,\n** \"Kind\": \"x\",\x1b[0m\n"
            "\"Swarm\": {\n"
            "    \"ConnMgr\": {\n"
            "\x1b[32m        << \"LowWater\": 20\x1b[0m\n"
            "        },\n"
            "\x1b[33m    <> \"Filters\": null\n    ** \"Filters\": [\"y\"]\x1b[0m\n"
            "    }\n"
            "}");
}

TEST(ConfigDiff, compares_lists_place_by_place) {
  EXPECT_EQ(config_diff(parse(R"({"L":["a","b"]})"), parse(R"({"L":["a"]})")),
            "{\n\"L\": {\n    \"\": \"a\",\n\x1b[31m    >> \"\": \"b\"\x1b[0m\n    }\n}");
}

TEST(ConfigDiff, of_nothing_is_empty) { EXPECT_EQ(config_diff(parse("{}"), parse("7")), "{\n}"); }

TEST(Sorted, orders_keys_at_every_depth) {
  EXPECT_EQ(boost::json::serialize(sorted(parse(R"({"b":[{"d":1,"c":2}],"a":null})"))),
            R"({"a":null,"b":[{"c":2,"d":1}]})");
}

}  // namespace
}  // namespace masu::core::rpc::commands
