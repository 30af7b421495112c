#include "alloc/report.hpp"

#include "alloc/plan.hpp"

#include <algorithm>
#include <cstdio>

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
  report.fixed = measure_fixed(box).value_or(FixedPart());
  report.rss = read_process_rss().value_or(ProcessRss());
  report.ours = box.count(Door::ours);
  report.library = box.count(Door::library);
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

namespace {

// Lines of a fixed width, gathered in a string.
class Table {
 public:
  void heading(const char* text) { print("\n%s\n", text); }
  void columns() {
    print("%-20s %-10s %12s %12s %12s %12s %9s\n", "account", "lifetime", "live", "peak", "committed",
          "quota", "refusals");
  }
  void account(const AccountRow& row) {
    print("%-20.*s %-10.*s %12s %12s %12s %12s %9llu\n", static_cast<int>(row.name.size()), row.name.data(),
          static_cast<int>(name_of(row.lifetime).size()), name_of(row.lifetime).data(),
          text(row.live).c_str(), text(row.peak).c_str(), text(row.committed).c_str(),
          quota(row.quota).c_str(), static_cast<unsigned long long>(row.refusals));
  }
  void arena(const HeapCount& count) {
    const std::string_view name = name_of(count.arena);
    print("%-20.*s %12s live %12s committed %12s dirty %12s tables\n", static_cast<int>(name.size()),
          name.data(), text(count.allocated).c_str(), text(count.charged).c_str(), text(count.dirty).c_str(),
          text(count.metadata).c_str());
  }
  void door(const char* name, const DoorCount& door) {
    print("%-20s %12s committed %12s peak %12s limit %9llu refusals\n", name,
          text(door.charged_bytes).c_str(), text(door.peak_bytes).c_str(), quota(door.limit_bytes).c_str(),
          static_cast<unsigned long long>(door.refusals));
  }
  void line(const char* name, std::size_t bytes) { print("%-20s %12s\n", name, text(bytes).c_str()); }
  void signed_line(const char* name, std::ptrdiff_t bytes) {
    const auto size = static_cast<std::size_t>(bytes < 0 ? -bytes : bytes);
    print("%-20s %12s\n", name, std::string(bytes < 0 ? "-" : "").append(text(size)).c_str());
  }
  std::string take() { return std::move(text_); }

 private:
  static std::string text(std::size_t bytes) { return format_bytes(bytes); }
  static std::string quota(std::size_t bytes) {
    return bytes >= ~std::size_t{0} / 2 ? "none" : format_bytes(bytes);
  }

  template <class... Values>
  void print(const char* format, Values... values) {
    std::array<char, 240> line;
    const int length = std::snprintf(line.data(), line.size(), format, values...);
    text_.append(line.data(), std::min(static_cast<std::size_t>(std::max(length, 0)), line.size() - 1));
  }

  std::string text_;
};

}  // namespace

std::string format_report(const MemoryReport& report) {
  Table table;
  table.columns();
  for (const AccountRow& row : report.accounts) table.account(row);
  table.heading("Heap");
  for (const HeapCount& count : report.heap) {
    if (count.created) table.arena(count);
  }
  table.heading("Doors of the box");
  table.door("ours", report.ours);
  table.door("libraries", report.library);
  table.heading("Resident");
  table.line("committed", report.committed());
  table.signed_line("- untouched", -static_cast<std::ptrdiff_t>(report.untouched()));
  table.line("heap tables", report.heap_tables());
  table.line("box tables", report.box_tables);
  table.line("fixed: code", report.fixed.code);
  table.line("fixed: data", report.fixed.data);
  table.line("fixed: stacks", report.fixed.stacks);
  table.line("fixed: early heap", report.fixed.early);
  table.line("fixed: kernel", report.fixed.kernel);
  table.signed_line("unexplained", report.unexplained());
  table.line("RSS", report.rss.now);
  table.heading("Sums");
  table.line("live", report.live());
  table.line("idle in pools", report.idle());
  table.signed_line("of no account", report.unaccounted());
  table.line("kernel sockets", report.kernel_sockets);
  table.line("RSS high water", report.rss.high_water);
  table.line("budget", report.budget);
  return table.take();
}

}  // namespace masu
