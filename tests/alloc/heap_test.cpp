#include "alloc/heap.hpp"

#include "alloc/chunk_pool.hpp"
#include "alloc/page_box.hpp"
#include "alloc/resource.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

constexpr std::size_t mib = 1024 * 1024;

TEST(HeapTest, EachLifetimeHasAnArenaAndServesAlignedMemory) {
  for (std::size_t lifetime = 0; lifetime < lifetime_count; ++lifetime) {
    for (std::size_t align = 1; align <= 8192; align *= 2) {
      void* memory = heap_allocate(static_cast<Lifetime>(lifetime), 100, align);
      ASSERT_NE(memory, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % align, 0u);
      std::memset(memory, 1, 100);
      heap_free(memory, 100, align);
    }
  }
  void* nothing = heap_allocate(Lifetime::request, 0, 1);
  EXPECT_NE(nothing, nullptr);
  heap_free(nothing, 0, 1);
}

#if defined(MASU_JEMALLOC)

const HeapCount& row(const std::array<HeapCount, heap_arena_count>& counts, HeapArena arena) {
  return counts[static_cast<std::size_t>(arena)];
}

// The compiler may leave out a malloc whose memory nobody looks at.
void* library_allocate(std::size_t bytes) {
  void* memory = std::malloc(bytes);
  asm volatile("" : "+r"(memory) : : "memory");
  return memory;
}

TEST(HeapTest, TheCompiledInOptionsHold) {
  const auto verified = verify_heap();
  EXPECT_TRUE(verified) << verified.error().option << " is " << verified.error().found;
}

TEST(HeapDeathTest, AnOptionOfTheEnvironmentIsFoundAndNamed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // The child runs this test again from the start, with the variable.
  setenv("MALLOC_CONF", "retain:true", 1);
  EXPECT_EXIT(
      {
        const auto verified = verify_heap();
        std::_Exit(!verified && verified.error().option == "opt.retain" && verified.error().found == "1" ? 7
                                                                                                         : 8);
      },
      testing::ExitedWithCode(7), "");
  unsetenv("MALLOC_CONF");
}

TEST(HeapTest, EveryExtentIsInTheBoxAlsoLargeOnes) {
  for (const std::size_t bytes : {std::size_t{64} * 1024, mib, 9 * mib, 33 * mib}) {
    const std::size_t before = process_box().count(Door::library).charged_bytes;
    void* memory = library_allocate(bytes);
    ASSERT_NE(memory, nullptr);
    EXPECT_TRUE(process_box().contains(memory)) << bytes;
    if (bytes >= mib) {
      EXPECT_GE(process_box().count(Door::library).charged_bytes + mib, before + bytes);
    }
    std::free(memory);
  }
  purge_heap();
  EXPECT_LT(process_box().count(Door::library).charged_bytes, 8 * mib);
}

TEST(HeapTest, LifetimesThatDifferNeverShareAPage) {
  const std::size_t ours = process_box().count(Door::ours).charged_bytes;
  void* lasting = heap_allocate(Lifetime::peer, 64, 8);
  void* connection = heap_allocate(Lifetime::connection, 64, 8);
  void* passing = heap_allocate(Lifetime::request, 64, 8);
  const auto page = [](void* memory) { return reinterpret_cast<std::uintptr_t>(memory) / page_bytes; };
  EXPECT_NE(page(lasting), page(connection));
  EXPECT_NE(page(lasting), page(passing));
  EXPECT_GT(process_box().count(Door::ours).charged_bytes, ours);
  const auto counts = count_heap();
  EXPECT_GE(row(counts, HeapArena::lasting).charged, page_bytes);
  EXPECT_GE(row(counts, HeapArena::lasting).allocated, 64u);
  EXPECT_GT(row(counts, HeapArena::lasting).metadata, 0u);
  EXPECT_LT(row(counts, HeapArena::lasting).metadata, 256u * 1024) << "by what is resident, not by 2 MiB";
  heap_free(lasting, 64, 8);
  heap_free(connection, 64, 8);
  heap_free(passing, 64, 8);
}

TEST(HeapTest, AfterABurstAndAPurgeWhatIsChargedFollowsWhatIsLive) {
  Budget budget("root", 256 * mib);
  Account account(budget, "test", Lifetime::request, 256 * mib);
  AccountResource resource(account);
  std::mt19937 random(9);
  struct Piece {
    void* memory;
    std::size_t bytes;
  };
  std::vector<Piece> pieces;
  for (int round = 0; round < 30000; ++round) {
    const std::size_t bytes = random() % (random() % 50 == 0 ? 60000 : 700) + 1;
    pieces.push_back({resource.allocate(bytes), bytes});
    std::memset(pieces.back().memory, 1, bytes);
  }
  const HeapCount full = row(count_heap(), HeapArena::passing);
  EXPECT_LE(full.charged, account.live_bytes() + account.live_bytes() / 4 + 2 * mib);
  for (const Piece& piece : pieces) resource.deallocate(piece.memory, piece.bytes);
  purge_heap();
  const HeapCount after = row(count_heap(), HeapArena::passing);
  EXPECT_EQ(account.live_bytes(), 0u);
  EXPECT_EQ(after.dirty, 0u);
  EXPECT_LE(after.charged, mib);
}

TEST(HeapTest, FullDoorsRefuseOurArenasWithANullPointer) {
  const DoorCount ours = process_box().count(Door::ours);
  const DoorCount library = process_box().count(Door::library);
  process_box().set_limits(ours.charged_bytes + mib, library.charged_bytes + 4 * mib);
  EXPECT_EQ(heap_allocate(Lifetime::request, 2 * mib, 8), nullptr);
  void* small = heap_allocate(Lifetime::request, mib / 2, 8);
  EXPECT_NE(small, nullptr);
  heap_free(small, mib / 2, 8);
  EXPECT_EQ(library_allocate(64 * mib), nullptr)
      << "more than the libraries' whole reserve: refused, not fatal";
  EXPECT_THROW((void)::operator new(64 * mib), std::bad_alloc);
  process_box().set_limits(~std::size_t{0}, ~std::size_t{0});
}

void exhaust_library_door() {
  std::vector<void*> held;
  held.reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    held.push_back(library_allocate(mib));
    if (held.back() == nullptr) std::_Exit(3);
  }
}

TEST(HeapDeathTest, ADryLibraryDoorEndsTheProcessWithTheNumbers) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        process_box().set_limits(process_box().count(Door::ours).charged_bytes, 8 * mib);
        exhaust_library_door();
      },
      testing::ExitedWithCode(75),
      "memory budget is used up: a library asked for 1028 KiB, the libraries hold");
}

TEST(HeapTest, ADryLibraryDoorTakesBackFreeChunks) {
  Budget budget("root", 64 * mib);
  Account row_of_pool(budget, "chunks", Lifetime::block, mib);
  Account holder(budget, "net.receive", Lifetime::block, 64 * mib);
  ChunkPool pool(row_of_pool, 512);
  {
    std::vector<Chunk> chunks;
    for (int i = 0; i < 512; ++i) {
      chunks.push_back(pool.take(holder, Need::closing));
      ASSERT_TRUE(chunks.back());
    }
  }
  const auto trim = [](void* context, std::size_t) { return static_cast<ChunkPool*>(context)->trim(); };
  add_reclaimer(trim, &pool);
  purge_heap();
  process_box().set_limits(process_box().count(Door::ours).charged_bytes,
                           process_box().count(Door::library).charged_bytes + mib);
  EXPECT_EQ(pool.stats().free_resident, 512u);
  void* memory = library_allocate(3 * mib / 4);
  void* more = library_allocate(3 * mib / 4);
  EXPECT_NE(more, nullptr);
  EXPECT_EQ(pool.stats().free_resident, 0u);
  process_box().set_limits(~std::size_t{0}, ~std::size_t{0});
  remove_reclaimer(&pool);
  std::free(memory);
  std::free(more);
}

TEST(HeapTest, ThreadsAllocateAndFreeForEachOther) {
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker) {
    threads.emplace_back([worker] {
      std::mt19937 random(static_cast<unsigned>(worker));
      for (int round = 0; round < 3000; ++round) {
        const std::size_t bytes = random() % 40000 + 1;
        const auto lifetime = static_cast<Lifetime>(random() % lifetime_count);
        void* memory = heap_allocate(lifetime, bytes, 16);
        ASSERT_NE(memory, nullptr);
        std::memset(memory, worker, bytes);
        if (round % 100 == 0) purge_heap();
        heap_free(memory, bytes, 16);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

#endif

}  // namespace
}  // namespace masu
