#include "core/cli/parse.hpp"

#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

namespace masu::core::cli {
namespace {

std::expected<Invocation, std::string> parse(std::initializer_list<std::string_view> words) {
  return parse_words(std::vector<std::string_view>(words));
}

std::string error_of(std::initializer_list<std::string_view> words) {
  auto result = parse(words);
  return result ? "none" : result.error();
}

TEST(Parse, nothing_is_the_root) {
  auto result = parse({});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->command->path, "");
}

TEST(Parse, words_name_a_command_and_its_arguments) {
  auto result = parse({"config", "Addresses.API", "x"});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->command->path, "config");
  EXPECT_EQ(result->arguments, (std::vector<std::string>{"Addresses.API", "x"}));
  EXPECT_EQ(parse({"config", "show"})->command->path, "config show");
}

TEST(Parse, options_stand_anywhere_and_take_values_in_each_form) {
  for (auto words : {std::vector<std::string_view>{"--timeout=3s", "version"},
                     {"--timeout", "3s", "version"},
                     {"version", "--timeout=3s"},
                     {"version", "--timeout", "3s"}}) {
    auto result = parse_words(words);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->command->path, "version");
    EXPECT_EQ(result->text("timeout"), "3s");
  }
  EXPECT_EQ(parse({"version", "-c", "file"})->text("config"), "file");
  EXPECT_EQ(parse({"version", "-cfile"})->text("config"), "file");
  EXPECT_EQ(parse({"version", "-c=file"})->text("config"), "file");
}

TEST(Parse, boolean_letters_may_share_a_dash) {
  auto result = parse({"version", "-nD"});
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->flag("number"));
  EXPECT_TRUE(result->flag("debug"));
  EXPECT_FALSE(result->flag("commit"));
}

TEST(Parse, booleans_take_a_value_only_behind_an_equals_sign) {
  EXPECT_FALSE(parse({"version", "--number=false"})->flag("number"));
  EXPECT_FALSE(parse({"version", "-n=F"})->flag("number"));
  EXPECT_TRUE(parse({"version", "--number="})->flag("number"));
  EXPECT_EQ(parse({"config", "--json", "false"})->arguments.size(), 1U);
  EXPECT_EQ(error_of({"version", "--number=maybe"}), "strconv.ParseBool: parsing \"maybe\": invalid syntax");
}

TEST(Parse, two_dashes_end_the_options) {
  auto result = parse({"config", "--", "--json", "-x"});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->arguments, (std::vector<std::string>{"--json", "-x"}));
  EXPECT_EQ(parse({"config", "-"})->arguments.front(), "-");
}

TEST(Parse, a_subcommand_takes_the_options_of_those_above_it) {
  EXPECT_TRUE(parse({"config", "show", "--json"})->flag("json"));
}

TEST(Parse, usage_errors_are_those_of_kubo) {
  EXPECT_EQ(error_of({"version", "--nothing"}), "unknown option \"nothing\"");
  EXPECT_EQ(error_of({"version", "--nothing=1"}), "unknown option \"nothing\"");
  EXPECT_EQ(error_of({"version", "-nz"}), "unknown option \"nz\"");
  EXPECT_EQ(error_of({"version", "--timeout"}), "missing argument for option \"timeout\"");
  EXPECT_EQ(error_of({"version", "--timeout=1s", "--timeout=2s"}), "multiple values for option \"timeout\"");
  EXPECT_EQ(error_of({"no-such-command"}), "Unknown Command \"no-such-command\"\n");
  EXPECT_EQ(error_of({"versio"}), "Unknown Command \"versio\"\n\nDid you mean this?\n\n\tversion");
  EXPECT_EQ(error_of({"pin nothing"}), "Unknown Command \"pin nothing\"\n\nDid you mean this?\n\n\tpin");
  EXPECT_EQ(error_of({std::string(100'000, 'x')}).size(), 100'019U);
}

TEST(ParseValue, reads_numbers_as_go_does) {
  using rpc::OptionType;
  auto number = [](std::string_view text) {
    auto result = parse_value(OptionType::integer, text);
    return result ? *result : result.error();
  };
  EXPECT_EQ(number("12"), "12");
  EXPECT_EQ(number("-12"), "-12");
  EXPECT_EQ(number("+0x1F"), "31");
  EXPECT_EQ(number("0b101"), "5");
  EXPECT_EQ(number("0o17"), "15");
  EXPECT_EQ(number("017"), "15");
  EXPECT_EQ(number("1_000"), "1000");
  EXPECT_EQ(number("abc"), "strconv.ParseInt: parsing \"abc\": invalid syntax");
  EXPECT_EQ(number(""), "strconv.ParseInt: parsing \"\": invalid syntax");
  for (std::string_view bad : {"1__0", "1_", "--1", "+-1", "0x", "1.5", "09"})
    EXPECT_TRUE(number(bad).ends_with("invalid syntax")) << bad;
  EXPECT_EQ(number("9223372036854775808"),
            "strconv.ParseInt: parsing \"9223372036854775808\": value out of range");
  EXPECT_EQ(parse_value(OptionType::unsigned_integer, "18446744073709551615"), "18446744073709551615");
  EXPECT_FALSE(parse_value(OptionType::unsigned_integer, "-1"));
  EXPECT_FALSE(parse_value(OptionType::floating, "1e999"));
  EXPECT_EQ(parse_value(OptionType::floating, "2.5"), "2.5");
}

}  // namespace
}  // namespace masu::core::cli
