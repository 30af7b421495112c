// HamtShard: one block of a sharded directory, checked: a fanout that is a power of two from 8 to 1024, the
// hash function 0x22, a bitfield no wider than the fanout, and a link for each of its bits, no more and no
// fewer.
//
// A view of a loaded node, valid as long as that holds its block. Spec: specs.ipfs.tech/unixfs.
#pragma once

#include "unixfs/dag/hamt_hash.hpp"
#include "unixfs/read/loaded_node.hpp"

#include <array>
#include <optional>

namespace masu::unixfs {

class HamtShard {
 public:
  // An error: this is no shard, or a malformed one.
  static Result<HamtShard> read(const LoadedNode& node);

  const HamtShape& shape() const { return shape_; }
  bool has(std::uint32_t slot) const { return (bits_[slot / 64] >> (slot % 64) & 1) != 0; }
  // Links before that of `slot`.
  std::uint32_t rank(std::uint32_t slot) const;
  // The slot at or behind `slot` that has a link; nothing when there is none.
  std::optional<std::uint32_t> next_slot(std::uint32_t slot) const;

  // What a link name says: the slot in front, and the entry's name behind; empty for a shard below. Nothing:
  // the name is too short, or does not begin with `slot`.
  std::optional<Rope> entry_name(Rope link_name, std::uint32_t slot) const;

 private:
  explicit HamtShard(std::uint64_t fanout) : shape_(fanout) {}

  HamtShape shape_;
  std::array<std::uint64_t, hamt_fanout_max / 64> bits_{};
};

}  // namespace masu::unixfs
