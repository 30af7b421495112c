// Keccak: the sponge behind SHA-3 and SHAKE (FIPS 202) and the older Keccak digests that Ethereum uses, which
// OpenSSL 3.0 does not have.
//
// A plain value. absorb() any number of times, then squeeze() once.
#pragma once

#include "alloc/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace masu {

class Keccak {
 public:
  // What distinguishes the functions: bits that follow the message.
  enum class Domain : std::uint8_t { keccak = 0x01, sha3 = 0x06, shake = 0x1f };

  // The security strength is half of `capacity_bytes` × 8 bits: for a digest of n bytes, 2n.
  Keccak(Domain domain, std::size_t capacity_bytes);
  void absorb(Bytes bytes);
  void squeeze(MutableBytes out);

 private:
  static constexpr std::size_t state_bytes = 200;

  void xor_byte(std::size_t at, std::uint8_t byte) {
    lanes_[at / 8] ^= std::uint64_t{byte} << (8 * (at % 8));
  }
  void permute();

  std::array<std::uint64_t, state_bytes / 8> lanes_{};
  std::uint8_t rate_;    // bytes of the state that take in the message
  std::uint8_t at_ = 0;  // the next of them
  Domain domain_;
};

}  // namespace masu
