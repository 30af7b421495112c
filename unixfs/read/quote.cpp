#include "unixfs/read/quote.hpp"

#include <cstdint>

namespace masu::unixfs {
namespace {

struct Rune {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// One character of UTF-8: no overlong forms, no surrogates.
Rune take_rune(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {lead, 1, false};
  std::uint32_t code = lead & (0xffu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {lead, 1, false};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {lead, 1, false};
  return {code, bytes, true};
}

// Control and format characters, spaces other than ' ', separators, private use and noncharacters.
bool printable(std::uint32_t code) {
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr Range hidden[] = {
      {0x00, 0x1f},       {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},      {0x61c, 0x61c},
      {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x1680, 0x1680},   {0x180e, 0x180e},    {0x2000, 0x200f},
      {0x2028, 0x202f},   {0x205f, 0x206f},   {0x3000, 0x3000},   {0xe000, 0xf8ff},    {0xfdd0, 0xfdef},
      {0xfeff, 0xfeff},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x110bd, 0x110bd},  {0x1bca0, 0x1bca3},
      {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff}, {0xe0000, 0xe00ff}, {0xf0000, 0x10ffff},
  };
  for (const Range& range : hidden) {
    if (code >= range.first && code <= range.last) return false;
  }
  return true;
}

void put_hex(std::string& out, std::string_view prefix, std::uint32_t value, int digits) {
  out += prefix;
  for (int i = digits - 1; i >= 0; --i) out += "0123456789abcdef"[value >> (4 * i) & 15];
}

void put_escaped(std::string& out, const Rune& rune, std::string_view bytes) {
  if (!rune.valid) return put_hex(out, "\\x", rune.code, 2);
  switch (rune.code) {
    case '\\': out += "\\\\"; return;
    case '\a': out += "\\a"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\v': out += "\\v"; return;
    default: break;
  }
  if (printable(rune.code)) {
    out += bytes;
  } else if (rune.code < 0x20 || rune.code == 0x7f) {
    put_hex(out, "\\x", rune.code, 2);
  } else if (rune.code <= 0xffff) {
    put_hex(out, "\\u", rune.code, 4);
  } else {
    put_hex(out, "\\U", rune.code, 8);
  }
}

std::string escape(std::string_view text, std::string_view double_quote) {
  std::string out;
  while (!text.empty()) {
    const Rune rune = take_rune(text);
    if (rune.code == '"') {
      out += double_quote;
    } else {
      put_escaped(out, rune, text.substr(0, rune.bytes));
    }
    text.remove_prefix(rune.bytes);
  }
  return out;
}

}  // namespace

std::string quote(std::string_view text) { return '"' + escape(text, "\\\"") + '"'; }

std::string escape_unprintable(std::string_view text) {
  for (std::string_view rest = text; !rest.empty();) {
    const Rune rune = take_rune(rest);
    if (rune.code == '\\' || (rune.valid && !printable(rune.code))) return escape(text, "\"");
    rest.remove_prefix(rune.bytes);
  }
  return std::string(text);
}

}  // namespace masu::unixfs
