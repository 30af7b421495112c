// HamtWriter: a sharded directory (HAMT) from its entries in the order of their hashes, in one pass.
//
// In that order the entries of a shard follow one another, so only the shards on the path to the newest entry
// are open; a shard is written when an entry outside of it comes. An entry lies in the first shard that it
// shares with no neighbour. Memory: the links of the open shards, at most levels_max() of them and each below
// the block limit.
//
// One owner, one thread (a worker's). Throws std::bad_alloc where memory is refused; after that, and after an
// error, it is destroyed.
#pragma once

#include "unixfs/dag/hamt_hash.hpp"
#include "unixfs/import/file_importer.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace masu::unixfs {

class HamtWriter {
 public:
  // `metadata` goes into the root shard.
  HamtWriter(std::uint32_t fanout, const Metadata& metadata, BlockWriter& writer);

  // Requires: hashes do not go down, and no name comes twice.
  Result<> add(std::uint64_t hash, std::string_view name, const ImportedNode& node);
  // Requires: add() was called.
  Result<ImportedNode> finish();

 private:
  struct Shard {
    explicit Shard(const ImportMemory& memory, std::size_t bitfield_bytes)
        : links(memory), bitfield(bitfield_bytes, &memory.heap) {}
    NodeBytes links;
    std::pmr::vector<std::uint8_t> bitfield;  // the highest slots first
    std::uint64_t tsize = 0;
  };
  struct Entry {
    std::uint64_t hash;
    std::pmr::string name;
    ImportedNode node;
  };

  Result<> place_pending(std::optional<std::uint64_t> next_hash);
  Result<> close_below(unsigned level, std::uint64_t hash);
  Result<ImportedNode> close_last();
  Result<> put(Shard& shard, unsigned level, std::uint64_t hash, std::string_view name,
               const ImportedNode& node);

  const HamtShape shape_;
  const Metadata metadata_;
  BlockWriter& writer_;
  std::pmr::vector<Shard> open_;  // from the root down
  std::optional<Entry> pending_;  // its shard is known when the next hash is
  std::optional<std::uint64_t> placed_hash_;
  ByteBuffer scratch_, tail_;
};

}  // namespace masu::unixfs
