#include "store/sort/spill_stack.hpp"

#include "alloc/resource.hpp"
#include "tests/store/bytes.hpp"
#include "tests/store/spill.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

class SpillStackTest : public ::testing::Test {
 protected:
  static constexpr std::size_t memory_bytes = 4 * SpillStack::record_bytes_max;

  Budget budget_{"test", 64 << 20};
  Account account_{budget_, "test.stack", Lifetime::request, 64 << 20};
  AccountResource memory_{account_};
  test::MemorySpill spill_;
};

TEST_F(SpillStackTest, PopsInReverseWhateverIsOnDisk) {
  {
    SpillStack stack(spill_, memory_, memory_bytes);
    std::vector<std::vector<std::uint8_t>> expected;
    test::ByteStream random(7);
    bool was_on_disk = false;
    for (int i = 0; i < 30000; ++i) {
      // Up for a while, then down for a while, over the edges of buffers and segments.
      const bool up = random.number(100) < (i / 3000 % 2 == 0 ? 80u : 25u);
      if (up || expected.empty()) {
        expected.push_back(random.take(random.number(i % 100 == 0 ? SpillStack::record_bytes_max + 1 : 200)));
        ASSERT_TRUE(stack.push(expected.back()));
      } else {
        const auto top = stack.pop();
        ASSERT_TRUE(top);
        ASSERT_TRUE(equal(*top, expected.back()));
        expected.pop_back();
      }
      was_on_disk |= stack.on_disk();
      ASSERT_EQ(stack.count(), expected.size());
    }
    EXPECT_TRUE(was_on_disk);
    EXPECT_LE(account_.peak_bytes(), memory_bytes);
  }
  EXPECT_EQ(spill_.live_bytes, 0u);
}

TEST_F(SpillStackTest, TellsBeforeItTouchesTheDisk) {
  SpillStack stack(spill_, memory_, memory_bytes);
  test::ByteStream random(8);
  while (!stack.on_disk()) {
    const auto record = random.take(random.number(3000));
    const bool safe = stack.has_room(record.size(), 1);
    ASSERT_TRUE(stack.push(record));
    if (safe) ASSERT_FALSE(stack.on_disk());
  }
}

// Also with more on it than in memory: up and down in memory nothing is read or written.
TEST_F(SpillStackTest, TellsWhatStaysInMemory) {
  SpillStack stack(spill_, memory_, memory_bytes);
  test::ByteStream random(9);
  std::size_t quiet = 0;
  for (int i = 0; i < 5000; ++i) {
    const bool up = stack.empty() || random.number(100) < (i / 500 % 2 == 0 ? 80u : 25u);
    const std::size_t live = spill_.live_bytes;
    if (up) {
      const auto record = random.take(random.number(3000));
      const bool safe = stack.has_room(record.size(), 1);
      ASSERT_TRUE(stack.push(record));
      if (safe) ASSERT_EQ(spill_.live_bytes, live);
      quiet += safe && live > 0;
    } else {
      const bool safe = stack.top_in_memory();
      ASSERT_TRUE(stack.pop());
      ASSERT_EQ(spill_.live_bytes == live, safe);
      quiet += safe && live > 0;
    }
  }
  EXPECT_GT(quiet, 1000u);
}

TEST_F(SpillStackTest, ShowsWhatLiesOnTop) {
  SpillStack stack(spill_, memory_, memory_bytes);
  for (const char* record : {"a", "", "ccc"}) ASSERT_TRUE(stack.push(as_bytes(record)));
  std::string shown;
  stack.peek([&](Bytes record) { return shown.append(as_text(record)).append("|"), true; });
  EXPECT_EQ(shown, "ccc||a|");
  shown.clear();
  stack.peek([&](Bytes record) { return shown.append(as_text(record)).append("|"), false; });
  EXPECT_EQ(shown, "ccc|");
}

TEST_F(SpillStackTest, AFailingDiskIsAnErrorAndLosesNothing) {
  spill_.capacity_bytes = 40000;
  SpillStack stack(spill_, memory_, memory_bytes);
  int pushed = 0;
  while (stack.push(as_bytes(std::string(500, static_cast<char>('a' + pushed % 26))))) ++pushed;
  spill_.reads_until_failure = 0;
  int popped = 0;
  while (true) {
    const auto top = stack.pop();
    if (!top) break;
    ++popped;
  }
  EXPECT_GT(popped, 20);
  spill_.reads_until_failure = ~std::uint64_t{0};
  for (; popped < pushed; ++popped) {
    const auto top = stack.pop();
    ASSERT_TRUE(top);
    ASSERT_EQ((*top)[0], 'a' + (pushed - popped - 1) % 26);
  }
  EXPECT_TRUE(stack.empty());
}

}  // namespace
}  // namespace masu::store
