#include "store/disk/store_state.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <new>

namespace masu::store {

StoreState::Room::~Room() {
  if (state_ == nullptr) return;
  const std::lock_guard guard(state_->lock_);
  state_->reserved_cost_ -= cost_;
  --state_->reserved_entries_;
}

StoreState::StoreState(std::pmr::memory_resource& memory, std::size_t buffer_bytes)
    : first_(memory, buffer_bytes), second_(memory, buffer_bytes), segments_(memory) {}

void StoreState::restore(const StoreCounters& counters, const std::vector<SegmentCount>& segments) {
  const std::lock_guard guard(lock_);
  objects_ = counters.objects;
  block_bytes_ = counters.block_bytes;
  next_segment_ = static_cast<std::uint32_t>(counters.next_segment);
  sequence_ = counters.sequence;
  for (const SegmentCount& segment : segments) segments_.at(segment.id) = segment;
  segment_bytes_ = segments_.bytes();
}

std::optional<StoreState::Room> StoreState::reserve(const Multihash& hash, std::size_t data_bytes) {
  const std::size_t cost = WriteBuffer::cost(hash.bytes().size(), 1 + 5 * varint_bytes_max + data_bytes);
  const std::lock_guard guard(lock_);
  if (!filling_->has_room(reserved_cost_ + cost, reserved_entries_ + 1)) return std::nullopt;
  reserved_cost_ += cost;
  ++reserved_entries_;
  return Room(this, cost);
}

bool StoreState::find(const Multihash& hash, FoundEntry& out) const {
  const std::lock_guard guard(lock_);
  auto found = filling_->find(hash.bytes());
  if (!found) found = committing_->find(hash.bytes());
  if (!found) return false;
  MASU_CHECK(out.assign(*found), "entries in the buffer are ours");
  return true;
}

void StoreState::apply(Room room, const Multihash& hash, const IndexEntry& before, const IndexEntry& after,
                       bool moved) {
  IndexEntryBuffer buffer;
  IndexEntry entry = after;
  const std::lock_guard guard(lock_);
  if (!moved) {
    entry.sequence = sequence();
    sequence_used_ = true;
  }
  filling_->insert(hash.bytes(), encode_index_entry(entry, buffer));
  reserved_cost_ -= room.cost_;
  --reserved_entries_;
  room.state_ = nullptr;
  count(hash, before, false);
  count(hash, after, true);
  if (after.kind == IndexEntry::Kind::in_segment &&
      (before.kind != IndexEntry::Kind::in_segment || before.location != after.location)) {
    --segments_.at(after.location.segment).appending;
  }
  ++changes_;
}

void StoreState::count(const Multihash& hash, const IndexEntry& entry, bool here) {
  if (entry.kind == IndexEntry::Kind::removed) return;
  const auto add = [here](auto& counter, auto amount) {
    MASU_CHECK(here || counter >= amount, "what goes was counted when it came");
    counter = here ? counter + amount : counter - amount;
  };
  add(objects_, std::uint64_t{1});
  add(block_bytes_, std::uint64_t{entry.data_bytes()});
  if (entry.kind != IndexEntry::Kind::in_segment) return;
  if (SegmentCount* segment = segments_.find(entry.location.segment)) {
    add(segment->live, record_bytes(hash, entry.location.data_bytes));
    segment->changed = true;
  }
}

WriteSequence StoreState::next_sequence() {
  const std::lock_guard guard(lock_);
  if (std::exchange(sequence_used_, false)) ++sequence_;
  return sequence_;
}

std::uint64_t StoreState::changes() const {
  const std::lock_guard guard(lock_);
  return changes_;
}

StoreState::Taken StoreState::take() {
  const std::lock_guard guard(lock_);
  MASU_CHECK(committing_->empty(), "one commit at a time");
  std::swap(filling_, committing_);
  Taken taken;
  taken.entries = committing_;
  for (SegmentCount& segment : segments_.all()) {
    if (!segment.changed) continue;
    taken.segments.push_back(segment);
    segment.changed = false;
  }
  taken.forgotten = std::exchange(forgotten_, {});
  taken.counters = counters_now();
  taken.changes = changes_;
  return taken;
}

void StoreState::committed() {
  const std::lock_guard guard(lock_);
  committing_->clear();
}

bool StoreState::appended(std::uint32_t id, std::uint32_t end) {
  const std::lock_guard guard(lock_);
  try {
    SegmentCount& segment = segments_.at(id);
    segment_bytes_ += end - segment.end;
    segment.end = end;
    segment.changed = true;
    ++segment.appending;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

StoreCounters StoreState::counters() const {
  const std::lock_guard guard(lock_);
  return counters_now();
}

StoreCounters StoreState::counters_now() const {
  return {objects_, block_bytes_, next_segment_.load(), sequence()};
}

std::vector<std::uint32_t> StoreState::dead_segments(std::uint32_t current) const {
  const std::lock_guard guard(lock_);
  std::vector<std::uint32_t> dead;
  for (const SegmentCount& segment : segments_.all()) {
    if (segment.live == 0 && segment.appending == 0 && !segment.changed && segment.id != current) {
      dead.push_back(segment.id);
    }
  }
  return dead;
}

std::uint64_t StoreState::forget_segment(std::uint32_t id) {
  const std::lock_guard guard(lock_);
  const SegmentCount* segment = segments_.find(id);
  if (segment == nullptr) return 0;
  const std::uint64_t bytes = segment->end;
  segment_bytes_ -= bytes;
  segments_.remove(id);
  forgotten_.push_back(id);
  return bytes;
}

std::optional<SegmentCount> StoreState::emptiest_segment(std::uint32_t current) const {
  const std::lock_guard guard(lock_);
  const SegmentCount* emptiest = nullptr;
  for (const SegmentCount& segment : segments_.all()) {
    if (segment.id == current || segment.kept || segment.appending != 0) continue;
    if (segment.live == 0 || segment.live > segment.end / 2) continue;
    if (emptiest == nullptr || segment.live < emptiest->live) emptiest = &segment;
  }
  if (emptiest == nullptr) return std::nullopt;
  return *emptiest;
}

bool StoreState::is_half_dead(std::uint32_t id) {
  const std::lock_guard guard(lock_);
  const SegmentCount* const segment = segments_.find(id);
  return segment != nullptr && !segment->kept && segment->live <= segment->end / 2;
}

void StoreState::keep_segment(std::uint32_t id) {
  const std::lock_guard guard(lock_);
  if (SegmentCount* segment = segments_.find(id)) segment->kept = true;
}

}  // namespace masu::store
