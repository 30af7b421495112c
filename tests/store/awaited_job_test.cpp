#include "store/awaited_job.hpp"

#include "alloc/task.hpp"
#include "tests/store/sim_jobs.hpp"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

class AwaitedJobTest : public ::testing::Test, public TaskListener {
 protected:
  void on_task_done(TaskOutcome outcome) noexcept override { outcome_ = outcome; }

  Budget budget_{"test", 1 << 20};
  Account account_{budget_, "test.jobs", Lifetime::process, 1 << 20};
  AccountResource memory_{account_};
  test::SimJobs jobs_{2};
  std::optional<TaskOutcome> outcome_;
};

Task<> ask(TaskMemory, Jobs& jobs, Account& account, std::string& out) {
  AwaitedJob<std::string> first(jobs, JobClass::read, account, [] { return std::string("one"); });
  AwaitedJob<std::string> second(jobs, JobClass::read, account, [] { return std::string("two"); });
  AwaitedJob<std::string> third(jobs, JobClass::read, account, [] { return std::string("three"); });
  out += co_await third;
  out += co_await first;
  out += co_await second;
}

TEST_F(AwaitedJobTest, GivesTheResult) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::string out;
    jobs_.shuffle(seed);
    TaskRun run;
    outcome_.reset();
    run.start(ask(memory_, jobs_, account_, out), *this);
    EXPECT_FALSE(outcome_);
    jobs_.run_all();
    EXPECT_EQ(outcome_, TaskOutcome::done);
    EXPECT_EQ(out, "threeonetwo");
  }
  EXPECT_GT(jobs_.refusals, 0u);  // the queue has room for two
  EXPECT_EQ(account_.live_bytes(), 0u);
}

TEST_F(AwaitedJobTest, ATaskMayGoWhileItsJobsAreUnderWay) {
  std::string out;
  for (int steps = 0; steps < 6; ++steps) {
    TaskRun run;
    run.start(ask(memory_, jobs_, account_, out), *this);
    for (int i = 0; i < steps; ++i) jobs_.step();
    run.cancel();
    jobs_.run_all();
    EXPECT_EQ(account_.live_bytes(), 0u) << steps;
  }
}

Task<> ask_refused(TaskMemory, Jobs& jobs, Account& account) {
  AwaitedJob<int> job(jobs, JobClass::read, account, []() -> int { throw std::bad_alloc(); });
  co_await job;
}

TEST_F(AwaitedJobTest, ARefusedAllocationOfTheWorkEndsTheTask) {
  TaskRun run;
  run.start(ask_refused(memory_, jobs_, account_), *this);
  jobs_.run_all();
  EXPECT_EQ(outcome_, TaskOutcome::out_of_memory);
}

}  // namespace
}  // namespace masu::store
