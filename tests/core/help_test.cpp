#include "core/cli/help.hpp"

#include <string>

#include <gtest/gtest.h>

namespace masu::core::cli {
namespace {

std::size_t widest_line(std::string_view text) {
  std::size_t widest = 0;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    widest = std::max(widest, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return widest;
}

TEST(Help, no_line_of_any_command_is_wider_than_the_terminal) {
  for (const rpc::CommandSpec* command : rpc::all_commands())
    for (std::size_t columns : {80, 100}) {
      EXPECT_LE(widest_line(long_help(*command, columns)), columns) << long_help(*command, columns);
      EXPECT_LE(widest_line(short_help(*command, columns)), columns) << short_help(*command, columns);
    }
}

TEST(Help, every_command_says_what_it_does) {
  for (const rpc::CommandSpec* command : rpc::all_commands()) {
    EXPECT_FALSE(command->tagline.empty()) << command->path;
    for (const rpc::OptionSpec& option : command->options)
      EXPECT_FALSE(option.help.empty()) << command->path << " --" << option.name;
  }
}

TEST(Help, has_kubos_layout) {
  static constexpr rpc::OptionSpec options[] = {
      {"recursive", "r", rpc::OptionType::boolean, "true",
       "Recursively pin the object linked to by the specified object(s)."},
      {"name", "n", rpc::OptionType::text, "", "An optional name for created pin(s)."},
  };
  static constexpr rpc::ArgumentSpec arguments[] = {
      {.name = "ipfs-path", .required = true, .variadic = true, .help = "Path to object(s) to be pinned."}};
  rpc::CommandSpec command{.path = "hold",
                           .tagline = "Pin objects to local storage.",
                           .description = "Create a pin.\n\n  masu hold",
                           .options = options,
                           .arguments = arguments};
  EXPECT_EQ(long_help(command), R"(USAGE
  masu hold <ipfs-path>... - Pin objects to local storage.

SYNOPSIS
  masu hold [--recursive=false] [--name=<name> | -n] [--] <ipfs-path>...

ARGUMENTS

  <ipfs-path>... - Path to object(s) to be pinned.

OPTIONS

  -r, --recursive  bool   - Recursively pin the object linked to by the
                            specified object(s). Default: true.
  -n, --name       string - An optional name for created pin(s).

DESCRIPTION

  Create a pin.

    masu hold

)");
}

}  // namespace
}  // namespace masu::core::cli
