// OptionValues: the options of one call, from text to typed values, for a request's query and for the words
// of a command line alike.
//
// Known are the options of the command, of the families above it ("files" gives its own to "files ls") and
// the global ones. Text is read as Go reads it: booleans ("true", "T", "1"), integers with 0x, 0o, 0b or 0 in
// front and underscores, durations ("1h30m"). A value of its own with one owner; any thread. What is in it
// came out of one request, whose size is bounded.
#pragma once

#include "core/rpc/command.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace masu::core::rpc {

std::optional<bool> parse_boolean(std::string_view text);  // empty: true, as in `?recursive`
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<std::uint64_t> parse_unsigned(std::string_view text);
std::optional<double> parse_float(std::string_view text);
// The error is Go's text: `time: missing unit in duration "5"`.
std::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text);

// What Kubo calls the type in its messages: "bool", "int", "string".
std::string_view name_of(OptionType type);

class OptionValues {
 public:
  // The command's own options, those of its families, and the global ones.
  OptionValues(const CommandSpec& spec, std::span<const OptionSpec> global);
  // More options that are known (families that are in no table).
  void declare(std::span<const OptionSpec> options);

  // By its name or its short name; null: not known.
  const OptionSpec* find(std::string_view name) const;
  // One value for a known option. The error says what is wrong with the text, or that a second value was
  // given to an option that takes one. Requires: `option` came from find().
  std::expected<void, std::string> add(const OptionSpec& option, std::string_view text);

  // Of options by name (never the short one); names that are not known are "not given".
  bool given(std::string_view name) const;
  bool flag(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<double> floating(std::string_view name) const;
  std::string_view text(std::string_view name) const;
  std::span<const std::string> texts(std::string_view name) const;

 private:
  struct Value {
    const OptionSpec* option = nullptr;
    std::vector<std::string> texts;
  };
  const Value* value(std::string_view name) const;
  std::string_view text_or_default(std::string_view name) const;

  std::vector<std::span<const OptionSpec>> known_;
  std::vector<Value> values_;
};

// Whether `count` text arguments are enough for the command; the error names the one that is missing. An
// argument that may come from standard input, or travels as a file, is not looked for.
std::expected<void, std::string> check_arguments(const CommandSpec& spec, std::size_t count);

}  // namespace masu::core::rpc
