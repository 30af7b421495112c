#include "core/loop/event_loop.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <ctime>

#include <boost/asio/post.hpp>
#include <sys/timerfd.h>
#include <unistd.h>

namespace masu::core {

EventLoop::EventLoop() : wake_(context_) {
  const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  MASU_CHECK(fd >= 0, "the kernel has timers");
  wake_.assign(fd);
  wait();
}

void EventLoop::wait() {
  wake_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                   [this](const boost::system::error_code& error) {
                     if (error) return;
                     std::uint64_t count = 0;
                     [[maybe_unused]] const ssize_t got = ::read(wake_.native_handle(), &count, sizeof count);
                     armed_.reset();
                     wait();
                   });
}

void EventLoop::arm() {
  std::optional<TimePoint> next = timers_.next_deadline();
  if (net_deadline_) next = next ? std::min(*next, *net_deadline_) : net_deadline_;
  // A timer that fires too early costs one turn, so only an earlier deadline is worth a system call.
  if (!next || (armed_ && *armed_ <= *next)) return;
  const auto since_boot = std::max<Duration>(next->time_since_epoch(), 1ns);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = (since_boot - seconds).count();
  ::timerfd_settime(wake_.native_handle(), TFD_TIMER_ABSTIME, &when, nullptr);
  armed_ = next;
}

void EventLoop::step() {
  arm();
  context_.run_one();
  // What is ready now, but not for ever: timers are due as well.
  for (int count = 0; count < 64 && context_.poll_one() > 0; ++count) {
  }
  const TimePoint now = clock_.now();
  timers_.advance(now);
  if (watch_ != nullptr) watch_->on_turn(now);
}

void EventLoop::run() {
  while (!stopped_.load(std::memory_order_relaxed)) step();
}

void EventLoop::stop() {
  stopped_.store(true, std::memory_order_relaxed);
  boost::asio::post(context_, [] {});
}

}  // namespace masu::core
