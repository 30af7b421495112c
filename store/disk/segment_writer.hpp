// SegmentWriter: appends records to the newest segment and begins the next one when it is full.
//
// Locks itself: appends of several threads follow one another. A failed append leaves nothing behind; the
// place is written again. It keeps the list of segments that were appended to since they were last synced,
// for the commit that syncs them; their bytes are given to the disk every 4 MiB, so that there is little left
// to wait for. Nothing is preallocated: a segment takes what its records take.
#pragma once

#include "store/disk/file.hpp"
#include "store/disk/segment_file.hpp"
#include "store/disk/store_state.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace masu::store {

class SegmentWriter {
 public:
  struct Unsynced {
    std::vector<std::shared_ptr<SegmentFile>> segments;
    bool created = false;  // the directory has a new name
  };
  // `state` counts what is appended, until its entry is applied.
  SegmentWriter(Files& files, std::string directory, std::uint32_t segment_bytes, StoreState& state);

  // Goes on behind `end` of a segment that is there. Before the first append.
  void resume(std::shared_ptr<SegmentFile> segment, std::uint32_t end);
  StoreResult<SegmentLocation> append(const RecordHeader& header, std::span<const Bytes> pieces);
  // Copies a record from another segment, piece by piece through `buffer`. `corrupt`: its data does not have
  // the checksum of the header.
  StoreResult<SegmentLocation> append_copy(const RecordHeader& header, SegmentFile& from,
                                           std::uint32_t offset, MutableBytes buffer);

  // The next append begins a segment, if this one is written now.
  void retire(std::uint32_t id);

  // What was appended to since the last call.
  Unsynced take_unsynced();
  std::uint64_t unsynced_bytes() const { return unsynced_bytes_.load(std::memory_order_relaxed); }
  // The segment that is written, or null. Shared with the caller.
  std::shared_ptr<SegmentFile> current() const;

 private:
  StoreResult<void> make_room(std::uint32_t record_bytes);
  StoreResult<void> write_pieces(std::uint64_t offset, Bytes header, std::span<const Bytes> pieces);
  StoreResult<void> copy_data(std::uint64_t to, const RecordHeader& header, SegmentFile& from,
                              std::uint64_t offset, MutableBytes buffer);
  StoreResult<SegmentLocation> appended(const RecordHeader& header);
  void mark_unsynced();
  void undo() noexcept;

  Files& files_;
  const std::string directory_;
  const std::uint32_t segment_bytes_;
  StoreState& state_;
  std::atomic<std::uint64_t> unsynced_bytes_{0};
  mutable std::mutex lock_;               // guards what follows
  std::shared_ptr<SegmentFile> current_;  // null: the next append begins a segment
  std::uint32_t end_ = 0;                 // of the current one
  std::uint32_t written_back_ = 0;        // up to here it was given to the disk
  Unsynced unsynced_;
};

}  // namespace masu::store
