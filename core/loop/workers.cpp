#include "core/loop/workers.hpp"

#include "alloc/check.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>

namespace masu::core {
namespace {

constexpr std::size_t index_of(store::JobClass kind) { return static_cast<std::size_t>(kind); }
constexpr std::size_t read_class = index_of(store::JobClass::read);
constexpr std::size_t long_class = index_of(store::JobClass::long_);
// A write that waits has its turn after so many reads.
constexpr std::size_t reads_in_a_row_max = 16;

}  // namespace

Workers::Workers(boost::asio::io_context& context, std::size_t threads)
    : context_(context), threads_max_(std::max<std::size_t>(threads, 1)) {
  threads_.reserve(threads_max_);
  for (std::size_t count = 0; count < threads_max_; ++count) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  MASU_CHECK(under_way_ == 0, "jobs are finished before their workers go");
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Workers::post(store::Job& job, store::JobClass kind) {
  {
    const std::lock_guard guard(mutex_);
    auto& queue = queues_[index_of(kind)];
    if (queue.size() >= queue_max) return false;
    queue.push_back(job);
  }
  ++under_way_;
  wake_.notify_one();
  return true;
}

void Workers::wait_for_room(store::JobRoomWaiter& waiter, store::JobClass kind) {
  room_waiters_[index_of(kind)].push_back(waiter);
}

bool Workers::may_take(std::size_t kind) const {
  if (queues_[kind].empty()) return false;
  return kind != long_class || threads_max_ == 1 || long_running_ + 1 < threads_max_;
}

Workers::Taken Workers::take(std::unique_lock<std::mutex>& lock) {
  while (true) {
    const bool others = may_take(index_of(store::JobClass::write)) || may_take(long_class);
    for (std::size_t kind = 0; kind < classes; ++kind) {
      if (!may_take(kind)) continue;
      if (kind == read_class) {
        if (others && reads_in_a_row_ >= reads_in_a_row_max) continue;
        ++reads_in_a_row_;
      } else {
        reads_in_a_row_ = 0;
      }
      if (kind == long_class) ++long_running_;
      return {queues_[kind].pop_front(), kind == long_class};
    }
    if (ending_) return {};
    wake_.wait(lock);
  }
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto [job, is_long] = take(lock);
    if (job == nullptr) return;
    lock.unlock();
    job->run();
    lock.lock();
    if (is_long) {
      --long_running_;
      // Another long one may have waited for this.
      if (!queues_[long_class].empty()) wake_.notify_one();
    }
    finished_.push_back(*job);
    if (!std::exchange(delivery_posted_, true)) {
      lock.unlock();
      boost::asio::post(context_, [this] { deliver(); });
      lock.lock();
    }
  }
}

void Workers::deliver() {
  std::array<bool, classes> room{};
  while (true) {
    store::Job* job = nullptr;
    {
      const std::lock_guard guard(mutex_);
      job = finished_.pop_front();
      if (job == nullptr) delivery_posted_ = false;
      for (std::size_t kind = 0; kind < classes; ++kind) room[kind] = queues_[kind].size() < queue_max;
    }
    if (job == nullptr) break;
    --under_way_;
    job->finish();
  }
  for (std::size_t kind = 0; kind < classes; ++kind) {
    if (!room[kind]) continue;
    // Those that wait now, not those that begin to wait in the meantime.
    for (std::size_t count = room_waiters_[kind].size(); count > 0; --count) {
      store::JobRoomWaiter* const waiter = room_waiters_[kind].pop_front();
      if (waiter == nullptr) break;
      waiter->on_job_room();
    }
  }
}

}  // namespace masu::core
