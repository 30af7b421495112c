// SpinLock: for sections of some dozen instructions that must not call malloc, which a pthread mutex may do
// under sanitizers and profilers. Yields when the holder has been preempted. Use with std::lock_guard.
#pragma once

#include <atomic>

#include <sched.h>

namespace masu {

class SpinLock {
 public:
  void lock() noexcept {
    while (busy_.test_and_set(std::memory_order_acquire)) {
      for (int spins = 0; busy_.test(std::memory_order_relaxed); ++spins) {
        if (spins >= 64) sched_yield();
      }
    }
  }
  void unlock() noexcept { busy_.clear(std::memory_order_release); }

 private:
  std::atomic_flag busy_;
};

}  // namespace masu
