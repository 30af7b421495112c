// FileReader: the bytes of a file in order, as chains of chunks that come from its blocks without a copy.
//
// Reads raw leaves, dag-pb leaves, files of one block, symlinks (their target), and Data in inner nodes
// (which comes before the children). Subtrees before the offset are passed over by their block sizes, and
// nothing behind the range is asked for. While the caller writes one chain, the next blocks are being got;
// further ones are named to the source as a hint (see BlockSource::prefetch), so that a network is kept busy.
//
// What a node says of sizes is a claim: a file size that is not the sum of its parts, or a child that is not
// as long as its parent says, is an error where it is met; what was given out until then is right. A child of
// no bytes is not looked at, so that work is bounded by bytes. A node without block sizes (some old
// importers) is read from the start only.
//
// Memory: one inner node, the leaves under way (`FileReader::gets_max`, and `window_bytes` by their claimed
// sizes) and the path (a CID and a place for each level, at most `levels_max`). Loop thread.
#pragma once

#include "unixfs/read/loaded_node.hpp"

#include <array>
#include <memory_resource>
#include <optional>
#include <vector>

namespace masu::unixfs {

class FileReader {
 public:
  static constexpr std::size_t levels_max = 128;
  static constexpr std::size_t gets_max = 4;
  static constexpr std::uint64_t window_bytes = 2 * 1024 * 1024;
  static constexpr std::size_t ahead_max = 32;  // links that are named to the source
  static constexpr std::uint64_t whole = ~std::uint64_t{0};

  // `path_memory` pays for the path. Both outlive the reader.
  FileReader(const ReadContext& context, std::pmr::memory_resource& path_memory);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // Takes over a node that was loaded, which holds nothing afterwards. Errors are Kubo's: a directory, no
  // UnixFS, not the right sizes.
  Task<Result<>> open(TaskMemory memory, LoadedNode& root);
  // What the file says of itself, after open(). Without block sizes the claim alone.
  std::uint64_t size() const { return size_; }
  const Metadata& metadata() const { return metadata_; }

  // What next() will give: `bytes` at most, from `offset` on; before the first next(). An error: this file
  // does not support seeking.
  Result<> set_range(std::uint64_t offset, std::uint64_t bytes);
  // The next bytes; an empty chain at the end. After an error the reader is finished with.
  Task<Result<ChunkChain>> next(TaskMemory memory);

 private:
  // One inner node on the way down: which, how far its links were used, and how far they were named.
  struct Level {
    Cid cid;
    std::uint64_t links_used = 0;
    std::uint64_t links_hinted = 0;
  };
  struct Child {
    Cid cid;
    std::optional<std::uint64_t> claimed_bytes;
    std::uint64_t index = 0;
    // What it may take of the window; all of it for what cannot be a leaf, or might not be one.
    std::uint64_t weight() const;
  };
  // A child that is being got.
  struct Slot {
    Child child;
    std::uint64_t skip = 0;
    std::uint64_t planned_bytes = 0;  // of the range
    std::optional<store::AwaitedBlock> block;
  };
  // The children of a node in order, with their claimed sizes.
  class Children {
   public:
    Children() = default;
    explicit Children(const LoadedNode& node);
    std::optional<Child> next();
    void skip_to(std::uint64_t index);
    std::uint64_t used() const { return used_; }

   private:
    DagPbLinks links_;
    BlockSizes sizes_;
    bool has_sizes_ = false;
    std::uint64_t used_ = 0;
  };

  Result<> begin(LoadedNode& root);
  Result<> enter_node(const Cid& cid, ChunkChain block);
  Task<Result<>> return_to_parent(TaskMemory memory);
  void read_children_from(std::uint64_t index);
  void fill_slots();
  void start(const Child& child);
  void hint();
  void drop_slots();
  Task<Result<ChunkChain>> take_inner_data(TaskMemory memory);
  Task<Result<ChunkChain>> take_first_slot(TaskMemory memory);
  Result<ChunkChain> take_leaf(std::optional<std::uint64_t> claimed_bytes, std::uint64_t skip);
  Result<> enter_child(const Child& child, std::uint64_t skip);
  ChunkChain count(ChunkChain chain);

  const ReadContext& context_;
  std::uint64_t size_ = 0;
  Metadata metadata_;
  bool seekable_ = true;
  bool lone_leaf_ = false;     // the file is the block in leaf_
  bool data_pending_ = false;  // the Data of node_ comes next

  std::uint64_t left_ = whole;  // of the range: not yet given out
  std::uint64_t skip_ = 0;      // bytes from the place of children_ to the first that is wanted

  LoadedNode node_;  // the innermost inner node
  LoadedNode leaf_;  // a block that is looked at
  std::pmr::vector<Level> levels_;
  Children children_;
  std::optional<Child> candidate_;  // taken from children_, and not started for want of room
  Children ahead_;                  // the source was told of what is before this
  std::uint64_t ahead_bytes_ = 0;   // claimed between children_ and ahead_

  std::array<Slot, gets_max> slots_;  // a ring in the order of the bytes
  std::size_t first_slot_ = 0, slots_used_ = 0;
  std::size_t slots_limit_ = gets_max;  // one after memory was refused
  std::uint64_t planned_bytes_ = 0;     // of all slots
  std::uint64_t weight_ = 0;
  std::uint64_t barren_blocks_ = 0;  // since the last byte
};

}  // namespace masu::unixfs
