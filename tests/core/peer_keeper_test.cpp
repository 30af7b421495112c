// Peers over restarts, on simulated nodes that trade blocks.
#include "core/node/peer_keeper.hpp"

#include "tests/sim/trading_node.hpp"

#include <deque>
#include <optional>

#include <gtest/gtest.h>

namespace masu::core {
namespace {

using bitswap::numbered_block;
using bitswap::TestBlock;
using bitswap::Wanted;
using sim::TradingNode;

WallSeconds wall_time = 1'800'000'000;

// One run of a node that keeps its peers in records that outlive it.
struct NodeRun {
  NodeRun(sim::SimNetwork& network_, store::RecordStore& records,
          const sim::SimNodeOptions& options = node_options(), std::size_t peers_max = 32)
      : network(network_), trading(network, 1, options), secret(bytes_of_secret()) {
    PeerKeeperOptions keeper_options;
    keeper_options.peers_max = peers_max;
    keeper_options.wall_clock = [] { return wall_time; };
    keeper.emplace(trading.node.budget, *trading.node.swarm, trading.bitswap, records, trading.jobs, secret,
                   keeper_options);
  }
  ~NodeRun() { stop(); }
  void stop() {
    if (!keeper) return;
    keeper->stop();
    network.run_until([&] { return keeper->idle(); }, 10s);
    trading.bitswap.stop();
    trading.node.swarm->close();
    network.run_until([&] { return trading.node.swarm->closed(); }, 20s);
    keeper.reset();
  }
  bool fetch(const TestBlock& block) {
    auto session = trading.bitswap.open_session();
    Wanted wanted(*session, block.cid, trading.memory.holder);
    network.run_until([&] { return wanted.done(); }, 60s);
    return wanted.got(block);
  }
  bool connect(const sim::SimNode& other) {
    trading.node.connect(other);
    return network.run_until([&] { return trading.node.identified(other); }, 20s);
  }
  bool connected(const TradingNode& other) { return trading.node.connected(other.node); }

  static Bytes bytes_of_secret() {
    static constexpr std::array<std::uint8_t, net::HashSecret::bytes_max> bytes{1, 2, 3};
    return bytes;
  }
  static sim::SimNodeOptions node_options() {
    sim::SimNodeOptions options;
    options.swarm.marks = {.low = 4, .high = 8, .grace = 5s, .silence = 2s};
    return options;
  }

  sim::SimNetwork& network;
  TradingNode trading;
  const net::HashSecret secret;
  std::optional<PeerKeeper> keeper;
};

class PeerKeeperTest : public testing::Test {
 protected:
  TradingNode& add_giver() {
    TradingNode& giver = givers_.emplace_back(network_, 10 + static_cast<std::uint32_t>(givers_.size()));
    giver.put(block_of(givers_.size()));
    return giver;
  }
  static TestBlock block_of(std::size_t number) {
    return numbered_block(static_cast<unsigned>(number), 20'000);
  }

  sim::SimNetwork network_;
  store::MemoryRecordStore records_;
  std::deque<TradingNode> givers_;
};

TEST_F(PeerKeeperTest, ARestartedNodeCallsWhoGaveItBlocks) {
  TradingNode& giver = add_giver();
  TradingNode other(network_, 90);
  {
    NodeRun run(network_, records_);
    network_.run_for(1s);
    ASSERT_TRUE(run.connect(giver.node) && run.connect(other.node));
    ASSERT_TRUE(run.fetch(block_of(1)));
    EXPECT_EQ(run.keeper->book().size(), 1u) << "who gave nothing and is new is not kept";
  }
  EXPECT_EQ(records_.size(), 1u);
  NodeRun again(network_, records_);
  EXPECT_TRUE(network_.run_until([&] { return again.connected(giver); }, 10s));
  network_.run_for(1min);
  EXPECT_FALSE(again.connected(other));
  const TestBlock more = numbered_block(500, 3000);
  giver.put(more);
  EXPECT_TRUE(again.fetch(more));
}

TEST_F(PeerKeeperTest, WhoWasConnectedForLongIsKept) {
  TradingNode other(network_, 90);
  {
    NodeRun run(network_, records_);
    network_.run_for(1s);
    ASSERT_TRUE(run.connect(other.node));
    network_.run_for(29min);
  }
  EXPECT_EQ(records_.size(), 0u);
  {
    NodeRun run(network_, records_);
    network_.run_for(1s);
    ASSERT_TRUE(run.connect(other.node));
    network_.run_for(31min);
  }
  EXPECT_EQ(records_.size(), 1u);
}

TEST_F(PeerKeeperTest, AnHourIsWrittenDownWithoutAStop) {
  TradingNode& giver = add_giver();
  NodeRun run(network_, records_);
  network_.run_for(1s);
  ASSERT_TRUE(run.connect(giver.node) && run.fetch(block_of(1)));
  network_.run_for(50min);
  EXPECT_EQ(records_.size(), 0u) << "not at once";
  network_.run_for(11min);
  EXPECT_EQ(records_.size(), 1u);
}

TEST_F(PeerKeeperTest, NobodyIsCalledWhileThereAreEnoughAndFewAtATime) {
  {
    sim::SimNodeOptions many = NodeRun::node_options();
    many.swarm.marks = {.low = 12, .high = 20, .grace = 5s, .silence = 2s};
    NodeRun run(network_, records_, many);
    network_.run_for(1s);
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(run.connect(add_giver().node));
      ASSERT_TRUE(run.fetch(block_of(givers_.size())));
    }
  }
  ASSERT_EQ(records_.size(), 10u);
  NodeRun again(network_, records_);  // its low mark is four
  for (int i = 0; i < 200; ++i) {
    network_.run_for(100ms);
    ASSERT_LE(again.trading.node.swarm->connections(), 4u);
  }
  EXPECT_EQ(again.trading.node.swarm->connections(), 4u);
  network_.run_for(2h);
  EXPECT_EQ(again.trading.node.swarm->connections(), 4u);
  // Their addresses were known to the peerstore for a while.
  std::size_t known = 0;
  for (TradingNode& giver : givers_) known += again.trading.node.swarm->peerstore().contains(giver.node.id());
  EXPECT_EQ(known, 4u);
  // When one goes another is called.
  for (TradingNode& giver : givers_) {
    if (!again.connected(giver)) continue;
    giver.node.swarm->close();
    break;
  }
  network_.run_for(1min);
  EXPECT_EQ(again.trading.node.swarm->connections(), 4u);
}

TEST_F(PeerKeeperTest, AMachineWithoutANetworkForgetsNobody) {
  TradingNode& giver = add_giver();
  {
    NodeRun run(network_, records_);
    network_.run_for(1s);
    ASSERT_TRUE(run.connect(giver.node) && run.fetch(block_of(1)));
  }
  giver.node.transport.reachable = false;
  {
    NodeRun run(network_, records_);
    network_.run_for(24h);
    EXPECT_EQ(run.keeper->book().size(), 1u);
  }
  {
    // Others can be reached: then it is gone.
    TradingNode other(network_, 90);
    NodeRun run(network_, records_);
    network_.run_for(1s);
    ASSERT_TRUE(run.connect(other.node));
    network_.run_for(20min);
    EXPECT_EQ(run.keeper->book().size(), 1u);
    network_.run_for(7h);
    EXPECT_EQ(run.keeper->book().find(giver.node.id()), nullptr);
  }
}

TEST_F(PeerKeeperTest, DamagedRecordsAreSkippedAndDeleted) {
  {
    NodeRun run(
        network_, records_,
        [] {
          sim::SimNodeOptions many = NodeRun::node_options();
          many.swarm.marks = {.low = 30, .high = 60, .grace = 5s, .silence = 2s};
          return many;
        }(),
        64);
    network_.run_for(1s);
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(run.connect(add_giver().node));
      ASSERT_TRUE(run.fetch(block_of(givers_.size())));
    }
  }
  ASSERT_EQ(records_.size(), 20u);
  // Between the good ones, and behind them.
  for (int i = 0; i < 100; ++i) {
    std::string key(1, static_cast<char>(store::record_table::peer));
    key += std::string(static_cast<std::size_t>(i) * 5, static_cast<char>(i * 37));
    (void)records_.put(as_bytes(key), as_bytes(std::string(static_cast<std::size_t>(i) * 20, 'x')));
  }
  const std::string foreign(1, static_cast<char>(store::record_table::peer + 1));
  (void)records_.put(as_bytes(foreign), as_bytes("y"));
  NodeRun again(network_, records_, NodeRun::node_options(), 64);
  network_.run_for(2s);
  EXPECT_EQ(again.keeper->book().size(), 20u);
  EXPECT_EQ(records_.size(), 21u) << "the twenty, and what is another table's";
}

TEST_F(PeerKeeperTest, AStopWhileItIsReadingLosesNothing) {
  TradingNode& giver = add_giver();
  {
    NodeRun run(network_, records_);
    network_.run_for(1s);
    ASSERT_TRUE(run.connect(giver.node) && run.fetch(block_of(1)));
  }
  {
    NodeRun run(network_, records_);
  }
  EXPECT_EQ(records_.size(), 1u);
}

}  // namespace
}  // namespace masu::core
