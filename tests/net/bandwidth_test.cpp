#include "net/bandwidth.hpp"

#include <gtest/gtest.h>

namespace masu::net {
namespace {

TEST(BandwidthTest, ASteadyFlowIsItsRate) {
  TimePoint now(1000s);
  BandwidthMeter meter;
  for (int n = 0; n < 200; ++n) {
    now += 100ms;
    meter.add(1000, 10, now);
  }
  const Bandwidth read = meter.read(now);
  EXPECT_EQ(read.total_in, 200000u);
  EXPECT_EQ(read.total_out, 2000u);
  EXPECT_NEAR(read.rate_in, 10000, 500);
  EXPECT_NEAR(read.rate_out, 100, 5);
}

TEST(BandwidthTest, TheRateFadesWhenNothingFlows) {
  TimePoint now(1000s);
  BandwidthMeter meter;
  for (int n = 0; n < 100; ++n) meter.add(1000, 0, now += 100ms);
  EXPECT_LT(meter.read(now + 5s).rate_in, 2100);
  EXPECT_LT(meter.read(now + 1h).rate_in, 30);
  EXPECT_EQ(meter.read(now + 1h).total_in, 100000u);
}

}  // namespace
}  // namespace masu::net
