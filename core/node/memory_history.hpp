// MemoryHistory: the node's memory over the last ten minutes, one sample for each five seconds.
//
// A ring of plan.history_samples entries, allocated once and charged to its account. Whoever is awake anyway
// notes what it sees; of what is noted within five seconds the highest is kept. Nothing is noted while the
// node sleeps: such a gap reads as the last sample before it. Loop thread only.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/clock.hpp"
#include "alloc/resource.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace masu::core {

struct MemorySample {
  std::size_t rss = 0;
  std::size_t committed = 0;
  std::size_t live = 0;
};

class MemoryHistory {
 public:
  static constexpr Duration interval = 5s;
  static constexpr std::size_t entry_bytes = 16;

  // Throws std::bad_alloc when the account has no room. Requires: samples > 0.
  MemoryHistory(Account& account, std::size_t samples);

  // Time does not go back.
  void note(TimePoint now, const MemorySample& sample);
  // Calls `visit(const MemorySample&)` for each interval, the oldest first; the last is that of `now`.
  // Nothing from before the first note.
  template <class Visitor>
  void for_each(TimePoint now, Visitor&& visit) const;

 private:
  // KiB, so that a sample is small and an entry is not the budget's.
  struct Entry {
    std::uint32_t interval = 0;  // since the clock's epoch; 0: nothing was noted
    std::uint32_t rss = 0;
    std::uint32_t committed = 0;
    std::uint32_t live = 0;
  };
  static_assert(sizeof(Entry) == entry_bytes);

  static std::uint32_t interval_of(TimePoint now) {
    return static_cast<std::uint32_t>(now.time_since_epoch() / interval) + 1;
  }
  const Entry& entry_of(std::uint32_t number) const { return entries_[number % entries_.size()]; }

  AccountResource memory_;
  std::pmr::vector<Entry> entries_;
  std::uint32_t last_ = 0;  // the interval of the last note
};

template <class Visitor>
void MemoryHistory::for_each(TimePoint now, Visitor&& visit) const {
  if (last_ == 0) return;
  constexpr std::size_t kib = 1024;
  const auto size = static_cast<std::uint32_t>(entries_.size());
  const std::uint32_t end = std::max(interval_of(now), last_);
  for (std::uint32_t number = end < size ? 1 : end - size + 1; number <= end; ++number) {
    const Entry& entry = entry_of(std::min(number, last_));
    if (number <= last_ && entry.interval != number) continue;  // before the first note
    visit(MemorySample{entry.rss * kib, entry.committed * kib, entry.live * kib});
  }
}

}  // namespace masu::core
