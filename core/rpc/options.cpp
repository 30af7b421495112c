#include "core/rpc/options.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace masu::core::rpc {
namespace {

bool equal_fold(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits of an integer without their underscores, and their base. Nothing: not an integer as Go has them.
struct Digits {
  std::string text;
  int base = 10;
};

std::optional<Digits> digits_of(std::string_view text) {
  Digits digits;
  bool prefixed = false;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = static_cast<char>(text[1] | 0x20);
    digits.base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
    prefixed = true;
  }
  // An underscore stands between digits, or between the prefix and a digit.
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits.text += text[i];
      continue;
    }
    const bool behind = i > 0 ? text[i - 1] != '_' : prefixed;
    if (!behind || i + 1 == text.size() || text[i + 1] == '_') return std::nullopt;
  }
  return digits;
}

template <class Integer>
std::optional<Integer> read_integer(const Digits& digits) {
  Integer value = 0;
  const char* const end = digits.text.data() + digits.text.size();
  const auto [at, error] = std::from_chars(digits.text.data(), end, value, digits.base);
  if (error != std::errc() || at != end || digits.text.empty()) return std::nullopt;
  return value;
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

struct DurationUnit {
  std::string_view name;
  double nanoseconds;
};
constexpr auto duration_units = std::to_array<DurationUnit>({{"ns", 1},
                                                             {"us", 1e3},
                                                             {"\xc2\xb5s", 1e3},
                                                             {"\xce\xbcs", 1e3},
                                                             {"ms", 1e6},
                                                             {"s", 1e9},
                                                             {"m", 60e9},
                                                             {"h", 3600e9}});

}  // namespace

std::optional<bool> parse_boolean(std::string_view text) {
  if (text.empty()) return true;
  for (const std::string_view yes : {"1", "t", "true"}) {
    if (equal_fold(text, yes)) return true;
  }
  for (const std::string_view no : {"0", "f", "false"}) {
    if (equal_fold(text, no)) return false;
  }
  return std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::optional<Digits> digits = digits_of(text);
  if (!digits || !(digits->text.empty() || digits->text[0] != '-')) return std::nullopt;
  if (negative) digits->text.insert(digits->text.begin(), '-');
  return read_integer<std::int64_t>(*digits);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  const std::optional<Digits> digits = digits_of(text);
  return digits ? read_integer<std::uint64_t>(*digits) : std::nullopt;
}

std::optional<double> parse_float(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return value;
}

std::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text) {
  const auto bad = [text] { return std::unexpected("time: invalid duration " + quoted(text)); };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return bad();
  double total = 0;
  while (!rest.empty()) {
    const auto number_end = std::ranges::find_if_not(rest, [](char c) { return is_digit(c) || c == '.'; });
    const std::string_view number(rest.begin(), number_end);
    const std::size_t points = static_cast<std::size_t>(std::ranges::count(number, '.'));
    if (points > 1 || number.size() == points) return bad();
    rest.remove_prefix(number.size());
    const auto unit_end = std::ranges::find_if(rest, [](char c) { return is_digit(c) || c == '.'; });
    const std::string_view name(rest.begin(), unit_end);
    if (name.empty()) return std::unexpected("time: missing unit in duration " + quoted(text));
    const auto unit = std::ranges::find(duration_units, name, &DurationUnit::name);
    if (unit == duration_units.end()) {
      return std::unexpected("time: unknown unit " + quoted(name) + " in duration " + quoted(text));
    }
    rest.remove_prefix(name.size());
    // from_chars knows no ".5".
    const std::string padded = '0' + std::string(number);
    double value = 0;
    std::from_chars(padded.data(), padded.data() + padded.size(), value);
    total += value * unit->nanoseconds;
    if (total >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return bad();
  }
  const auto nanoseconds = static_cast<std::int64_t>(std::llround(total));
  return std::chrono::nanoseconds(negative ? -nanoseconds : nanoseconds);
}

std::string_view name_of(OptionType type) {
  switch (type) {
    case OptionType::boolean: return "bool";
    case OptionType::integer: return "int";
    case OptionType::unsigned_integer: return "uint";
    case OptionType::floating: return "float64";
    case OptionType::text: return "string";
    case OptionType::texts: return "array";
  }
  return "";
}

OptionValues::OptionValues(const CommandSpec& spec, std::span<const OptionSpec> global) {
  declare(spec.options);
  for (std::size_t end = spec.path.rfind(' '); end != std::string_view::npos;
       end = spec.path.substr(0, end).rfind(' ')) {
    const CommandSpec* const family = find_command(spec.path.substr(0, end));
    if (family != nullptr) declare(family->options);
  }
  declare(global);
}

void OptionValues::declare(std::span<const OptionSpec> options) { known_.push_back(options); }

const OptionSpec* OptionValues::find(std::string_view name) const {
  if (name.empty()) return nullptr;
  for (const std::span<const OptionSpec> options : known_) {
    for (const OptionSpec& option : options) {
      if (option.name == name || option.short_name == name) return &option;
    }
  }
  return nullptr;
}

std::expected<void, std::string> OptionValues::add(const OptionSpec& option, std::string_view text) {
  const auto fits = [&option, text] {
    switch (option.type) {
      case OptionType::boolean: return parse_boolean(text).has_value();
      case OptionType::integer: return parse_integer(text).has_value();
      case OptionType::unsigned_integer: return parse_unsigned(text).has_value();
      case OptionType::floating: return parse_float(text).has_value();
      case OptionType::text:
      case OptionType::texts: return true;
    }
    return false;
  };
  const std::string_view name = option.name.empty() ? option.short_name : option.name;
  if (!fits()) {
    return std::unexpected("could not convert " + (text.empty() ? "empty value" : "value " + quoted(text)) +
                           " to type " + quoted(name_of(option.type)) + " (for option \"-" +
                           std::string(name) + "\")");
  }
  auto at = std::ranges::find(values_, &option, &Value::option);
  if (at == values_.end()) at = values_.insert(at, Value{&option, {}});
  at->texts.emplace_back(text);
  if (at->texts.size() > 1 && option.type != OptionType::texts) {
    std::string error = "expected key " + std::string(name) + " to have only a single value, received [";
    for (std::size_t i = 0; i < at->texts.size(); ++i) error += (i == 0 ? "" : " ") + at->texts[i];
    return std::unexpected(error + "]");
  }
  return {};
}

const OptionValues::Value* OptionValues::value(std::string_view name) const {
  const auto at = std::ranges::find_if(values_, [name](const Value& v) { return v.option->name == name; });
  return at == values_.end() ? nullptr : &*at;
}

std::string_view OptionValues::text_or_default(std::string_view name) const {
  if (const Value* const found = value(name)) return found->texts.front();
  const OptionSpec* const option = find(name);
  return option == nullptr ? std::string_view() : option->default_text;
}

bool OptionValues::given(std::string_view name) const { return value(name) != nullptr; }

bool OptionValues::flag(std::string_view name) const {
  if (const Value* const found = value(name)) return parse_boolean(found->texts.front()).value_or(false);
  const std::string_view text = text_or_default(name);
  return !text.empty() && parse_boolean(text).value_or(false);
}

std::optional<std::int64_t> OptionValues::integer(std::string_view name) const {
  const std::string_view text = text_or_default(name);
  if (const auto value = parse_integer(text)) return value;
  // An unsigned number above the signed ones means "as much as there is".
  if (parse_unsigned(text)) return std::numeric_limits<std::int64_t>::max();
  return std::nullopt;
}

std::optional<double> OptionValues::floating(std::string_view name) const {
  return parse_float(text_or_default(name));
}

std::string_view OptionValues::text(std::string_view name) const { return text_or_default(name); }

std::span<const std::string> OptionValues::texts(std::string_view name) const {
  const Value* const found = value(name);
  return found == nullptr ? std::span<const std::string>() : std::span<const std::string>(found->texts);
}

std::expected<void, std::string> check_arguments(const CommandSpec& spec, std::size_t count) {
  std::size_t required = 0;
  for (const ArgumentSpec& argument : spec.arguments) {
    if (argument.is_file) continue;
    if (!argument.required) break;
    if (++required > count && !argument.accepts_stdin) {
      return std::unexpected("argument " + quoted(argument.name) + " is required");
    }
  }
  return {};
}

}  // namespace masu::core::rpc
