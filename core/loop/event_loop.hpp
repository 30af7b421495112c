// EventLoop: the one thread that owns all protocol state: Asio's io_context, the timers of the protocols, and
// the turns that they ask for.
//
// The protocols' deadlines lie in one TimerQueue; one timerfd on the boot-time clock wakes the loop for the
// earliest. Made, run and destroyed on the loop thread; stop() may come from any thread.
#pragma once

#include "core/loop/boot_clock.hpp"
#include "net/timers.hpp"

#include <atomic>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace masu::core {

// Told after each turn of the loop.
class TurnWatch {
 public:
  virtual void on_turn(TimePoint now) = 0;

 protected:
  ~TurnWatch() = default;
};

class EventLoop {
 public:
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  boost::asio::io_context& context() { return context_; }
  const RealClock& clock() const { return clock_; }
  net::TimerQueue& timers() { return timers_; }
  // Null: nobody.
  void set_watch(TurnWatch* watch) { watch_ = watch; }

  // Runs until stop().
  void run();
  // Runs what is due until `done()` says so, or the deadline; for an orderly end after run(). True: done.
  template <class Done>
  bool run_until(Done&& done, TimePoint deadline) {
    net_deadline_ = deadline;
    bool is_done = done();
    while (!is_done && clock_.now() < deadline) {
      step();
      is_done = done();
    }
    net_deadline_.reset();
    return is_done;
  }
  void stop();

 private:
  void step();
  void arm();
  void wait();

  // One thread runs it.
  boost::asio::io_context context_{1};
  RealClock clock_;
  net::TimerQueue timers_;
  boost::asio::posix::stream_descriptor wake_;  // the timerfd
  TurnWatch* watch_ = nullptr;
  std::optional<TimePoint> armed_;
  std::optional<TimePoint> net_deadline_;
  std::atomic<bool> stopped_{false};
};

}  // namespace masu::core
