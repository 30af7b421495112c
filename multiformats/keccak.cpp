#include "multiformats/keccak.hpp"

#include <bit>

namespace masu {
namespace {

constexpr std::array<std::uint64_t, 24> round_constants{
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
// In the order in which the walk of the step pi visits the lanes.
constexpr std::array<int, 24> rotations{1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                        27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
constexpr std::array<std::size_t, 24> walk{10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                           15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

std::uint64_t load_little_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}

}  // namespace

Keccak::Keccak(Domain domain, std::size_t capacity_bytes)
    : rate_(static_cast<std::uint8_t>(state_bytes - capacity_bytes)), domain_(domain) {}

void Keccak::absorb(Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    if (at_ % 8 == 0 && bytes.size() - i >= 8) {
      lanes_[at_ / 8] ^= load_little_endian(bytes.data() + i);
      at_ = static_cast<std::uint8_t>(at_ + 8);
      i += 8;
    } else {
      xor_byte(at_++, bytes[i++]);
    }
    if (at_ == rate_) {
      permute();
      at_ = 0;
    }
  }
}

void Keccak::squeeze(MutableBytes out) {
  xor_byte(at_, static_cast<std::uint8_t>(domain_));
  xor_byte(std::size_t{rate_} - 1, 0x80);
  std::size_t at = rate_;
  for (std::uint8_t& byte : out) {
    if (at == rate_) {
      permute();
      at = 0;
    }
    byte = static_cast<std::uint8_t>(lanes_[at / 8] >> (8 * (at % 8)));
    ++at;
  }
}

// The inner loops are unrolled so that lanes stay in registers and indices are constants: five times as fast.
void Keccak::permute() {
  std::array<std::uint64_t, 25> a = lanes_;
  for (const std::uint64_t constant : round_constants) {
    // theta
    std::array<std::uint64_t, 5> column;
#pragma GCC unroll 5
    for (std::size_t x = 0; x < 5; ++x) column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
    for (std::size_t x = 0; x < 5; ++x) {
      const std::uint64_t parity = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
#pragma GCC unroll 5
      for (std::size_t y = 0; y < 25; y += 5) a[x + y] ^= parity;
    }
    // rho and pi
    std::uint64_t lane = a[1];
#pragma GCC unroll 24
    for (std::size_t i = 0; i < walk.size(); ++i) {
      const std::uint64_t next = a[walk[i]];
      a[walk[i]] = std::rotl(lane, rotations[i]);
      lane = next;
    }
    // chi
#pragma GCC unroll 5
    for (std::size_t y = 0; y < 25; y += 5) {
      const std::array<std::uint64_t, 5> row{a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]};
#pragma GCC unroll 5
      for (std::size_t x = 0; x < 5; ++x) a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
    // iota
    a[0] ^= constant;
  }
  lanes_ = a;
}

}  // namespace masu
