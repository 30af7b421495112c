#include "multiformats/bytes_hash.hpp"

#include <cstring>

#include <sodium.h>

namespace masu {

std::size_t BytesHash::operator()(Bytes bytes) const {
  static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<Key>);
  std::array<std::uint8_t, crypto_shorthash_BYTES> out;
  crypto_shorthash(out.data(), bytes.data(), bytes.size(), key_.data());
  std::size_t hash = 0;
  static_assert(sizeof(hash) <= out.size());
  std::memcpy(&hash, out.data(), sizeof(hash));
  return hash;
}

}  // namespace masu
