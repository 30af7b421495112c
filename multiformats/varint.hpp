// Unsigned varints: 7 bits a byte, least significant first, the top bit says that more follow.
//
// As github.com/multiformats/unsigned-varint asks: at most 9 bytes (63 bits), and only the shortest form of a
// number. (Protobuf's varints are laxer: 10 bytes, and padding is allowed; they have their own readers.)
#pragma once

#include "alloc/bytes.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace masu {

inline constexpr std::size_t varint_bytes_max = 9;
inline constexpr std::uint64_t varint_value_max = (std::uint64_t{1} << 63) - 1;

enum class VarintError : std::uint8_t {
  need_more,    // the bytes end inside of it: not an error while a stream goes on
  too_long,     // a tenth byte was announced
  not_minimal,  // the same number has a shorter form
};
std::string_view name_of(VarintError);

constexpr std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

// Takes one from the front of `in`. `in` moves only on success.
std::expected<std::uint64_t, VarintError> take_varint(Bytes& in);

// Writes it to the front of `out` and returns its size.
// Requires: value <= varint_value_max, and out.size() >= varint_size(value).
std::size_t put_varint(std::uint64_t value, MutableBytes out);

// Reads a varint that arrives byte by byte. After a number or an error other than need_more it is ready for
// the next one.
class VarintReader {
 public:
  std::expected<std::uint64_t, VarintError> feed(std::uint8_t byte);
  // Some bytes of an unfinished varint have been taken.
  bool started() const { return bytes_ != 0; }

 private:
  std::uint64_t value_ = 0;
  std::uint8_t bytes_ = 0;
};

}  // namespace masu
