// StoreState: what a store on disk knows in memory: entries that have not reached the index, what its
// segments hold, counters, and the order of writes. One lock, never held over IO.
//
// Two write buffers: changes are applied to one; a commit takes it, writes it, and gives it back empty, while
// changes go to the other. Who looks for an entry asks here first and the index after that: an entry leaves
// the buffer only when the index has it.
//
// Room for an entry is reserved before anything is done for it, so that apply() cannot fail.
#pragma once

#include "store/disk/index_entry.hpp"
#include "store/disk/segment_table.hpp"
#include "store/disk/write_buffer.hpp"

#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace masu::store {

struct StoreCounters {
  std::uint64_t objects = 0;
  std::uint64_t block_bytes = 0;
  std::uint64_t next_segment = 1;  // numbers are not used twice
  WriteSequence sequence = 1;

  friend bool operator==(const StoreCounters&, const StoreCounters&) = default;
};

class StoreState {
 public:
  // The right to apply one entry.
  class Room {
   public:
    Room(Room&& other) noexcept : state_(std::exchange(other.state_, nullptr)), cost_(other.cost_) {}
    Room& operator=(Room&&) = delete;
    ~Room();

   private:
    friend class StoreState;
    Room(StoreState* state, std::size_t cost) : state_(state), cost_(cost) {}
    StoreState* state_;
    std::size_t cost_;
  };
  // A consistent view of what changed since the last one, for a commit.
  struct Taken {
    const WriteBuffer* entries = nullptr;  // nobody changes it until committed()
    std::vector<SegmentCount> segments;
    std::vector<std::uint32_t> forgotten;  // segments that are no more
    StoreCounters counters;
    std::uint64_t changes = 0;
  };

  // Throws std::bad_alloc.
  StoreState(std::pmr::memory_resource& memory, std::size_t buffer_bytes);
  // Before anything else.
  void restore(const StoreCounters& counters, const std::vector<SegmentCount>& segments);

  // Nothing: a commit must make room first. Requires: data_bytes <= small_block_bytes.
  std::optional<Room> reserve(const Multihash& hash, std::size_t data_bytes = 0);
  // What the buffers say of the block; false: ask the index.
  bool find(const Multihash& hash, FoundEntry& out) const;
  // Puts `after` in the place of `before` (kind removed: it was not here). An entry of a new write has the
  // sequence of now: `after.sequence` is ignored, unless `moved`.
  void apply(Room room, const Multihash& hash, const IndexEntry& before, const IndexEntry& after,
             bool moved = false);
  // How many changes were applied.
  std::uint64_t changes() const;

  // Requires: the one taken before was committed.
  Taken take();
  void committed();

  // The sequence goes on only when a write has used it.
  WriteSequence next_sequence();
  // The sequence of a write that is done now; next_sequence() has returned nothing above it.
  WriteSequence sequence() const { return sequence_.load(); }

  // For the writer of segments. False: no memory for the table.
  bool appended(std::uint32_t segment, std::uint32_t end);
  std::uint32_t next_segment() const { return next_segment_.load(); }
  void segment_begun(std::uint32_t id) { next_segment_ = id + 1; }

  std::uint64_t segment_bytes() const { return segment_bytes_.load(std::memory_order_relaxed); }
  StoreCounters counters() const;
  // Segments without live bytes, whose last change is committed; never the one that is written.
  std::vector<std::uint32_t> dead_segments(std::uint32_t current) const;
  // Returns its bytes.
  std::uint64_t forget_segment(std::uint32_t id);
  // The one with the fewest live bytes of those that are at least half dead and not kept.
  std::optional<SegmentCount> emptiest_segment(std::uint32_t current) const;
  bool is_half_dead(std::uint32_t segment);
  void keep_segment(std::uint32_t id);

 private:
  void count(const Multihash& hash, const IndexEntry& entry, bool here);
  StoreCounters counters_now() const;

  std::atomic<WriteSequence> sequence_{1};  // changed under lock_
  std::atomic<std::uint32_t> next_segment_{1};
  std::atomic<std::uint64_t> segment_bytes_{0};
  mutable std::mutex lock_;  // guards what follows
  WriteBuffer first_, second_;
  WriteBuffer* filling_ = &first_;
  WriteBuffer* committing_ = &second_;
  bool sequence_used_ = true;
  std::size_t reserved_cost_ = 0;
  std::size_t reserved_entries_ = 0;
  SegmentTable segments_;
  std::vector<std::uint32_t> forgotten_;
  std::uint64_t objects_ = 0;
  std::uint64_t block_bytes_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace masu::store
