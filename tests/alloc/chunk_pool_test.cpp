#include "alloc/chunk_pool.hpp"

#include "alloc/page_box.hpp"

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

std::string text_of(const ChunkChain& chain) {
  std::string text(chain.size(), '\0');
  chain.copy_to(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

std::string letters(std::size_t count, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string text(count, '\0');
  for (char& letter : text) letter = static_cast<char>('a' + random() % 26);
  return text;
}

class ChunkPoolTest : public testing::Test {
 protected:
  static constexpr std::size_t capacity = 16;
  Budget budget_{"root", 4u << 20};
  Account pool_row_{budget_, "chunks", Lifetime::block, 0};
  Account holder_{budget_, "net.receive", Lifetime::block, capacity* chunk_bytes};
  ChunkPool pool_{pool_row_, capacity};
};

TEST_F(ChunkPoolTest, AChunkIsFilledConsumedAndRewound) {
  Chunk chunk = pool_.take(holder_);
  ASSERT_TRUE(chunk);
  EXPECT_TRUE(chunk.data().empty());
  ASSERT_EQ(chunk.space().size(), chunk_bytes);
  std::memcpy(chunk.space().data(), "abcdef", 6);
  chunk.fill(6);
  EXPECT_EQ(as_text(chunk.data()), "abcdef");
  chunk.consume(2);
  EXPECT_EQ(as_text(chunk.data()), "cdef");
  chunk.truncate(3);
  EXPECT_EQ(as_text(chunk.data()), "cde");
  chunk.mutable_data()[0] = 'X';
  EXPECT_EQ(as_text(chunk.data()), "Xde");
  EXPECT_EQ(chunk.space().size(), chunk_bytes - 5);
  chunk.consume(3);
  EXPECT_EQ(chunk.space().size(), chunk_bytes) << "an emptied chunk is rewound";
  chunk.fill(chunk_bytes);
  EXPECT_TRUE(chunk.space().empty());
}

TEST_F(ChunkPoolTest, AnEmptyChunkHasNothing) {
  Chunk chunk;
  EXPECT_FALSE(chunk);
  EXPECT_TRUE(chunk.data().empty());
  EXPECT_TRUE(chunk.space().empty());
  chunk.reset();
}

TEST_F(ChunkPoolTest, AChunkIsLiveWithItsHolderAndCommittedWithThePool) {
  const std::size_t table = pool_row_.committed_bytes();
  EXPECT_GE(table, capacity * 16) << "the table of links is charged too";
  Chunk chunk = pool_.take(holder_);
  EXPECT_EQ(holder_.live_bytes(), chunk_bytes);
  EXPECT_EQ(holder_.committed_bytes(), 0u);
  EXPECT_EQ(pool_row_.committed_bytes(), table + chunk_bytes);
  chunk.reset();
  EXPECT_EQ(holder_.live_bytes(), 0u);
  EXPECT_EQ(pool_row_.committed_bytes(), table + chunk_bytes) << "kept for the next";
  EXPECT_EQ(pool_.stats().free_resident, 1u);
  EXPECT_EQ(pool_.trim(), chunk_bytes);
  EXPECT_EQ(pool_row_.committed_bytes(), table);
}

TEST_F(ChunkPoolTest, AtItsCapThePoolRefusesAndServesAgainAfterAReturn) {
  std::vector<Chunk> chunks;
  for (std::size_t i = 0; i < capacity; ++i) {
    chunks.push_back(pool_.take(holder_));
    ASSERT_TRUE(chunks.back());
  }
  holder_.set_quota(~std::size_t{0});
  EXPECT_FALSE(pool_.take(holder_));
  EXPECT_EQ(holder_.refusals(), 1u);
  EXPECT_EQ(holder_.live_bytes(), capacity * chunk_bytes);
  EXPECT_EQ(pool_.stats().refusals, 1u);
  chunks.pop_back();
  EXPECT_TRUE(pool_.take(holder_));
}

TEST_F(ChunkPoolTest, OneHoldersQuotaLeavesThePoolToOthers) {
  Account greedy(budget_, "greedy", Lifetime::block, 2 * chunk_bytes);
  std::vector<Chunk> chunks;
  for (int i = 0; i < 5; ++i) chunks.push_back(pool_.take(greedy));
  EXPECT_TRUE(chunks[1]);
  EXPECT_FALSE(chunks[2]);
  EXPECT_EQ(pool_.stats().used, 2u);
  EXPECT_TRUE(pool_.take(holder_));
}

TEST_F(ChunkPoolTest, OptionalChunksLeaveAnEighthOfThePool) {
  Account optional(budget_, "cache", Lifetime::block, ~std::size_t{0});
  std::vector<Chunk> chunks;
  while (true) {
    Chunk chunk = pool_.take(optional, Need::optional);
    if (!chunk) break;
    chunks.push_back(std::move(chunk));
  }
  EXPECT_EQ(chunks.size(), capacity - capacity / 8);
  EXPECT_TRUE(pool_.take(optional, Need::essential));
}

TEST_F(ChunkPoolTest, AFewChunksAreForWhatEndsWork) {
  Account row(budget_, "chunks", Lifetime::block, ~std::size_t{0});
  Account small(budget_, "request.block", Lifetime::block, 64 * chunk_bytes);
  ChunkPool pool(row, 64);
  std::vector<Chunk> chunks;
  while (Chunk chunk = pool.take(small)) chunks.push_back(std::move(chunk));
  EXPECT_EQ(chunks.size(), 64 - 64 / ChunkPool::closing_part);
  small.set_quota(chunk_bytes);
  EXPECT_TRUE(pool.take(small, Need::closing)) << "its quota is no hindrance";
  ChunkChain chain;
  EXPECT_TRUE(
      chain.append_copy(pool, small, Bytes(std::vector<std::uint8_t>(2 * chunk_bytes, 1)), Need::closing));
  EXPECT_FALSE(pool.take(small, Need::closing)) << "all are out";
}

TEST_F(ChunkPoolTest, WhatIsPromisedIsThereWhateverOthersTake) {
  Account others(budget_, "others", Lifetime::block, ~std::size_t{0});
  holder_.set_quota(~std::size_t{0});
  auto promise = pool_.promise(capacity / 2);
  ASSERT_TRUE(promise);
  EXPECT_EQ(promise->chunks(), capacity / 2);
  EXPECT_FALSE(pool_.promise(capacity / 2 + 1));
  std::vector<Chunk> taken;
  while (Chunk chunk = pool_.take(others)) taken.push_back(std::move(chunk));
  EXPECT_EQ(taken.size(), capacity - capacity / 2);
  pool_.set_capacity(1);
  std::vector<Chunk> mine;
  while (promise->chunks() > 1) {
    mine.push_back(promise->take(holder_));
    ASSERT_TRUE(mine.back()) << "also when fewer may be out from now on";
  }
  holder_.set_quota(holder_.live_bytes());
  EXPECT_FALSE(promise->take(holder_));
  EXPECT_EQ(promise->chunks(), 1u) << "refused by its holder it is promised still";
  budget_.set_limit(budget_.committed_bytes());
  holder_.set_quota(~std::size_t{0});
  EXPECT_FALSE(promise->take(holder_)) << "and by the box";
  EXPECT_EQ(pool_.stats().promised, 1u);
  budget_.set_limit(4u << 20);
  ChunkPromise moved = std::move(*promise);
  EXPECT_TRUE(moved.take(holder_));
  mine.clear();
  taken.clear();
  pool_.set_capacity(capacity);
  moved = *pool_.promise(3);
  EXPECT_EQ(pool_.stats().promised, 3u);
  moved.reset();
  EXPECT_EQ(pool_.stats().promised, 0u);
  EXPECT_TRUE(pool_.promise(0)) << "nothing is always there";
}

TEST_F(ChunkPoolTest, WhoCanWaitLeavesWhatWillBePromised) {
  Account row(budget_, "chunks", Lifetime::block, ~std::size_t{0});
  Account patient(budget_, "request.upload", Lifetime::block, ~std::size_t{0});
  ChunkPool pool(row, 64);
  std::vector<Chunk> chunks;
  const auto take_all = [&] {
    while (Chunk chunk = pool.take(patient, Need::patient)) chunks.push_back(std::move(chunk));
    return chunks.size();
  };
  pool.expect_promises(true);
  EXPECT_EQ(take_all(), 64 - 64 / 8 - 64 / 4u);
  auto promise = pool.promise(64 / 4);
  EXPECT_TRUE(promise);
  EXPECT_FALSE(pool.take(patient, Need::patient));
  promise.reset();
  pool.expect_promises(false);
  EXPECT_EQ(take_all(), 64 - 64 / 8u);
  EXPECT_TRUE(pool.take(patient, Need::essential));
}

TEST_F(ChunkPoolTest, FewerMayBeOutFromNowOn) {
  std::vector<Chunk> chunks;
  for (std::size_t i = 0; i < 8; ++i) chunks.push_back(pool_.take(holder_));
  pool_.set_capacity(6);
  EXPECT_FALSE(pool_.take(holder_));
  chunks.resize(5);
  EXPECT_TRUE(pool_.take(holder_));
  pool_.set_capacity(1000);
  EXPECT_EQ(pool_.stats().capacity, capacity) << "no more than it was made with";
}

TEST_F(ChunkPoolTest, EachRefusalOfTheBudgetIsUndone) {
  for (std::size_t room = 0; room < 4; ++room) {
    pool_.trim();
    budget_.set_limit(budget_.committed_bytes() + room * chunk_bytes);
    std::vector<Chunk> chunks;
    for (std::size_t i = 0; i < 6; ++i) {
      Chunk chunk = pool_.take(holder_);
      EXPECT_EQ(static_cast<bool>(chunk), i < room);
      if (chunk) chunks.push_back(std::move(chunk));
    }
    EXPECT_EQ(pool_.stats().used, room);
    EXPECT_EQ(holder_.live_bytes(), room * chunk_bytes);
  }
  budget_.set_limit(4u << 20);
  EXPECT_TRUE(pool_.take(holder_));
}

TEST_F(ChunkPoolTest, TrimKeepsAsManyAsItIsTold) {
  {
    std::vector<Chunk> chunks;
    for (int i = 0; i < 10; ++i) chunks.push_back(pool_.take(holder_));
  }
  EXPECT_EQ(pool_.stats().free_resident, 10u);
  EXPECT_EQ(pool_.trim(4), 6 * chunk_bytes);
  EXPECT_EQ(pool_.stats().free_resident, 4u);
  EXPECT_EQ(pool_.trim(4), 0u);
  Chunk chunk = pool_.take(holder_);
  EXPECT_EQ(pool_.stats().free_resident, 3u);
}

TEST_F(ChunkPoolTest, ATransferMovesTheCharge) {
  Account other(budget_, "bitswap.block", Lifetime::block, 2 * chunk_bytes);
  Chunk chunk = pool_.take(holder_);
  EXPECT_TRUE(pool_.transfer(chunk, other));
  EXPECT_EQ(holder_.live_bytes(), 0u);
  EXPECT_EQ(other.live_bytes(), chunk_bytes);
  ChunkChain chain;
  ASSERT_TRUE(chain.append_copy(pool_, holder_, as_bytes(letters(2 * chunk_bytes))));
  EXPECT_FALSE(pool_.transfer(chain, other)) << "two more pass the quota";
  EXPECT_EQ(holder_.live_bytes(), 2 * chunk_bytes);
  chunk.reset();
  EXPECT_TRUE(pool_.transfer(chain, other));
  EXPECT_EQ(other.live_bytes(), 2 * chunk_bytes);
  chain.clear();
  EXPECT_EQ(other.live_bytes(), 0u);
}

TEST_F(ChunkPoolTest, AChainKeepsBytesInOrder) {
  const std::string text = letters(3 * chunk_bytes + 100);
  ChunkChain chain;
  for (std::size_t at = 0; at < text.size(); at += 1000) {
    ASSERT_TRUE(chain.append_copy(pool_, holder_, as_bytes(std::string_view(text).substr(at, 1000))));
  }
  EXPECT_EQ(chain.chunks(), 4u);
  EXPECT_EQ(text_of(chain), text);
  EXPECT_EQ(as_text(chain.front()), text.substr(0, chunk_bytes));
  std::string pieces;
  for (auto piece = chain.begin(); piece; piece.next()) pieces += as_text(piece.data());
  EXPECT_EQ(pieces, text);
  std::string part(200, '\0');
  chain.copy_to(chunk_bytes - 50, {reinterpret_cast<std::uint8_t*>(part.data()), part.size()});
  EXPECT_EQ(part, text.substr(chunk_bytes - 50, 200));
  std::array<iovec, 3> vectors;
  EXPECT_EQ(chain.to_iovec(vectors), 3u);
  EXPECT_EQ(vectors[2].iov_len, chunk_bytes);
}

TEST_F(ChunkPoolTest, ConsumedChunksGoBackAtOnce) {
  const std::string text = letters(2 * chunk_bytes + 10);
  ChunkChain chain;
  ASSERT_TRUE(chain.append_copy(pool_, holder_, as_bytes(text)));
  chain.consume(chunk_bytes - 1);
  EXPECT_EQ(pool_.stats().used, 3u);
  chain.consume(1);
  EXPECT_EQ(pool_.stats().used, 2u);
  EXPECT_EQ(text_of(chain), text.substr(chunk_bytes));
  chain.consume(chunk_bytes + 10);
  EXPECT_TRUE(chain.empty());
  EXPECT_EQ(chain.chunks(), 0u);
  EXPECT_EQ(pool_.stats().used, 0u);
  EXPECT_TRUE(chain.front().empty());
}

TEST_F(ChunkPoolTest, ChainsJoinAndComeApart) {
  ChunkChain chain;
  ChunkChain tail;
  Chunk empty = pool_.take(holder_);
  chain.append(std::move(empty));
  ASSERT_TRUE(tail.append_copy(pool_, holder_, as_bytes("tail")));
  chain.append(std::move(tail));
  EXPECT_TRUE(tail.empty());
  EXPECT_EQ(chain.chunks(), 2u);
  EXPECT_EQ(chain.size(), 4u);
  EXPECT_EQ(as_text(chain.front()), "tail") << "a chunk without data is passed over";
  ChunkChain moved = std::move(chain);
  EXPECT_EQ(chain.chunks(), 0u);
  Chunk first = moved.pop_front();
  EXPECT_TRUE(first.data().empty());
  Chunk second = moved.pop_front();
  EXPECT_EQ(as_text(second.data()), "tail");
  EXPECT_FALSE(moved.pop_front());
  moved.append(std::move(second));
  EXPECT_EQ(text_of(moved), "tail");
}

TEST_F(ChunkPoolTest, ARefusedCopyKeepsWhatWasCopied) {
  holder_.set_quota(2 * chunk_bytes);
  const std::string text = letters(3 * chunk_bytes);
  ChunkChain chain;
  EXPECT_FALSE(chain.append_copy(pool_, holder_, as_bytes(text)));
  EXPECT_EQ(text_of(chain), text.substr(0, 2 * chunk_bytes));
}

TEST_F(ChunkPoolTest, AgreesWithAStringOnRandomOperations) {
  std::mt19937 random(3);
  ChunkChain chain;
  std::string model;
  for (int step = 0; step < 3000; ++step) {
    const std::size_t count = random() % 30000;
    switch (random() % 4) {
      case 0: {
        const std::string text = letters(count, static_cast<unsigned>(step));
        const std::size_t before = chain.size();
        if (!chain.append_copy(pool_, holder_, as_bytes(text))) {
          ASSERT_LT(chain.size() - before, count);
        }
        model += text.substr(0, chain.size() - before);
        break;
      }
      case 1: {
        const std::size_t part = std::min(count, chain.size());
        chain.consume(part);
        model.erase(0, part);
        break;
      }
      case 2: {
        Chunk chunk = chain.pop_front();
        ASSERT_EQ(as_text(chunk.data()), model.substr(0, chunk.data().size()));
        model.erase(0, chunk.data().size());
        break;
      }
      default: {
        ChunkChain other;
        if (other.append_copy(pool_, holder_, as_bytes(letters(count / 4)))) {
          model += letters(count / 4);
          chain.append(std::move(other));
        }
      }
    }
    ASSERT_EQ(chain.size(), model.size());
    if (step % 16 == 0) {
      ASSERT_EQ(text_of(chain), model);
    }
    ASSERT_EQ(pool_.stats().used, chain.chunks());
    ASSERT_EQ(holder_.live_bytes(), chain.chunks() * chunk_bytes);
  }
}

TEST_F(ChunkPoolTest, ChainsFilledHereMayBeFreedThere) {
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker) {
    threads.emplace_back([this, worker] {
      const std::string text = letters(2 * chunk_bytes, static_cast<unsigned>(worker));
      for (int round = 0; round < 200; ++round) {
        ChunkChain chain;
        if (chain.append_copy(pool_, holder_, as_bytes(text))) {
          EXPECT_EQ(text_of(chain), text);
        }
        if (round % 8 == 0) pool_.trim(2);
        if (round % 5 == 0) std::thread([moved = std::move(chain)]() mutable { moved.clear(); }).join();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool_.stats().used, 0u);
  EXPECT_EQ(holder_.live_bytes(), 0u);
  pool_.trim();
  EXPECT_EQ(pool_row_.committed_bytes(), page_bytes) << "only the table is left";
}

TEST(SlotGroupTest, GivesAsManyRightsAsItHas) {
  SlotGroup group("noise.frame", 2);
  EXPECT_FALSE(group.take(2)) << "none would be left for others";
  EXPECT_TRUE(group.take(1));
  SlotGroup::Slot first = group.take();
  SlotGroup::Slot second = group.take();
  EXPECT_TRUE(second);
  EXPECT_FALSE(group.take());
  EXPECT_EQ(group.refusals(), 2u);
  first.reset();
  SlotGroup::Slot third = group.take();
  EXPECT_TRUE(third);
  second = std::move(third);
  EXPECT_EQ(group.used(), 1u);
  EXPECT_EQ(group.peak(), 2u);
}

}  // namespace
}  // namespace masu
