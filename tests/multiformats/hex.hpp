// Bytes from hexadecimal text and back, for test vectors.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/multibase.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace masu::test {

inline std::vector<std::uint8_t> from_hex(std::string_view text) {
  std::vector<std::uint8_t> bytes(text.size() / 2);
  const auto size = decode_base(Multibase::base16, text, bytes);
  if (!size || *size != bytes.size()) throw std::invalid_argument("not hexadecimal: " + std::string(text));
  return bytes;
}
inline std::string to_hex(Bytes bytes) { return encode_base(Multibase::base16, bytes); }

}  // namespace masu::test
