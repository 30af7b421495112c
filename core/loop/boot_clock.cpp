#include "core/loop/boot_clock.hpp"

#include "alloc/check.hpp"

#include <ctime>

#include <sodium.h>

namespace masu::core {

TimePoint RealClock::now() const {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

RealRandom::RealRandom() { MASU_CHECK(sodium_init() >= 0, "libsodium starts"); }

void RealRandom::fill(MutableBytes out) { randombytes_buf(out.data(), out.size()); }

}  // namespace masu::core
