#include "core/cli/quote.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

namespace masu::core::cli {
namespace {

constexpr char32_t invalid = 0xffffffff;

// The next code point and how many bytes it has; `invalid`, 1 for a byte that begins none.
struct Rune {
  char32_t code = invalid;
  std::size_t bytes = 1;
};

Rune next_rune(std::string_view text) {
  auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
  char32_t code = first & (0xffU >> (bytes + 1));
  for (std::size_t at = 1; at < bytes; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(at) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, bytes};
}

// Not controls, not the spaces and formats that would move or hide what follows.
bool is_print(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0xad) return false;
  if (code >= 0x2000 && code <= 0x200f) return false;
  if ((code >= 0x2028 && code <= 0x202f) || (code >= 0x205f && code <= 0x206f)) return false;
  if (code == 0x3000 || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb)) return false;
  return !(code >= 0xe000 && code <= 0xf8ff) && code < 0xe0000;
}

void append_formatted(std::string& out, const char* format, unsigned value) {
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), format, value);
  out += text.data();
}

void append_escaped(std::string& out, Rune rune, unsigned char first) {
  constexpr std::string_view letters = "abtnvfr";  // from 7 on
  if (rune.code >= 7 && rune.code < 7 + letters.size())
    out.append({'\\', letters[rune.code - 7]});
  else if (rune.code == '\\')
    out += "\\\\";
  else if (rune.code == invalid || rune.code < 0x80)
    append_formatted(out, "\\x%02x", first);
  else if (rune.code < 0x10000)
    append_formatted(out, "\\u%04x", unsigned(rune.code));
  else
    append_formatted(out, "\\U%08x", unsigned(rune.code));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  bool changed = false;
  for (std::string_view rest = text; !rest.empty();) {
    Rune rune = next_rune(rest);
    if (rune.code != invalid && rune.code != '\\' && is_print(rune.code)) {
      out += rest.substr(0, rune.bytes);
    } else {
      append_escaped(out, rune, static_cast<unsigned char>(rest[0]));
      changed = true;
    }
    rest.remove_prefix(rune.bytes);
  }
  return changed ? out : std::string(text);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : printable(text)) {
    if (c == '"') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace masu::core::cli
