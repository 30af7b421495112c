#include "multiformats/digest.hpp"

// The plain functions instead of EVP: their state is a value of 112 bytes that lies in place, where an EVP
// context is two allocations. The code that runs is the same.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

namespace masu {

Sha256 sha2_256(Bytes bytes) {
  Sha256 digest;
  SHA256(bytes.data(), bytes.size(), digest.data());
  return digest;
}

}  // namespace masu
