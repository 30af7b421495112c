// Invocation: the words of a command line, read by the spec of the command they name.
//
// Syntax and errors are those of Kubo: options anywhere among the words, `--name=value`, `--name value`, `-n
// value`, `-nvalue`, several boolean letters behind one dash, `--` before arguments that begin with a dash.
// A command takes the options of the commands above it too. Values are checked here and kept in the form that
// the RPC takes (numbers in decimal, booleans as "true" or "false"). Plain values; no IO.
#pragma once

#include "core/rpc/command.hpp"

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace masu::core::cli {

struct GivenOption {
  const rpc::OptionSpec* spec;
  std::string value;
};

struct Invocation {
  const rpc::CommandSpec* command;  // the root's when there was no command
  std::vector<GivenOption> options;
  std::vector<std::string> arguments;

  // By the option's name, as the user gave it; nothing: not given.
  std::optional<std::string_view> given(std::string_view option) const;
  // Given, else the default.
  bool flag(std::string_view option) const;
  std::string_view text(std::string_view option) const;
  std::vector<std::string> texts(std::string_view option) const;
};

// The error is a message for the user.
std::expected<Invocation, std::string> parse_words(std::span<const std::string_view> words);

// Whether `value` is one for an option of this type, and how the RPC writes it. The error is Kubo's, which is
// Go's.
std::expected<std::string, std::string> parse_value(rpc::OptionType type, std::string_view value);

// The message about a word that is no command, with those it may have meant.
std::string unknown_command(std::string_view word);

}  // namespace masu::core::cli
