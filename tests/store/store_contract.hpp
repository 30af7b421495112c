// What every CollectableStore and every RecordStore does, as typed tests: instantiated for the stores in
// memory and on disk. A fixture type has `store()`.
//     INSTANTIATE_TYPED_TEST_SUITE_P(Memory, CollectableStoreContract, MemoryStoreFixture);
#pragma once

#include "multiformats/digest.hpp"
#include "store/collectable_store.hpp"
#include "store/record_store.hpp"
#include "tests/store/bytes.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::store {

inline Multihash hash_of(std::string_view content) {
  return *multihash_of(HashCode::sha2_256, as_bytes(content));
}

template <class Fixture>
class CollectableStoreContract : public ::testing::Test {
 protected:
  CollectableStore& store() { return fixture_.store(); }
  Multihash put(std::string_view content) {
    const auto put = store().put(hash_of(content), as_bytes(content));
    EXPECT_TRUE(put) << put.error().detail;
    return hash_of(content);
  }
  bool has(const Multihash& hash) { return store().size(hash).value().has_value(); }
  bool remove_one(const Multihash& hash, WriteSequence before) {
    std::array<bool, 1> removed{};
    EXPECT_TRUE(store().remove_unwritten({&hash, 1}, before, removed));
    return removed[0];
  }
  bool touch_one(const Multihash& hash) {
    std::array<bool, 1> here{};
    EXPECT_TRUE(store().touch({&hash, 1}, here));
    return here[0];
  }

  Fixture fixture_;
  Budget budget_{"test", 64 << 20};
  Account account_{budget_, "test.chunks", Lifetime::block, 64 << 20};
  ChunkPool pool_{account_, 512};
};
TYPED_TEST_SUITE_P(CollectableStoreContract);

TYPED_TEST_P(CollectableStoreContract, GivesBackWhatWasPut) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{5000}, block_bytes_max}) {
    const auto content = test::ByteStream(bytes).take(bytes);
    const Multihash hash = *multihash_of(HashCode::sha2_256, content);
    EXPECT_FALSE(this->has(hash));
    EXPECT_EQ(this->store().get(hash, this->pool_, this->account_).error().code, StoreErrorCode::not_found);
    EXPECT_EQ(this->store().open(hash).error().code, StoreErrorCode::not_found);
    const Bytes whole(content);
    const std::array<Bytes, 2> pieces = {whole.first(bytes / 3), whole.subspan(bytes / 3)};
    EXPECT_TRUE(this->store().put(hash, pieces).value());
    EXPECT_FALSE(this->store().put(hash, pieces).value());
    ASSERT_TRUE(this->store().sync());
    EXPECT_EQ(this->store().size(hash).value(), bytes);
    const auto chain = this->store().get(hash, this->pool_, this->account_);
    ASSERT_TRUE(chain && chain->size() == bytes);
    std::vector<std::uint8_t> copy(bytes);
    chain->copy_to(0, copy);
    EXPECT_EQ(copy, content);
    const auto reader = this->store().open(hash);
    ASSERT_TRUE(reader && (*reader)->size() == bytes);
    std::vector<std::uint8_t> part(bytes / 2);
    ASSERT_TRUE((*reader)->read(static_cast<std::uint32_t>(bytes / 4), part));
    EXPECT_TRUE(equal(part, whole.subspan(bytes / 4, bytes / 2)));
  }
}

TYPED_TEST_P(CollectableStoreContract, RefusesBlocksAboveTheLimit) {
  const std::vector<std::uint8_t> content(block_bytes_max + 1);
  const Multihash hash = *multihash_of(HashCode::sha2_256, content);
  EXPECT_EQ(this->store().put(hash, Bytes(content)).error().code, StoreErrorCode::too_large);
  EXPECT_FALSE(this->has(hash));
}

TYPED_TEST_P(CollectableStoreContract, PutsChainsOfManyPieces) {
  ChunkChain chain;
  std::string whole;
  for (int i = 0; i < 300; ++i) {  // more pieces than a full block has
    Chunk chunk = this->pool_.take(this->account_);
    ASSERT_TRUE(chunk);
    chunk.space()[0] = static_cast<std::uint8_t>(i);
    chunk.fill(1);
    whole.push_back(static_cast<char>(i));
    chain.append(std::move(chunk));
  }
  EXPECT_TRUE(this->store().put(hash_of(whole), chain).value());
  const auto reader = this->store().open(hash_of(whole));
  std::vector<std::uint8_t> copy(whole.size());
  ASSERT_TRUE(reader && (*reader)->read(0, copy));
  EXPECT_EQ(as_text(copy), whole);
}

TYPED_TEST_P(CollectableStoreContract, AReaderOutlivesARemoval) {
  const std::string content(10000, 'r');
  const Multihash hash = this->put(content);
  auto reader = this->store().open(hash);
  ASSERT_TRUE(reader);
  EXPECT_TRUE(this->store().remove(hash).value());
  EXPECT_FALSE(this->store().remove(hash).value());
  const std::atomic<bool> stop{false};
  ASSERT_TRUE(this->store().reclaim(stop));
  std::vector<std::uint8_t> copy(content.size());
  ASSERT_TRUE((*reader)->read(0, copy));
  EXPECT_EQ(as_text(copy), content);
}

TYPED_TEST_P(CollectableStoreContract, ListsKeysInTheOrderOfTheirBytes) {
  std::vector<Multihash> expected;
  for (int i = 0; i < 300; ++i) expected.push_back(this->put("block " + std::to_string(i)));
  for (int i = 0; i < 300; i += 3) {
    ASSERT_TRUE(this->store().remove(expected[static_cast<std::size_t>(i)]).value());
  }
  std::vector<Multihash> left;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (i % 3 != 0) left.push_back(expected[i]);
  }
  std::ranges::sort(left);
  std::vector<Multihash> listed;
  auto cursor = this->store().open_keys();
  ASSERT_TRUE(cursor);
  while ((*cursor)->next().value()) listed.push_back((*cursor)->key().hash);
  EXPECT_EQ(listed, left);
  // In pages, each behind the last key of the one before.
  listed.clear();
  while (true) {
    auto page = this->store().open_keys(listed.empty() ? nullptr : &listed.back());
    ASSERT_TRUE(page);
    int count = 0;
    while (count < 7 && (*page)->next().value()) listed.push_back((*page)->key().hash), ++count;
    if (count == 0) break;
  }
  EXPECT_EQ(listed, left);
}

TYPED_TEST_P(CollectableStoreContract, SequencesGrowWithEachWrite) {
  const Multihash old = this->put("old");
  const WriteSequence mark = this->store().next_sequence();
  const Multihash fresh = this->put("fresh");
  auto cursor = this->store().open_keys();
  ASSERT_TRUE(cursor);
  while ((*cursor)->next().value()) {
    const StoredKey& key = (*cursor)->key();
    EXPECT_EQ(key.sequence >= mark, key.hash == fresh);
    EXPECT_EQ(key.bytes, key.hash == fresh ? 5u : 3u);
  }
  EXPECT_FALSE(this->remove_one(fresh, mark));
  EXPECT_TRUE(this->has(fresh));
  EXPECT_TRUE(this->remove_one(old, mark));
  EXPECT_FALSE(this->has(old));
  EXPECT_FALSE(this->remove_one(old, mark));  // is not here
}

TYPED_TEST_P(CollectableStoreContract, PuttingAgainAndTouchingSpare) {
  const Multihash put_again = this->put("put again"), touched = this->put("touched");
  const Multihash left = this->put(std::string(5000, 'l')), big = this->put(std::string(5000, 'b'));
  const WriteSequence mark = this->store().next_sequence();
  EXPECT_FALSE(this->store().put(put_again, as_bytes("put again")).value());
  EXPECT_TRUE(this->touch_one(touched));
  EXPECT_TRUE(this->touch_one(big));
  EXPECT_FALSE(this->touch_one(hash_of("never here")));
  const std::array<Multihash, 4> all = {put_again, touched, left, big};
  std::array<bool, 4> removed{};
  ASSERT_TRUE(this->store().remove_unwritten(all, mark, removed));
  EXPECT_EQ(removed, (std::array<bool, 4>{false, false, true, false}));
  EXPECT_TRUE(this->has(big));
  EXPECT_FALSE(this->touch_one(left));
}

TYPED_TEST_P(CollectableStoreContract, HoldsNameTheOldestSequence) {
  this->put("one");
  const WriteSequence before = this->store().held_since();
  {
    const WriteHold first(this->store());
    this->put("two");
    const WriteHold second(this->store());
    this->put("three");
    EXPECT_EQ(this->store().held_since(), before);
  }
  EXPECT_GT(this->store().held_since(), before);
  EXPECT_EQ(this->store().held_since(), this->store().next_sequence());
}

TYPED_TEST_P(CollectableStoreContract, CountsWhatItHolds) {
  const StoreUsage empty = this->store().usage().value();
  EXPECT_EQ(empty.objects, 0u);
  EXPECT_EQ(empty.block_bytes, 0u);
  this->put(std::string(5000, 'a'));
  const Multihash small = this->put("small");
  this->put("small");
  StoreUsage usage = this->store().usage().value();
  EXPECT_EQ(usage.objects, 2u);
  EXPECT_EQ(usage.block_bytes, 5005u);
  EXPECT_GE(usage.disk_bytes, 5005u);
  ASSERT_TRUE(this->store().remove(small).value());
  this->remove_one(hash_of(std::string(5000, 'a')), this->store().next_sequence());
  usage = this->store().usage().value();
  EXPECT_EQ(usage.objects, 0u);
  EXPECT_EQ(usage.block_bytes, 0u);
}

REGISTER_TYPED_TEST_SUITE_P(CollectableStoreContract, GivesBackWhatWasPut, RefusesBlocksAboveTheLimit,
                            PutsChainsOfManyPieces, AReaderOutlivesARemoval, ListsKeysInTheOrderOfTheirBytes,
                            SequencesGrowWithEachWrite, PuttingAgainAndTouchingSpare,
                            HoldsNameTheOldestSequence, CountsWhatItHolds);

template <class Fixture>
class RecordStoreContract : public ::testing::Test {
 protected:
  RecordStore& store() { return fixture_.store(); }
  std::string list(std::string_view prefix, std::string_view after = {}) {
    auto cursor = store().open_cursor(as_bytes(prefix), as_bytes(after));
    EXPECT_TRUE(cursor) << cursor.error().detail;
    std::string all;
    while ((*cursor)->next().value()) {
      all.append(as_text((*cursor)->key())).append("=").append(as_text((*cursor)->value())).append(" ");
    }
    EXPECT_FALSE((*cursor)->next().value());
    return all;
  }
  void put(std::string_view key, std::string_view value) {
    ASSERT_TRUE(store().put(as_bytes(key), as_bytes(value)));
  }

  Fixture fixture_;
};
TYPED_TEST_SUITE_P(RecordStoreContract);

TYPED_TEST_P(RecordStoreContract, WritesBatchesInOrder) {
  EXPECT_FALSE(this->store().get(as_bytes("~a")).value());
  const std::array<RecordChange, 4> changes = {{{as_bytes("~a"), as_bytes("1")},
                                                {as_bytes("~b"), as_bytes("")},
                                                {as_bytes("~a"), as_bytes("2")},
                                                {as_bytes("~b"), std::nullopt}}};
  ASSERT_TRUE(this->store().write(changes));
  EXPECT_EQ(this->store().get(as_bytes("~a")).value(), "2");
  EXPECT_FALSE(this->store().get(as_bytes("~b")).value());
  this->put("~empty", "");
  EXPECT_EQ(this->store().get(as_bytes("~empty")).value(), "");
  ASSERT_TRUE(this->store().remove(as_bytes("~a")));
  ASSERT_TRUE(this->store().remove(as_bytes("~a")));
  EXPECT_FALSE(this->store().get(as_bytes("~a")).value());
  const std::string value(record_value_bytes_max, 'v'),
      key = "~" + std::string(record_key_bytes_max - 1, 'k');
  this->put(key, value);
  EXPECT_EQ(this->store().get(as_bytes(key)).value(), value);
}

TYPED_TEST_P(RecordStoreContract, CursorsShowOnePrefixInOrder) {
  for (const char* key : {"~p\xff", "~pb", "~p", "~q", "~pa", "~o\xff\xff", "~pab"}) this->put(key, "v");
  EXPECT_EQ(this->list("~p"), "~p=v ~pa=v ~pab=v ~pb=v ~p\xff=v ");
  EXPECT_EQ(this->list("~p", "~pa"), "~pab=v ~pb=v ~p\xff=v ");
  EXPECT_EQ(this->list("~p", "~paa"), "~pab=v ~pb=v ~p\xff=v ");
  EXPECT_EQ(this->list("~p", "~a"), "~p=v ~pa=v ~pab=v ~pb=v ~p\xff=v ");
  EXPECT_EQ(this->list("~p", "~p\xff"), "");
  EXPECT_EQ(this->list("~x"), "");
  this->put("~\xff\xff", "last");
  EXPECT_EQ(this->list("~\xff"), "~\xff\xff=last ");
}

TYPED_TEST_P(RecordStoreContract, ACursorShowsWhatWasThereWhenItWasMade) {
  this->put("~a", "1");
  this->put("~b", "2");
  auto cursor = this->store().open_cursor(as_bytes("~"));
  ASSERT_TRUE(cursor && (*cursor)->next().value());
  this->put("~aa", "new");
  ASSERT_TRUE(this->store().remove(as_bytes("~b")));
  ASSERT_TRUE((*cursor)->next().value());
  EXPECT_EQ(as_text((*cursor)->key()), "~b");
  EXPECT_EQ(as_text((*cursor)->value()), "2");
  EXPECT_FALSE((*cursor)->next().value());
}

REGISTER_TYPED_TEST_SUITE_P(RecordStoreContract, WritesBatchesInOrder, CursorsShowOnePrefixInOrder,
                            ACursorShowsWhatWasThereWhenItWasMade);

}  // namespace masu::store
