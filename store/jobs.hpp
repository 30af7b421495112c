// Jobs: work that blocks or burns, done off the loop.
//
// A Job is a member of whoever asked (no allocation) and is given to the workers; run() is called on a
// worker thread, then finish() on the loop. The queue is bounded: post() says no when it is full, and the
// asker waits or refuses. A posted job cannot be taken back; its owner keeps it alive until finish(), and
// sets its own stop flag when it lost interest. core makes the real one (threads), the simulator one that
// runs in virtual time.
#pragma once

#include "alloc/intrusive_list.hpp"

#include <cstdint>

namespace masu::store {

class Job : public IntrusiveListNode<Job> {
 public:
  virtual void run() noexcept = 0;     // worker thread
  virtual void finish() noexcept = 0;  // loop thread; may destroy the job

 protected:
  ~Job() = default;
};

// Told once when a full queue has room again. Loop thread.
class JobRoomWaiter : public IntrusiveListNode<JobRoomWaiter> {
 public:
  virtual void on_job_room() noexcept = 0;

 protected:
  ~JobRoomWaiter() = default;
};

enum class JobClass : std::uint8_t {
  read,   // short: index look-ups, block reads
  write,  // appends, hashing of what was received
  long_,  // imports, collection, verification: never all workers
};

class Jobs {
 public:
  // Loop thread. False: the class's queue is full; wait_for_room() tells when to try again.
  [[nodiscard]] virtual bool post(Job& job, JobClass kind) = 0;
  virtual void wait_for_room(JobRoomWaiter& waiter, JobClass kind) = 0;

 protected:
  ~Jobs() = default;
};

}  // namespace masu::store
