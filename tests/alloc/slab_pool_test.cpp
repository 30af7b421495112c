#include "alloc/slab_pool.hpp"

#include "alloc/page_box.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

struct Peer {
  explicit Peer(int number_in) : number(number_in) {
    if (number < 0) throw std::runtime_error("no such peer");
  }
  ~Peer() { ++gone; }
  int number;
  std::array<char, 100> address{};
  static inline int gone = 0;
};

class SlabPoolTest : public testing::Test {
 protected:
  Budget budget_{"root", 1u << 20};
  Account account_{budget_, "net.peer", Lifetime::peer, 1u << 20};
};

TEST_F(SlabPoolTest, MakesEntriesUpToItsCapacity) {
  SlabPool<Peer> pool(account_, 3);
  auto a = pool.make(1);
  auto b = pool.make(2);
  auto c = pool.make(3);
  ASSERT_TRUE(c);
  EXPECT_TRUE(pool.full());
  EXPECT_FALSE(pool.make(4));
  EXPECT_EQ(account_.refusals(), 1u);
  EXPECT_EQ(account_.live_bytes(), 3 * sizeof(Peer));
  EXPECT_EQ(account_.committed_bytes(), page_bytes);
  Peer::gone = 0;
  b.reset();
  EXPECT_EQ(Peer::gone, 1);
  auto d = pool.make(5);
  EXPECT_EQ(d->number, 5);
  EXPECT_EQ(a->number, 1);
}

TEST_F(SlabPoolTest, AnEntryWhoseConstructorThrowsGoesBack) {
  SlabPool<Peer> pool(account_, 3);
  EXPECT_THROW((void)pool.make(-1), std::runtime_error);
  EXPECT_EQ(pool.used(), 0u);
  EXPECT_EQ(account_.live_bytes(), 0u);
}

TEST_F(SlabPoolTest, FreeRunsGoBackButOne) {
  constexpr std::size_t count = 400;
  SlabPool<Peer> pool(account_, count);
  std::vector<SlabPool<Peer>::Handle> peers;
  for (std::size_t i = 0; i < count; ++i) peers.push_back(pool.make(static_cast<int>(i)));
  EXPECT_GE(account_.committed_bytes(), count * sizeof(Peer));
  EXPECT_LE(account_.committed_bytes(), count * sizeof(Peer) * 5 / 4 + page_bytes);
  peers.clear();
  EXPECT_EQ(account_.committed_bytes(), page_bytes);
  EXPECT_EQ(account_.live_bytes(), 0u);
}

TEST_F(SlabPoolTest, PagesGoWithTheirPool) {
  {
    SlabPool<Peer> pool(account_, 10);
    auto peer = pool.make(1);
  }
  EXPECT_EQ(account_.committed_bytes(), 0u);
}

TEST_F(SlabPoolTest, EachRefusalOfTheBudgetIsUndone) {
  SlabPool<Peer> pool(account_, 1000);
  for (std::size_t pages = 0; pages < 4; ++pages) {
    budget_.set_limit(pages * page_bytes);
    std::vector<SlabPool<Peer>::Handle> peers;
    while (auto peer = pool.make(1)) peers.push_back(std::move(peer));
    EXPECT_EQ(account_.live_bytes(), peers.size() * sizeof(Peer));
    EXPECT_LE(account_.committed_bytes(), pages * page_bytes);
    EXPECT_EQ(peers.empty(), pages == 0);
  }
}

TEST_F(SlabPoolTest, TheQuotaBoundsEntries) {
  SlabPool<Peer> pool(account_, 1000);
  account_.set_quota(5 * sizeof(Peer) + 1);
  std::vector<SlabPool<Peer>::Handle> peers;
  while (auto peer = pool.make(1)) peers.push_back(std::move(peer));
  EXPECT_EQ(peers.size(), 5u);
}

TEST_F(SlabPoolTest, EntriesAreAlignedDistinctAndWasteLittle) {
  for (const std::size_t bytes : {1u, 8u, 24u, 100u, 700u, 1024u, 3000u, 9000u}) {
    for (const std::size_t align : {1u, 8u, 64u, 256u}) {
      SlabRuns runs(account_, bytes, align, 40);
      std::set<std::uintptr_t> places;
      std::vector<void*> entries;
      for (int i = 0; i < 40; ++i) {
        void* entry = runs.take();
        ASSERT_NE(entry, nullptr);
        std::memset(entry, i, bytes);
        entries.push_back(entry);
        places.insert(reinterpret_cast<std::uintptr_t>(entry));
      }
      std::uintptr_t before = 0;
      for (const std::uintptr_t place : places) {
        EXPECT_EQ(place % align, 0u);
        EXPECT_GE(place, before + bytes);
        before = place;
      }
      for (void* entry : entries) runs.give(entry);
    }
  }
}

TEST_F(SlabPoolTest, ChurnAfterABurstGathersEntriesInFewRuns) {
  constexpr std::size_t count = 4000;
  SlabPool<Peer> pool(account_, count);
  std::vector<SlabPool<Peer>::Handle> peers;
  for (std::size_t i = 0; i < count; ++i) peers.push_back(pool.make(1));
  std::mt19937 random(5);
  std::shuffle(peers.begin(), peers.end(), random);
  peers.resize(count / 8);
  const std::size_t scattered = account_.committed_bytes();
  for (int round = 0; round < 4000; ++round) {
    peers[random() % peers.size()].reset();
    for (auto& peer : peers) {
      if (!peer) peer = pool.make(1);
    }
  }
  EXPECT_LT(account_.committed_bytes(), scattered / 2);
  EXPECT_LE(account_.committed_bytes(), account_.live_bytes() * 5 / 4 + 2 * page_bytes);
  peers.clear();
  EXPECT_EQ(account_.committed_bytes(), page_bytes);
}

}  // namespace
}  // namespace masu
