#include "alloc/page_box.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

namespace masu {
namespace {

constexpr std::size_t mib = 1024 * 1024;

std::size_t resident_pages(void* start, std::size_t bytes) {
  std::vector<unsigned char> seen(bytes / page_bytes);
  if (mincore(start, bytes, seen.data()) != 0) return 0;
  std::size_t count = 0;
  for (const unsigned char page : seen) count += page & 1;
  return count;
}

TEST(PageBoxTest, MapsZeroedAlignedPagesAndCountsThem) {
  PageBox box(8 * mib);
  auto* run = static_cast<std::uint8_t*>(box.map(3 * page_bytes, 64 * 1024, Door::ours));
  ASSERT_NE(run, nullptr);
  EXPECT_TRUE(box.contains(run));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(run) % (64 * 1024), 0u);
  EXPECT_EQ(std::count(run, run + 3 * page_bytes, 0), static_cast<std::ptrdiff_t>(3 * page_bytes));
  EXPECT_EQ(box.count(Door::ours).charged_bytes, 3 * page_bytes);
  EXPECT_EQ(box.count(Door::library).charged_bytes, 0u);
  std::memset(run, 1, 3 * page_bytes);
  box.unmap(run, 3 * page_bytes, Door::ours);
  EXPECT_EQ(box.count(Door::ours).charged_bytes, 0u);
  EXPECT_EQ(box.count(Door::ours).peak_bytes, 3 * page_bytes);
  auto* again = static_cast<std::uint8_t*>(box.map(3 * page_bytes, 64 * 1024, Door::ours));
  ASSERT_EQ(again, run);
  EXPECT_EQ(again[5], 0);
  box.unmap(again, 3 * page_bytes, Door::ours);
}

TEST(PageBoxTest, EachDoorHasItsOwnLimit) {
  PageBox box(8 * mib);
  box.set_limits(2 * page_bytes, page_bytes);
  void* ours = box.map(2 * page_bytes, page_bytes, Door::ours);
  ASSERT_NE(ours, nullptr);
  EXPECT_EQ(box.map(page_bytes, page_bytes, Door::ours), nullptr);
  void* library = box.map(page_bytes, page_bytes, Door::library);
  ASSERT_NE(library, nullptr);
  EXPECT_EQ(box.map(1, page_bytes, Door::library), nullptr);
  EXPECT_EQ(box.count(Door::ours).refusals, 1u);
  EXPECT_EQ(box.count(Door::library).refusals, 1u);
  box.unmap(ours, 2 * page_bytes, Door::ours);
  box.unmap(library, page_bytes, Door::library);
}

TEST(PageBoxTest, TheLibraryDoorMayTakeWhatOursHasNotTaken) {
  PageBox box(8 * mib);
  box.set_limits(4 * page_bytes, 2 * page_bytes);
  void* library = box.map(5 * page_bytes, page_bytes, Door::library);
  ASSERT_NE(library, nullptr) << "three pages more than its limit";
  EXPECT_EQ(box.map(2 * page_bytes, page_bytes, Door::ours), nullptr);
  void* ours = box.map(page_bytes, page_bytes, Door::ours);
  ASSERT_NE(ours, nullptr);
  EXPECT_EQ(box.map(page_bytes, page_bytes, Door::library), nullptr)
      << "the sum of the limits is never passed";
  box.unmap(library, 5 * page_bytes, Door::library);
  void* rest = box.map(3 * page_bytes, page_bytes, Door::ours);
  EXPECT_NE(rest, nullptr);
  void* own = box.map(2 * page_bytes, page_bytes, Door::library);
  EXPECT_NE(own, nullptr) << "its limit is the library's own";
  box.unmap(own, 2 * page_bytes, Door::library);
  box.unmap(rest, 3 * page_bytes, Door::ours);
  box.unmap(ours, page_bytes, Door::ours);
}

TEST(PageBoxTest, UnchargedPagesCountNowhere) {
  PageBox box(8 * mib);
  box.set_limits(0, 0);
  auto* table = static_cast<std::uint8_t*>(box.map_uncharged(2 * mib, 2 * mib));
  ASSERT_NE(table, nullptr);
  table[mib] = 1;
  EXPECT_EQ(resident_pages(table, 2 * mib), 1u);
  EXPECT_EQ(box.count(Door::library).charged_bytes, 0u);
  box.unmap(table, 2 * mib, Door::library);
  EXPECT_EQ(box.count(Door::library).charged_bytes, 0u);
}

TEST(PageBoxTest, RunsOutOfAddressesWithoutCharging) {
  PageBox box(2 * mib);
  std::vector<void*> runs;
  while (void* run = box.map(16 * page_bytes, 16 * page_bytes, Door::ours)) runs.push_back(run);
  EXPECT_GE(runs.size(), 30u);
  EXPECT_EQ(box.count(Door::ours).charged_bytes, runs.size() * 16 * page_bytes);
  for (void* run : runs) box.unmap(run, 16 * page_bytes, Door::ours);
  void* whole = box.map(mib, page_bytes, Door::ours);
  EXPECT_NE(whole, nullptr) << "neighbours that are free are one run again";
  box.unmap(whole, mib, Door::ours);
}

TEST(PageBoxTest, APartOfARunCanBeGivenBack) {
  PageBox box(4 * mib);
  auto* run = static_cast<std::uint8_t*>(box.map(8 * page_bytes, page_bytes, Door::ours));
  std::memset(run, 1, 8 * page_bytes);
  box.unmap(run + 2 * page_bytes, 3 * page_bytes, Door::ours);
  EXPECT_EQ(box.count(Door::ours).charged_bytes, 5 * page_bytes);
  EXPECT_EQ(run[0], 1);
  EXPECT_EQ(run[5 * page_bytes], 1);
  void* hole = box.map(3 * page_bytes, page_bytes, Door::ours);
  EXPECT_EQ(hole, run + 2 * page_bytes);
  box.unmap(run, 8 * page_bytes, Door::ours);
  EXPECT_EQ(box.count(Door::ours).charged_bytes, 0u);
}

TEST(PageBoxTest, GivingBackLowersWhatIsResident) {
  PageBox box(8 * mib);
  auto* run = static_cast<std::uint8_t*>(box.map(2 * mib, page_bytes, Door::ours));
  EXPECT_EQ(resident_pages(run, 2 * mib), 0u) << "charged, and not yet touched";
  std::memset(run, 1, 2 * mib);
  EXPECT_EQ(resident_pages(run, 2 * mib), 512u);
  box.decommit(run, mib, Door::ours);
  EXPECT_EQ(resident_pages(run, 2 * mib), 256u);
  EXPECT_EQ(box.count(Door::ours).charged_bytes, mib);
  ASSERT_TRUE(box.recommit(run, 2 * mib, Door::ours));
  EXPECT_EQ(box.count(Door::ours).charged_bytes, 2 * mib) << "pages that were charged are not charged twice";
  EXPECT_EQ(run[0], 0);
  EXPECT_EQ(run[2 * mib - 1], 1);
  box.decommit(run, mib, Door::ours);
  box.unmap(run, 2 * mib, Door::ours);
  EXPECT_EQ(box.count(Door::ours).charged_bytes, 0u);
}

TEST(PageBoxTest, ReservedAddressesCostNothingUntilCommitted) {
  PageBox box(8 * mib);
  box.set_limits(page_bytes, page_bytes);
  auto* range = static_cast<std::uint8_t*>(box.reserve(mib, page_bytes));
  ASSERT_NE(range, nullptr);
  EXPECT_EQ(box.count(Door::ours).charged_bytes, 0u);
  EXPECT_TRUE(box.recommit(range + page_bytes, page_bytes, Door::ours));
  range[page_bytes] = 1;
  EXPECT_FALSE(box.recommit(range + 2 * page_bytes, page_bytes, Door::ours));
  box.unmap(range, mib, Door::ours);
  EXPECT_EQ(box.count(Door::ours).charged_bytes, 0u);
}

TEST(PageBoxTest, ShrinksDownToWhatIsHandedOut) {
  PageBox box(64 * mib);
  void* low = box.map(page_bytes, page_bytes, Door::ours);
  void* high = box.map(2 * mib, 16 * mib, Door::ours);
  box.shrink_addresses(4 * mib);
  EXPECT_TRUE(box.contains(low));
  EXPECT_TRUE(box.contains(high));
  EXPECT_LE(box.address_bytes(), 18 * mib);
  box.unmap(high, 2 * mib, Door::ours);
  box.shrink_addresses(4 * mib);
  EXPECT_EQ(box.address_bytes(), 4 * mib);
  EXPECT_EQ(box.map(4 * mib, page_bytes, Door::ours), nullptr);
  box.unmap(low, page_bytes, Door::ours);
}

TEST(PageBoxTest, RandomRunsNeverOverlapAndTheCountIsExact) {
  struct Run {
    std::uint8_t* start;
    std::size_t pages;
    std::uint8_t mark;
  };
  PageBox box(16 * mib);
  std::mt19937 random(11);
  std::vector<Run> runs;
  std::size_t pages_mapped = 0;
  for (int step = 0; step < 4000; ++step) {
    if (runs.empty() || random() % 5 < 3) {
      const std::size_t pages = random() % 40 + 1;
      const std::size_t align = page_bytes << (random() % 5);
      auto* start = static_cast<std::uint8_t*>(box.map(pages * page_bytes, align, Door::ours));
      if (start == nullptr) continue;
      const auto mark = static_cast<std::uint8_t>(random() % 255 + 1);
      for (std::size_t page = 0; page < pages; ++page) {
        ASSERT_EQ(start[page * page_bytes], 0);
        start[page * page_bytes] = mark;
      }
      runs.push_back({start, pages, mark});
      pages_mapped += pages;
    } else {
      Run& run = runs[random() % runs.size()];
      const std::size_t part = random() % run.pages + 1;  // the tail of the run
      for (std::size_t page = 0; page < run.pages; ++page) ASSERT_EQ(run.start[page * page_bytes], run.mark);
      box.unmap(run.start + (run.pages - part) * page_bytes, part * page_bytes, Door::ours);
      run.pages -= part;
      pages_mapped -= part;
      if (run.pages == 0) {
        run = runs.back();
        runs.pop_back();
      }
    }
    ASSERT_EQ(box.count(Door::ours).charged_bytes, pages_mapped * page_bytes);
  }
}

TEST(PageBoxTest, ThreadsShareTheBox) {
  PageBox box(32 * mib);
  box.set_limits(4 * mib, 4 * mib);
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker) {
    threads.emplace_back([&box, worker] {
      std::mt19937 random(static_cast<unsigned>(worker));
      const Door door = worker % 2 == 0 ? Door::ours : Door::library;
      for (int round = 0; round < 500; ++round) {
        const std::size_t bytes = (random() % 64 + 1) * page_bytes;
        auto* run = static_cast<std::uint8_t*>(box.map(bytes, page_bytes << (random() % 4), door));
        if (run == nullptr) continue;
        for (std::size_t at = 0; at < bytes; at += page_bytes) {
          EXPECT_EQ(run[at], 0);
          run[at] = static_cast<std::uint8_t>(worker + 1);
        }
        if (round % 3 == 0) box.decommit(run, page_bytes, door);
        box.unmap(run, bytes, door);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(box.count(Door::ours).charged_bytes, 0u);
  EXPECT_EQ(box.count(Door::library).charged_bytes, 0u);
  EXPECT_LE(box.count(Door::ours).peak_bytes, 4 * mib);
}

TEST(PageBoxDeathTest, PagesThatWereGivenBackTrap) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  PageBox box(4 * mib);
  auto* run = static_cast<volatile std::uint8_t*>(box.map(page_bytes, page_bytes, Door::ours));
  box.unmap(const_cast<std::uint8_t*>(run), page_bytes, Door::ours);
  EXPECT_DEATH(run[0] = 1, "");
  EXPECT_DEATH(box.unmap(const_cast<std::uint8_t*>(run), page_bytes, Door::ours), "given back once");
}

}  // namespace
}  // namespace masu
