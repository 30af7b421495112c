// DirectoryReader: the entries of a directory one by one, in the order of its links; of a sharded one in the
// order of a walk (which is that of the hashes).
//
// A sharded directory is checked as it is read: each shard as HamtShard says, one fanout for all, no empty
// shard below the root, and each name in the place that its hash says. So no two shards can have the same
// contents, and a few blocks cannot claim to be millions of entries.
//
// Memory: one block, the name of the current entry, and a CID and a place for each level of shards (21 at
// most). rest() gives the block back while the caller is busy with an entry. Types and sizes of entries are
// what their own blocks say: nothing is read of them here. Loop thread.
#pragma once

#include "unixfs/read/hamt_shard.hpp"
#include "unixfs/read/loaded_node.hpp"

#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

namespace masu::unixfs {

struct DirectoryEntry {
  std::pmr::string name;
  Cid cid;
  std::uint64_t tsize = 0;  // "bytes of all blocks below": a claim
};

class DirectoryReader {
 public:
  static constexpr std::size_t ahead_max = 32;  // links that are named to the source

  enum class Hint : std::uint8_t { shards, shards_and_entries };

  // `memory` pays for the levels; both outlive the reader. `hint`: which blocks the source is told of,
  // because they will be wanted soon.
  DirectoryReader(const ReadContext& context, std::pmr::memory_resource& memory, Hint hint);

  // Takes over a node that was loaded, which holds nothing afterwards. not_directory: it is none.
  Result<> open(LoadedNode& root);
  // What the directory says of itself, after open().
  const Metadata& metadata() const { return metadata_; }

  // The next entry into `entry`; false at the end.
  Task<Result<bool>> next(TaskMemory memory, DirectoryEntry& entry);
  // Gives the current block back; next() reads it again.
  void rest() { node_.clear(); }

 private:
  struct Level {
    Cid cid;
    std::uint64_t links_used = 0;
    std::uint64_t links_hinted = 0;
    std::uint32_t slot = 0;  // of the link that was used last
  };

  Result<> read_node();
  Task<Result<>> reload(TaskMemory memory);
  Task<Result<bool>> enter_shard(TaskMemory memory, Cid cid);
  Result<bool> take_entry(const DagPbLink& link, Rope name, DirectoryEntry& entry) const;
  Result<> check_place(Rope name) const;
  void hint();

  const ReadContext& context_;
  const Hint hint_;
  Metadata metadata_;
  LoadedNode node_;
  DagPbLinks links_, ahead_;
  std::optional<HamtShard> shard_;  // of node_; nothing in a directory that is not sharded
  std::uint32_t fanout_ = 0;
  std::pmr::vector<Level> levels_;
};

}  // namespace masu::unixfs
