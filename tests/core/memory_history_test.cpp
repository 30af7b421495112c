#include "core/node/memory_history.hpp"

#include <new>
#include <vector>

#include <gtest/gtest.h>

namespace masu::core {
namespace {

constexpr std::size_t kib = 1024;

class MemoryHistoryTest : public testing::Test {
 protected:
  void note(std::size_t kibs) {
    history_.note(now_, {.rss = kibs * kib, .committed = kibs * kib / 2, .live = kibs * kib / 4});
  }
  void pass(Duration time) { now_ += time; }
  std::vector<std::size_t> rss() const {
    std::vector<std::size_t> kibs;
    history_.for_each(now_, [&](const MemorySample& sample) { kibs.push_back(sample.rss / kib); });
    return kibs;
  }

  Budget budget_{"test", 1 << 20};
  Account account_{budget_, "memory.history", Lifetime::process, 6 * MemoryHistory::entry_bytes};
  MemoryHistory history_{account_, 6};
  TimePoint now_{};
};

using Kibs = std::vector<std::size_t>;

TEST_F(MemoryHistoryTest, BeginsWithItsFirstNote) {
  EXPECT_EQ(rss(), Kibs());
  pass(1h);
  EXPECT_EQ(rss(), Kibs());
  note(400);
  EXPECT_EQ(rss(), Kibs({400}));
  pass(5s);
  note(800);
  EXPECT_EQ(rss(), Kibs({400, 800}));
}

TEST_F(MemoryHistoryTest, KeepsTheHighestOfAnInterval) {
  note(400);
  pass(1s);
  note(900);
  pass(1s);
  note(300);
  EXPECT_EQ(rss(), Kibs({900}));
  history_.note(now_, {.rss = 0, .committed = 700 * kib, .live = 100 * kib});
  history_.for_each(now_, [&](const MemorySample& sample) {
    EXPECT_EQ(sample.rss, 900 * kib);
    EXPECT_EQ(sample.committed, 700 * kib);
    EXPECT_EQ(sample.live, 225 * kib);
  });
}

TEST_F(MemoryHistoryTest, ForgetsWhatIsOlderThanItsRoom) {
  for (std::size_t kibs = 1; kibs <= 20; ++kibs) {
    note(kibs);
    pass(5s);
  }
  now_ -= 5s;
  EXPECT_EQ(rss(), Kibs({15, 16, 17, 18, 19, 20}));
}

TEST_F(MemoryHistoryTest, AGapReadsAsTheValueBeforeIt) {
  note(400);
  pass(15s);
  note(800);
  pass(10s);
  EXPECT_EQ(rss(), Kibs({400, 400, 400, 800, 800, 800}));
  pass(10s);
  EXPECT_EQ(rss(), Kibs({400, 800, 800, 800, 800, 800}));
  // A night.
  pass(8h);
  EXPECT_EQ(rss(), Kibs(6, 800));
  note(500);
  EXPECT_EQ(rss(), Kibs({800, 800, 800, 800, 800, 500}));
}

TEST_F(MemoryHistoryTest, HoldsWhatItsAccountMayHold) {
  EXPECT_EQ(account_.live_bytes(), 6 * MemoryHistory::entry_bytes);
  EXPECT_THROW(MemoryHistory(account_, 1), std::bad_alloc);
  for (int i = 0; i < 100; ++i) {
    note(1);
    pass(3s);
  }
  EXPECT_EQ(account_.live_bytes(), 6 * MemoryHistory::entry_bytes);
}

}  // namespace
}  // namespace masu::core
