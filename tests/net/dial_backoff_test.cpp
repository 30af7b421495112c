#include "net/swarm/dial_backoff.hpp"

#include "tests/net/peers.hpp"

#include <gtest/gtest.h>

namespace masu::net {
namespace {

class DialBackoffTest : public testing::Test {
 protected:
  bool allows(std::uint32_t peer, std::uint32_t at) {
    return backoff_.allows(peer_number(peer), address_number(at), now_);
  }
  void fail(std::uint32_t peer, std::uint32_t at) {
    backoff_.on_failure(peer_number(peer), address_number(at), now_);
  }

  TestMemory memory_;
  DialBackoff backoff_{memory_.account, memory_.resource, memory_.secret, 16};
  TimePoint now_{1000s};
};

TEST_F(DialBackoffTest, TheWaitGrowsWithTheSquareOfFailures) {
  for (const int seconds : {5, 6, 9, 14}) {
    fail(1, 1);
    now_ += std::chrono::seconds(seconds) - 1ms;
    EXPECT_FALSE(allows(1, 1)) << seconds;
    EXPECT_TRUE(allows(1, 2)) << "another address";
    EXPECT_TRUE(allows(2, 1)) << "another peer";
    now_ += 1ms;
    EXPECT_TRUE(allows(1, 1)) << seconds;
  }
}

TEST_F(DialBackoffTest, FiveMinutesAreTheLongest) {
  for (int n = 0; n < 100; ++n) fail(1, 1);
  now_ += 5min - 1ms;
  EXPECT_FALSE(allows(1, 1));
  now_ += 1ms;
  EXPECT_TRUE(allows(1, 1));
}

TEST_F(DialBackoffTest, SuccessAndTheUserForgive) {
  fail(1, 1);
  fail(1, 2);
  fail(2, 1);
  backoff_.on_success(peer_number(1), address_number(1));
  EXPECT_TRUE(allows(1, 1));
  EXPECT_FALSE(allows(1, 2));
  backoff_.clear(peer_number(1));
  EXPECT_TRUE(allows(1, 2));
  EXPECT_FALSE(allows(2, 1));
}

TEST_F(DialBackoffTest, OldFailuresCountNoMore) {
  for (int n = 0; n < 10; ++n) fail(1, 1);
  now_ += 1h;
  fail(1, 1);
  now_ += 5s;
  EXPECT_TRUE(allows(1, 1));
}

TEST_F(DialBackoffTest, AtTheCapTheOldestFailureIsForgotten) {
  for (std::uint32_t n = 0; n < 1000; ++n) fail(n, 1);
  EXPECT_EQ(backoff_.entries(), 16u);
  EXPECT_FALSE(allows(999, 1));
  EXPECT_TRUE(allows(0, 1));
}

}  // namespace
}  // namespace masu::net
