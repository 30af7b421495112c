// The real clock and the real source of randomness: made by core, and by nobody else.
#pragma once

#include "net/clock.hpp"
#include "net/random.hpp"

namespace masu::core {

// CLOCK_BOOTTIME, read at each call (a call into the vDSO). Any thread.
class RealClock final : public net::Clock {
 public:
  TimePoint now() const override;
};

// The system's randomness through libsodium. Any thread.
class RealRandom final : public net::RandomSource {
 public:
  RealRandom();
  void fill(MutableBytes out) override;
};

}  // namespace masu::core
