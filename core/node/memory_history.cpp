#include "core/node/memory_history.hpp"

#include "alloc/check.hpp"

#include <algorithm>

namespace masu::core {

MemoryHistory::MemoryHistory(Account& account, std::size_t samples)
    : memory_(account), entries_(samples, &memory_) {
  MASU_CHECK(samples > 0, "a history has room");
}

void MemoryHistory::note(TimePoint now, const MemorySample& sample) {
  const std::uint32_t number = std::max(interval_of(now), last_);
  const auto size = static_cast<std::uint32_t>(entries_.size());
  if (last_ > 0 && number > last_) {
    // What nobody was awake for is as it was.
    Entry before = entry_of(last_);
    for (std::uint32_t gap = number - last_ < size ? last_ + 1 : number - size + 1; gap < number; ++gap) {
      before.interval = gap;
      entries_[gap % size] = before;
    }
  }
  Entry& entry = entries_[number % size];
  if (entry.interval != number) entry = {.interval = number};
  const auto keep = [](std::uint32_t& highest, std::size_t bytes) {
    highest = std::max(highest, static_cast<std::uint32_t>(bytes / 1024));
  };
  keep(entry.rss, sample.rss);
  keep(entry.committed, sample.committed);
  keep(entry.live, sample.live);
  last_ = number;
}

}  // namespace masu::core
