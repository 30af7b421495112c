#include "unixfs/dag/hamt_hash.hpp"

#include <algorithm>
#include <array>

namespace masu::unixfs {
namespace {

constexpr std::uint64_t c1 = 0x87c37b91114253d5;
constexpr std::uint64_t c2 = 0x4cf5ad432745937f;

std::uint64_t mix_low(std::uint64_t k) { return std::rotl(k * c1, 31) * c2; }
std::uint64_t mix_high(std::uint64_t k) { return std::rotl(k * c2, 33) * c1; }

std::uint64_t finish(std::uint64_t h) {
  h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
  return h ^ h >> 33;
}

std::uint64_t little_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{bytes[i]} << 8 * i;
  return value;
}

}  // namespace

std::uint64_t hamt_hash(Rope name) {
  const std::uint64_t length = name.size();
  std::uint64_t h1 = 0, h2 = 0;
  std::array<std::uint8_t, 16> block{};
  for (; name.size() >= block.size(); name.skip(block.size())) {
    name.copy_to(block);
    h1 ^= mix_low(little_endian(block.data()));
    h1 = (std::rotl(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= mix_high(little_endian(block.data() + 8));
    h2 = (std::rotl(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  block.fill(0);
  name.copy_to(MutableBytes(block).first(name.size()));
  h2 ^= mix_high(little_endian(block.data() + 8));
  h1 ^= mix_low(little_endian(block.data()));
  h1 ^= length;
  h2 ^= length;
  h1 += h2;
  h2 += h1;
  h1 = finish(h1);
  h2 = finish(h2);
  return h1 + h2;
}

}  // namespace masu::unixfs
