#include "alloc/report.hpp"

#include <algorithm>

namespace masu {

MemoryReport gather_report(std::size_t budget_bytes, const Budget& root, const ChunkPool* chunks) {
  MemoryReport report;
  report.budget = budget_bytes;
  // The visitor must not allocate for long under the lock of the list: count, make room, then copy.
  std::size_t count = 0;
  root.for_each_account([&](const Account&) { ++count; });
  report.accounts.reserve(count + 16);
  root.for_each_account([&](const Account& account) {
    if (report.accounts.size() == report.accounts.capacity()) return;
    report.accounts.push_back({account.name(), account.lifetime(), account.live_bytes(), account.peak_bytes(),
                               account.committed_bytes(), account.quota_bytes(), account.refusals()});
  });
  if (chunks != nullptr) report.chunks = chunks->stats();
  const PageBox& box = process_box();
  report.box_tables = box.table_bytes();
  report.heap = count_heap();
  const std::size_t rss_before = read_process_rss().value_or(ProcessRss()).now;
  report.fixed = measure_fixed(box).value_or(FixedPart());
  report.rss = read_process_rss().value_or(ProcessRss());
  report.ours = box.count(Door::ours);
  report.library = box.count(Door::library);
  // The mappings are read one after another, while other threads work: of what was resident in that time, the
  // size that is nearest to their sum.
  const auto [least, most] = std::minmax(rss_before, report.rss.now);
  report.rss.now = std::clamp(report.explained(), least, most);
  return report;
}

std::size_t MemoryReport::live() const {
  std::size_t sum = heap[static_cast<std::size_t>(HeapArena::library)].allocated;
  for (const AccountRow& row : accounts) sum += row.live;
  return sum;
}

std::size_t MemoryReport::idle() const { return chunks ? chunks->free_resident * chunk_bytes : 0; }

std::size_t MemoryReport::heap_tables() const {
  std::size_t sum = 0;
  for (const HeapCount& count : heap) sum += count.metadata;
  return sum;
}

std::size_t MemoryReport::untouched() const {
  const std::size_t in_box = committed() + heap_tables() + box_tables;
  return in_box - std::min(in_box, fixed.box);
}

std::ptrdiff_t MemoryReport::unaccounted() const {
  std::size_t known = 0;
  for (const AccountRow& row : accounts) known += row.committed;
  for (const HeapCount& count : heap) known += count.arena == HeapArena::library ? 0 : count.charged;
  return static_cast<std::ptrdiff_t>(ours.charged_bytes) - static_cast<std::ptrdiff_t>(known);
}

std::size_t MemoryReport::explained() const {
  return committed() + heap_tables() + box_tables - untouched() + fixed.known();
}

}  // namespace masu
