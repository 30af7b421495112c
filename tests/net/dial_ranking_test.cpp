#include "net/swarm/dial_ranking.hpp"

#include "tests/net/peers.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

using Ranking = std::vector<std::pair<std::string, int>>;

Ranking rank(const std::vector<std::string>& texts) {
  std::vector<Multiaddr> addresses;
  for (const std::string& text : texts) addresses.push_back(address(text));
  std::vector<RankedAddress> ranked;
  for (const Multiaddr& one : addresses) ranked.push_back({one.view(), {}});
  rank_addresses(ranked);
  Ranking result;
  for (const RankedAddress& one : ranked) {
    result.emplace_back(one.address.to_string(), static_cast<int>(one.delay / 1ms));
  }
  return result;
}

TEST(DialRankingTest, OneFamilyLowestPortFirst) {
  EXPECT_EQ(
      rank({"/ip4/8.8.8.8/tcp/9000", "/ip4/8.8.8.8/tcp/4001", "/ip4/8.8.8.8/tcp/5000"}),
      (Ranking{
          {"/ip4/8.8.8.8/tcp/4001", 0}, {"/ip4/8.8.8.8/tcp/5000", 250}, {"/ip4/8.8.8.8/tcp/9000", 250}}));
}

TEST(DialRankingTest, BothFamiliesTakeTurnsOnce) {
  EXPECT_EQ(rank({"/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.8/tcp/2", "/ip6/2600::1/tcp/2", "/ip6/2600::1/tcp/1"}),
            (Ranking{{"/ip6/2600::1/tcp/1", 0},
                     {"/ip4/8.8.8.8/tcp/1", 250},
                     {"/ip6/2600::1/tcp/2", 500},
                     {"/ip4/8.8.8.8/tcp/2", 500}}));
}

TEST(DialRankingTest, PrivateAddressesAreTriedBesideAndFaster) {
  EXPECT_EQ(
      rank({"/ip4/8.8.8.8/tcp/1", "/ip4/192.168.1.1/tcp/1", "/ip4/127.0.0.1/tcp/1", "/ip4/8.8.4.4/tcp/1"}),
      (Ranking{{"/ip4/192.168.1.1/tcp/1", 0},
               {"/ip4/8.8.8.8/tcp/1", 0},
               {"/ip4/127.0.0.1/tcp/1", 30},
               {"/ip4/8.8.4.4/tcp/1", 250}}));
}

TEST(DialRankingTest, NothingIsFine) { EXPECT_TRUE(rank({}).empty()); }

}  // namespace
}  // namespace masu::net
