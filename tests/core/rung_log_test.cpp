#include "core/node/rung_log.hpp"

#include <gtest/gtest.h>

namespace masu::core {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

struct RungLogTest : testing::Test {
  std::string line(Rung rung, bool begins) {
    return log.line(rung, begins, 60 * mebibyte, 64 * mebibyte, now);
  }
  RungLog log;
  TimePoint now{1000s};
};

TEST_F(RungLogTest, EachRungHasALineWhenItBegins) {
  for (std::size_t i = 0; i < rung_count; ++i) {
    const auto rung = static_cast<Rung>(i);
    EXPECT_EQ(line(rung, true),
              "memory: " + std::string(name_of(rung)) + " begins at 60.00 MiB of 64.00 MiB");
  }
}

TEST_F(RungLogTest, FromTheThirdOnEachEndHasOneToo) {
  EXPECT_EQ(line(Rung::shrink_caches, true), "memory: shrink caches begins at 60.00 MiB of 64.00 MiB");
  EXPECT_EQ(line(Rung::shrink_caches, false), "memory: shrink caches ends at 60.00 MiB of 64.00 MiB");
  EXPECT_EQ(line(Rung::shrink_caches, true), "memory: shrink caches begins at 60.00 MiB of 64.00 MiB");
}

TEST_F(RungLogTest, TheFrequentOnesHaveOneAMinuteWithHowOftenItWasMeanwhile) {
  for (const Rung rung : {Rung::purge, Rung::drop_code}) {
    EXPECT_NE(line(rung, true), "");
    EXPECT_EQ(line(rung, false), "");
  }
  for (int i = 0; i < 3; ++i) {
    now += 19s;
    EXPECT_EQ(line(Rung::purge, true), "");
    EXPECT_EQ(line(Rung::purge, false), "");
  }
  now += 3s;
  EXPECT_EQ(line(Rung::purge, true),
            "memory: purge begins at 60.00 MiB of 64.00 MiB (and 3 more since the last such line)");
  EXPECT_EQ(line(Rung::drop_code, true), "memory: drop code begins at 60.00 MiB of 64.00 MiB")
      << "each counts for itself";
  now += 60s;
  EXPECT_EQ(line(Rung::purge, true), "memory: purge begins at 60.00 MiB of 64.00 MiB");
}

}  // namespace
}  // namespace masu::core
