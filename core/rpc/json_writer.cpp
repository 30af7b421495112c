#include "core/rpc/json_writer.hpp"

#include "alloc/check.hpp"

#include <charconv>
#include <cmath>
#include <cstring>

namespace masu::core::rpc {
namespace {

constexpr std::size_t escape_bytes_max = 6;

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// As strconv and encoding/json have it: an exponent only for the very large and the very small.
char* put_number(char* out, double value) {
  const double size = std::fabs(value);
  if (!std::isfinite(value)) return put(out, "null");
  const bool plain = size == 0 || (size >= 1e-6 && size < 1e21);
  char* const end =
      std::to_chars(out, out + 40, value, plain ? std::chars_format::fixed : std::chars_format::scientific)
          .ptr;
  // "1e-07" is "1e-7".
  if (!plain && end - out >= 4 && end[-4] == 'e' && end[-2] == '0') {
    end[-2] = end[-1];
    return end - 1;
  }
  return end;
}

// The length of the UTF-8 sequence in front, 0 when it is none.
std::size_t sequence_size(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : size;
}

// The escape of the character in front, or nothing: it stands for itself.
std::string_view escape_of(std::string_view text, std::size_t size, char (&buffer)[escape_bytes_max]) {
  const char c = text[0];
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
  }
  if (size == 0) return "\\ufffd";
  if (size == 3 && text.substr(0, 2) == "\xe2\x80" && (text[2] == '\xa8' || text[2] == '\xa9')) {
    return text[2] == '\xa8' ? "\\u2028" : "\\u2029";
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && c != '<' && c != '>' && c != '&') return {};
  put(buffer, "\\u00");
  buffer[4] = "0123456789abcdef"[byte >> 4];
  buffer[5] = "0123456789abcdef"[byte & 15];
  return {buffer, escape_bytes_max};
}

// What Go's encoder copies as it is.
bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

}  // namespace

JsonWriter::JsonWriter(const boost::json::value& value, std::pmr::memory_resource& memory)
    : levels_(&memory), first_(&value) {}

std::size_t JsonWriter::fill(MutableBytes out) {
  MASU_CHECK(out.size() >= space_bytes_min, "a piece of JSON has room");
  char* const begin_of_out = reinterpret_cast<char*>(out.data());
  char* const end = begin_of_out + out.size();
  char* at = begin_of_out;
  while (static_cast<std::size_t>(end - at) >= space_bytes_min) {
    if (in_text_) {
      copy_text(at, end);
    } else if (first_ != nullptr) {
      begin(*std::exchange(first_, nullptr), at);
    } else if (!levels_.empty()) {
      step(at);
    } else {
      break;
    }
  }
  return static_cast<std::size_t>(at - begin_of_out);
}

void JsonWriter::copy_text(char*& out, const char* end) {
  while (!text_.empty() && static_cast<std::size_t>(end - out) > escape_bytes_max) {
    if (is_plain(text_[0])) {
      *out++ = text_[0];
      text_.remove_prefix(1);
      continue;
    }
    const std::size_t size = sequence_size(text_);
    char buffer[escape_bytes_max];
    const std::string_view escape = escape_of(text_, size, buffer);
    const std::size_t used = size == 0 ? 1 : size;
    out = put(out, escape.empty() ? text_.substr(0, used) : escape);
    text_.remove_prefix(used);
  }
  if (!text_.empty()) return;
  *out++ = '"';
  in_text_ = false;
}

void JsonWriter::begin(const boost::json::value& value, char*& out) {
  switch (value.kind()) {
    case boost::json::kind::null: out = put(out, "null"); break;
    case boost::json::kind::bool_: out = put(out, value.get_bool() ? "true" : "false"); break;
    case boost::json::kind::int64: out = std::to_chars(out, out + 24, value.get_int64()).ptr; break;
    case boost::json::kind::uint64: out = std::to_chars(out, out + 24, value.get_uint64()).ptr; break;
    case boost::json::kind::double_: out = put_number(out, value.get_double()); break;
    case boost::json::kind::string:
      *out++ = '"';
      text_ = value.get_string();
      in_text_ = true;
      break;
    case boost::json::kind::array:
      *out++ = '[';
      levels_.push_back({&value});
      break;
    case boost::json::kind::object:
      *out++ = '{';
      levels_.push_back({&value});
      break;
  }
}

// One element of the innermost container, or its end.
void JsonWriter::step(char*& out) {
  Level& level = levels_.back();
  if (const auto* const array = level.container->if_array()) {
    if (level.next == array->size()) {
      *out++ = ']';
      levels_.pop_back();
      return;
    }
    if (level.next > 0) *out++ = ',';
    return begin((*array)[level.next++], out);  // may move the levels
  }
  const auto& object = level.container->get_object();
  if (level.value_due) {
    *out++ = ':';
    level.value_due = false;
    return begin((object.begin() + static_cast<std::ptrdiff_t>(level.next++))->value(), out);
  }
  if (level.next == object.size()) {
    *out++ = '}';
    levels_.pop_back();
    return;
  }
  if (level.next > 0) *out++ = ',';
  *out++ = '"';
  text_ = (object.begin() + static_cast<std::ptrdiff_t>(level.next))->key();
  in_text_ = true;
  level.value_due = true;
}

}  // namespace masu::core::rpc
