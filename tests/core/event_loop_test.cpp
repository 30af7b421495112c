#include "core/loop/event_loop.hpp"

#include <thread>
#include <vector>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

namespace masu::core {
namespace {

class NotedTimer final : public net::Timer {
 public:
  NotedTimer(std::vector<int>& notes, int name, EventLoop* stops = nullptr)
      : notes_(notes), name_(name), stops_(stops) {}
  void on_timer(TimePoint now) override {
    EXPECT_GE(now, deadline());
    notes_.push_back(name_);
    if (stops_ != nullptr) stops_->stop();
  }

 private:
  std::vector<int>& notes_;
  int name_;
  EventLoop* stops_;
};

TEST(EventLoopTest, TimersFireInTheirOrder) {
  EventLoop loop;
  std::vector<int> notes;
  NotedTimer late(notes, 2, &loop), early(notes, 1);
  loop.timers().arm(late, loop.clock().now() + 20ms);
  loop.timers().arm(early, loop.clock().now() + 5ms);
  loop.run();
  EXPECT_EQ(notes, (std::vector<int>{1, 2}));
}

TEST(EventLoopTest, AnEarlierTimerThatIsArmedLaterIsNotMissed) {
  EventLoop loop;
  std::vector<int> notes;
  NotedTimer far(notes, 2), near(notes, 1, &loop);
  loop.timers().arm(far, loop.clock().now() + 1h);
  boost::asio::post(loop.context(), [&] { loop.timers().arm(near, loop.clock().now() + 1ms); });
  loop.run();
  EXPECT_EQ(notes, std::vector<int>{1});
}

TEST(EventLoopTest, AnotherThreadCanStopIt) {
  EventLoop loop;
  std::thread other([&] { loop.stop(); });
  loop.run();
  other.join();
}

TEST(EventLoopTest, RunUntilEndsAtItsDeadline) {
  EventLoop loop;
  EXPECT_FALSE(loop.run_until([] { return false; }, loop.clock().now() + 5ms));
  bool done = false;
  boost::asio::post(loop.context(), [&] { done = true; });
  EXPECT_TRUE(loop.run_until([&] { return done; }, loop.clock().now() + 1h));
}

}  // namespace
}  // namespace masu::core
