#include "alloc/lending.hpp"

#include "alloc/chunk_pool.hpp"

#include <gtest/gtest.h>

namespace masu {
namespace {

using namespace std::chrono_literals;

class LendingTest : public testing::Test {
 protected:
  LendingTest() : plan_(*derive_plan(64 << 20)), lending_(plan_) {}

  // The pool has so many in use, and others hold so many bytes of our door.
  std::size_t update(std::size_t used, std::size_t others, bool allowed = true) {
    now_ += 100ms;
    const std::size_t pages = used * chunk_bytes;
    return lending_.update({others + pages, pages, used, refusals_}, allowed, now_);
  }
  std::size_t idle(std::size_t others) const {
    return plan_.ours_bytes - others - plan_.chunks * chunk_bytes;
  }

  const CapacityPlan plan_;
  Lending lending_;
  std::uint64_t refusals_ = 0;
  TimePoint now_{};
};

TEST_F(LendingTest, NothingIsLentWhileThereIsRoom) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(update(plan_.chunks / 2, 1 << 20), plan_.chunks);
}

TEST_F(LendingTest, AFullPoolGetsMoreStepByStepUpToAsMuchAgain) {
  std::size_t before = plan_.chunks;
  for (int i = 0; i < 20; ++i) {
    const std::size_t after = update(before, 1 << 20);
    EXPECT_LE(after - before, plan_.chunks / 8);
    before = after;
  }
  EXPECT_GE(before, 2 * plan_.chunks - plan_.chunks / 8);
  EXPECT_LE(before, Lending::chunks_max(plan_));
}

TEST_F(LendingTest, ARefusalIsNeedToo) {
  refusals_ = 3;
  EXPECT_GT(update(0, 1 << 20), plan_.chunks);
}

TEST_F(LendingTest, HalfOfWhatOthersLeaveIdleStays) {
  const std::size_t others = plan_.ours_bytes - plan_.chunks * chunk_bytes - 40 * chunk_bytes;
  std::size_t chunks = plan_.chunks;
  for (int i = 0; i < 20; ++i) {
    chunks = update(chunks, others);
    EXPECT_LE((chunks - plan_.chunks) * chunk_bytes, idle(others) / 2);
  }
  EXPECT_EQ(update(chunks, plan_.ours_bytes), plan_.chunks) << "they need all of it: it is theirs at once";
}

TEST_F(LendingTest, ComesBackAfterAWhileWithoutNeed) {
  std::size_t chunks = plan_.chunks;
  for (int i = 0; i < 5; ++i) chunks = update(chunks, 1 << 20);
  const std::size_t most = chunks;
  ASSERT_GT(most, plan_.chunks);
  for (int i = 0; i < 40; ++i) chunks = update(10, 1 << 20);
  EXPECT_EQ(chunks, most) << "bursts come again";
  for (int i = 0; i < 100; ++i) chunks = update(10, 1 << 20);
  EXPECT_EQ(chunks, plan_.chunks);
}

TEST_F(LendingTest, ARungEndsItAtOnce) {
  ASSERT_GT(update(plan_.chunks, 1 << 20), plan_.chunks);
  EXPECT_EQ(update(plan_.chunks, 1 << 20, false), plan_.chunks);
  EXPECT_EQ(lending_.lent(), 0u);
}

TEST_F(LendingTest, AnotherPlanBeginsAtItsOwnChunks) {
  ASSERT_GT(update(plan_.chunks, 1 << 20), plan_.chunks);
  const CapacityPlan small = *derive_plan(32 << 20);
  lending_.set_plan(small);
  EXPECT_EQ(update(1, 1 << 20), small.chunks);
}

// The quotas over the pool follow it, and what a plan promises of them holds for any size.
TEST(PlanWithChunksTest, QuotasFollowTheChunks) {
  for (const std::size_t budget : {16, 32, 64, 256}) {
    const CapacityPlan plan = *derive_plan(budget << 20);
    const CapacityPlan same = with_chunks(plan, plan.chunks);
    EXPECT_EQ(same.block_bytes, plan.block_bytes);
    EXPECT_EQ(same.receive_bytes, plan.receive_bytes);
    EXPECT_EQ(same.send_bytes, plan.send_bytes);
    const CapacityPlan more = with_chunks(plan, plan.chunks * 3 / 2);
    EXPECT_EQ(more.chunks, plan.chunks * 3 / 2);
    EXPECT_GE(more.block_bytes, plan.block_bytes);
    EXPECT_GE(more.receive_bytes, plan.receive_bytes);
    EXPECT_GE(more.frame_slots, plan.frame_slots);
    EXPECT_LE(more.block_bytes, more.chunks * chunk_bytes);
    EXPECT_EQ(more.sum_bytes(), plan.sum_bytes()) << "what is lent is in the plan already";
  }
}

}  // namespace
}  // namespace masu
