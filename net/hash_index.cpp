#include "net/hash_index.hpp"

#include <cstring>

#include <sodium.h>

namespace masu::net {

static_assert(HashSecret::bytes_max == crypto_shorthash_KEYBYTES);

HashSecret::HashSecret(Bytes bytes) {
  MASU_CHECK(bytes.size() == bytes_max, "a hash secret has its size");
  std::memcpy(secret_.data(), bytes.data(), bytes_max);
}

std::uint64_t HashSecret::hash(Bytes key) const {
  std::uint64_t hash = 0;
  static_assert(sizeof hash == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), key.data(), key.size(), secret_.data());
  return hash;
}

}  // namespace masu::net
