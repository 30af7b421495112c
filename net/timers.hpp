// Timer and TimerQueue: deadlines without a clock.
//
// A Timer is a member of whoever waits; armed, it lies in the queue's intrusive pairing heap: no
// allocation, no limit needed. The loop's driver sets one real timer to next_deadline() and calls
// advance(now); the simulator does the same with virtual time. Not thread-safe.
#pragma once

#include "alloc/clock.hpp"

#include <optional>

namespace masu::net {

class TimerQueue;

class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();  // Disarms.

  bool armed() const { return queue_ != nullptr; }
  TimePoint deadline() const { return deadline_; }
  void cancel();

  // Called once by TimerQueue::advance() when due, after the timer was taken out: it may arm itself
  // again or destroy itself.
  virtual void on_timer(TimePoint now) = 0;

 private:
  friend class TimerQueue;
  TimerQueue* queue_ = nullptr;
  TimePoint deadline_{};
  Timer* child_ = nullptr;     // first child
  Timer* sibling_ = nullptr;   // next sibling
  Timer* previous_ = nullptr;  // previous sibling, or the parent of a first child
};

class TimerQueue {
 public:
  TimerQueue() = default;
  ~TimerQueue();  // Disarms what is left.
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Arms `timer` for `deadline`, moving it when it was armed (also in this queue).
  void arm(Timer& timer, TimePoint deadline);
  std::optional<TimePoint> next_deadline() const;
  // Fires all timers with deadline <= now, earliest first, those armed meanwhile for later not.
  void advance(TimePoint now);

 private:
  friend class Timer;
  void remove(Timer& timer);
  static Timer* meld(Timer* a, Timer* b);
  static Timer* merge_pairs(Timer* first);
  Timer* root_ = nullptr;
};

// A deadline that may be late by a second, from two seconds on: at the next whole one, so that those of a
// thousand idle connections wake the process once a second and not a thousand times in thirty.
TimePoint coalesced(TimePoint deadline, TimePoint now);

}  // namespace masu::net
