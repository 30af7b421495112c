#include "core/rpc/command.hpp"
#include "core/rpc/global_options.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace masu::core::rpc {
namespace {

TEST(CommandTable, is_sorted_and_finds_each_command) {
  EXPECT_TRUE(std::ranges::is_sorted(all_commands(), {}, &CommandSpec::path));
  for (const CommandSpec* spec : all_commands()) EXPECT_EQ(find_command(spec->path), spec) << spec->path;
  EXPECT_EQ(find_command("no such"), nullptr);
  EXPECT_EQ(find_command("pi"), nullptr);
}

TEST(CommandTable, every_command_has_its_parents) {
  for (const CommandSpec* spec : all_commands()) {
    if (spec->path.find(' ') == spec->path.npos) continue;
    EXPECT_NE(find_command(spec->path.substr(0, spec->path.rfind(' '))), nullptr) << spec->path;
  }
}

// An option of a command that has the name of a global one would be read twice, with two meanings.
TEST(CommandTable, options_are_named_once) {
  for (const CommandSpec* spec : all_commands()) {
    std::set<std::string_view> seen;
    auto check = [&](const OptionSpec& option) {
      for (std::string_view name : {option.name, option.short_name}) {
        if (name.empty()) continue;
        EXPECT_TRUE(seen.insert(name).second) << spec->path << " --" << name;
      }
    };
    std::ranges::for_each(spec->options, check);
    std::ranges::for_each(global_options(), check);
  }
}

TEST(CommandTable, only_the_last_arguments_may_be_left_out_or_repeated) {
  for (const CommandSpec* spec : all_commands())
    for (std::size_t at = 0; at + 1 < spec->arguments.size(); ++at)
      EXPECT_FALSE(spec->arguments[at].variadic) << spec->path;
}

TEST(GlobalOptions, are_found_by_either_name) {
  const CommandSpec command{};
  EXPECT_EQ(find_option(command, "enc"), find_option(command, "encoding"));
  EXPECT_EQ(find_option(command, "timeout")->type, OptionType::text);
  EXPECT_EQ(find_option(command, "nothing"), nullptr);
  EXPECT_EQ(find_option(command, ""), nullptr);
}

}  // namespace
}  // namespace masu::core::rpc
