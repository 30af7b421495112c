#include "alloc/plan.hpp"

#include "alloc/chunk_pool.hpp"
#include "alloc/page_box.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <pthread.h>

namespace masu {
namespace {

constexpr std::size_t mib = 1024 * 1024;

std::size_t row_bytes(const CapacityPlan& plan, std::string_view name) {
  for (const PlanRow& row : plan.rows) {
    if (row.name == name) return row.bytes;
  }
  return 0;
}

TEST(PlanTest, SixtyFourMibIsSpentToItsEndAndNotBeyond) {
  const auto plan = derive_plan(64 * mib);
  ASSERT_TRUE(plan) << plan.error().reason;
  EXPECT_LE(plan->sum_bytes(), 64 * mib);
  EXPECT_GT(plan->sum_bytes(), 64 * mib - 2 * chunk_bytes);
  EXPECT_GE(plan->unspent_bytes, 64 * mib / 50);
  EXPECT_GE(plan->library_bytes, 7 * mib);
  EXPECT_GE(plan->connections, 900u) << "the high water mark of old desktops";
  EXPECT_GE(plan->block_bytes, 4 * mib);
  EXPECT_GE(plan->handshakes, 24u);
  EXPECT_GE(plan->rpc_requests, 8u);
}

TEST(PlanTest, EveryBudgetThatIsTakenHoldsItsRelations) {
  for (std::size_t budget = 16 * mib; budget < 2048 * mib; budget += budget / 7) {
    const auto derived = derive_plan(budget);
    ASSERT_TRUE(derived) << derived.error().reason;
    const CapacityPlan& plan = *derived;
    EXPECT_LE(plan.sum_bytes(), budget);
    const std::size_t pool = plan.chunks * chunk_bytes;
    EXPECT_GE(plan.block_bytes, 2 * mib);
    EXPECT_LE(plan.block_bytes + plan.frame_slots * 64 * 1024 + plan.handshakes * chunk_bytes, pool);
    EXPECT_LE(plan.block_slots * 2 * mib, plan.block_bytes);
    EXPECT_GE(plan.upload_slots, 1u);
    EXPECT_LE(plan.upload_slots * 2 * mib + plan.rpc_requests * 4 * chunk_bytes, plan.upload_bytes);
    EXPECT_LT(plan.upload_bytes + 4 * chunk_bytes, pool) << "a small block that was fetched has room";
    EXPECT_LE(plan.wants_per_peer, plan.wants / 8);
    EXPECT_GE(plan.unspent_bytes, std::max(budget / 50, mib / 2));
    EXPECT_GE(plan.streams, plan.connections);
    EXPECT_GT(plan.socket_receive_bytes, 0u);
    EXPECT_GE(plan.rpc_backlog, std::max<std::size_t>(16, 2 * plan.rpc_requests)) << "a burst of local tools";
    EXPECT_GT(row_bytes(plan, "RPC accept queue"), plan.rpc_backlog * 2 * plan.waiting_rpc_socket_bytes);
    EXPECT_GT(row_bytes(plan, "RPC sockets"), plan.rpc_requests * 2 * plan.rpc_socket_bytes);
  }
}

TEST(PlanTest, TheRowsAreTheSum) {
  const auto plan = derive_plan(64 * mib);
  ASSERT_TRUE(plan);
  std::size_t sum = 0;
  for (const PlanRow& row : plan->rows) {
    sum += row.bytes;
    EXPECT_GE(row.bytes, row.count * row.bytes_each) << row.name;
  }
  EXPECT_EQ(sum, plan->sum_bytes());
}

TEST(PlanTest, MoreBudgetNeverMeansLess) {
  auto before = derive_plan(16 * mib);
  ASSERT_TRUE(before);
  for (std::size_t budget = 17 * mib; budget < 300 * mib; budget += mib) {
    auto plan = derive_plan(budget);
    ASSERT_TRUE(plan);
    EXPECT_GE(plan->connections, before->connections);
    EXPECT_GE(plan->wants, before->wants);
    EXPECT_GE(plan->peers, before->peers);
    EXPECT_GE(plan->memtable_bytes, before->memtable_bytes);
    before = std::move(plan);
  }
}

TEST(PlanTest, ATooSmallBudgetIsRefusedWithTheSumAndWhatWouldDo) {
  for (const std::size_t budget : {std::size_t{0}, std::size_t{1}, mib, 8 * mib, 15 * mib}) {
    const auto plan = derive_plan(budget);
    ASSERT_FALSE(plan);
    EXPECT_NE(plan.error().reason.find("too small"), std::string::npos);
    EXPECT_NE(plan.error().reason.find("smallest that works is"), std::string::npos);
    const std::string table = format_plan(plan.error().plan);
    EXPECT_NE(table.find("RocksDB"), std::string::npos);
    EXPECT_NE(table.find("sum"), std::string::npos);
  }
}

TEST(PlanTest, ASmallerBuildLeavesMoreToTheNode) {
  const auto usual = derive_plan(32 * mib, {.code_bytes = 17 * mib});
  const auto smaller = derive_plan(32 * mib, {.code_bytes = 21 * mib / 2});
  ASSERT_TRUE(usual && smaller);
  EXPECT_GT(smaller->connections, usual->connections);
  EXPECT_GT(smaller->chunks, usual->chunks);
}

TEST(PlanTest, SmallBudgetsWorkWithLessOfEverything) {
  const auto least = derive_plan(16 * mib);
  ASSERT_TRUE(least) << least.error().reason;
  EXPECT_GE(least->connections, 16u);
  EXPECT_GE(least->rpc_requests, 4u);
  EXPECT_LT(least->code_bytes, FixedCosts().code_bytes) << "not all of the code is in memory at once";
  const auto small = derive_plan(32 * mib);
  ASSERT_TRUE(small);
  EXPECT_GE(small->connections, 96u) << "the high water mark of Kubo";
  const FixedCosts costs{.code_bytes = std::size_t{14} * mib + 100 * 1024};  // of the release
  EXPECT_EQ(derive_plan(32 * mib, costs)->code_bytes, costs.code_bytes) << "from 32M on all of it";
}

TEST(PlanTest, NoBudgetOverflows) {
  const auto plan = derive_plan(~std::size_t{0});
  ASSERT_TRUE(plan);
  EXPECT_LE(plan->sum_bytes(), plan->budget_bytes);
}

TEST(PlanTest, ThePoolsOfThePlanFitThroughTheDoors) {
  const auto plan = derive_plan(64 * mib);
  ASSERT_TRUE(plan);
  PageBox box(4 * plan->budget_bytes);
  box.set_limits(plan->ours_bytes, plan->library_bytes);
  for (const PlanRow& row : plan->rows) {
    if (row.group != PlanGroup::ours) continue;
    EXPECT_NE(box.map(row.bytes, page_bytes, Door::ours), nullptr) << row.name;
  }
  EXPECT_NE(box.map(plan->library_bytes, page_bytes, Door::library), nullptr);
}

TEST(PlanDeathTest, AProcessUnderThePlanHasItsDoorsAndStacks) {
  // In a child, as it cannot be undone.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const auto plan = derive_plan(64 * mib);
        enter_plan(*plan);
        pthread_attr_t attributes;
        std::size_t stack = 0;
        pthread_getattr_default_np(&attributes);
        pthread_attr_getstacksize(&attributes, &stack);
        const PageBox& box = process_box();
#if !defined(__SANITIZE_THREAD__)  // which needs a stack of its own kind
        if (stack != plan->thread_stack_bytes) std::_Exit(9);
#endif
        const bool entered = stack >= plan->thread_stack_bytes && box.address_bytes() == 256 * mib &&
                             box.count(Door::ours).limit_bytes == plan->ours_bytes &&
                             box.count(Door::library).limit_bytes == plan->library_bytes;
        std::_Exit(entered ? 7 : 8);
      },
      testing::ExitedWithCode(7), "");
}

TEST(PlanTest, TheTableHasALineForEachRow) {
  const auto plan = derive_plan(64 * mib);
  ASSERT_TRUE(plan);
  const std::string table = format_plan(*plan);
  const std::string rows = table.substr(0, table.find("\nCOUNTS\n"));
  EXPECT_EQ(static_cast<std::size_t>(std::count(rows.begin(), rows.end(), '\n')), plan->rows.size() + 3);
  for (const PlanRow& row : plan->rows) EXPECT_NE(table.find(row.name), std::string::npos);
}

TEST(FormatBytesTest, UsesTheLargestUnitThatFits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(64 * mib), "64.00 MiB");
}

}  // namespace
}  // namespace masu
