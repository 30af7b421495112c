// MemoryStore: a CollectableStore in memory, for tests and the simulator. Not bounded: nobody's node runs on
// it.
#pragma once

#include "store/collectable_store.hpp"

#include <map>
#include <mutex>
#include <vector>

namespace masu::store {

class MemoryStore final : public CollectableStore {
 public:
  MemoryStore() = default;

  using BlockStore::put;
  StoreResult<std::optional<std::uint32_t>> size(const Multihash& hash) override;
  StoreResult<std::unique_ptr<BlockReader>> open(const Multihash& hash) override;
  StoreResult<ChunkChain> get(const Multihash& hash, ChunkPool& pool, Account& holder) override;
  StoreResult<bool> put(const Multihash& hash, std::span<const Bytes> pieces) override;
  StoreResult<void> sync() override;
  StoreResult<bool> remove(const Multihash& hash) override;

  StoreResult<std::unique_ptr<KeyCursor>> open_keys(const Multihash* after = nullptr) override;
  WriteSequence next_sequence() const override { return next_sequence_.load(); }
  StoreResult<void> touch(std::span<const Multihash> hashes, std::span<bool> here) override;
  StoreResult<void> remove_unwritten(std::span<const Multihash> hashes, WriteSequence before,
                                     std::span<bool> removed) override;
  StoreResult<std::uint64_t> reclaim(const std::atomic<bool>& stop) override;
  StoreResult<StoreUsage> usage() override;

  // The number of sync() calls, and whether everything that was put has been synced.
  std::size_t syncs() const;
  bool synced() const;

 private:
  class Reader;
  class Cursor;
  using Content = std::vector<std::uint8_t>;
  struct Entry {
    std::shared_ptr<const Content> content;  // shared with open readers, which outlive a removal
    WriteSequence sequence;
  };
  struct Less {
    bool operator()(const Multihash& a, const Multihash& b) const { return a < b; }
  };

  mutable std::mutex lock_;  // guards what follows
  std::map<Multihash, Entry, Less> blocks_;
  std::atomic<WriteSequence> next_sequence_{1};
  std::uint64_t block_bytes_ = 0;
  std::uint64_t dead_bytes_ = 0;
  std::size_t syncs_ = 0;
  bool synced_ = true;
};

}  // namespace masu::store
