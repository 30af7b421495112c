#include "store/disk/segment_table.hpp"

#include <algorithm>

namespace masu::store {

SegmentCount* SegmentTable::find(std::uint32_t id) {
  const auto found = std::ranges::lower_bound(segments_, id, {}, &SegmentCount::id);
  return found != segments_.end() && found->id == id ? &*found : nullptr;
}

SegmentCount& SegmentTable::at(std::uint32_t id) {
  auto found = std::ranges::lower_bound(segments_, id, {}, &SegmentCount::id);
  if (found == segments_.end() || found->id != id) {
    found = segments_.insert(found, SegmentCount{.id = id});
  }
  return *found;
}

void SegmentTable::remove(std::uint32_t id) {
  std::erase_if(segments_, [id](const SegmentCount& segment) { return segment.id == id; });
}

std::uint64_t SegmentTable::bytes() const {
  std::uint64_t sum = 0;
  for (const SegmentCount& segment : segments_) sum += segment.end;
  return sum;
}

}  // namespace masu::store
