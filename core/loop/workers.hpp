// Workers: the threads that do what blocks or burns; the real store::Jobs.
//
// A few threads (plan.worker_threads) take jobs from one bounded queue for each class. Long jobs never hold
// the last thread when there are two or more; reads go before writes, but not for ever. Finished jobs come
// back on the loop, many with one wake-up. Made and destroyed on the loop thread; the destructor waits for
// the jobs that run, and MASU_CHECKs that none is left unfinished.
#pragma once

#include "store/jobs.hpp"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace masu::core {

class Workers final : public store::Jobs {
 public:
  static constexpr std::size_t queue_max = 256;  // of each class

  Workers(boost::asio::io_context& context, std::size_t threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  [[nodiscard]] bool post(store::Job& job, store::JobClass kind) override;
  void wait_for_room(store::JobRoomWaiter& waiter, store::JobClass kind) override;
  // Jobs posted whose finish() has not returned.
  std::size_t under_way() const { return under_way_; }

 private:
  static constexpr std::size_t classes = 3;

  void work();
  struct Taken {
    store::Job* job = nullptr;
    bool is_long = false;
  };
  // The next job, waiting for one; null when the workers end.
  Taken take(std::unique_lock<std::mutex>& lock);
  bool may_take(std::size_t kind) const;
  void deliver();

  boost::asio::io_context& context_;
  const std::size_t threads_max_;

  // Loop thread.
  std::size_t under_way_ = 0;
  std::array<IntrusiveList<store::JobRoomWaiter>, classes> room_waiters_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::array<IntrusiveList<store::Job>, classes> queues_;
  IntrusiveList<store::Job> finished_;
  std::size_t long_running_ = 0;
  std::size_t reads_in_a_row_ = 0;
  bool delivery_posted_ = false;
  bool ending_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace masu::core
