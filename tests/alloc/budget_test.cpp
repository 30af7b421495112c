#include "alloc/budget.hpp"

#include "alloc/reservation.hpp"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

TEST(BudgetTest, ChargesUpToTheLimitAndNamesWhoRefused) {
  Budget budget("root", 1000);
  EXPECT_TRUE(budget.charge(1000));
  const auto refused = budget.charge(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().holder, "root");
  EXPECT_EQ(refused.error().asked_bytes, 1u);
  EXPECT_EQ(refused.error().limit_bytes, 1000u);
  EXPECT_EQ(budget.refusals(), 1u);
  budget.release(1000);
  EXPECT_EQ(budget.committed_bytes(), 0u);
  EXPECT_EQ(budget.peak_bytes(), 1000u);
}

TEST(BudgetTest, AChildChargesItsParentOrNobody) {
  Budget root("root", 1000);
  Budget node("node", 2000, &root);
  EXPECT_TRUE(node.charge(600));
  EXPECT_EQ(root.committed_bytes(), 600u);
  const auto refused = node.charge(600);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().holder, "root");
  EXPECT_EQ(node.committed_bytes(), 600u);
  EXPECT_EQ(node.peak_bytes(), 600u);
  node.release(600);
  EXPECT_EQ(root.committed_bytes(), 0u);
}

TEST(BudgetTest, OptionalNeedsAreRefusedFirst) {
  Budget budget("root", 800);
  EXPECT_TRUE(budget.charge(700, Need::optional));
  EXPECT_FALSE(budget.charge(1, Need::optional));
  EXPECT_TRUE(budget.charge(100, Need::essential));
  budget.release(800);
}

TEST(BudgetTest, ALowerLimitKeepsWhatIsChargedAndRefusesMore) {
  Budget budget("root", 1000);
  ASSERT_TRUE(budget.charge(900));
  budget.set_limit(500);
  EXPECT_FALSE(budget.charge(1));
  budget.release(450);
  EXPECT_TRUE(budget.charge(50));
  budget.release(500);
}

TEST(BudgetTest, ARequestThatWouldOverflowIsRefused) {
  Budget budget("root", ~std::size_t{0});
  ASSERT_TRUE(budget.charge(100));
  EXPECT_FALSE(budget.charge(~std::size_t{0}));
  budget.release(100);
}

TEST(AccountTest, QuotaBoundsLiveBytes) {
  Budget budget("root", 1000);
  Account account(budget, "net.test", Lifetime::peer, 100);
  EXPECT_TRUE(account.hold(100));
  const auto refused = account.hold(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().holder, "net.test");
  EXPECT_EQ(account.refusals(), 1u);
  EXPECT_EQ(account.peak_bytes(), 100u);
  account.drop(100);
  EXPECT_EQ(budget.committed_bytes(), 0u) << "live bytes are no pages";
}

TEST(AccountTest, PagesAreChargedToTheBudget) {
  Budget budget("root", 8192);
  Account account(budget, "net.test", Lifetime::peer, 100);
  EXPECT_TRUE(account.commit(8192));
  EXPECT_FALSE(account.commit(4096));
  EXPECT_EQ(account.refusals(), 1u);
  EXPECT_EQ(account.committed_bytes(), 8192u);
  account.uncommit(8192);
  EXPECT_EQ(budget.committed_bytes(), 0u);
}

TEST(AccountTest, AreListedInTheOrderOfTheirMaking) {
  Budget budget("root", 1000);
  Account first(budget, "a", Lifetime::peer, 1);
  {
    Account gone(budget, "b", Lifetime::peer, 1);
  }
  Account last(budget, "c", Lifetime::store, 1);
  std::string names;
  budget.for_each_account([&](const Account& account) { names += account.name(); });
  EXPECT_EQ(names, "ac");
  EXPECT_EQ(name_of(last.lifetime()), "store");
}

TEST(AccountTest, OfChildBudgetsAreListedToo) {
  Budget root("root", 1000);
  const Account own(root, "a", Lifetime::peer, 1);
  std::string names;
  const auto list = [&] {
    names.clear();
    root.for_each_account([&](const Account& account) { names += account.name(); });
    return names;
  };
  {
    Budget node("node", 1000, &root);
    const Account of_node(node, "b", Lifetime::peer, 1);
    EXPECT_EQ(list(), "ab");
  }
  EXPECT_EQ(list(), "a");
}

TEST(AccountTest, ThreadsNeverPassTheQuotaTogether) {
  Budget budget("root", 1u << 30);
  Account account(budget, "net.test", Lifetime::peer, 1000);
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5000; ++round) {
        if (account.hold(300)) {
          EXPECT_LE(account.live_bytes(), 1000u);
          account.drop(300);
        }
        if (account.commit(4096)) account.uncommit(4096);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(account.live_bytes(), 0u);
  EXPECT_LE(account.peak_bytes(), 1000u);
  EXPECT_EQ(budget.committed_bytes(), 0u);
}

TEST(ReservationTest, GivesBackWhatItHolds) {
  Budget budget("root", 1000);
  Account account(budget, "net.test", Lifetime::request, 100);
  {
    auto reservation = Reservation::ask(account, 60);
    ASSERT_TRUE(reservation);
    EXPECT_FALSE(Reservation::ask(account, 60));
    EXPECT_TRUE(reservation->grow(40));
    EXPECT_FALSE(reservation->grow(1));
    Reservation moved = std::move(*reservation);
    EXPECT_EQ(moved.bytes(), 100u);
    EXPECT_EQ(account.live_bytes(), 100u);
  }
  EXPECT_EQ(account.live_bytes(), 0u);
}

TEST(BudgetTest, OneReservationIsRefusedWhenATestWantsIt) {
  Budget budget("test", 1 << 20);
  Account account(budget, "test.account", Lifetime::request, 1 << 20);
  budget.refuse_reservation(3);
  EXPECT_TRUE(account.hold(1));
  EXPECT_TRUE(account.commit(4096));
  EXPECT_FALSE(budget.refused_one());
  const auto refused = account.hold(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().holder, "test.account");
  EXPECT_EQ(account.refusals(), 1u);
  EXPECT_TRUE(budget.refused_one());
  EXPECT_TRUE(account.hold(1)) << "that one alone";
  account.drop(2);
  account.uncommit(4096);
}

}  // namespace
}  // namespace masu
