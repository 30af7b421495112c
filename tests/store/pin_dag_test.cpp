#include "store/pin_dag.hpp"

#include "store/local_source.hpp"
#include "store/memory_store.hpp"
#include "tests/store/dag_builder.hpp"
#include "tests/store/failing_records.hpp"
#include "tests/store/failing_store.hpp"
#include "tests/store/sim_jobs.hpp"

#include <gtest/gtest.h>

namespace masu::store {
namespace {

Task<> pin_one(TaskMemory memory, PinDag& dag, Cid cid, PinMode mode, std::optional<StoreResult<void>>& out) {
  out.emplace(co_await dag.pin(memory, cid, mode, "a name"));
}

class PinDagTest : public ::testing::Test, public TaskListener {
 protected:
  void on_task_done(TaskOutcome) noexcept override {}

  std::unique_ptr<PinDag> make() {
    return std::make_unique<PinDag>(
        PinDag::Parts{source_, jobs_, store_, pins_, blocks_, account_, ::testing::TempDir(), {1, 2, 3}});
  }
  StoreResult<void> pin(const Cid& cid, PinMode mode = PinMode::recursive) {
    auto dag = make();
    TaskRun run;
    std::optional<StoreResult<void>> outcome;
    run.start(pin_one(frames_, *dag, cid, mode, outcome), *this);
    jobs_.run_all();
    progress_ = dag->progress();
    return outcome.value();
  }
  // What a collection that began before does: removes everything that was not written since it began.
  void sweep(WriteSequence before) {
    for (const Cid& cid : dag_.nodes()) {
      const Multihash hash = cid.hash();
      bool removed = false;
      ASSERT_TRUE(memory_store_.remove_unwritten({&hash, 1}, before, {&removed, 1}));
    }
  }

  Budget budget_{"test", 256 << 20};
  Account pages_{budget_, "test.pages", Lifetime::block, 64 << 20};
  Account blocks_{budget_, "test.blocks", Lifetime::block, 16 << 20};
  Account account_{budget_, "test.walk", Lifetime::request, 16 << 20};
  Account entries_{budget_, "test.entries", Lifetime::store, 1 << 20};
  AccountResource frames_{entries_};
  ChunkPool chunks_{pages_, 1024};
  MemoryStore memory_store_;
  test::FailingStore store_{memory_store_};
  MemoryRecordStore memory_records_;
  test::FailingRecords records_{memory_records_};
  PinSet pins_{records_};
  test::DagBuilder dag_{memory_store_};
  test::SimJobs jobs_;
  LocalReads reads_{store_, jobs_, chunks_, entries_};
  LocalSource source_{reads_};
  PinDag::Progress progress_;
};

TEST_F(PinDagTest, PinsAfterASync) {
  const Cid root = dag_.add_random_dag(500, 1);
  EXPECT_FALSE(memory_store_.synced());
  ASSERT_TRUE(pin(root));
  EXPECT_TRUE(memory_store_.synced());
  EXPECT_EQ(pins_.find(root).value()->name, "a name");
  EXPECT_EQ(progress_.nodes, dag_.preorder(root).size());
  EXPECT_GT(progress_.bytes, 1000u);
  EXPECT_EQ(account_.live_bytes(), 0u);
  EXPECT_EQ(store_.held_since(), store_.next_sequence());
}

TEST_F(PinDagTest, ADirectPinTakesTheBlockAlone) {
  const Cid root = dag_.add(Codec::dag_pb, {test::cid_of(Codec::raw, "not here")}, "root");
  ASSERT_TRUE(pin(root, PinMode::direct));
  EXPECT_EQ(pins_.find(root).value()->mode, PinMode::direct);
  EXPECT_EQ(progress_.nodes, 1u);
  const auto recursive = pin(root);
  EXPECT_EQ(recursive.error().code, StoreErrorCode::not_found);
  EXPECT_EQ(pins_.find(root).value()->mode, PinMode::direct);
  ASSERT_TRUE(pin(Cid(), PinMode::direct));  // an identity CID
}

// At every moment of the pinning, a collection takes away all that nobody has touched.
TEST_F(PinDagTest, ACollectionMeanwhileTakesNothingThatIsPinned) {
  int pinned = 0, lost = 0;
  for (std::size_t moment = 0; moment < 400; moment += 3) {
    const Cid root = dag_.add_random_dag(60, moment);
    jobs_.shuffle(moment);
    auto dag = make();
    TaskRun run;
    std::optional<StoreResult<void>> outcome;
    run.start(pin_one(frames_, *dag, root, PinMode::recursive, outcome), *this);
    for (std::size_t i = 0; i < moment; ++i) jobs_.step();
    sweep(store_.held_since());
    jobs_.run_all();
    ASSERT_TRUE(outcome);
    if (*outcome) {
      for (const Cid& cid : dag_.preorder(root)) {
        ASSERT_TRUE(memory_store_.size(cid.hash()).value()) << "moment " << moment;
      }
      EXPECT_TRUE(pins_.find(root).value());
      ++pinned;
    } else {
      ++lost;
      ASSERT_EQ(outcome->error().code, StoreErrorCode::not_found);
      EXPECT_FALSE(pins_.find(root).value());
    }
    // For the next round everything is back.
    dag_ = test::DagBuilder(memory_store_);
  }
  EXPECT_GT(pinned, 10);
  EXPECT_GT(lost, 10);
}

TEST_F(PinDagTest, ATaskThatGoesAwayLeavesNoPinWithoutAHold) {
  const Cid root = dag_.add_random_dag(50, 1);
  for (std::size_t steps = 0; steps < 300; steps += 5) {
    {
      auto dag = make();
      TaskRun run;
      std::optional<StoreResult<void>> outcome;
      run.start(pin_one(frames_, *dag, root, PinMode::recursive, outcome), *this);
      for (std::size_t i = 0; i < steps; ++i) jobs_.step();
    }
    while (jobs_.waiting() + jobs_.running() > 0) {
      const bool held = store_.held_since() < store_.next_sequence();
      jobs_.step();
      if (pins_.find(root).value()) EXPECT_TRUE(held) << steps;
    }
    EXPECT_EQ(account_.live_bytes(), 0u);
    EXPECT_EQ(store_.held_since(), store_.next_sequence());
    static_cast<void>(pins_.unpin(root, true));
  }
}

TEST_F(PinDagTest, EveryFailureLeavesNoPin) {
  const Cid root = dag_.add_random_dag(30, 1);
  store_.calls = 0;
  ASSERT_TRUE(pin(root));
  const std::size_t calls = store_.calls;
  ASSERT_TRUE(pins_.unpin(root, true));
  for (std::size_t n = 0; n < calls; ++n) {
    store_.fail_after(n);
    EXPECT_EQ(pin(root).error().code, StoreErrorCode::io) << n;
    EXPECT_FALSE(pins_.find(root).value());
  }
  for (std::size_t n = 0; n < 3; ++n) {
    records_.fail_after(n);
    EXPECT_FALSE(pin(root));
    EXPECT_FALSE(pins_.find(root).value());
  }
}

}  // namespace
}  // namespace masu::store
