#include "unixfs/read/hamt_shard.hpp"

#include <bit>

namespace masu::unixfs {
namespace {

auto malformed(const LoadedNode& node, const char* what) {
  return fail(ErrorCode::malformed,
              "unixfs: " + std::string(what) + " in the shard " + node.cid().to_string());
}

}  // namespace

Result<HamtShard> HamtShard::read(const LoadedNode& node) {
  if (node.kind() != LoadedNode::Kind::dag_pb) return malformed(node, "no dag-pb node");
  if (!node.unixfs()) return std::unexpected(node.unixfs().error());
  const Node& directory = *node.unixfs();
  if (directory.type != NodeType::hamt_shard) return malformed(node, "another type of node");
  if (directory.hash_type != murmur3_x64_64) return malformed(node, "an unknown hash function");
  if (!HamtShape::fanout_valid(directory.fanout)) return malformed(node, "a fanout that is not allowed");
  HamtShard shard(directory.fanout);
  // Big-endian, zero bytes in front left off.
  std::size_t bytes = directory.data.size();
  if (bytes > directory.fanout / 8) return malformed(node, "a bitfield wider than the fanout");
  std::size_t count = 0;
  for (Rope rest = directory.data; bytes-- > 0;) {
    const std::uint64_t byte = rest.take_byte();
    shard.bits_[bytes / 8] |= byte << (bytes % 8 * 8);
    count += static_cast<std::size_t>(std::popcount(byte));
  }
  if (count != node.dag_pb().link_count) return malformed(node, "a bitfield that does not fit the links");
  return shard;
}

std::uint32_t HamtShard::rank(std::uint32_t slot) const {
  std::uint32_t count = 0;
  for (std::uint32_t word = 0; word < slot / 64; ++word) {
    count += static_cast<std::uint32_t>(std::popcount(bits_[word]));
  }
  const std::uint64_t below = (std::uint64_t{1} << (slot % 64)) - 1;
  return count + static_cast<std::uint32_t>(std::popcount(bits_[slot / 64] & below));
}

std::optional<std::uint32_t> HamtShard::next_slot(std::uint32_t slot) const {
  for (; slot < shape_.fanout(); slot = (slot / 64 + 1) * 64) {
    const std::uint64_t left = bits_[slot / 64] >> (slot % 64);
    if (left != 0) return slot + static_cast<std::uint32_t>(std::countr_zero(left));
  }
  return std::nullopt;
}

std::optional<Rope> HamtShard::entry_name(Rope link_name, std::uint32_t slot) const {
  unsigned digits = shape_.prefix_digits();
  if (link_name.size() < digits) return std::nullopt;
  while (digits-- > 0) {
    const auto digit = static_cast<std::uint8_t>("0123456789ABCDEF"[slot >> (4 * digits) & 15]);
    if (link_name.take_byte() != digit) return std::nullopt;
  }
  return link_name;
}

}  // namespace masu::unixfs
