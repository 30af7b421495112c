#include "net/identify/observed_addresses.hpp"

#include "tests/net/peers.hpp"

#include <list>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

class ObservedAddressesTest : public testing::Test {
 protected:
  Observation& observe(const std::string& remote, const std::string& seen,
                       const std::string& local = "/ip4/192.168.1.2/tcp/4001") {
    Observation& observation = observations_.emplace_back();
    addresses_.observe(observation, address(seen), address(local), address(remote));
    return observation;
  }
  std::vector<std::string> confirmed(const std::string& listener = "/ip4/0.0.0.0/tcp/4001") {
    std::vector<std::string> texts;
    for (const Multiaddr& found : addresses_.confirmed(address(listener))) texts.push_back(found.to_string());
    return texts;
  }
  static std::string remote(int n) { return "/ip4/9.9." + std::to_string(n) + ".9/tcp/77"; }

  ObservedAddresses addresses_;
  std::list<Observation> observations_;
};

TEST_F(ObservedAddressesTest, FourObserversMakeItCount) {
  for (int n = 0; n < 3; ++n) observe(remote(n), "/ip4/7.7.7.7/tcp/4001");
  for (int n = 0; n < 100; ++n) observe(remote(0), "/ip4/7.7.7.7/tcp/4001");
  EXPECT_TRUE(confirmed().empty()) << "one host is one observer";
  Observation& fourth = observe(remote(4), "/ip4/7.7.7.7/tcp/4001");
  EXPECT_EQ(confirmed(), (std::vector<std::string>{"/ip4/7.7.7.7/tcp/4001"}));
  EXPECT_EQ(confirmed("/ip4/192.168.1.2/tcp/4001").size(), 1u);
  EXPECT_TRUE(confirmed("/ip4/192.168.1.3/tcp/4001").empty());
  EXPECT_TRUE(confirmed("/ip4/0.0.0.0/tcp/4002").empty());
  ObservedAddresses::forget(fourth);
  EXPECT_TRUE(confirmed().empty()) << "it goes with its connections";
}

TEST_F(ObservedAddressesTest, AtMostThreeCountAndThoseWithTheMostObservers) {
  for (int port = 1; port <= 6; ++port) {
    for (int n = 0; n < 3 + port; ++n) observe(remote(n), "/ip4/7.7.7.7/tcp/" + std::to_string(port));
  }
  EXPECT_EQ(confirmed(),
            (std::vector<std::string>{"/ip4/7.7.7.7/tcp/6", "/ip4/7.7.7.7/tcp/5", "/ip4/7.7.7.7/tcp/4"}));
}

TEST_F(ObservedAddressesTest, WhatSaysNothingIsNotKept) {
  for (int n = 0; n < 10; ++n) {
    observe(remote(n), "/ip4/127.0.0.1/tcp/4001");
    observe(remote(n), "/ip4/0.0.0.0/tcp/4001");
    observe(remote(n), "/ip6/2600::1/tcp/4001");
    observe(remote(n), "/ip4/7.7.7.7/udp/4001/quic-v1");
    observe(remote(n), "/ip4/7.7.7.7/tcp/5555", "/ip4/192.168.1.2/tcp/49152");
  }
  EXPECT_TRUE(confirmed().empty());
}

TEST_F(ObservedAddressesTest, ANewObservationReplacesTheOneBefore) {
  std::vector<Observation*> all;
  for (int n = 0; n < 4; ++n) all.push_back(&observe(remote(n), "/ip4/7.7.7.7/tcp/4001"));
  for (int n = 0; n < 4; ++n) {
    addresses_.observe(*all[static_cast<std::size_t>(n)], address("/ip4/6.6.6.6/tcp/4001"),
                       address("/ip4/192.168.1.2/tcp/4001"), address(remote(n)));
  }
  EXPECT_EQ(confirmed(), (std::vector<std::string>{"/ip4/6.6.6.6/tcp/4001"}));
}

}  // namespace
}  // namespace masu::net
