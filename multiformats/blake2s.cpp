#include "multiformats/blake2s.hpp"

#include <algorithm>
#include <bit>

namespace masu {
namespace {

constexpr std::array<std::uint32_t, 8> initial{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::array<std::array<std::uint8_t, 16>, 10> schedule{{
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}};

}  // namespace

Blake2s::Blake2s(std::size_t digest_bytes) : hash_(initial) {
  // The parameter block: digest length, no key, fan-out 1, depth 1.
  hash_[0] ^= 0x01010000U ^ static_cast<std::uint32_t>(digest_bytes);
}

void Blake2s::update(Bytes bytes) {
  while (!bytes.empty()) {
    // The last block is compressed differently, so a full one waits until more comes.
    if (block_used_ == block_bytes) {
      compress(false);
      block_used_ = 0;
    }
    const std::size_t taken = std::min(bytes.size(), block_bytes - block_used_);
    std::copy_n(bytes.begin(), taken, block_.begin() + static_cast<std::ptrdiff_t>(block_used_));
    block_used_ += taken;
    count_ += taken;
    bytes = bytes.subspan(taken);
  }
}

void Blake2s::finish(MutableBytes out) {
  std::fill(block_.begin() + static_cast<std::ptrdiff_t>(block_used_), block_.end(), std::uint8_t{0});
  compress(true);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(hash_[i / 4] >> (8 * (i % 4)));
}

void Blake2s::compress(bool last) {
  std::array<std::uint32_t, 16> message{};
  for (std::size_t i = 0; i < block_bytes; ++i) message[i / 4] |= std::uint32_t{block_[i]} << (8 * (i % 4));
  std::array<std::uint32_t, 16> v;
  std::copy(hash_.begin(), hash_.end(), v.begin());
  std::copy(initial.begin(), initial.end(), v.begin() + 8);
  v[12] ^= static_cast<std::uint32_t>(count_);
  v[13] ^= static_cast<std::uint32_t>(count_ >> 32);
  if (last) v[14] = ~v[14];
  const auto mix = [&v](std::size_t a, std::size_t b, std::size_t c, std::size_t d, std::uint32_t x,
                        std::uint32_t y) {
    v[a] += v[b] + x;
    v[d] = std::rotr(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = std::rotr(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 7);
  };
  for (const auto& s : schedule) {
    // Columns, then diagonals.
    for (std::size_t i = 0; i < 4; ++i)
      mix(i, i + 4, i + 8, i + 12, message[s[2 * i]], message[s[2 * i + 1]]);
    for (std::size_t i = 0; i < 4; ++i) {
      mix(i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12, message[s[2 * i + 8]],
          message[s[2 * i + 9]]);
    }
  }
  for (std::size_t i = 0; i < 8; ++i) hash_[i] ^= v[i] ^ v[i + 8];
}

}  // namespace masu
