#include "store/pin_set.hpp"

#include "alloc/resource.hpp"
#include "tests/store/dag_builder.hpp"
#include "tests/store/failing_records.hpp"

#include <gtest/gtest.h>

namespace masu::store {
namespace {

class PinSetTest : public ::testing::Test {
 protected:
  static Cid cid(int number) { return test::cid_of(Codec::dag_pb, "node " + std::to_string(number)); }
  std::string list(PinMode mode) {
    std::string all;
    PinSet::Page page{AccountAllocator<Pin>(account_)};
    std::optional<Cid> last;
    while (true) {
      EXPECT_TRUE(pins_.list(mode, last ? &*last : nullptr, page));
      if (page.empty()) return all;
      for (const Pin& pin : page) {
        EXPECT_EQ(pin.mode, mode);
        EXPECT_TRUE(!last || *last < pin.cid);
        last = pin.cid;
        all.append(pin.cid.to_string()).append("=").append(pin.name).append(" ");
      }
    }
  }

  Budget budget_{"test", 16 << 20};
  Account account_{budget_, "test.pins", Lifetime::request, 1 << 20};
  MemoryRecordStore memory_records_;
  test::FailingRecords records_{memory_records_};
  PinSet pins_{records_};
};

TEST_F(PinSetTest, PinsAndUnpinsAsKubo) {
  const Cid one = cid(1);
  EXPECT_FALSE(pins_.find(one).value());
  EXPECT_EQ(pins_.unpin(one, true).error().detail, "not pinned or pinned indirectly");
  ASSERT_TRUE(pins_.pin(one, PinMode::direct, "a name"));
  EXPECT_EQ(pins_.find(one).value()->mode, PinMode::direct);
  EXPECT_EQ(pins_.find(one).value()->name, "a name");
  ASSERT_TRUE(pins_.pin(one, PinMode::direct, ""));
  EXPECT_EQ(pins_.find(one).value()->name, "");
  ASSERT_TRUE(pins_.pin(one, PinMode::recursive, "other"));
  EXPECT_EQ(pins_.find(one).value()->mode, PinMode::recursive);
  EXPECT_EQ(list(PinMode::direct), "");
  EXPECT_EQ(list(PinMode::recursive), one.to_string() + "=other ");
  EXPECT_EQ(pins_.pin(one, PinMode::direct, "").error().detail,
            one.to_string() + " already pinned recursively");
  EXPECT_EQ(pins_.unpin(one, false).error().detail, one.to_string() + " is pinned recursively");
  ASSERT_TRUE(pins_.unpin(one, true));
  EXPECT_FALSE(pins_.find(one).value());
  ASSERT_TRUE(pins_.pin(one, PinMode::direct, ""));
  ASSERT_TRUE(pins_.unpin(one, true));  // takes both, as Kubo's
  EXPECT_EQ(memory_records_.size(), 0u);
}

TEST_F(PinSetTest, VersionsOfACidAreTwoPins) {
  const Cid v1 = cid(1), v0 = Cid::v0(v1.hash());
  ASSERT_TRUE(pins_.pin(v0, PinMode::recursive, ""));
  EXPECT_FALSE(pins_.find(v1).value());
  EXPECT_TRUE(pins_.find(v0).value());
}

TEST_F(PinSetTest, NamesAreBounded) {
  EXPECT_EQ(pins_.pin(cid(1), PinMode::recursive, std::string(300, 'n')).error().detail,
            "pin name is 300 bytes (max 255 bytes)");
  const std::string longest(255, 'n');
  ASSERT_TRUE(pins_.pin(cid(1), PinMode::recursive, longest));
  EXPECT_EQ(pins_.find(cid(1)).value()->name, longest);
  const Cid large =
      Cid::v1(Codec::raw, Multihash::make(HashCode::sha2_512, std::vector<std::uint8_t>(128, 7)));
  ASSERT_TRUE(pins_.pin(large, PinMode::recursive, longest));
  EXPECT_EQ(pins_.find(large).value()->cid, large);
}

TEST_F(PinSetTest, ListsInPagesOfBoundedMemory) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(pins_.pin(cid(i), i % 4 == 0 ? PinMode::direct : PinMode::recursive, std::to_string(i)));
  }
  const std::string recursive = list(PinMode::recursive), direct = list(PinMode::direct);
  EXPECT_EQ(std::ranges::count(recursive, ' '), 750);
  EXPECT_EQ(std::ranges::count(direct, ' '), 250);
  EXPECT_LE(account_.peak_bytes(), PinSet::page_pins * sizeof(Pin));
}

TEST_F(PinSetTest, EveryFailureIsAnErrorAndChangesNothing) {
  ASSERT_TRUE(pins_.pin(cid(1), PinMode::direct, "before"));
  for (std::size_t n = 0; n < 3; ++n) {
    records_.fail_after(n);
    EXPECT_EQ(pins_.pin(cid(1), PinMode::recursive, "after").error().code, StoreErrorCode::io) << n;
    EXPECT_EQ(list(PinMode::direct), cid(1).to_string() + "=before ");
    EXPECT_EQ(list(PinMode::recursive), "");
  }
  for (std::size_t n = 0; n < 3; ++n) {
    records_.fail_after(n);
    EXPECT_EQ(pins_.unpin(cid(1), true).error().code, StoreErrorCode::io) << n;
    EXPECT_EQ(list(PinMode::direct), cid(1).to_string() + "=before ");
  }
  PinSet::Page page{AccountAllocator<Pin>(account_)};
  for (std::size_t n = 0; n < 3; ++n) {
    records_.fail_after(n);
    EXPECT_FALSE(pins_.list(PinMode::direct, nullptr, page));
  }
}

TEST_F(PinSetTest, RecordsOfAnotherVersionAreAnError) {
  const std::string key = std::string("\x10\x01") + std::string(as_text(cid(1).bytes()));
  for (const char* value : {"", "\x07name"}) {
    ASSERT_TRUE(memory_records_.put(as_bytes(key), as_bytes(value)));
    EXPECT_EQ(pins_.find(cid(1)).error().code, StoreErrorCode::corrupt);
    PinSet::Page page{AccountAllocator<Pin>(account_)};
    EXPECT_EQ(pins_.list(PinMode::recursive, nullptr, page).error().code, StoreErrorCode::corrupt);
  }
}

}  // namespace
}  // namespace masu::store
