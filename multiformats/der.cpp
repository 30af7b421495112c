#include "multiformats/der.hpp"

#include "alloc/check.hpp"

namespace masu::der {
namespace {

// The length that follows a tag. Longer forms than needed are refused.
std::optional<std::size_t> take_length(Bytes& in) {
  if (in.empty()) return std::nullopt;
  const std::size_t first = in[0];
  in = in.subspan(1);
  if (first < 0x80) return first;
  const std::size_t length_bytes = first & 0x7f;
  if (length_bytes < 1 || length_bytes > 2 || in.size() < length_bytes) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8 | in[i];
  if (length < 0x80 || (length_bytes == 2 && length < 0x100)) return std::nullopt;
  in = in.subspan(length_bytes);
  return length;
}

}  // namespace

std::optional<Bytes> take(Bytes& in, Tag tag) {
  if (in.empty() || in[0] != static_cast<std::uint8_t>(tag)) return std::nullopt;
  Bytes rest = in.subspan(1);
  const auto length = take_length(rest);
  if (!length || *length > rest.size()) return std::nullopt;
  in = rest.subspan(*length);
  return rest.first(*length);
}

std::optional<Bytes> take_unsigned(Bytes& in) {
  Bytes rest = in;
  const auto number = take(rest, Tag::integer);
  if (!number || number->empty() || (number->front() & 0x80) != 0) return std::nullopt;
  Bytes magnitude = *number;
  if (magnitude[0] == 0) {
    // The zero in front is there for a sign bit, and only then.
    if (magnitude.size() < 2 || (magnitude[1] & 0x80) == 0) return std::nullopt;
    magnitude = magnitude.subspan(1);
  }
  in = rest;
  return magnitude;
}

FixedBytes<4> header(Tag tag, std::size_t bytes) {
  MASU_CHECK(bytes < 0x10000, "an element above 64 KiB");
  FixedBytes<4> out;
  out.push_back(static_cast<std::uint8_t>(tag));
  if (bytes >= 0x100) {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(bytes >> 8));
  } else if (bytes >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(bytes));
  return out;
}

}  // namespace masu::der
