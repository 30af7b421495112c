#include "net/protobuf.hpp"

#include "multiformats/varint.hpp"

#include <algorithm>
#include <cstring>

namespace masu::net {
namespace {

enum WireType : std::uint32_t { varint = 0, fixed64 = 1, length_delimited = 2, fixed32 = 5 };
constexpr std::uint64_t number_max = (1u << 29) - 1;

}  // namespace

bool ProtobufReader::next(ProtobufField& field) {
  if (rest_.empty() || malformed_) return false;
  malformed_ = true;  // until the field is whole
  std::uint64_t tag = 0;
  if (!take_varint(tag) || tag >> 3 == 0 || tag >> 3 > number_max) return false;
  field = ProtobufField();
  field.number = static_cast<std::uint32_t>(tag >> 3);
  switch (tag & 7) {
    case varint:
      if (!take_varint(field.value)) return false;
      break;
    case fixed64:
      if (!take_fixed(8, field.value)) return false;
      break;
    case fixed32:
      if (!take_fixed(4, field.value)) return false;
      break;
    case length_delimited: {
      std::uint64_t length = 0;
      if (!take_varint(length) || length > rest_.size()) return false;
      field.is_bytes = true;
      field.bytes = rest_.first(static_cast<std::size_t>(length));
      rest_ = rest_.subspan(field.bytes.size());
      break;
    }
    default: return false;
  }
  malformed_ = false;
  return true;
}

// Laxer than multiformats' varints: up to ten bytes, padding allowed, the tenth cut to 64 bits.
bool ProtobufReader::take_varint(std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (rest_.empty()) return false;
    const std::uint8_t byte = rest_[0];
    rest_ = rest_.subspan(1);
    if (shift < 64) value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool ProtobufReader::take_fixed(std::size_t bytes, std::uint64_t& value) {
  if (rest_.size() < bytes) return false;
  value = 0;
  for (std::size_t at = 0; at < bytes; ++at) value |= std::uint64_t{rest_[at]} << (8 * at);
  rest_ = rest_.subspan(bytes);
  return true;
}

void ProtobufWriter::put_raw(Bytes bytes) {
  if (size_ + bytes.size() <= out_.size() && !bytes.empty()) {
    std::memcpy(out_.data() + size_, bytes.data(), bytes.size());
  }
  size_ += bytes.size();
}

void ProtobufWriter::put_raw_varint(std::uint64_t value) {
  do {
    const std::uint8_t more = value >= 0x80 ? 0x80 : 0;
    const auto byte = static_cast<std::uint8_t>((value & 0x7f) | more);
    put_raw({&byte, 1});
    value >>= 7;
  } while (value > 0);
}

void ProtobufWriter::put_bytes(std::uint32_t number, Bytes bytes) {
  put_raw_varint(std::uint64_t{number} << 3 | length_delimited);
  put_raw_varint(bytes.size());
  put_raw(bytes);
}

void ProtobufWriter::put_varint(std::uint32_t number, std::uint64_t value) {
  put_raw_varint(std::uint64_t{number} << 3 | varint);
  put_raw_varint(value);
}

std::size_t protobuf_bytes_field_size(std::uint32_t number, std::size_t bytes) {
  return varint_size(std::uint64_t{number} << 3 | length_delimited) + varint_size(bytes) + bytes;
}

}  // namespace masu::net
