// Jobs without threads: they run when the test says so, in the order of their posting or shuffled by a seed.
// run() and finish() may lie apart, so that a test can do something while a job is "on its worker".
#pragma once

#include "store/jobs.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace masu::store::test {

class SimJobs final : public Jobs {
 public:
  explicit SimJobs(std::size_t queue_max = 256) : queue_max_(queue_max) {}
  // From now on jobs are run and finished in an order that `seed` says.
  void shuffle(std::uint64_t seed) {
    random_.seed(seed);
    shuffled_ = true;
  }

  [[nodiscard]] bool post(Job& job, JobClass kind) override {
    auto& queued = queued_[static_cast<std::size_t>(kind)];
    if (queued >= queue_max_) {
      ++refusals;
      return false;
    }
    ++queued;
    ++posted;
    waiting_.push_back({&job, kind});
    return true;
  }
  void wait_for_room(JobRoomWaiter& waiter, JobClass kind) override {
    room_[static_cast<std::size_t>(kind)].push_back(waiter);
  }

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t running() const { return ran_.size(); }
  // Runs one job and leaves it unfinished. False: there is none.
  bool run_one() {
    if (waiting_.empty()) return false;
    const Posted next = take(waiting_);
    --queued_[static_cast<std::size_t>(next.kind)];
    next.job->run();
    ran_.push_back(next);
    while (JobRoomWaiter* waiter = room_[static_cast<std::size_t>(next.kind)].pop_front()) {
      waiter->on_job_room();
      if (queued_[static_cast<std::size_t>(next.kind)] >= queue_max_) break;
    }
    return true;
  }
  bool finish_one() {
    if (ran_.empty()) return false;
    take(ran_).job->finish();
    return true;
  }
  // One step: run, or finish. False: nothing was left.
  bool step() {
    const bool finish_first = !ran_.empty() && (!shuffled_ || waiting_.empty() || random_() % 2 == 0);
    return finish_first ? finish_one() : run_one() || finish_one();
  }
  void run_all() {
    while (step()) {
    }
  }
  template <class Done>
  void run_until(Done&& done) {
    while (!done() && step()) {
    }
  }

  std::size_t refusals = 0;
  std::size_t posted = 0;

 private:
  struct Posted {
    Job* job;
    JobClass kind;
  };
  Posted take(std::vector<Posted>& jobs) {
    const std::size_t at = shuffled_ ? random_() % jobs.size() : 0;
    const Posted taken = jobs[at];
    jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(at));
    return taken;
  }

  const std::size_t queue_max_;
  bool shuffled_ = false;
  std::mt19937_64 random_;
  std::array<std::size_t, 3> queued_{};
  std::vector<Posted> waiting_, ran_;
  std::array<IntrusiveList<JobRoomWaiter>, 3> room_;
};

}  // namespace masu::store::test
