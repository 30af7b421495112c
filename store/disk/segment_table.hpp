// SegmentTable: what every segment holds, in 16 bytes each: where its records end, and how many bytes of them
// are live. Owned and locked by StoreState. Its memory grows with the disk: a table for 1 TiB is 256 KiB.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

namespace masu::store {

struct SegmentCount {
  std::uint32_t id = 0;
  std::uint32_t end = 0;        // of its records; what lies behind is not there for the store
  std::uint32_t live = 0;       // bytes of records whose blocks are here
  std::uint16_t appending = 0;  // records that were appended and have no entry yet
  bool changed = false;         // since the last commit
  bool kept = false;            // it has a damaged record: no reclaim helps
};

class SegmentTable {
 public:
  explicit SegmentTable(std::pmr::memory_resource& memory) : segments_(&memory) {}

  SegmentCount* find(std::uint32_t id);
  // Adds it when it is new. Throws std::bad_alloc.
  SegmentCount& at(std::uint32_t id);
  void remove(std::uint32_t id);
  // By id.
  std::pmr::vector<SegmentCount>& all() { return segments_; }
  const std::pmr::vector<SegmentCount>& all() const { return segments_; }
  std::uint64_t bytes() const;

 private:
  std::pmr::vector<SegmentCount> segments_;
};

}  // namespace masu::store
