#include "store/sort/seen_set.hpp"

#include "alloc/resource.hpp"
#include "tests/store/bytes.hpp"
#include "tests/store/spill.hpp"

#include <map>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

class SeenSetTest : public ::testing::Test {
 protected:
  static constexpr SeenSet::Secret secret = {1, 2, 3};

  // Notes keys, some of them again, and compares each answer with a map's.
  void compare(std::size_t notes, std::size_t memory_bytes) {
    SeenSet seen(spill_, memory_, secret, memory_bytes);
    std::map<std::string, std::uint32_t> expected;
    test::ByteStream random(notes);
    for (std::size_t i = 0; i < notes; ++i) {
      const std::string key = "key " + std::to_string(random.number(notes));
      const auto number = static_cast<std::uint32_t>(random.number(10));
      const auto before = seen.note(as_bytes(key), number);
      ASSERT_TRUE(before) << before.error().detail;
      const auto [place, is_new] = expected.try_emplace(key, number);
      ASSERT_EQ(*before, is_new ? std::nullopt : std::optional(place->second)) << i;
      place->second = std::min(place->second, number);
    }
    EXPECT_EQ(seen.size(), expected.size());
    EXPECT_EQ(seen.on_disk(), memory_bytes < notes * 16);
  }

  Budget budget_{"test", 64 << 20};
  Account account_{budget_, "test.seen", Lifetime::request, 64 << 20};
  AccountResource memory_{account_};
  test::MemorySpill spill_;
};

TEST_F(SeenSetTest, RemembersInMemory) {
  compare(1, 1 << 20);
  compare(20000, 4 << 20);
  EXPECT_EQ(spill_.live_bytes, 0u);
  EXPECT_EQ(account_.live_bytes(), 0u);
}

TEST_F(SeenSetTest, RemembersOnDiskInBoundedMemory) {
  compare(50000, 8 * 1024);
  EXPECT_EQ(spill_.live_bytes, 0u);
  EXPECT_LT(account_.peak_bytes(), 24u * 1024);
}

TEST_F(SeenSetTest, ARefusalOfMemorySendsItToDisk) {
  account_.set_quota(32 * 1024);
  SeenSet seen(spill_, memory_, secret, 1 << 20);
  for (int i = 0; i < 10000; ++i) {
    const std::string key = std::to_string(i);
    ASSERT_FALSE(*seen.note(as_bytes(key)));
    ASSERT_TRUE(*seen.note(as_bytes(key)));
  }
  EXPECT_TRUE(seen.on_disk());
}

TEST_F(SeenSetTest, TellsBeforeItTouchesTheDisk) {
  SeenSet seen(spill_, memory_, secret, 64 * 1024);
  for (int i = 0; !seen.on_disk(); ++i) {
    const bool safe = seen.has_room(1);
    ASSERT_TRUE(seen.note(as_bytes(std::to_string(i))));
    if (safe) ASSERT_FALSE(seen.on_disk());
  }
}

TEST_F(SeenSetTest, EveryFailureOfTheDiskIsAnErrorAndLosesNothing) {
  for (std::size_t capacity = 0; capacity < 600000; capacity += 50000) {
    test::MemorySpill spill;
    spill.capacity_bytes = capacity;
    SeenSet seen(spill, memory_, secret, 8 * 1024);
    int noted = 0;
    while (noted < 50000 && seen.note(as_bytes(std::to_string(noted)))) ++noted;
    if (noted == 50000) continue;
    spill.capacity_bytes = ~std::uint64_t{0};
    for (int i = 0; i < noted; ++i)
      ASSERT_TRUE(*seen.note(as_bytes(std::to_string(i)))) << capacity << " " << i;
    ASSERT_FALSE(*seen.note(as_bytes(std::to_string(noted))));
  }
  test::MemorySpill spill;
  SeenSet seen(spill, memory_, secret, 8 * 1024);
  int i = 0;
  while (!seen.on_disk()) ASSERT_TRUE(seen.note(as_bytes(std::to_string(i++))));
  spill.reads_until_failure = 0;
  EXPECT_EQ(seen.note(as_bytes("x")).error().code, StoreErrorCode::io);
}

}  // namespace
}  // namespace masu::store
