// The protobuf wire format, as far as dag-pb and UnixFS use it: tags, varints, length-delimited and fixed
// fields.
//
// Reading goes through a Rope and never trusts a length: a claim beyond the bytes that are there is an error.
// Writing appends to a growing buffer whose memory has a holder. Spec:
// protobuf.dev/programming-guides/encoding.
#pragma once

#include "alloc/rope.hpp"

#include <bit>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

namespace masu::store {

using ByteBuffer = std::pmr::vector<std::uint8_t>;

namespace protobuf {

enum class WireType : std::uint8_t {
  varint = 0,
  fixed64 = 1,
  bytes = 2,
  group_start = 3,
  group_end = 4,
  fixed32 = 5
};

struct Tag {
  std::uint32_t field = 0;
  WireType type = WireType::varint;
};

// Each takes a value from the front of `in`; nothing when the bytes are no such value (then `in` has moved).
std::optional<std::uint64_t> take_varint(Rope& in);  // at most 10 bytes and 64 bits
std::optional<Tag> take_tag(Rope& in);
std::optional<Rope> take_bytes(Rope& in);
std::optional<std::uint32_t> take_fixed32(Rope& in);
bool skip_field(Rope& in, WireType type);  // an unknown field; groups are refused

constexpr std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}
// A length-delimited field with a tag of one byte.
constexpr std::size_t bytes_field_size(std::size_t bytes) { return 1 + varint_size(bytes) + bytes; }

// The tags of fields 1 to 15 take one byte.
constexpr std::uint8_t tag_byte(std::uint32_t field, WireType type) {
  return static_cast<std::uint8_t>(field << 3 | static_cast<std::uint32_t>(type));
}
void put_varint(ByteBuffer& out, std::uint64_t value);
void put_varint_field(ByteBuffer& out, std::uint32_t field, std::uint64_t value);
void put_length(ByteBuffer& out, std::uint32_t field, std::size_t bytes);  // tag and length; the bytes follow
void put_bytes_field(ByteBuffer& out, std::uint32_t field, Bytes bytes);

}  // namespace protobuf
}  // namespace masu::store
