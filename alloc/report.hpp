// MemoryReport: where every resident byte is, at one moment.
//
// Words. Live: asked for and not freed. Committed: pages charged. Untouched: of them, not yet resident.
// Fixed: mapped outside the box, by class. What the rows do not explain of the kernel's RSS is a row of its
// own, `unexplained`; it is within 3 % of RSS or 1 MiB, or something maps memory behind the box's back.
//
// Plain values, gathered in about a millisecond (smaps is read once). The numbers of one report are not of
// one instant: other threads go on. Any thread.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/fixed.hpp"
#include "alloc/heap.hpp"
#include "alloc/page_box.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace masu {

struct AccountRow {
  std::string_view name;
  Lifetime lifetime = Lifetime::process;
  std::size_t live = 0;
  std::size_t peak = 0;
  std::size_t committed = 0;
  std::size_t quota = 0;
  std::uint64_t refusals = 0;
};

// A rung of the ladder that is climbed when memory gets short.
struct RungRow {
  std::string_view name;  // "shrink caches"
  bool active = false;
  std::uint64_t entered = 0;  // how often, since the start
  std::size_t threshold = 0;  // the resident bytes that it is entered at; 0: it has no such number
};

struct MemoryReport {
  std::size_t budget = 0;

  // Inside the box.
  std::vector<AccountRow> accounts;
  std::array<HeapCount, heap_arena_count> heap;
  std::optional<ChunkPoolStats> chunks;
  DoorCount ours;
  DoorCount library;
  std::size_t box_tables = 0;

  // Outside of it.
  FixedPart fixed;
  std::size_t kernel_sockets = 0;  // no part of RSS; whoever counts sockets fills it in

  // The ladder from its lowest rung up; empty without one. Whoever climbs it fills it in.
  std::vector<RungRow> rungs;

  // As the kernel says.
  ProcessRss rss;

  // Live of all accounts, and what libraries hold.
  std::size_t live() const;
  // Pages charged to both doors.
  std::size_t committed() const { return ours.charged_bytes + library.charged_bytes; }
  // Free pool entries whose pages are kept for the next burst.
  std::size_t idle() const;
  // Resident tables of the heap, which no door counts.
  std::size_t heap_tables() const;
  // Committed pages that are not resident.
  std::size_t untouched() const;
  // Pages charged to our door that are of no account and no arena: zero, or an account is missing.
  std::ptrdiff_t unaccounted() const;
  // Resident bytes of all rows.
  std::size_t explained() const;
  // RSS above (or below) that.
  std::ptrdiff_t unexplained() const {
    return static_cast<std::ptrdiff_t>(rss.now) - static_cast<std::ptrdiff_t>(explained());
  }
};

// `chunks` may be null. The box is the process's.
MemoryReport gather_report(std::size_t budget_bytes, const Budget& root, const ChunkPool* chunks);

// The report as `stats memory` prints it: 78 columns. Accounts that were never used are counted only.
std::string format_report(const MemoryReport& report);

}  // namespace masu
