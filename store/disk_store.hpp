// DiskStore: blocks and records of a repo on disk.
//
// Blocks of 2 KiB or more lie in segment files of 64 MiB (`<directory>/blocks/`,
// store/disk/segment_format.hpp); an index in RocksDB (`<directory>/index/`) maps their multihash to segment
// and offset, and holds smaller blocks and the records themselves. One owner; blocking calls from any thread
// but the loop. Whoever opens it holds the lock of the repo: two stores on one directory destroy each other.
//
// What is durable when. put() appends to a segment and notes the block in a buffer of fixed size, where
// others see it at once. A commit syncs the segments first and writes the index after it, in one batch:
// whatever happens, the index never names bytes that are not there. sync() is a commit that syncs the index
// too; calls that meet share one. Commits without a sync of the index happen by themselves whenever the
// buffer is full or `unsynced_bytes_max` were appended, so that a sync() is never long and dirty pages stay
// bounded to twice that. Where they have a thread (`commit_thread`) they begin at a quarter, and put() goes
// on while the disk works: flushing takes a disk as long as writing, and is the slower the longer it was put
// off. Writing records commits what was put before: a pin is never durable before its blocks. After a
// crash, open() cuts off what no commit has named; nothing is scanned.
//
// When the disk is full, put() is refused as disk_full; all that is here stays readable, and removal goes on
// as soon as the index can write. When a segment cannot be synced, nobody knows what the disk has: the store
// refuses all further writes with that error until it is opened anew; reading goes on.
//
// Removed blocks leave dead bytes in their segment, which are counted. A segment without live bytes goes with
// the next sync(); reclaim() rewrites those that are half dead.
//
// Memory: `memory_bytes` for write buffers, copying and a table of 16 bytes a segment, in the account
// "store.disk"; a store that is too large for its table is refused. Descriptors of `segment_files` segments.
// RocksDB is bounded by its options and lives behind the library door, as open readers do.
#pragma once

#include "alloc/budget.hpp"
#include "store/collectable_store.hpp"
#include "store/disk/file.hpp"
#include "store/record_store.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace rocksdb {
class Env;
}

namespace masu::store {

inline constexpr std::uint32_t index_format = 1;
// Blocks below this lie in the index.
inline constexpr std::uint32_t small_block_bytes = 2 * 1024;

struct DiskStoreOptions {
  std::string directory;  // is there; `blocks` and `index` are made in it
  // From the capacity plan.
  std::size_t memtable_bytes = std::size_t{1} << 20;
  std::size_t block_cache_bytes = std::size_t{512} << 10;
  std::size_t open_files = 32;
  // Write buffers, copying, and the table of segments: 256 KiB are enough for 4,096 segments (256 GiB).
  std::size_t memory_bytes = std::size_t{256} << 10;
  std::uint64_t storage_max = 0;  // bytes on disk, index included; 0: no limit
  // Of the disk, for the index: with none left, nothing could be removed either. put() leaves it alone.
  std::uint64_t disk_reserve_bytes = std::uint64_t{8} << 20;

  std::size_t segment_files = 16;                         // segments held open, beside those of open readers
  std::uint32_t segment_bytes = std::uint32_t{64} << 20;  // of new ones
  std::uint64_t unsynced_bytes_max = std::uint64_t{32} << 20;
  bool commit_thread = false;   // commits that nobody waits for have a thread
  Files* files = nullptr;       // null: the real ones
  rocksdb::Env* env = nullptr;  // null: RocksDB's own
};

struct RebuildReport {
  std::uint64_t blocks = 0;
  std::uint64_t segments = 0;
  std::uint64_t damaged_bytes = 0;  // in segments, between records that are whole
};

class DiskStore final : public CollectableStore {
 public:
  // Makes a new one in an empty directory. `corrupt`: the index cannot be read, or is missing although there
  // are segments (rebuild_index()). `refused`: written by a newer version.
  static StoreResult<std::unique_ptr<DiskStore>> open(const DiskStoreOptions& options, Budget& budget);
  // A new index out of the headers in the segments, where the old one is lost. Every block is read and
  // checked. Removed blocks that were not reclaimed are back; blocks below 2 KiB and all records (pins!) lay
  // in the index only and are lost. The old index is kept beside as `index.old`.
  static StoreResult<RebuildReport> rebuild_index(const DiskStoreOptions& options, Budget& budget,
                                                  const std::atomic<bool>& stop);
  ~DiskStore() override;  // Commits; what was not synced may be lost. Requires: no cursors.
  DiskStore(const DiskStore&) = delete;
  DiskStore& operator=(const DiskStore&) = delete;

  // Pins, names and other records of the repo. Lives as long as the store.
  RecordStore& records();

  // When the budget changes. The cache follows at once, and any thread may call it; the write buffers of the
  // index are for a worker: what they hold goes to disk first.
  void set_cache_bytes(std::size_t bytes);
  StoreResult<void> set_memtable_bytes(std::size_t bytes);

  // Identity multihashes are not stored: put() says false, the others that it is not here.
  using BlockStore::put;
  StoreResult<std::optional<std::uint32_t>> size(const Multihash& hash) override;
  StoreResult<std::unique_ptr<BlockReader>> open(const Multihash& hash) override;
  StoreResult<ChunkChain> get(const Multihash& hash, ChunkPool& pool, Account& holder) override;
  StoreResult<bool> put(const Multihash& hash, std::span<const Bytes> pieces) override;
  StoreResult<void> sync() override;
  StoreResult<bool> remove(const Multihash& hash) override;

  StoreResult<std::unique_ptr<KeyCursor>> open_keys(const Multihash* after = nullptr) override;
  WriteSequence next_sequence() const override;
  StoreResult<void> touch(std::span<const Multihash> hashes, std::span<bool> here) override;
  StoreResult<void> remove_unwritten(std::span<const Multihash> hashes, WriteSequence before,
                                     std::span<bool> removed) override;
  StoreResult<std::uint64_t> reclaim(const std::atomic<bool>& stop) override;
  StoreResult<StoreUsage> usage() override;

 private:
  class Engine;
  explicit DiskStore(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace masu::store
