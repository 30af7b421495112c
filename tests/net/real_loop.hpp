// RealLoop: an event loop with real sockets and a clock that the test moves.
#pragma once

#include "net/clock.hpp"
#include "net/timers.hpp"

#include <chrono>

#include <boost/asio/io_context.hpp>

namespace masu::net {

class RealLoop final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  // Lets time pass for timers, and nothing else.
  void advance(Duration duration) {
    now_ += duration;
    timers.advance(now_);
  }
  // Runs handlers until `done()`. False: nothing happened for ten real seconds.
  template <class Condition>
  bool run_until(Condition&& done) {
    while (!done()) {
      context.restart();
      const bool ran = context.run_one_for(std::chrono::seconds(10)) > 0;
      timers.advance(now_);
      if (!ran && !done()) return false;
    }
    return true;
  }
  // Runs what is ready.
  void poll() {
    context.restart();
    while (context.poll() > 0) timers.advance(now_);
  }

  boost::asio::io_context context{1};
  TimerQueue timers;

 private:
  TimePoint now_{1000s};
};

}  // namespace masu::net
