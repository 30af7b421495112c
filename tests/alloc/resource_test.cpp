#include "alloc/resource.hpp"

#include "alloc/page_box.hpp"

#include <cstring>
#include <memory_resource>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

class ResourceTest : public testing::Test {
 protected:
  Budget budget_{"root", 1u << 20};
  Account account_{budget_, "http.request", Lifetime::request, 256 * 1024};
};

TEST_F(ResourceTest, AnAccountHoldsWhatItsContainersAskFor) {
  AccountResource resource(account_);
  {
    std::pmr::vector<char> bytes(1000, 'x', &resource);
    EXPECT_EQ(account_.live_bytes(), 1000u);
    std::pmr::string text(5000, 'y', &resource);
    EXPECT_GE(account_.live_bytes(), 6000u);
  }
  EXPECT_EQ(account_.live_bytes(), 0u);
}

TEST_F(ResourceTest, AboveTheQuotaContainersMeetBadAlloc) {
  AccountResource resource(account_);
  std::pmr::vector<char> bytes(&resource);
  EXPECT_THROW(bytes.resize(256 * 1024 + 1), std::bad_alloc);
  EXPECT_EQ(account_.refusals(), 1u);
  bytes.resize(256 * 1024);
  EXPECT_EQ(account_.live_bytes(), 256u * 1024);
}

TEST_F(ResourceTest, AlignmentIsKept) {
  AccountResource resource(account_);
  Bump bump(account_, 64 * 1024);
  for (std::size_t align = 1; align <= 4096; align *= 2) {
    for (std::pmr::memory_resource* each : {static_cast<std::pmr::memory_resource*>(&resource),
                                            static_cast<std::pmr::memory_resource*>(&bump)}) {
      void* memory = each->allocate(24, align);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % align, 0u);
      each->deallocate(memory, 24, align);
    }
  }
}

TEST_F(ResourceTest, ThreadsShareAnAccount) {
  AccountResource resource(account_);
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker) {
    threads.emplace_back([&resource] {
      for (std::size_t round = 0; round < 1000; ++round) {
        std::pmr::vector<int> numbers(round % 300 + 1, 7, &resource);
        EXPECT_EQ(numbers.back(), 7);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(account_.live_bytes(), 0u);
}

TEST_F(ResourceTest, ABumpCostsAPageAndGivesAllBack) {
  {
    Bump bump(account_, 128 * 1024);
    EXPECT_EQ(account_.committed_bytes(), 0u) << "a request that allocates nothing costs nothing";
    std::pmr::string text(100, 'x', &bump);
    EXPECT_EQ(account_.committed_bytes(), page_bytes);
    EXPECT_EQ(account_.live_bytes(), bump.used_bytes());
    text.resize(20000, 'y');
    EXPECT_EQ(text[19999], 'y');
    EXPECT_LE(account_.committed_bytes(), 128u * 1024);
  }
  EXPECT_EQ(account_.committed_bytes(), 0u);
  EXPECT_EQ(account_.live_bytes(), 0u);
}

TEST_F(ResourceTest, ABumpRefusesAtItsCapAndServesAgainAfterReset) {
  Bump bump(account_, 10000);
  EXPECT_NE(bump.allocate(9000), nullptr);
  EXPECT_THROW((void)bump.allocate(1001), std::bad_alloc);
  EXPECT_NE(bump.allocate(1000), nullptr);
  EXPECT_THROW((void)bump.allocate(1), std::bad_alloc);
  bump.reset();
  EXPECT_EQ(bump.used_bytes(), 0u);
  EXPECT_NE(bump.allocate(10000), nullptr);
}

TEST_F(ResourceTest, EachRefusalOfTheBudgetLeavesTheBumpAsItWas) {
  for (std::size_t pages = 0; pages < 6; ++pages) {
    budget_.set_limit(pages * page_bytes);
    Bump bump(account_, 128 * 1024);
    std::size_t got = 0;
    try {
      while (true) {
        std::memset(bump.allocate(500), 1, 500);
        got += 500;
      }
    } catch (const std::bad_alloc&) {
    }
    EXPECT_EQ(bump.used_bytes(), got);
    EXPECT_EQ(account_.live_bytes(), got);
    EXPECT_LE(account_.committed_bytes(), pages * page_bytes);
    EXPECT_EQ(got == 0, pages == 0);
  }
}

}  // namespace
}  // namespace masu
