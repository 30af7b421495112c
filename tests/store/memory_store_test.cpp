#include "store/memory_store.hpp"

#include "tests/store/store_contract.hpp"

namespace masu::store {
namespace {

class MemoryStoreFixture {
 public:
  CollectableStore& store() { return store_; }

 private:
  MemoryStore store_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, CollectableStoreContract, MemoryStoreFixture);

TEST(MemoryStoreTest, TellsWhatWasSynced) {
  MemoryStore store;
  EXPECT_TRUE(store.synced());
  ASSERT_TRUE(store.put(hash_of("a"), as_bytes("a")));
  EXPECT_FALSE(store.synced());
  ASSERT_TRUE(store.sync());
  EXPECT_TRUE(store.synced());
  EXPECT_EQ(store.syncs(), 1u);
}

}  // namespace
}  // namespace masu::store
