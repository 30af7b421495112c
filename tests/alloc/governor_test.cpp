#include "alloc/governor.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

// A process of which each rung gives back what a test says.
class TestProcess final : public Relief {
 public:
  GovernorSample sample() override { return now; }
  void set_rung(Rung rung, bool active) override {
    said.push_back((active ? "+" : "-") + std::string(name_of(rung)));
  }
  void relieve(Rung rung) override {
    ++relieved[static_cast<std::size_t>(rung)];
    std::size_t& gives = given[static_cast<std::size_t>(rung)];
    const std::size_t bytes = std::min(gives, now.resident_bytes);
    now.resident_bytes -= bytes;
    if (rung == Rung::drop_code) now.code_bytes -= std::min(bytes, now.code_bytes);
  }
  std::size_t& gives(Rung rung) { return given[static_cast<std::size_t>(rung)]; }
  std::size_t times(Rung rung) const { return relieved[static_cast<std::size_t>(rung)]; }

  GovernorSample now{20 * mib, 2 * mib, 5 * mib, 100 * mib};
  std::vector<std::string> said;

 private:
  std::array<std::size_t, rung_count> given{};
  std::array<std::size_t, rung_count> relieved{};
};

class GovernorTest : public testing::Test {
 protected:
  Governor governor{GovernorLimits{100 * mib, 10 * mib}};
  TestProcess process;
};

TEST_F(GovernorTest, DoesNothingWhileThereIsRoom) {
  EXPECT_TRUE(governor.check(process));
  process.now.resident_bytes = 79 * mib;
  EXPECT_TRUE(governor.check(process));
  EXPECT_TRUE(process.said.empty());
  EXPECT_EQ(process.times(Rung::purge), 0u);
}

TEST_F(GovernorTest, ClimbsOnlyAsFarAsItMust) {
  process.now.resident_bytes = 92 * mib;
  process.gives(Rung::purge) = 2 * mib;
  process.gives(Rung::drop_code) = 7 * mib;
  EXPECT_FALSE(governor.check(process));
  EXPECT_EQ(process.said, (std::vector<std::string>{"+purge", "+drop code"}));
  EXPECT_EQ(process.now.resident_bytes, 83 * mib);
}

TEST_F(GovernorTest, AllRungsInOrderWhenNothingHelps) {
  process.now.resident_bytes = 120 * mib;
  EXPECT_FALSE(governor.check(process));
  ASSERT_EQ(process.said.size(), rung_count);
  EXPECT_EQ(process.said.front(), "+purge");
  EXPECT_EQ(process.said.back(), "+reset the heaviest");
  EXPECT_FALSE(governor.check(process));
  EXPECT_EQ(process.said.size(), rung_count) << "told once";
  EXPECT_EQ(process.times(Rung::reset_heaviest), 2u) << "but carried out again";
}

TEST_F(GovernorTest, IsUndoneWhenThePressureIsGoneWithRoomToSpare) {
  process.now.resident_bytes = 94 * mib;
  governor.check(process);
  EXPECT_TRUE(governor.active(Rung::trim_connections));
  EXPECT_FALSE(governor.active(Rung::refuse_streams));
  process.now.resident_bytes = 89 * mib;
  governor.check(process);
  EXPECT_TRUE(governor.active(Rung::trim_connections)) << "it would begin again at once";
  process.now.resident_bytes = 87 * mib;
  governor.check(process);
  EXPECT_FALSE(governor.active(Rung::trim_connections));
  EXPECT_TRUE(governor.active(Rung::stop_growth));
  process.now.resident_bytes = 20 * mib;
  EXPECT_TRUE(governor.check(process));
  for (std::size_t i = 0; i < rung_count; ++i) {
    EXPECT_FALSE(governor.active(static_cast<Rung>(i)));
    EXPECT_LE(governor.entered(static_cast<Rung>(i)), 1u);
  }
}

TEST_F(GovernorTest, OurDoorIsPressureToo) {
  process.now.ours_bytes = 90 * mib;
  governor.check(process);
  EXPECT_TRUE(governor.active(Rung::stop_growth));
}

TEST_F(GovernorTest, AFullDoorAloneTurnsNobodyAway) {
  process.now.ours_bytes = 130 * mib;  // as after a budget shrank
  EXPECT_FALSE(governor.check(process));
  EXPECT_TRUE(governor.active(Rung::trim_connections));
  EXPECT_FALSE(governor.active(Rung::refuse_streams));
  EXPECT_FALSE(governor.active(Rung::refuse_connections));
  EXPECT_EQ(process.times(Rung::reset_heaviest), 0u);
  process.now.resident_bytes = 98 * mib;
  governor.check(process);
  EXPECT_TRUE(governor.active(Rung::reset_heaviest));
}

TEST_F(GovernorTest, CodeHasItsOwnLimit) {
  process.now.code_bytes = 9 * mib;
  process.gives(Rung::drop_code) = 9 * mib;
  EXPECT_TRUE(governor.check(process));
  EXPECT_EQ(process.times(Rung::drop_code), 0u);
  process.now.code_bytes = 19 * mib / 2;
  EXPECT_TRUE(governor.check(process));
  EXPECT_EQ(process.times(Rung::drop_code), 1u);
  EXPECT_EQ(governor.entered(Rung::drop_code), 1u);
  EXPECT_FALSE(governor.active(Rung::drop_code));
}

TEST_F(GovernorTest, ALowerLimitIsFeltAtTheNextCheck) {
  EXPECT_TRUE(governor.check(process));
  governor.set_limits({21 * mib, 10 * mib});
  process.gives(Rung::trim_connections) = 5 * mib;
  governor.check(process);
  EXPECT_TRUE(governor.active(Rung::trim_connections));
  EXPECT_FALSE(governor.active(Rung::refuse_streams)) << "15 MiB are within 21";
  governor.check(process);
  EXPECT_FALSE(governor.active(Rung::trim_connections));
}

TEST_F(GovernorTest, RowsSayWhereTheRungsAre) {
  process.now.resident_bytes = 87 * mib;
  governor.check(process);
  const std::vector<RungRow> rows = governor.rows();
  ASSERT_EQ(rows.size(), rung_count);
  EXPECT_EQ(rows[2].name, "shrink caches");
  EXPECT_TRUE(rows[2].active);
  EXPECT_EQ(rows[2].entered, 1u);
  EXPECT_NEAR(static_cast<double>(rows[2].threshold), 86.0 * mib, mib * 0.01);
  EXPECT_FALSE(rows[3].active);
  for (std::size_t i = 1; i < rung_count; ++i) EXPECT_GT(rows[i].threshold, rows[i - 1].threshold);
}

TEST(GovernorLimitsTest, AreThePlans) {
  const auto plan = derive_plan(16 * mib);
  ASSERT_TRUE(plan);
  const GovernorLimits limits = governor_limits_of(*plan);
  EXPECT_EQ(limits.resident_bytes, 16 * mib - plan->unspent_bytes);
  EXPECT_EQ(limits.code_bytes, plan->code_bytes);
}

}  // namespace
}  // namespace masu
