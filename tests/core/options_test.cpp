#include "core/rpc/options.hpp"

#include "core/rpc/global_options.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <string>

namespace masu::core::rpc {
namespace {

using namespace std::chrono_literals;

TEST(OptionText, BooleansAreThoseOfGo) {
  for (const char* yes : {"", "1", "t", "T", "true", "TRUE", "tRue"})
    EXPECT_EQ(parse_boolean(yes), true) << yes;
  for (const char* no : {"0", "f", "F", "false", "FALSE"}) EXPECT_EQ(parse_boolean(no), false) << no;
  for (const char* bad : {"yes", "no", "2", "tr", " true"})
    EXPECT_EQ(parse_boolean(bad), std::nullopt) << bad;
}

TEST(OptionText, IntegersHaveGoPrefixesAndUnderscores) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-17"), -17);
  EXPECT_EQ(parse_integer("+17"), 17);
  EXPECT_EQ(parse_integer("0x1F"), 31);
  EXPECT_EQ(parse_integer("0b101"), 5);
  EXPECT_EQ(parse_integer("0o17"), 15);
  EXPECT_EQ(parse_integer("017"), 15);
  EXPECT_EQ(parse_integer("0x_1f"), 31);
  EXPECT_EQ(parse_integer("1_000"), 1000);
  EXPECT_EQ(parse_integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_unsigned("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  for (const char* bad : {"", "-", "+", "--1", "+-1", "1.5", "09", "0x", "_1", "1_", "1__0", "1e3", " 1",
                          "1 ", "9223372036854775808"}) {
    EXPECT_EQ(parse_integer(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_unsigned("-1"), std::nullopt);
}

TEST(OptionText, DurationsAddTheirParts) {
  EXPECT_EQ(parse_duration("300ms"), 300ms);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration(".5s"), 500ms);
  EXPECT_EQ(parse_duration("5.s"), 5s);
  EXPECT_EQ(parse_duration("-2us"), -2us);
  EXPECT_EQ(parse_duration("7\xc2\xb5s"), 7us);
  EXPECT_EQ(parse_duration("0"), 0ns);
}

TEST(OptionText, DurationErrorsReadAsInGo) {
  EXPECT_EQ(parse_duration("5").error(), "time: missing unit in duration \"5\"");
  EXPECT_EQ(parse_duration("5y").error(), "time: unknown unit \"y\" in duration \"5y\"");
  for (const char* bad : {"", "-", "s", ".s", "1..2s", "soon", "9999999999h"}) {
    EXPECT_EQ(parse_duration(bad).error(), "time: invalid duration \"" + std::string(bad) + "\"");
  }
}

constexpr auto own_options = std::to_array<OptionSpec>({
    {"recursive", "r", OptionType::boolean, "true", ""},
    {"offset", "o", OptionType::integer, "", ""},
    {"count", "", OptionType::unsigned_integer, "7", ""},
    {"rate", "", OptionType::floating, "", ""},
    {"name", "n", OptionType::text, "", ""},
    {"event", "", OptionType::texts, "", ""},
});
constexpr auto own_arguments = std::to_array<ArgumentSpec>({
    {.name = "from", .required = true},
    {.name = "data", .required = true, .is_file = true},
    {.name = "path", .required = true, .variadic = true, .accepts_stdin = true},
});
constexpr CommandSpec spec{.path = "pin probe", .options = own_options, .arguments = own_arguments};

std::expected<void, std::string> give(OptionValues& values, std::string_view name, std::string_view text) {
  return values.add(*values.find(name), text);
}

TEST(OptionValues, DefaultsHoldUntilAValueIsGiven) {
  OptionValues values(spec, global_options());
  EXPECT_TRUE(values.flag("recursive"));
  EXPECT_FALSE(values.given("recursive"));
  EXPECT_EQ(values.integer("offset"), std::nullopt);
  EXPECT_EQ(values.integer("count"), 7);
  EXPECT_EQ(values.text("name"), "");
  EXPECT_TRUE(values.texts("event").empty());
  EXPECT_FALSE(values.flag("offline"));

  ASSERT_TRUE(give(values, "r", "false"));
  ASSERT_TRUE(give(values, "offset", "-3"));
  ASSERT_TRUE(give(values, "rate", "2.5"));
  ASSERT_TRUE(give(values, "offline", ""));
  ASSERT_TRUE(give(values, "event", "a"));
  ASSERT_TRUE(give(values, "event", "b"));
  EXPECT_FALSE(values.flag("recursive"));
  EXPECT_TRUE(values.given("recursive"));
  EXPECT_EQ(values.integer("offset"), -3);
  EXPECT_EQ(values.floating("rate"), 2.5);
  EXPECT_TRUE(values.flag("offline"));
  EXPECT_EQ(values.texts("event").size(), 2u);
}

TEST(OptionValues, UnknownNamesAreNotFound) {
  const OptionValues values(spec, global_options());
  EXPECT_EQ(values.find("nonsense"), nullptr);
  EXPECT_EQ(values.find(""), nullptr);
  EXPECT_FALSE(values.given("nonsense"));
  EXPECT_FALSE(values.flag("nonsense"));
}

TEST(OptionValues, ASecondValueIsRefusedByEitherName) {
  OptionValues values(spec, global_options());
  ASSERT_TRUE(give(values, "n", "a"));
  EXPECT_EQ(give(values, "name", "b").error(),
            "expected key name to have only a single value, received [a b]");
}

TEST(OptionValues, ABadValueNamesItsOption) {
  OptionValues values(spec, global_options());
  EXPECT_EQ(give(values, "r", "maybe").error(),
            "could not convert value \"maybe\" to type \"bool\" (for option \"-recursive\")");
  EXPECT_EQ(give(values, "offset", "").error(),
            "could not convert empty value to type \"int\" (for option \"-offset\")");
}

TEST(OptionValues, UnsignedNumbersAboveTheSignedOnesAreTheLargest) {
  OptionValues values(spec, global_options());
  ASSERT_TRUE(give(values, "count", "18446744073709551615"));
  EXPECT_EQ(values.integer("count"), std::numeric_limits<std::int64_t>::max());
}

TEST(CheckArguments, FilesAndStandardInputAreNotLookedFor) {
  EXPECT_EQ(check_arguments(spec, 0).error(), "argument \"from\" is required");
  EXPECT_TRUE(check_arguments(spec, 1));
  EXPECT_TRUE(check_arguments(spec, 5));
}

}  // namespace
}  // namespace masu::core::rpc
