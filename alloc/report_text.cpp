// format_report(): the report as a table for people.

#include "alloc/report.hpp"

#include <algorithm>
#include <cstdio>

namespace masu {
namespace {

constexpr std::size_t width = 78;

// Three digits and a unit: "960 KiB", "1.77 MiB". Nothing is a dash, so that what is there stands out.
std::string size_text(std::size_t bytes) {
  static constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes == 0) return "-";
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < units.size(); ++unit) value /= 1024;
  std::array<char, 32> text;
  const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  std::snprintf(text.data(), text.size(), "%.*f %s", decimals, value, units[unit]);
  return text.data();
}

std::string signed_size_text(std::ptrdiff_t bytes) {
  const auto size = static_cast<std::size_t>(bytes < 0 ? -bytes : bytes);
  return std::string(bytes < 0 ? "-" : "").append(size_text(size));
}

std::string limit_text(std::size_t bytes) {
  return bytes >= ~std::size_t{0} / 2 ? "none" : bytes == 0 ? "0 B" : size_text(bytes);
}

std::string count_text(std::uint64_t count) { return count == 0 ? "-" : std::to_string(count); }

// Cells of a bar that `part` of `whole` fills; what is there has one at least.
std::size_t cells(std::size_t part, std::size_t whole, std::size_t all) {
  if (part == 0 || whole == 0) return 0;
  const double share = static_cast<double>(part) / static_cast<double>(whole) * static_cast<double>(all);
  return std::clamp(static_cast<std::size_t>(share + 0.5), std::size_t{1}, all);
}

// "##...|..": what is held, and the most that was.
std::string use_bar(std::size_t live, std::size_t peak, std::size_t quota) {
  constexpr std::size_t length = 8;
  if (quota == 0 || quota >= ~std::size_t{0} / 2) return "";
  std::string bar(length, '.');
  const std::size_t filled = cells(live, quota, length), top = cells(peak, quota, length);
  if (top > 0) bar[top - 1] = '|';
  std::fill_n(bar.begin(), static_cast<std::ptrdiff_t>(filled), '#');
  return bar;
}

// Names of accounts begin with their subsystem's.
struct Group {
  std::string_view title;
  std::array<std::string_view, 3> prefixes;
};
constexpr auto groups = std::to_array<Group>({
    {"Network", {"net"}},
    {"Bitswap", {"bitswap"}},
    {"Store", {"store"}},
    {"Requests", {"http", "request", "unixfs"}},
});

std::string_view subsystem_of(std::string_view name) { return name.substr(0, name.find('.')); }

std::string_view group_of(std::string_view name) {
  const std::string_view subsystem = subsystem_of(name);
  for (const Group& group : groups) {
    if (std::ranges::find(group.prefixes, subsystem) != group.prefixes.end()) return group.title;
  }
  return "Node";
}

class Table {
 public:
  explicit Table(const MemoryReport& report) : report_(report) {}

  std::string make() {
    put_budget();
    put_rungs();
    put_accounts();
    put_heap();
    put_doors();
    put_resident();
    return std::move(text_);
  }

 private:
  template <class... Values>
  void print(const char* format, Values... values) {
    std::array<char, 200> line;
    const int length = std::snprintf(line.data(), line.size(), format, values...);
    text_.append(line.data(), std::min(static_cast<std::size_t>(std::max(length, 0)), line.size() - 1));
    while (text_.ends_with(' ')) text_.pop_back();
    text_ += '\n';
  }

  // The budget as a line of cells: what of it is resident, by kind, and the highest that RSS ever was.
  void put_budget() {
    const std::size_t rss = report_.rss.now, budget = report_.budget;
    const double share = budget == 0 ? 0 : 100 * static_cast<double>(rss) / static_cast<double>(budget);
    print("RSS %s of a budget of %s (%.0f %%), at most %s, live %s", size_text(rss).c_str(),
          size_text(budget).c_str(), share, size_text(report_.rss.high_water).c_str(),
          size_text(report_.live()).c_str());
    if (budget == 0) return;
    constexpr std::size_t length = width - 2;
    std::string bar;
    const std::size_t in_box = report_.committed() - std::min(report_.committed(), report_.untouched());
    const std::size_t ours = in_box - std::min(in_box, report_.library.charged_bytes);
    auto fill = [&, upto = std::size_t{0}](char cell, std::size_t bytes) mutable {
      upto += bytes;
      const std::size_t end = cells(std::min(upto, rss), budget, length);
      if (end > bar.size()) bar.append(end - bar.size(), cell);
    };
    fill('c', report_.fixed.code);
    fill('f', rss - std::min(rss, report_.fixed.code + in_box));
    fill('l', std::min(in_box, report_.library.charged_bytes));
    fill('#', ours);
    bar.append(length - std::min(length, bar.size()), '.');
    const std::size_t top = cells(report_.rss.high_water, budget, length);
    if (top > cells(rss, budget, length)) bar[top - 1] = '|';
    print("[%s]", bar.c_str());
    print(" c code   f rest of the fixed part   l libraries   # our pools   | high water");
  }

  void put_rungs() {
    if (report_.rungs.empty()) return;
    const auto active = std::ranges::count_if(report_.rungs, &RungRow::active);
    if (active == 0) print("No rung of the ladder is active.");
    bool heading = false;
    for (const RungRow& rung : report_.rungs) {
      if (!rung.active && rung.entered == 0) continue;
      if (!std::exchange(heading, true)) print("\n%-28s %10s %10s", "LADDER", "at", "entered");
      print("%c %-26.*s %10s %10s", rung.active ? '>' : ' ', static_cast<int>(rung.name.size()),
            rung.name.data(), size_text(rung.threshold).c_str(), count_text(rung.entered).c_str());
    }
  }

  void put_accounts() {
    std::vector<std::string_view> titles = {"Node"};
    for (const Group& group : groups) titles.push_back(group.title);
    print("\n%-20s %9s %9s %9s %9s  %-8s %7s", "ACCOUNT", "live", "peak", "pages", "quota", "used",
          "refused");
    std::size_t unused = 0;
    for (const std::string_view title : titles) {
      bool heading = false;
      for (const AccountRow& row : report_.accounts) {
        if (group_of(row.name) != title) continue;
        if (row.peak == 0 && row.committed == 0 && row.refusals == 0) {
          ++unused;
          continue;
        }
        if (!std::exchange(heading, true)) {
          print("%.*s", static_cast<int>(title.size()), title.data());
        }
        put_account(row);
      }
    }
    if (unused > 0) {
      print("%zu account%s never used %s left out.", unused, unused == 1 ? "" : "s",
            unused == 1 ? "is" : "are");
    }
  }

  void put_account(const AccountRow& row) {
    print(" %-19.*s %9s %9s %9s %9s  %-8s %7s", static_cast<int>(row.name.size()), row.name.data(),
          size_text(row.live).c_str(), size_text(row.peak).c_str(), size_text(row.committed).c_str(),
          limit_text(row.quota).c_str(), use_bar(row.live, row.peak, row.quota).c_str(),
          count_text(row.refusals).c_str());
  }

  void put_heap() {
    bool heading = false;
    for (const HeapCount& count : report_.heap) {
      if (!count.created) continue;
      if (!std::exchange(heading, true)) {
        print("\n%-20s %9s %9s %9s %9s", "HEAP", "live", "free", "pages", "tables");
      }
      const std::string_view name = name_of(count.arena);
      print(" %-19.*s %9s %9s %9s %9s", static_cast<int>(name.size()), name.data(),
            size_text(count.allocated).c_str(), size_text(count.dirty).c_str(),
            size_text(count.charged).c_str(), size_text(count.metadata).c_str());
    }
  }

  void put_doors() {
    print("\n%-20s %9s %9s %9s %9s  %-8s %7s", "DOOR OF THE BOX", "", "peak", "pages", "limit", "used",
          "refused");
    put_door("ours", report_.ours);
    put_door("libraries", report_.library);
  }

  void put_door(const char* name, const DoorCount& door) {
    print(" %-19s %9s %9s %9s %9s  %-8s %7s", name, "", size_text(door.peak_bytes).c_str(),
          size_text(door.charged_bytes).c_str(), limit_text(door.limit_bytes).c_str(),
          use_bar(door.charged_bytes, door.peak_bytes, door.limit_bytes).c_str(),
          count_text(door.refusals).c_str());
  }

  void put_resident() {
    print("\nRESIDENT");
    put_part("our pools and heap", static_cast<std::ptrdiff_t>(report_.ours.charged_bytes));
    put_part("libraries", static_cast<std::ptrdiff_t>(report_.library.charged_bytes));
    put_part("not yet touched", -static_cast<std::ptrdiff_t>(report_.untouched()));
    put_part("tables of heap, box", static_cast<std::ptrdiff_t>(report_.heap_tables() + report_.box_tables));
    put_part("code", static_cast<std::ptrdiff_t>(report_.fixed.code));
    put_part("data", static_cast<std::ptrdiff_t>(report_.fixed.data));
    put_part("stacks", static_cast<std::ptrdiff_t>(report_.fixed.stacks));
    put_part("early heap", static_cast<std::ptrdiff_t>(report_.fixed.early));
    put_part("kernel's pages", static_cast<std::ptrdiff_t>(report_.fixed.kernel));
    put_part("unexplained", report_.unexplained());
    put_part("= RSS", static_cast<std::ptrdiff_t>(report_.rss.now));
    print("\nBESIDE IT");
    put_beside("kernel's sockets", static_cast<std::ptrdiff_t>(report_.kernel_sockets));
    put_beside("free in pools", static_cast<std::ptrdiff_t>(report_.idle()));
    put_beside("of no account", report_.unaccounted());
  }

  void put_part(const char* name, std::ptrdiff_t bytes) {
    constexpr std::size_t length = 42;
    const std::size_t filled =
        bytes <= 0 ? 0 : cells(static_cast<std::size_t>(bytes), report_.rss.now, length);
    print("  %-20s %10s  %s", name, signed_size_text(bytes).c_str(), std::string(filled, '#').c_str());
  }

  void put_beside(const char* name, std::ptrdiff_t bytes) {
    print("  %-20s %10s", name, signed_size_text(bytes).c_str());
  }

  const MemoryReport& report_;
  std::string text_;
};

}  // namespace

std::string format_report(const MemoryReport& report) { return Table(report).make(); }

}  // namespace masu
