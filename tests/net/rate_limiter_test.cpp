#include "net/rate_limiter.hpp"

#include <gtest/gtest.h>

namespace masu::net {
namespace {

IpAddress ip(std::uint32_t number) {
  return IpAddress(IpAddress::V4{static_cast<std::uint8_t>(8 + (number >> 24)),
                                 static_cast<std::uint8_t>(number >> 16),
                                 static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
}

TEST(RateLimiterTest, ANetworkHasItsBurstAndItsRate) {
  TimePoint now(1000s);
  RateLimiter limiter({0.2, 10}, {2000, 3000}, now);
  for (std::uint32_t n = 0; n < 10; ++n) EXPECT_TRUE(limiter.allow(ip(n), now));
  EXPECT_FALSE(limiter.allow(ip(11), now)) << "the same /24";
  EXPECT_TRUE(limiter.allow(ip(256), now)) << "another one";
  now += 5s;
  EXPECT_TRUE(limiter.allow(ip(1), now));
  EXPECT_FALSE(limiter.allow(ip(1), now));
}

TEST(RateLimiterTest, AllTogetherAreLimited) {
  const TimePoint now(1000s);
  RateLimiter limiter({1, 10}, {100, 50}, now);
  std::size_t allowed = 0;
  for (std::uint32_t n = 0; n < 100000; ++n) allowed += limiter.allow(ip(n << 8), now);
  EXPECT_EQ(allowed, 50u);
}

TEST(RateLimiterTest, LoopbackIsNotLimited) {
  const TimePoint now(1000s);
  RateLimiter limiter({1, 1}, {1, 1}, now);
  for (int n = 0; n < 100; ++n) EXPECT_TRUE(limiter.allow(*IpAddress::parse_v4("127.0.0.1"), now));
}

}  // namespace
}  // namespace masu::net
