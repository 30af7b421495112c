#include "multiformats/varint.hpp"

#include "alloc/check.hpp"

namespace masu {

std::string_view name_of(VarintError error) {
  switch (error) {
    case VarintError::need_more: return "varint is cut off";
    case VarintError::too_long: return "varint is longer than 9 bytes";
    case VarintError::not_minimal: return "varint not minimally encoded";
  }
  return "";
}

std::expected<std::uint64_t, VarintError> VarintReader::feed(std::uint8_t byte) {
  const auto fail = [this](VarintError error) {
    *this = {};
    return std::unexpected(error);
  };
  value_ |= std::uint64_t{byte & 0x7fU} << (7 * bytes_);
  ++bytes_;
  if ((byte & 0x80) != 0) {
    if (bytes_ == varint_bytes_max) return fail(VarintError::too_long);
    return std::unexpected(VarintError::need_more);
  }
  if (byte == 0 && bytes_ > 1) return fail(VarintError::not_minimal);
  const std::uint64_t value = value_;
  *this = {};
  return value;
}

std::expected<std::uint64_t, VarintError> take_varint(Bytes& in) {
  VarintReader reader;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto value = reader.feed(in[i]);
    if (value) in = in.subspan(i + 1);
    if (value || value.error() != VarintError::need_more) return value;
  }
  return std::unexpected(VarintError::need_more);
}

std::size_t put_varint(std::uint64_t value, MutableBytes out) {
  MASU_CHECK(value <= varint_value_max && out.size() >= varint_size(value), "a varint that does not fit");
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) out[size++] = static_cast<std::uint8_t>(value | 0x80);
  out[size++] = static_cast<std::uint8_t>(value);
  return size;
}

}  // namespace masu
