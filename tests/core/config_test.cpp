#include "core/config.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace masu::core {
namespace {

TEST(ConfigTest, TheDefaultsComeBackAsTheyWereWritten) {
  const Config config = Config::defaults();
  const auto again = Config::parse(config.to_text());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, config);
  EXPECT_EQ(again->to_text(), config.to_text());
}

TEST(ConfigTest, UnknownKeysSurviveInTheirOrder) {
  const std::string text =
      "{\n  \"Zeta\": {\n    \"b\": 1,\n    \"a\": [\n      1,\n      {}\n    ]\n  },\n  \"Alpha\": "
      "\"<&>\"\n}";
  auto config = Config::parse(text);
  ASSERT_TRUE(config);
  ASSERT_TRUE(config->set("Zeta.c.d", true));
  EXPECT_EQ(config->to_text(),
            "{\n  \"Zeta\": {\n    \"b\": 1,\n    \"a\": [\n      1,\n      {}\n    ],\n    \"c\": {\n      "
            "\"d\": true\n"
            "    }\n  },\n  \"Alpha\": \"\\u003c\\u0026\\u003e\"\n}");
}

TEST(ConfigTest, WhatIsNoJsonObjectIsAnError) {
  for (std::string_view text : {"", "{ this is no JSON", "[]", "null", "{} trailing"}) {
    EXPECT_FALSE(Config::parse(text)) << text;
  }
  EXPECT_FALSE(Config::parse(std::string(Config::text_bytes_max + 1, ' ')));
  std::string deep;
  for (int level = 0; level < 100; ++level) deep += "{\"a\":";
  EXPECT_FALSE(Config::parse(deep));
}

TEST(ConfigTest, ReadersTakeWhatOtherProgramsLeave) {
  const auto config = Config::parse(
      R"({"A":null,"One":"x","Many":["x",1,"y"],"Number":7,"Float":7.0,"Flag":true,"Size":"10GB","Plain":"5","Time":"1h30m"})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->texts("A"), std::vector<std::string>());
  EXPECT_EQ(config->texts("One"), std::vector<std::string>{"x"});
  EXPECT_EQ(config->texts("Many"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(config->integer("Number"), 7);
  EXPECT_EQ(config->integer("Float"), 7);
  EXPECT_EQ(config->integer("One"), std::nullopt);
  EXPECT_EQ(config->boolean("Flag"), true);
  EXPECT_EQ(config->boolean("A"), std::nullopt);
  EXPECT_EQ(config->size("Size"), 10'000'000'000u);
  EXPECT_EQ(config->size("Plain"), 5u);
  EXPECT_EQ(config->size("Number"), 7u);
  EXPECT_EQ(config->duration("Time"), 5400 * std::int64_t{1'000'000'000});
  EXPECT_EQ(config->find("One.Below"), nullptr);
}

TEST(ConfigTest, SettingBelowATextIsAnError) {
  auto config = Config::parse(R"({"A":"text"})");
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->set("A.B", 1));
  EXPECT_EQ(config->text("A"), "text");
}

TEST(ConfigTest, SizesAndBudgets) {
  EXPECT_EQ(parse_size("1KB"), 1000u);
  EXPECT_EQ(parse_size("1KiB"), 1024u);
  EXPECT_EQ(parse_size("256kib"), 262144u);
  EXPECT_EQ(parse_size("1.5 MiB"), 1572864u);
  EXPECT_EQ(parse_budget("64M"), std::uint64_t{64} << 20);
  EXPECT_EQ(parse_budget("64MB"), std::uint64_t{64} << 20);
  EXPECT_EQ(parse_budget("1g"), std::uint64_t{1} << 30);
  for (std::string_view bad : {"", "much", "-1M", "1X", "1MM", "1e40"})
    EXPECT_FALSE(parse_budget(bad)) << bad;
}

TEST(ConfigTest, Durations) {
  EXPECT_EQ(parse_duration("300ms"), 300'000'000);
  EXPECT_EQ(parse_duration("-1.5s"), -1'500'000'000);
  EXPECT_EQ(parse_duration("0"), 0);
  for (std::string_view bad : {"", "5", "s", "1x", "1h 2m"}) EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(ConfigTest, ProfilesChangeWhatTheySay) {
  for (const Config::Profile& profile : Config::profiles()) {
    Config config = Config::defaults();
    EXPECT_TRUE(config.apply_profile(profile.name)) << profile.name;
  }
  Config config = Config::defaults();
  ASSERT_TRUE(config.apply_profile("test"));
  EXPECT_EQ(config.texts("Addresses.Swarm"), std::vector<std::string>{"/ip4/127.0.0.1/tcp/0"});
  EXPECT_TRUE(config.texts("Bootstrap").empty());
  ASSERT_TRUE(config.apply_profile("server"));
  ASSERT_TRUE(config.apply_profile("server"));
  EXPECT_EQ(config.texts("Swarm.AddrFilters").size(), 19u);
  ASSERT_TRUE(config.apply_profile("local-discovery"));
  EXPECT_TRUE(config.texts("Swarm.AddrFilters").empty());
  ASSERT_TRUE(config.apply_profile("default-networking"));
  EXPECT_EQ(config.texts("Bootstrap"), std::vector<std::string>{"auto"});
  EXPECT_FALSE(config.apply_profile("no-such"));
  ASSERT_TRUE(config.apply_profile("tv"));
  EXPECT_EQ(config.text("Memory.Budget"), "48M");
  ASSERT_TRUE(config.apply_profile("firmware"));
  EXPECT_EQ(config.text("Memory.Budget"), "16M");
  EXPECT_EQ(config.integer("Swarm.ConnMgr.HighWater"), 12);
}

}  // namespace
}  // namespace masu::core
