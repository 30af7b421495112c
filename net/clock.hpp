// Clock: the moment that the loop is in. core makes the real one (CLOCK_BOOTTIME, read once each time the
// loop wakes up), the simulator a virtual one; nothing else asks for the time. Loop thread only.
#pragma once

#include "alloc/clock.hpp"

namespace masu::net {

class Clock {
 public:
  virtual TimePoint now() const = 0;

 protected:
  ~Clock() = default;
};

}  // namespace masu::net
