// What Bitswap tells the connection manager of its peers.
#include "bitswap/peer_score.hpp"

#include "tests/bitswap/raw_peer.hpp"

#include <gtest/gtest.h>

namespace masu::bitswap {
namespace {

constexpr std::string_view session_tag = "bitswap-session";
constexpr std::string_view useful_tag = "bitswap-useful";
constexpr std::string_view queued_tag = "bitswap-queued";

class PeerScoreTest : public testing::Test {
 protected:
  int after(std::uint32_t looks, const PeerExchange& exchange) {
    for (; looks > 0; --looks)
      score_.look(network.hosts.first, network.hosts.second.self(), exchange, ++number_);
    return score_.value();
  }
  struct Network : FakeNetwork {
    std::pair<FakeHost&, FakeHost&> hosts{add_host(), add_host()};
  };
  Network network;
  PeerScore score_;
  std::uint32_t number_ = 0;
};

TEST_F(PeerScoreTest, RisesWithExchangeUpToABoundAndFades) {
  PeerExchange exchange;
  EXPECT_EQ(after(1000, exchange), 0) << "nothing was exchanged";
  exchange.received = 1;
  EXPECT_EQ(after(1, exchange), 1) << "at once, so that no stranger takes its place";
  EXPECT_EQ(after(9, exchange), 6) << "half of ten, and a quarter more for who only gives";
  EXPECT_EQ(network.hosts.first.tag_of(network.hosts.second, useful_tag), 6);
  EXPECT_EQ(after(90, exchange), 0) << "one exchange is soon forgotten";
  EXPECT_EQ(network.hosts.first.tags.size(), 0u);
  int highest = 0;
  for (int i = 0; i < 10'000; ++i) {
    exchange.received += 2 << 20;
    highest = std::max(highest, after(10, exchange));
  }
  EXPECT_GE(highest, 24);
  EXPECT_LE(highest, 25);
  EXPECT_GE(after(300, exchange), 8) << "a long acquaintance is worth something when it rests";
  EXPECT_EQ(after(20'000, exchange), 0);
}

TEST_F(PeerScoreTest, WhoGivesCountsForMoreThanWhoTakes) {
  PeerScore giver, taker;
  PeerExchange gives, takes;
  FakeHost& host = network.hosts.first;
  for (std::uint32_t look = 1; look <= 1000; ++look) {
    gives.received += 100;
    takes.sent += 100;
    giver.look(host, network.hosts.second.self(), gives, look);
    taker.look(host, network.hosts.second.self(), takes, look);
  }
  EXPECT_GT(giver.value(), taker.value());
  EXPECT_GT(taker.value(), 0);
}

class TagsTest : public testing::Test {
 protected:
  FakeNetwork network;
  TestNode node{network};
  std::unique_ptr<store::BlockSource> session = node.bitswap.open_session();
  const TestBlock block = numbered_block(1, 5000);

  int tag(const RawPeer& peer, std::string_view name) { return node.host.tag_of(peer.host, name); }
};

TEST_F(TagsTest, APeerIsWorthMoreForEachSessionThatCountsOnItAndHeldOnceItDelivered) {
  RawPeer peer(network, node);
  auto second = node.bitswap.open_session();
  const TestBlock other = numbered_block(2, 5000);
  Wanted first(*session, block.cid, node.memory.holder);
  Wanted wanted(*second, other.cid, node.memory.holder);
  network.run();
  EXPECT_EQ(tag(peer, session_tag), 0) << "it was only asked";
  peer.send(presence(block.cid, Presence::have));
  network.run();
  EXPECT_EQ(tag(peer, session_tag), 5);
  EXPECT_FALSE(node.host.protects(peer.host)) << "words hold no connection";
  peer.send(presence(other.cid, Presence::have));
  network.run();
  EXPECT_EQ(tag(peer, session_tag), 10);
  peer.send(payload(block.cid, block.bytes) + payload(other.cid, other.bytes));
  network.run();
  ASSERT_TRUE(first.got(block) && wanted.got(other));
  EXPECT_TRUE(node.host.protects(peer.host));
  session.reset();
  EXPECT_EQ(tag(peer, session_tag), 5);
  EXPECT_TRUE(node.host.protects(peer.host));
  second.reset();
  EXPECT_EQ(tag(peer, session_tag), 0);
  EXPECT_FALSE(node.host.protects(peer.host));
  network.advance(11s);
  EXPECT_GT(tag(peer, useful_tag), 0);
}

TEST_F(TagsTest, AllTagsGoWithThePeer) {
  {
    RawPeer peer(network, node);
    Wanted wanted(*session, block.cid, node.memory.holder);
    network.run();
    peer.send(payload(block.cid, block.bytes));
    network.advance(11s);
    ASSERT_TRUE(wanted.got(block));
    EXPECT_GT(tag(peer, useful_tag), 0);
    EXPECT_TRUE(node.host.protects(peer.host));
  }
  EXPECT_TRUE(node.host.tags.empty());
  EXPECT_TRUE(node.host.protections.empty());
}

TEST_F(TagsTest, APeerThatFailsItsSessionIsNotHeldByIt) {
  RawPeer peer(network, node);
  {
    Wanted wanted(*session, block.cid, node.memory.holder);
    network.run();
    peer.send(payload(block.cid, block.bytes));
    network.run();
  }
  ASSERT_TRUE(node.host.protects(peer.host));
  for (unsigned i = 0; i < 16; ++i) {
    const TestBlock missing = numbered_block(100 + i, 3000);
    Wanted wanted(*session, missing.cid, node.memory.holder);
    network.run();
    peer.send(presence(missing.cid, Presence::dont_have));
    network.run();
  }
  EXPECT_EQ(tag(peer, session_tag), 0);
  EXPECT_FALSE(node.host.protects(peer.host));
}

TEST_F(TagsTest, WhoIsOwedSomethingIsWorthMoreUntilItHasIt) {
  node.put(block);
  RawPeer peer(network, node);
  peer.host.deaf = true;
  for (unsigned i = 0; i < 40; ++i) {
    const TestBlock one = numbered_block(200 + i, 100'000);
    node.put(one);
    peer.send(wantlist({{text_of(one.cid)}}));
  }
  network.advance(2s);
  EXPECT_EQ(tag(peer, queued_tag), 10);
  peer.host.deaf = false;
  network.advance(2s);
  EXPECT_EQ(tag(peer, queued_tag), 0);
}

TEST_F(TagsTest, WhatIsAbsentIsNotOwed) {
  RawPeer peer(network, node);
  peer.send(wantlist({{text_of(block.cid)}}));
  network.advance(2s);
  EXPECT_EQ(tag(peer, queued_tag), 0);
}

TEST_F(TagsTest, SoManyAreHeldThatNewcomersFindAPlace) {
  BitswapLimits limits;
  limits.peers = 16;
  TestNode small(network, limits);
  std::vector<std::unique_ptr<store::BlockSource>> sources;
  std::list<RawPeer> peers;
  for (unsigned i = 0; i < 12; ++i) {
    RawPeer& peer = peers.emplace_back(network, small);
    sources.push_back(small.bitswap.open_session());
    const TestBlock one = numbered_block(300 + i, 3000);
    Wanted wanted(*sources.back(), one.cid, small.memory.holder);
    network.advance(1500ms);
    peer.send(payload(one.cid, one.bytes));
    network.run();
    ASSERT_TRUE(wanted.got(one)) << i;
  }
  EXPECT_EQ(small.host.protections.size(), 5u);
  EXPECT_EQ(small.host.tag_of(peers.back().host, session_tag), 5);
  sources.clear();
  EXPECT_TRUE(small.host.protections.empty());
}

}  // namespace
}  // namespace masu::bitswap
