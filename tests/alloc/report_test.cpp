#include "alloc/report.hpp"

#include "alloc/resource.hpp"
#include "alloc/slab_pool.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

namespace masu {
namespace {

constexpr std::size_t mib = 1024 * 1024;

struct Entry {
  std::array<char, 200> bytes;
};

// What a node does to memory, without a node: chunks, slab entries, request memory and heap of every
// lifetime, and libraries that call malloc.
class Load {
 public:
  explicit Load(unsigned seed) : random_(seed) {}

  void rise() {
    for (int i = 0; i < 300; ++i) {
      Chunk chunk = pool_.take(receive_);
      if (!chunk) break;
      std::memset(chunk.space().data(), 1, random_() % chunk_bytes);
      chunks_.push_back(std::move(chunk));
    }
    for (int i = 0; i < 5000; ++i) {
      entries_.push_back(slab_.make());
      entries_.back()->bytes.fill('x');
    }
    for (int i = 0; i < 40; ++i) {
      requests_.push_back(std::make_unique<Bump>(request_, 256 * 1024));
      for (int part = 0; part < 20; ++part) std::memset(requests_.back()->allocate(3000), 1, 3000);
    }
    for (int i = 0; i < 2000; ++i) {
      heap_.emplace_back(random_() % 4000 + 1, 'h', &resource_);
      library_.emplace_back(random_() % 4000 + 1, 'l');
    }
  }
  // What is there now is there to stay.
  void settle() {
    chunks_.clear();
    requests_.clear();
    entries_kept_ = entries_.size();
    heap_kept_ = heap_.size();
    library_kept_ = library_.size();
  }
  // What came since then goes.
  void fall() {
    chunks_.clear();
    requests_.clear();
    entries_.resize(entries_kept_);
    heap_.resize(heap_kept_);
    library_.resize(library_kept_);
  }
  void tidy() {
    pool_.trim();
    purge_heap();
  }
  MemoryReport report() { return gather_report(64 * mib, budget_, &pool_); }

 private:
  std::mt19937 random_;
  Budget budget_{"root", 64 * mib};
  Budget node_{"node", 64 * mib, &budget_};
  Account pool_row_{budget_, "chunks", Lifetime::block, mib};
  Account receive_{node_, "net.receive", Lifetime::block, 32 * mib};
  Account peers_{node_, "net.peerstore", Lifetime::peer, 32 * mib};
  Account request_{node_, "http.request", Lifetime::request, 32 * mib};
  Account pins_{node_, "store.pins", Lifetime::store, 32 * mib};
  AccountResource resource_{pins_};
  ChunkPool pool_{pool_row_, 400};
  SlabPool<Entry> slab_{peers_, 100000};
  std::vector<Chunk> chunks_;
  std::vector<SlabPool<Entry>::Handle> entries_;
  std::vector<std::unique_ptr<Bump>> requests_;
  std::vector<std::pmr::vector<char>> heap_;
  std::vector<std::string> library_;
  std::size_t entries_kept_ = 0;
  std::size_t heap_kept_ = 0;
  std::size_t library_kept_ = 0;
};

TEST(ReportTest, HasARowForEachAccountAlsoOfChildBudgets) {
  Load load(1);
  load.rise();
  const MemoryReport report = load.report();
  ASSERT_EQ(report.accounts.size(), 5u);
  EXPECT_EQ(report.accounts[1].name, "net.receive");
  EXPECT_EQ(report.accounts[1].live, 300 * chunk_bytes);
  EXPECT_EQ(report.accounts[1].quota, 32 * mib);
  EXPECT_EQ(report.accounts[2].live, 5000 * sizeof(Entry));
  EXPECT_GT(report.accounts[0].committed, 300 * chunk_bytes);
  EXPECT_GE(report.chunks->used, 300u);
}

AccountRow row(std::string_view name, std::size_t live, std::size_t peak, std::uint64_t refusals = 0) {
  return {name, Lifetime::peer, live, peak, peak, std::size_t{4} * mib, refusals};
}

MemoryReport example() {
  MemoryReport report;
  report.budget = 64 * mib;
  report.rss.now = 16 * mib;
  report.rss.high_water = 32 * mib;
  report.fixed.code = 8 * mib;
  report.ours.charged_bytes = 4 * mib;
  report.library.charged_bytes = 2 * mib;
  report.fixed.box = 6 * mib;
  report.accounts = {row("chunks", 0, mib), row("net.peerstore", 2 * mib, 4 * mib, 17), row("net.dial", 0, 0),
                     row("bitswap.block", 0, 0, 3)};
  return report;
}

std::string line_of(const std::string& text, std::string_view word) {
  const std::size_t at = text.find(word);
  if (at == std::string::npos) return "";
  const std::size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

TEST(ReportTest, TheTableBeginsWithTheBudget) {
  const std::string text = format_report(example());
  EXPECT_TRUE(text.starts_with("RSS 16.0 MiB of a budget of 64.0 MiB (25 %), at most 32.0 MiB, live "))
      << text;
  const std::string bar = line_of(text, "[");
  ASSERT_EQ(bar.size(), 78u);
  EXPECT_EQ(std::ranges::count(bar, 'c'), 10);  // an eighth of 76 cells
  EXPECT_EQ(std::ranges::count(bar, '#'), 5);
  EXPECT_EQ(std::ranges::count(bar, '.'), 76 - 19 - 1);
  EXPECT_EQ(bar.find('|'), 38u);  // half of it, behind the bracket
}

TEST(ReportTest, TheTableIsNarrowAndHasNoTrailingSpace) {
  MemoryReport report = example();
  report.accounts.push_back(row("store.collect.block", mib, 4 * mib, 1000000));
  report.rungs = {{"refuse inbound connections", true, 1000000, 60 * mib}};
  for (const AccountRow& each : gather_report(mib, Budget("none", 0), nullptr).accounts)
    report.accounts.push_back(each);
  const std::string text = format_report(report);
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = text.find('\n', begin);
    EXPECT_LE(end - begin, 78u) << text.substr(begin, end - begin);
    EXPECT_FALSE(end > begin && text[end - 1] == ' ') << text.substr(begin, end - begin);
  }
}

TEST(ReportTest, TheTableShowsWhatWasUsedOrRefused) {
  const std::string text = format_report(example());
  EXPECT_EQ(line_of(text, "net.peerstore"),
            " net.peerstore        2.00 MiB  4.00 MiB  4.00 MiB  4.00 MiB  ####...|      17");
  EXPECT_EQ(line_of(text, "bitswap.block"),
            " bitswap.block               -         -         -  4.00 MiB  ........       3");
  EXPECT_EQ(text.find("net.dial"), std::string::npos);
  EXPECT_NE(text.find("1 account never used is left out."), std::string::npos);
  EXPECT_LT(text.find("\nNode\n"), text.find("\nNetwork\n"));
}

TEST(ReportTest, TheTableAddsUpToRss) {
  const std::string text = format_report(example());
  EXPECT_TRUE(line_of(text, "our pools and heap").starts_with("  our pools and heap     4.00 MiB  ####"))
      << text;
  EXPECT_TRUE(line_of(text, "  code  ").starts_with("  code                   8.00 MiB  ####"));
  EXPECT_TRUE(line_of(text, "unexplained").starts_with("  unexplained            2.00 MiB  ####"));
  EXPECT_TRUE(line_of(text, "= RSS").starts_with("  = RSS                  16.0 MiB  ####"));
}

TEST(ReportTest, TheTableShowsRungsThatWereEntered) {
  MemoryReport report = example();
  EXPECT_EQ(format_report(report).find("LADDER"), std::string::npos);
  report.rungs = {{"purge", false, 0, 48 * mib}, {"shrink caches", false, 2, 50 * mib}};
  const std::string calm = format_report(report);
  EXPECT_NE(calm.find("No rung of the ladder is active.\n"), std::string::npos);
  EXPECT_EQ(line_of(calm, "shrink caches"), "  shrink caches                50.0 MiB          2");
  EXPECT_EQ(calm.find("purge"), std::string::npos);
  report.rungs[0] = {"purge", true, 1, 48 * mib};
  EXPECT_EQ(line_of(format_report(report), "purge"), "> purge                        48.0 MiB          1");
}

TEST(ReportTest, AnEmptyReportIsATableToo) {
  const MemoryReport report;
  EXPECT_EQ(report.explained(), 0u);
  EXPECT_NE(format_report(report).find("RSS"), std::string::npos);
}

#if defined(MASU_JEMALLOC)

void expect_rss_is_explained(const MemoryReport& report, const char* when) {
  const auto rss = static_cast<double>(report.rss.now);
  const double allowed = std::max(0.03 * rss, 1.0 * mib);
  EXPECT_LE(std::abs(static_cast<double>(report.unexplained())), allowed) << when << '\n'
                                                                          << format_report(report);
  EXPECT_LE(report.fixed.unknown, 64u * 1024) << when;
}

TEST(ReportTest, TheRowsAgreeWithRssThroughBursts) {
  Load load(2);
  expect_rss_is_explained(load.report(), "at the start");
  for (int burst = 0; burst < 5; ++burst) {
    load.rise();
    expect_rss_is_explained(load.report(), "at the top");
    load.fall();
    expect_rss_is_explained(load.report(), "after the burst");
    load.tidy();
    expect_rss_is_explained(load.report(), "after the purge");
  }
}

TEST(ReportTest, EveryPageOfOurDoorHasAnAccountOrAnArena) {
  const std::ptrdiff_t before = [] {
    Budget none("none", 0);
    return gather_report(0, none, nullptr).unaccounted();
  }();
  Load load(3);
  load.rise();
  EXPECT_EQ(load.report().unaccounted(), before);
  load.fall();
  EXPECT_EQ(load.report().unaccounted(), before);
}

TEST(ReportTest, AfterABurstCommittedFollowsLive) {
  Load load(4);
  load.rise();
  load.settle();
  for (int burst = 0; burst < 10; ++burst) {
    load.rise();
    load.fall();
  }
  load.tidy();
  const MemoryReport report = load.report();
  EXPECT_LE(report.committed(), report.live() * 11 / 10 + 2 * mib) << format_report(report);
}

TEST(ReportTest, MemoryBehindTheBoxsBackIsUnexplained) {
  Load load(5);
  load.rise();
  const MemoryReport before = load.report();
  void* hidden = mmap(nullptr, 4 * mib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(hidden, MAP_FAILED);
  std::memset(hidden, 1, 4 * mib);
  const MemoryReport during = load.report();
  munmap(hidden, 4 * mib);
  EXPECT_NEAR(static_cast<double>(during.unexplained() - before.unexplained()), 4.0 * mib, 0.5 * mib);
}

#endif

}  // namespace
}  // namespace masu
