// DiskStore::Engine: the parts of a DiskStore and what they do together.
//
// Locks, in the order in which they are taken: stripes of keys (ascending), then the leadership of a commit,
// then the writer of segments, then StoreState's. Whoever changes what is known of a key holds its stripe
// from looking it up until the change is applied. Looking up takes no stripe.
#pragma once

#include "alloc/resource.hpp"
#include "store/disk/committer.hpp"
#include "store/disk/index_db.hpp"
#include "store/disk/segment_cache.hpp"
#include "store/disk/segment_writer.hpp"
#include "store/disk/store_state.hpp"
#include "store/disk_store.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace masu::store {

class DiskRecords final : public RecordStore {
 public:
  DiskRecords(IndexDb& index, Committer& committer) : index_(index), committer_(committer) {}

  StoreResult<std::optional<std::string>> get(Bytes key) override;
  StoreResult<void> write(std::span<const RecordChange> changes) override;
  StoreResult<std::unique_ptr<RecordCursor>> open_cursor(Bytes prefix, Bytes after = {}) override;

 private:
  IndexDb& index_;
  Committer& committer_;
};

// What open() finds in a repo.
struct OpenedRepo {
  std::unique_ptr<IndexDb> index;
  StoreCounters counters;
  std::vector<SegmentCount> segments;
  // The segment to go on with, and where; null: the next append begins one.
  std::shared_ptr<SegmentFile> current;
  std::uint32_t current_end = 0;
};
StoreResult<OpenedRepo> open_repo(const DiskStoreOptions& options, Files& files);
IndexDbOptions index_options(const DiskStoreOptions& options);
std::string blocks_directory(const DiskStoreOptions& options);
std::string index_directory(const DiskStoreOptions& options);

class DiskStore::Engine {
 public:
  // Throws std::bad_alloc.
  Engine(const DiskStoreOptions& options, Budget& budget, OpenedRepo repo);
  ~Engine();

  // False: not here.
  StoreResult<bool> find(const Multihash& hash, FoundEntry& out);
  StoreResult<bool> put(const Multihash& hash, std::span<const Bytes> pieces);
  StoreResult<bool> remove(const Multihash& hash);
  StoreResult<bool> touch(const Multihash& hash);
  StoreResult<void> remove_unwritten(std::span<const Multihash> hashes, WriteSequence before,
                                     std::span<bool> removed);
  // Tries again when the segment went away meanwhile: the block may have moved. visit(segment, location).
  template <class Visitor>
  auto with_block(const Multihash& hash, FoundEntry& entry, Visitor&& visit);
  StoreResult<std::uint64_t> reclaim(const std::atomic<bool>& stop);
  StoreResult<StoreUsage> usage();
  // Makes entries for the blocks that a segment holds (rebuild_index()). Throws std::bad_alloc.
  StoreResult<void> adopt(std::uint32_t id, RebuildReport& report, const std::atomic<bool>& stop);

  IndexDb& index() { return *index_; }
  Committer& committer() { return committer_; }
  StoreState& state() { return state_; }
  SegmentCache& segments() { return segments_; }
  DiskRecords& records() { return records_; }

 private:
  static constexpr std::size_t stripe_count = 64;

  static std::size_t stripe_of(const Multihash& hash);
  StoreResult<void> check_space(std::uint64_t bytes);
  StoreResult<void> place(const Multihash& hash, std::span<const Bytes> pieces, std::uint32_t bytes,
                          StoreState::Room room);
  StoreResult<bool> remove_locked(const Multihash& hash, std::optional<WriteSequence> before);
  StoreResult<void> refresh_locked(const Multihash& hash, const IndexEntry& entry);
  StoreResult<void> rewrite(const SegmentCount& segment, MutableBytes buffer, const std::atomic<bool>& stop);
  // False: the block does not lie there any more.
  StoreResult<bool> move(const RecordHeader& header, SegmentFile& from, std::uint32_t offset,
                         MutableBytes buffer);

  const DiskStoreOptions options_;
  const std::size_t copy_bytes_;
  Files& files_;
  Account account_;
  AccountResource memory_;
  std::unique_ptr<IndexDb> index_;
  StoreState state_;
  SegmentCache segments_;
  SegmentWriter writer_;
  Committer committer_;
  DiskRecords records_;
  std::mutex reclaiming_;
  std::atomic<std::uint64_t> moved_bytes_{0};
  std::atomic<std::int64_t> allowance_{0};  // bytes that may be put before the disk is looked at again
  std::array<std::mutex, stripe_count> stripes_;
};

template <class Visitor>
auto DiskStore::Engine::with_block(const Multihash& hash, FoundEntry& entry, Visitor&& visit) {
  using Result = decltype(visit(std::shared_ptr<SegmentFile>(), entry->location));
  for (int tries = 0;; ++tries) {
    const SegmentLocation before = entry->location;
    auto segment = segments_.open(before.segment);
    if (segment) return visit(std::move(*segment), before);
    if (segment.error().code != StoreErrorCode::not_found) return Result(std::unexpected(segment.error()));
    const auto here = find(hash, entry);
    if (!here) return Result(std::unexpected(here.error()));
    if (!*here) return Result(fail(StoreErrorCode::not_found, "block " + hash.to_base58()));
    if (entry->location == before && tries > 0) {
      return Result(fail(StoreErrorCode::corrupt,
                         "block " + hash.to_base58() + ": " + segment_name(before.segment) + " is missing"));
    }
  }
}

}  // namespace masu::store
