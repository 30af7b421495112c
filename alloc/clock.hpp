// Time as the protocols see it: a point on the boot-time clock (CLOCK_BOOTTIME), which goes on while a
// machine sleeps and never jumps. Protocol code is given `now` as an argument and reads no clock; only
// core makes the real one, the simulator makes a virtual one.
#pragma once

#include <chrono>

namespace masu {

struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using TimePoint = BootClock::time_point;
using Duration = BootClock::duration;
using namespace std::chrono_literals;

}  // namespace masu
