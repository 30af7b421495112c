#include "net/timers.hpp"

#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

TimePoint at(int ms) { return TimePoint{std::chrono::milliseconds(ms)}; }

struct Recorder : Timer {
  std::vector<TimePoint>* fired = nullptr;
  void on_timer(TimePoint) override { fired->push_back(deadline()); }
};

TEST(Timers, FireInOrderAndOnlyWhenDue) {
  std::vector<TimePoint> fired;
  TimerQueue queue;
  Recorder a, b, c;
  a.fired = b.fired = c.fired = &fired;
  queue.arm(a, at(30));
  queue.arm(b, at(10));
  queue.arm(c, at(20));
  EXPECT_EQ(queue.next_deadline(), at(10));
  queue.advance(at(20));
  EXPECT_EQ(fired, (std::vector{at(10), at(20)}));
  EXPECT_TRUE(a.armed());
  queue.arm(a, at(25));
  queue.advance(at(25));
  EXPECT_EQ(fired.back(), at(25));
  EXPECT_FALSE(queue.next_deadline());
}

TEST(Timers, ARandomMixOfArmsAndCancelsKeepsTheOrder) {
  std::mt19937 random(7);
  std::vector<TimePoint> fired;
  TimerQueue queue;
  std::vector<std::unique_ptr<Recorder>> timers;
  for (int i = 0; i < 2000; ++i) {
    timers.push_back(std::make_unique<Recorder>());
    timers.back()->fired = &fired;
    queue.arm(*timers.back(), at(static_cast<int>(random() % 1000)));
  }
  for (int i = 0; i < 1000; ++i) timers[random() % timers.size()]->cancel();
  for (int i = 0; i < 500; ++i)
    queue.arm(*timers[random() % timers.size()], at(static_cast<int>(random() % 1000)));
  for (int i = 0; i < 100; ++i) timers[random() % timers.size()].reset(new Recorder);
  std::size_t armed = 0;
  for (const auto& timer : timers) armed += timer->armed() ? 1 : 0;
  for (int ms = 0; ms <= 1000; ms += 8) queue.advance(at(ms));
  EXPECT_EQ(fired.size(), armed);
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
}

struct Again : Timer {
  TimerQueue* queue = nullptr;
  int count = 0;
  void on_timer(TimePoint now) override {
    if (++count < 3) queue->arm(*this, now + 5ms);
  }
};

TEST(Timers, ATimerMayArmItselfAgain) {
  TimerQueue queue;
  Again again;
  again.queue = &queue;
  queue.arm(again, at(5));
  queue.advance(at(5));
  EXPECT_EQ(again.count, 1);
  queue.advance(at(100));
  EXPECT_EQ(again.count, 2);
  EXPECT_EQ(queue.next_deadline(), at(105));
}

TEST(Timers, FarDeadlinesAreCoalescedAndNearOnesAreExact) {
  const TimePoint now = TimePoint(1000s) + 300ms;
  EXPECT_EQ(coalesced(now - 1s, now), now - 1s);
  EXPECT_EQ(coalesced(now + 1999ms, now), now + 1999ms);
  EXPECT_EQ(coalesced(now + 2s, now), TimePoint(1003s));
  EXPECT_EQ(coalesced(TimePoint(1030s), now), TimePoint(1030s));
  EXPECT_EQ(coalesced(TimePoint(1030s) + 1ns, now), TimePoint(1031s));
}

}  // namespace
}  // namespace masu::net
