#include "core/rpc/commands/go_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

namespace masu::core::rpc::commands {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

// `value` with up to `digits` decimals of `unit`, without zeros at the end.
std::string with_fraction(std::uint64_t value, std::uint64_t unit, int digits) {
  std::string text = std::to_string(value / unit);
  std::string fraction = std::to_string(value % unit + unit).substr(1);
  fraction.resize(static_cast<std::size_t>(digits));
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return fraction.empty() ? text : text + "." + fraction;
}

// The code point at the front and its length; a byte that begins none is one of its own.
struct Rune {
  std::uint32_t code;
  std::size_t bytes;
  bool valid;
};
Rune next_rune(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return {first, 1, false};
  std::uint32_t code = first & (0x7fu >> length);
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return {first, 1, false};
    code = code << 6 | (byte(at) & 0x3f);
  }
  const bool shortest = (length == 2) || (length == 3 && code >= 0x800) || (length == 4 && code >= 0x10000);
  const bool valid = shortest && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return valid ? Rune{code, length, true} : Rune{first, 1, false};
}

// The shortest text that reads as the same number; an exponent only when it is very large or very small.
void append_number(std::string& out, double number) {
  const double size = std::abs(number);
  const bool plain = size == 0 || (size >= 1e-6 && size < 1e21);
  std::array<char, 64> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  out.append(text.data(), end.ptr);
}

// Unicode's Cc and Cf, as far as they are assigned.
bool is_control_or_format(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  static constexpr std::array<std::array<std::uint32_t, 2>, 20> format = {
      {{0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},
       {0x890, 0x891},     {0x8e2, 0x8e2},     {0x180e, 0x180e},   {0x200b, 0x200f},   {0x202a, 0x202e},
       {0x2060, 0x2064},   {0x2066, 0x206f},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd},
       {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0001, 0xe007f}}};
  for (const auto& range : format) {
    if (code >= range[0] && code <= range[1]) return true;
  }
  return false;
}

}  // namespace

std::string go_duration(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  if (count < 0) return "-" + go_duration(-duration);
  const auto nanos = static_cast<std::uint64_t>(count);
  if (nanos < 1000) return std::to_string(nanos) + "ns";
  if (nanos < 1000 * 1000) return with_fraction(nanos, 1000, 3) + "µs";
  if (nanos < 1000 * 1000 * 1000) return with_fraction(nanos, 1000 * 1000, 6) + "ms";
  constexpr std::uint64_t second = 1000ull * 1000 * 1000;
  const std::uint64_t minutes = nanos / second / 60;
  std::string text;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + with_fraction(nanos % (60 * second), second, 9) + "s";
}

std::string humanize_bytes(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 7> units = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  std::array<char, 32> text;
  if (bytes < 10) return std::to_string(bytes) + " B";
  const auto unit =
      static_cast<std::size_t>(std::floor(std::log(static_cast<double>(bytes)) / std::log(1000.0)));
  const double value =
      std::floor(static_cast<double>(bytes) / std::pow(1000.0, static_cast<double>(unit)) * 10 + 0.5) / 10;
  std::snprintf(text.data(), text.size(), value < 10 ? "%.1f " : "%.0f ", value);
  return text.data() + std::string(units[unit]);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const Rune rune = next_rune(text);
    const std::string_view bytes = text.substr(0, rune.bytes);
    text.remove_prefix(rune.bytes);
    if (!rune.valid) {
      out += "\\ufffd";
      continue;
    }
    switch (rune.code) {
      case '"': out += "\\\""; continue;
      case '\\': out += "\\\\"; continue;
      case '\n': out += "\\n"; continue;
      case '\r': out += "\\r"; continue;
      case '\t': out += "\\t"; continue;
      case '\b': out += "\\b"; continue;
      case '\f': out += "\\f"; continue;
      default: break;
    }
    const bool escaped = rune.code < 0x20 || rune.code == '<' || rune.code == '>' || rune.code == '&' ||
                         rune.code == 0x2028 || rune.code == 0x2029;
    if (!escaped) {
      out += bytes;
      continue;
    }
    std::array<char, 16> code;
    std::snprintf(code.data(), code.size(), "\\u%04x", rune.code);
    out += code.data();
  }
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

void append_json(std::string& out, const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: out += "null"; return;
    case boost::json::kind::bool_: out += value.as_bool() ? "true" : "false"; return;
    case boost::json::kind::int64: out += std::to_string(value.as_int64()); return;
    case boost::json::kind::uint64: out += std::to_string(value.as_uint64()); return;
    case boost::json::kind::double_: return append_number(out, value.as_double());
    case boost::json::kind::string: return append_json_string(out, value.as_string());
    case boost::json::kind::array: {
      out += '[';
      for (std::size_t at = 0; at < value.as_array().size(); ++at) {
        if (at > 0) out += ',';
        append_json(out, value.as_array()[at]);
      }
      out += ']';
      return;
    }
    case boost::json::kind::object: {
      out += '{';
      bool first = true;
      for (const auto& [key, item] : value.as_object()) {
        if (!std::exchange(first, false)) out += ',';
        append_json_string(out, key);
        out += ':';
        append_json(out, item);
      }
      out += '}';
    }
  }
}

std::string clean_text(std::string_view text) {
  constexpr std::size_t runes_max = 128;
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::string out;
  for (std::size_t runes = 0; !text.empty() && runes < runes_max; ++runes) {
    const Rune rune = next_rune(text);
    out += rune.valid && !is_control_or_format(rune.code) ? text.substr(0, rune.bytes) : replacement;
    text.remove_prefix(rune.bytes);
  }
  return out;
}

}  // namespace masu::core::rpc::commands
