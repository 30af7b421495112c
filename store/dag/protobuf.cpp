#include "store/dag/protobuf.hpp"

namespace masu::store::protobuf {

std::optional<std::uint64_t> take_varint(Rope& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (in.empty()) return std::nullopt;
    const std::uint8_t byte = in.take_byte();
    if (shift == 63 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<Tag> take_tag(Rope& in) {
  const auto value = take_varint(in);
  if (!value || *value >> 3 == 0 || *value >> 3 >= 1u << 29 || (*value & 7) > 5) return std::nullopt;
  return Tag{static_cast<std::uint32_t>(*value >> 3), static_cast<WireType>(*value & 7)};
}

std::optional<Rope> take_bytes(Rope& in) {
  const auto length = take_varint(in);
  if (!length || *length > in.size()) return std::nullopt;
  return in.take(static_cast<std::size_t>(*length));
}

std::optional<std::uint32_t> take_fixed32(Rope& in) {
  if (in.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) value |= std::uint32_t{in.take_byte()} << shift;
  return value;
}

bool skip_field(Rope& in, WireType type) {
  switch (type) {
    case WireType::varint: return take_varint(in).has_value();
    case WireType::bytes: return take_bytes(in).has_value();
    case WireType::fixed32:
    case WireType::fixed64: {
      const std::size_t bytes = type == WireType::fixed32 ? 4 : 8;
      if (in.size() < bytes) return false;
      in.skip(bytes);
      return true;
    }
    case WireType::group_start:
    case WireType::group_end: return false;
  }
  return false;
}

void put_varint(ByteBuffer& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_varint_field(ByteBuffer& out, std::uint32_t field, std::uint64_t value) {
  out.push_back(tag_byte(field, WireType::varint));
  put_varint(out, value);
}

void put_length(ByteBuffer& out, std::uint32_t field, std::size_t bytes) {
  out.push_back(tag_byte(field, WireType::bytes));
  put_varint(out, bytes);
}

void put_bytes_field(ByteBuffer& out, std::uint32_t field, Bytes bytes) {
  put_length(out, field, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace masu::store::protobuf
