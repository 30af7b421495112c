#include "store/sort/record_sorter.hpp"

#include "alloc/resource.hpp"
#include "tests/store/bytes.hpp"
#include "tests/store/spill.hpp"

#include <map>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

class RecordSorterTest : public ::testing::Test {
 protected:
  // Adds records with random keys, spilling whenever `memory_bytes` are gathered, and checks what comes back.
  void sort_and_check(std::size_t records, std::size_t memory_bytes) {
    RecordSorter sorter(spill_, memory_);
    std::multimap<std::string, std::string> expected;
    test::ByteStream random(records);
    for (std::size_t i = 0; i < records; ++i) {
      const auto key = random.take(random.number(40)), value = random.take(random.number(60));
      sorter.add(key, value);
      expected.emplace(as_text(key), as_text(value));
      if (sorter.gathered_bytes() > memory_bytes) {
        ASSERT_TRUE(sorter.spill());
        EXPECT_EQ(sorter.gathered_bytes(), 0u);
      }
    }
    EXPECT_EQ(sorter.record_count(), records);
    ASSERT_TRUE(sorter.start_reading());
    std::multimap<std::string, std::string> got;
    std::string last;
    while (true) {
      const auto record = sorter.next();
      ASSERT_TRUE(record) << record.error().detail;
      if (!*record) break;
      const std::string key((*record)->key.begin(), (*record)->key.end());
      EXPECT_LE(last, key);
      last = key;
      got.emplace(key, as_text((*record)->value));
    }
    EXPECT_EQ(got.size(), records);
    for (auto range = expected.begin(); range != expected.end(); ++range) {
      EXPECT_EQ(got.count(range->first), expected.count(range->first));
    }
  }

  Budget budget_{"test", 64 << 20};
  Account account_{budget_, "test.sorter", Lifetime::request, 64 << 20};
  AccountResource memory_{account_};
  test::MemorySpill spill_;
};

TEST_F(RecordSorterTest, SortsInMemory) {
  sort_and_check(0, 1 << 20);
  sort_and_check(1, 1 << 20);
  sort_and_check(1000, 1 << 20);
  EXPECT_EQ(spill_.live_bytes, 0u);
  EXPECT_EQ(account_.live_bytes(), 0u);
}

TEST_F(RecordSorterTest, SortsFromRunsOfSeveralTiers) {
  sort_and_check(1000, 20000);  // a few runs
  sort_and_check(20000, 6000);  // hundreds: merged twice
  EXPECT_EQ(spill_.live_bytes, 0u);
  EXPECT_EQ(account_.live_bytes(), 0u);
  EXPECT_LT(account_.peak_bytes(), 600u * 1024);
}

TEST_F(RecordSorterTest, RecordsOfTheGreatestSizePass) {
  RecordSorter sorter(spill_, memory_);
  const auto value = test::ByteStream().take(RecordSorter::record_bytes_max - 4 - 3);
  for (const char* key : {"ccc", "aaa", "bbb"}) {
    sorter.add(as_bytes(key), value);
    ASSERT_TRUE(sorter.spill());
  }
  ASSERT_TRUE(sorter.start_reading());
  for (const char* key : {"aaa", "bbb", "ccc"}) {
    const auto record = sorter.next();
    ASSERT_TRUE(record && *record);
    EXPECT_EQ(as_text((*record)->key), key);
    EXPECT_TRUE(equal((*record)->value, value));
  }
  EXPECT_FALSE(*sorter.next());
}

TEST_F(RecordSorterTest, AFullDiskIsAnError) {
  spill_.capacity_bytes = 1000;
  RecordSorter sorter(spill_, memory_);
  for (int i = 0; i < 100; ++i) sorter.add(as_bytes("some key"), as_bytes("some value"));
  const auto spilled = sorter.spill();
  ASSERT_FALSE(spilled);
  EXPECT_EQ(spilled.error().code, StoreErrorCode::io);
}

TEST_F(RecordSorterTest, ADiskThatDoesNotReadIsAnError) {
  RecordSorter sorter(spill_, memory_);
  for (int i = 0; i < 3; ++i) {
    sorter.add(as_bytes("key"), as_bytes("value"));
    ASSERT_TRUE(sorter.spill());
  }
  spill_.reads_until_failure = 2;
  EXPECT_EQ(sorter.start_reading().error().code, StoreErrorCode::io);
}

TEST_F(RecordSorterTest, ARefusedAllocationThrows) {
  account_.set_quota(64 * 1024);
  RecordSorter sorter(spill_, memory_);
  EXPECT_THROW(
      {
        for (int i = 0; i < 10000; ++i) sorter.add(as_bytes("some key"), as_bytes("some value"));
      },
      std::bad_alloc);
}

}  // namespace
}  // namespace masu::store
