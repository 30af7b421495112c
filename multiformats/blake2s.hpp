// BLAKE2s (RFC 7693) without a key, for digests of 1 to 32 bytes; OpenSSL has 32 only.
//
// A plain value. update() any number of times, then finish() once.
#pragma once

#include "alloc/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace masu {

class Blake2s {
 public:
  // A digest of another length is another function, not a part of a longer one.
  explicit Blake2s(std::size_t digest_bytes);
  void update(Bytes bytes);
  // The first out.size() bytes of the digest, at most 32.
  void finish(MutableBytes out);

 private:
  static constexpr std::size_t block_bytes = 64;

  void compress(bool last);

  std::array<std::uint32_t, 8> hash_;
  std::array<std::uint8_t, block_bytes> block_{};
  std::uint64_t count_ = 0;  // bytes taken in, with this block
  std::size_t block_used_ = 0;
};

}  // namespace masu
