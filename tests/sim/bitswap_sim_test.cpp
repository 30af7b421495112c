// Bitswap over the real swarm: whose connections are kept when there are too many, and what losses do.
#include "tests/sim/trading_node.hpp"

#include <deque>

#include <gtest/gtest.h>

namespace masu::sim {
namespace {

using bitswap::numbered_block;
using bitswap::TestBlock;
using bitswap::Wanted;

SimNodeOptions with_marks(std::size_t low, std::size_t high) {
  SimNodeOptions options;
  options.swarm.marks = {.low = low, .high = high, .grace = 5s, .silence = 2s};
  return options;
}

TEST(BitswapSimTest, ANodeAtItsHighWaterMarkKeepsThePeersItFetchesFrom) {
  SimNetwork network;
  TradingNode node(network, 1, with_marks(4, 8));
  std::deque<TradingNode> sources;
  auto session = node.bitswap.open_session();
  for (unsigned i = 0; i < 3; ++i) {
    TradingNode& source = sources.emplace_back(network, 2 + i);
    source.node.connect(node.node);
    ASSERT_TRUE(network.run_until([&] { return node.node.identified(source.node); }, 20s));
    const TestBlock block = numbered_block(i, 20'000);
    source.put(block);
    Wanted wanted(*session, block.cid, node.memory.holder);
    ASSERT_TRUE(network.run_until([&] { return wanted.done(); }, 60s));
    EXPECT_TRUE(wanted.got(block));
  }
  // Strangers that come later, and that others think much of.
  std::deque<SimNode> strangers;
  const auto strangers_come = [&] {
    for (int i = 0; i < 30; ++i) {
      SimNode& stranger = strangers.emplace_back(network, 100 + static_cast<std::uint32_t>(strangers.size()));
      stranger.connect(node.node);
      node.node.swarm->tag(stranger.id(), "test", 100);
      network.run_for(2s);
    }
    network.run_for(60s);
  };
  strangers_come();
  EXPECT_LE(node.node.swarm->connections(), 8u);
  for (TradingNode& source : sources) {
    EXPECT_TRUE(node.node.connected(source.node)) << "seed " << network.seed();
  }
  // They are like all others when nobody needs them any more.
  session.reset();
  strangers_come();
  std::size_t left = 0;
  for (TradingNode& source : sources) left += node.node.connected(source.node);
  EXPECT_EQ(left, 0u) << "seed " << network.seed();
}

// As when both dialled at once: the streams were on the connection that is lost.
TEST(BitswapSimTest, APeerThatLosesOneOfTwoConnectionsIsAskedOnTheOther) {
  for (const std::size_t lost : {0, 1}) {
    SCOPED_TRACE(lost);
    SimNetwork network;
    TradingNode node(network, 1), source(network, 2);
    node.node.connect(source.node);
    source.node.connect(node.node);
    network.run_for(5s);
    ASSERT_TRUE(node.node.identified(source.node) && source.node.identified(node.node));
    ASSERT_EQ(node.node.swarm->connections(), 2u);
    const auto session = node.bitswap.open_session();
    for (unsigned number = 0; number < 2; ++number) {
      const TestBlock block = numbered_block(number, 20'000);
      source.put(block);
      Wanted wanted(*session, block.cid, node.memory.holder);
      ASSERT_TRUE(network.run_until([&] { return wanted.done(); }, 60s)) << number;
      EXPECT_TRUE(wanted.got(block));
      if (number == 0) network.drop_connection(lost);
      network.run_for(1s);
      ASSERT_EQ(node.node.swarm->connections(), 1u);
    }
  }
}

}  // namespace
}  // namespace masu::sim
