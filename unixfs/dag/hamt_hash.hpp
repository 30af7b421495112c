// The hash that places a name in a sharded directory: murmur3-x64-64 (the first half of MurmurHash3 x64 128,
// seed 0), whose bits are consumed from the highest down, log2(fanout) of them a level.
#pragma once

#include "alloc/rope.hpp"

#include <bit>
#include <cstdint>

namespace masu::unixfs {

std::uint64_t hamt_hash(Rope name);
inline std::uint64_t hamt_hash(Bytes name) { return hamt_hash(Rope(name)); }

// The shape of a sharded directory with one fanout. Requires for all: fanout_valid(fanout).
class HamtShape {
 public:
  // A power of two from 8 to 1024: each index is a bit of a bitfield of whole bytes.
  static bool fanout_valid(std::uint64_t fanout) {
    return fanout >= 8 && fanout <= 1024 && std::has_single_bit(fanout);
  }
  explicit HamtShape(std::uint64_t fanout)
      : fanout_(static_cast<std::uint32_t>(fanout)), bits_(static_cast<unsigned>(std::countr_zero(fanout))) {}

  std::uint32_t fanout() const { return fanout_; }
  // Shards on one path at most; names whose hashes agree on all of them do not fit in one directory.
  unsigned levels_max() const { return 64 / bits_; }
  // The slot of a hash in a shard at `level` (0: the root). Requires: level < levels_max().
  std::uint32_t index(std::uint64_t hash, unsigned level) const {
    return static_cast<std::uint32_t>(hash >> (64 - bits_ * (level + 1))) & (fanout_ - 1);
  }
  // Levels on which two hashes share their slot, from the root down; at most levels_max().
  unsigned common_levels(std::uint64_t a, std::uint64_t b) const {
    const unsigned levels = static_cast<unsigned>(std::countl_zero(a ^ b)) / bits_;
    return levels < levels_max() ? levels : levels_max();
  }
  // Hexadecimal digits in front of each link name.
  unsigned prefix_digits() const { return (bits_ + 3) / 4; }

 private:
  std::uint32_t fanout_;
  unsigned bits_;
};

}  // namespace masu::unixfs
