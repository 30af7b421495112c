// Committer: brings what was changed to the disk, in rounds: sync the segments that were appended to, then
// write the index in one batch. One thread leads a round, for all that wait for one.
//
// A batch that the index did not take (a full disk) is kept, and is written before anything else by the next
// round; its entries stay visible. After a segment or the directory could not be synced nothing is known of
// the disk: from then on every round is refused with that error. Blocking; any thread.
//
// Rounds that nobody waits for may have a thread of their own: who puts blocks goes on while the disk works.
#pragma once

#include "store/disk/index_db.hpp"
#include "store/disk/segment_cache.hpp"
#include "store/disk/segment_writer.hpp"
#include "store/disk/store_state.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace masu::store {

class Committer {
 public:
  struct Parts {
    Files& files;
    std::string blocks_directory;
    IndexDb& index;
    SegmentCache& segments;
    SegmentWriter& writer;
    StoreState& state;
  };

  struct Limits {
    std::uint64_t unsynced_bytes_max = 0;
    std::uint64_t room_bytes = 0;  // the index is not written while the disk has less
  };
  Committer(Parts parts, const Limits& limits, bool own_thread);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // All changes that were applied before are durable when it returns.
  StoreResult<void> sync();
  // The same with a round of its own, so that segments without live bytes go.
  StoreResult<void> sync_now();
  // All changes that were applied before are in the index: an index write that is synced makes them durable.
  StoreResult<void> flush();
  // Writes a batch of others behind all changes, and makes both durable.
  StoreResult<void> write(IndexDb::Batch& batch);
  // Room for an entry, after a round if need be.
  StoreResult<StoreState::Room> reserve(const Multihash& hash, std::size_t data_bytes = 0);
  // Called after an append. When `unsynced_bytes_max` are not synced it leads a round, or, at twice as much,
  // waits for the one that runs. With a thread: that leads one at a quarter of it, and is waited for at the
  // whole.
  void relieve();

  // Refused: the error that ended all writing, or that of an index that still takes nothing.
  StoreResult<void> usable();
  std::uint64_t index_bytes() const { return index_bytes_.load(std::memory_order_relaxed); }
  StoreResult<void> measure_index();
  // Bytes of segments that were taken away since the store was opened.
  std::uint64_t dropped_bytes() const { return dropped_bytes_.load(std::memory_order_relaxed); }

 private:
  // A batch, and how many changes are in the index when it was written.
  struct Pending {
    IndexDb::Batch batch;
    std::uint64_t changes = 0;
  };

  bool much_unsynced(std::uint64_t times) const {
    return parts_.writer.unsynced_bytes() >= times * limits_.unsynced_bytes_max;
  }
  void lead_when_asked();
  StoreResult<void> reach(std::uint64_t changes, bool synced);
  StoreResult<void> lead(std::unique_lock<std::mutex>& lock, bool synced);
  StoreResult<void> round(bool synced);
  StoreResult<void> check_room();
  StoreResult<void> write_pending(bool synced);
  StoreResult<void> prepare();
  StoreResult<void> sync_segments(const SegmentWriter::Unsynced& unsynced);
  void drop_dead_segments();

  const Parts parts_;
  const Limits limits_;
  const std::uint64_t relief_bytes_;
  std::atomic<std::uint64_t> index_bytes_{0};
  std::atomic<std::uint64_t> dropped_bytes_{0};
  std::atomic<bool> refused_{false};  // broken, or the last round ended with an error

  mutable std::mutex lock_;          // guards what follows
  std::condition_variable changed_;  // a round ended, or the thread is asked for one
  bool leading_ = false;
  bool asked_ = false;  // the thread: for a round
  bool ending_ = false;
  std::uint64_t written_ = 0;  // changes that are in the index
  std::uint64_t durable_ = 0;
  std::optional<StoreError> broken_;

  std::optional<Pending> pending_;  // the leader's
  std::thread thread_;              // where there is one
};

}  // namespace masu::store
