#include "unixfs/import/hamt_writer.hpp"

#include "alloc/check.hpp"
#include "unixfs/dag/dag_pb_writer.hpp"

#include <algorithm>
#include <array>

namespace masu::unixfs {

HamtWriter::HamtWriter(std::uint32_t fanout, const Metadata& metadata, BlockWriter& writer)
    : shape_(fanout),
      metadata_(metadata),
      writer_(writer),
      open_(&writer.memory().heap),
      scratch_(&writer.memory().heap),
      tail_(&writer.memory().heap) {}

Result<> HamtWriter::add(std::uint64_t hash, std::string_view name, const ImportedNode& node) {
  if (pending_) {
    MASU_CHECK(pending_->hash <= hash, "entries come in the order of their hashes");
    if (auto placed = place_pending(hash); !placed) return placed;
    pending_->hash = hash;
    pending_->name = name;
    pending_->node = node;
  } else {
    pending_.emplace(Entry{hash, std::pmr::string(name, &writer_.memory().heap), node});
  }
  return {};
}

// The entry goes into the first shard on its path that neither the entry before nor the one behind reaches.
Result<> HamtWriter::place_pending(std::optional<std::uint64_t> next_hash) {
  const std::uint64_t hash = pending_->hash;
  const unsigned shared_before = placed_hash_ ? shape_.common_levels(*placed_hash_, hash) : 0;
  const unsigned shared_behind = next_hash ? shape_.common_levels(hash, *next_hash) : 0;
  const unsigned level = std::max(shared_before, shared_behind);
  if (level >= shape_.levels_max()) return fail(ErrorCode::limit, "sharded directory too deep");

  if (placed_hash_) {
    if (auto closed = close_below(shared_before, *placed_hash_); !closed) return closed;
  }
  while (open_.size() <= level) open_.emplace_back(writer_.memory(), shape_.fanout() / 8);
  placed_hash_ = hash;
  return put(open_[level], level, hash, pending_->name, pending_->node);
}

// Writes the open shards below `level`, the deepest first; `hash` is that of an entry in them.
Result<> HamtWriter::close_below(unsigned level, std::uint64_t hash) {
  while (open_.size() > level + 1) {
    const auto shard = close_last();
    if (!shard) return std::unexpected(shard.error());
    const auto parent = static_cast<unsigned>(open_.size() - 1);
    if (auto linked = put(open_.back(), parent, hash, {}, *shard); !linked) return linked;
  }
  return {};
}

Result<> HamtWriter::put(Shard& shard, unsigned level, std::uint64_t hash, std::string_view name,
                         const ImportedNode& node) {
  const std::uint32_t slot = shape_.index(hash, level);
  std::array<char, 4> prefix;
  const unsigned digits = shape_.prefix_digits();
  for (unsigned i = 0; i < digits; ++i) prefix[i] = "0123456789ABCDEF"[slot >> 4 * (digits - 1 - i) & 15];
  scratch_.clear();
  put_link(scratch_, {.cid = node.cid,
                      .name_prefix = std::string_view(prefix.data(), digits),
                      .name = name,
                      .tsize = node.tsize});
  shard.links.append(scratch_);
  shard.bitfield[shard.bitfield.size() - 1 - slot / 8] |= static_cast<std::uint8_t>(1u << slot % 8);
  shard.tsize += node.tsize;
  if (shard.links.size() > store::block_bytes_max) {
    return fail(ErrorCode::limit, "a directory shard is above " + std::to_string(store::block_bytes_max) +
                                      " bytes: names are too long for a fanout of " +
                                      std::to_string(shape_.fanout()));
  }
  return {};
}

Result<ImportedNode> HamtWriter::close_last() {
  const Shard& shard = open_.back();
  const auto first =
      std::find_if(shard.bitfield.begin(), shard.bitfield.end(), [](auto byte) { return byte != 0; });
  const Bytes bitfield(first, shard.bitfield.end());
  NodeFields fields{.type = NodeType::hamt_shard,
                    .data_bytes = bitfield.size(),
                    .hash_type = murmur3_x64_64,
                    .fanout = shape_.fanout()};
  if (open_.size() == 1) fields.metadata = metadata_;
  scratch_.clear();
  put_node_head(scratch_, fields);
  scratch_.insert(scratch_.end(), bitfield.begin(), bitfield.end());
  put_node_tail(scratch_, fields);
  writer_.add(shard.links.rope());
  writer_.add(scratch_);
  const std::uint64_t tsize = shard.tsize + writer_.bytes();
  const auto cid = writer_.finish(Codec::dag_pb);
  if (!cid) return std::unexpected(cid.error());
  open_.pop_back();
  return ImportedNode{*cid, tsize};
}

Result<ImportedNode> HamtWriter::finish() {
  MASU_CHECK(pending_, "a sharded directory has entries");
  if (auto placed = place_pending(std::nullopt); !placed) return std::unexpected(placed.error());
  if (auto closed = close_below(0, *placed_hash_); !closed) return std::unexpected(closed.error());
  return close_last();
}

}  // namespace masu::unixfs
