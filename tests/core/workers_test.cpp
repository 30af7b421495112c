#include "core/loop/workers.hpp"

#include <atomic>
#include <latch>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

namespace masu::core {
namespace {

using store::JobClass;

// Counts where it ran and came back; may wait inside of run() until it is let go.
class CountedJob final : public store::Job {
 public:
  explicit CountedJob(std::latch* gate = nullptr) : gate_(gate) {}
  void run() noexcept override {
    ran_on_ = std::this_thread::get_id();
    started = true;
    started.notify_all();
    if (gate_ != nullptr) gate_->wait();
  }
  void finish() noexcept override {
    finished_on_ = std::this_thread::get_id();
    ++finished;
  }

  std::atomic<bool> started{false};
  int finished = 0;
  std::thread::id ran_on_, finished_on_;

 private:
  std::latch* gate_;
};

class Waiter final : public store::JobRoomWaiter {
 public:
  void on_job_room() noexcept override { ++told; }
  int told = 0;
};

class WorkersTest : public ::testing::Test {
 protected:
  void run_until_idle(Workers& workers) {
    while (workers.under_way() > 0) context_.run_one();
  }
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ =
      boost::asio::make_work_guard(context_);
};

TEST_F(WorkersTest, AJobRunsElsewhereAndComesBackHere) {
  Workers workers(context_, 2);
  CountedJob job;
  ASSERT_TRUE(workers.post(job, JobClass::read));
  run_until_idle(workers);
  EXPECT_EQ(job.finished, 1);
  EXPECT_NE(job.ran_on_, std::this_thread::get_id());
  EXPECT_EQ(job.finished_on_, std::this_thread::get_id());
}

TEST_F(WorkersTest, LongJobsLeaveAThreadForTheOthers) {
  Workers workers(context_, 2);
  std::latch gate(1);
  CountedJob first(&gate), second(&gate), read;
  ASSERT_TRUE(workers.post(first, JobClass::long_));
  ASSERT_TRUE(workers.post(second, JobClass::long_));
  first.started.wait(false);
  ASSERT_TRUE(workers.post(read, JobClass::read));
  while (read.finished == 0) context_.run_one();
  EXPECT_FALSE(second.started);
  gate.count_down();
  run_until_idle(workers);
  EXPECT_EQ(second.finished, 1);
}

TEST_F(WorkersTest, AFullQueueSaysNoAndTellsWhenThereIsRoom) {
  Workers workers(context_, 1);
  std::latch gate(1);
  CountedJob first(&gate);
  ASSERT_TRUE(workers.post(first, JobClass::write));
  first.started.wait(false);
  std::vector<std::unique_ptr<CountedJob>> jobs;
  for (std::size_t count = 0; count < Workers::queue_max; ++count) {
    jobs.push_back(std::make_unique<CountedJob>());
    ASSERT_TRUE(workers.post(*jobs.back(), JobClass::write));
  }
  CountedJob refused;
  EXPECT_FALSE(workers.post(refused, JobClass::write));
  CountedJob of_another_class;
  EXPECT_TRUE(workers.post(of_another_class, JobClass::read));
  Waiter waiter;
  workers.wait_for_room(waiter, JobClass::write);
  gate.count_down();
  run_until_idle(workers);
  EXPECT_EQ(waiter.told, 1);
  EXPECT_TRUE(workers.post(refused, JobClass::write));
  run_until_idle(workers);
}

TEST_F(WorkersTest, ManyJobsOfAllClassesEachRunOnce) {
  Workers workers(context_, 3);
  std::vector<std::unique_ptr<CountedJob>> jobs;
  for (int count = 0; count < 300; ++count) {
    jobs.push_back(std::make_unique<CountedJob>());
    const auto kind = static_cast<JobClass>(count % 3);
    ASSERT_TRUE(workers.post(*jobs.back(), kind));
  }
  run_until_idle(workers);
  for (const auto& job : jobs) EXPECT_EQ(job->finished, 1);
}

}  // namespace
}  // namespace masu::core
