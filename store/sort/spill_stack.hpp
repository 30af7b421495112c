// SpillStack: a stack of small records, of which the top is in memory and the rest, when there is more, on
// the spill space.
//
// Two buffers of half of its memory each; the lower one is written away when the upper one is full, as a
// segment that names the one before. One owner, one thread at a time. Calls block where has_room() and
// top_in_memory() do not rule it out. Throws std::bad_alloc only in its constructor.
#pragma once

#include "alloc/bytes.hpp"
#include "store/error.hpp"
#include "store/sort/spill_file.hpp"

#include <cstdint>
#include <memory_resource>
#include <vector>

namespace masu::store {

class SpillStack {
 public:
  static constexpr std::size_t record_bytes_max = 8 * 1024;

  // Requires: memory_bytes >= 4 * record_bytes_max.
  SpillStack(SpillSpace& spill, std::pmr::memory_resource& memory, std::size_t memory_bytes);
  ~SpillStack();
  SpillStack(const SpillStack&) = delete;
  SpillStack& operator=(const SpillStack&) = delete;

  // Requires: record.size() <= record_bytes_max.
  StoreResult<void> push(Bytes record);
  // Requires: !empty(). The record is valid until the next push or pop.
  StoreResult<Bytes> pop();

  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  bool on_disk() const { return segments_ > 0; }
  // The next pop() does not touch the disk.
  bool top_in_memory() const { return !upper_.empty() || !lower_.empty(); }
  // Records of so many bytes in all, and so many of them, can be pushed without touching the disk.
  bool has_room(std::size_t bytes, std::size_t records) const;
  // Calls visit(record) for those that lie on top in memory, the top one first, until it says no.
  template <class Visit>
  void peek(Visit&& visit) const {
    for (const Buffer* buffer : {&upper_, &lower_}) {
      for (std::size_t end = buffer->size(); end > 0;) {
        const Bytes record = last_record(Bytes(*buffer).first(end));
        if (!visit(record)) return;
        end -= record.size() + length_bytes;
      }
    }
  }

 private:
  using Buffer = std::pmr::vector<std::uint8_t>;
  static constexpr std::size_t length_bytes = 2;  // behind each record

  static Bytes last_record(Bytes buffer);
  StoreResult<void> spill_lower();
  StoreResult<void> load_upper();

  struct SegmentHeader {
    std::uint64_t before_at;
    std::uint32_t before_bytes;
    std::uint32_t bytes;
  };

  SpillSpace& spill_;
  const std::size_t buffer_bytes_;
  Buffer upper_, lower_;
  std::uint64_t count_ = 0;
  std::uint64_t segments_ = 0;
  std::uint64_t segment_at_ = 0;  // the newest; header included
  std::uint32_t segment_bytes_ = 0;
};

}  // namespace masu::store
