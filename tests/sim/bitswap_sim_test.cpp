// Bitswap over the real swarm: whose connections are kept when there are too many, and a trade of many nodes
// over links that break. A failure prints its seed: SEED=… runs it again.
#include "tests/sim/trading_node.hpp"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

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

// Two dozen nodes with a part of the blocks each, that want what their neighbours have; all of their tables
// are so small that they are full most of the time.
class LossyTradeTest : public ::testing::Test {
 protected:
  static constexpr std::size_t traders = 24;
  static constexpr std::size_t blocks_each = 7;
  static constexpr std::size_t neighbours_each = 3;  // that it dials; as many dial it, about

  static bitswap::BitswapLimits small_limits() {
    bitswap::BitswapLimits limits;
    limits.peers = 32;
    limits.inbound_streams = 32;
    limits.inbound_streams_per_peer = 4;
    limits.wants = 28;
    limits.wants_per_peer = 8;
    limits.lookups = 1;
    limits.sends = 2;
    limits.send_bytes = 128 * 1024;
    limits.client_wants = 40;
    limits.asks = 48;
    limits.reads = 2;
    limits.writes = 2;
    limits.block_bytes = 320 * 1024;
    return limits;
  }

  LossyTradeTest() {
    for (std::uint32_t at = 0; at < traders; ++at) {
      TradingNode& node = nodes_.emplace_back(network_, at + 1, SimNodeOptions{}, limits_, 320);
      for (std::size_t i = 0; i < blocks_each; ++i) {
        const auto number = static_cast<unsigned>(blocks_.size());
        const TestBlock& block = blocks_.emplace_back(numbered_block(number, 100 + network_.below(120'000)));
        node.put(block);
      }
    }
    at_first_ = live_bytes();
    for (TradingNode& node : nodes_) {
      for (int session = 0; session < 2; ++session) sessions_.push_back(node.bitswap.open_session());
    }
    neighbours_.resize(traders);
    for (std::size_t at = 0; at < traders; ++at) {
      join(at, (at + 1) % traders);
      for (std::size_t n = 1; n < neighbours_each; ++n) join(at, network_.below(traders));
    }
  }
  ~LossyTradeTest() override {
    wanted_.clear();
    sessions_.clear();
    nodes_.clear();
    if (HasFailure()) std::printf("seed %llu\n", static_cast<unsigned long long>(network_.seed()));
  }

  void join(std::size_t one, std::size_t other) {
    const auto known = [&](std::size_t a, std::size_t b) {
      return std::ranges::count(neighbours_[a], b) > 0;
    };
    if (one != other && !known(one, other) && !known(other, one)) neighbours_[one].push_back(other);
  }
  template <class Visitor>
  void for_each_pair(const Visitor& visit) {
    for (std::size_t at = 0; at < traders; ++at) {
      for (const std::size_t other : neighbours_[at]) visit(at, other);
    }
  }
  bool connected(std::size_t one, std::size_t other) {
    return nodes_[one].node.connected(nodes_[other].node) && nodes_[one].node.identified(nodes_[other].node);
  }
  bool all_connected() {
    bool all = true;
    for_each_pair([&](std::size_t one, std::size_t other) { all = all && connected(one, other); });
    return all;
  }
  // As whoever keeps its neighbours does.
  void connect_all() {
    for_each_pair([&](std::size_t one, std::size_t other) {
      if (!nodes_[one].node.connected(nodes_[other].node)) nodes_[one].node.connect(nodes_[other].node);
    });
  }

  // All that its neighbours had at the start.
  void want_all() {
    std::vector<std::pair<std::size_t, std::size_t>> wants;  // who, which block
    for_each_pair([&](std::size_t one, std::size_t other) {
      for (std::size_t i = 0; i < blocks_each; ++i) {
        wants.emplace_back(one, other * blocks_each + i);
        wants.emplace_back(other, one * blocks_each + i);
      }
    });
    std::ranges::shuffle(wants, network_.random());
    for (const auto& [who, block] : wants) {
      store::BlockSource& session = *sessions_[2 * who + network_.below(2)];
      auto one = std::make_unique<Wanted>(session, blocks_[block].cid, nodes_[who].memory.holder);
      wanted_.push_back({std::move(one), who, block});
    }
    all_wants_ = wants.size();
  }
  // What came is compared and given back.
  void take() {
    std::erase_if(wanted_, [&](const Want& want) {
      if (!want.request->done()) return false;
      EXPECT_TRUE(want.request->got(blocks_[want.block])) << "block " << want.block << " of " << want.who;
      return true;
    });
  }

  void expect_wants_within_caps() {
    for (const TradingNode& node : nodes_) {
      const bitswap::BitswapStat stat = node.bitswap.stat();
      most_.wants = std::max(most_.wants, stat.wants);
      most_.server_wants = std::max(most_.server_wants, stat.server_wants);
      most_.peers = std::max(most_.peers, stat.peers);
    }
    ASSERT_LE(most_.wants, limits_.client_wants);
    ASSERT_LE(most_.server_wants, limits_.wants);
    ASSERT_LE(most_.peers, limits_.peers);
  }
  // The peaks, so that nothing is missed between two looks.
  void expect_accounts_within_quotas() {
    for (const TradingNode& node : nodes_) {
      for (const Budget* budget : {&node.node.budget, &node.memory.budget}) {
        EXPECT_LE(budget->peak_bytes(), budget->limit_bytes());
        budget->for_each_account([](const Account& account) {
          EXPECT_LE(account.peak_bytes(), account.quota_bytes()) << account.name();
        });
      }
    }
  }
  // Looks at each step of the clock.
  void trade_for(Duration time) {
    network_.run_until(
        [&] {
          expect_wants_within_caps();
          return HasFatalFailure();
        },
        time);
    take();
    expect_accounts_within_quotas();
  }
  // What is left of all the trade: nothing.
  void expect_nothing_left() {
    for (const TradingNode& node : nodes_) {
      EXPECT_EQ(node.bitswap.stat().wants, 0u);
      EXPECT_EQ(node.bitswap.stat().server_wants, 0u);
      EXPECT_EQ(node.memory.chunks.stats().used, 0u);
      EXPECT_EQ(node.node.chunks.stats().used, 0u);
    }
    EXPECT_EQ(live_bytes(), at_first_);
  }
  // Of each account of each node; what a peer is remembered by stays.
  using LiveBytes = std::vector<std::pair<std::string_view, std::size_t>>;
  LiveBytes live_bytes() {
    LiveBytes bytes;
    for (const TradingNode& node : nodes_) {
      for (const Budget* budget : {&node.node.budget, &node.memory.budget}) {
        budget->for_each_account([&](const Account& account) {
          if (account.lifetime() != Lifetime::peer) bytes.emplace_back(account.name(), account.live_bytes());
        });
      }
    }
    return bytes;
  }

  struct Want {
    std::unique_ptr<Wanted> request;
    std::size_t who, block;
  };
  SimNetwork network_;
  const bitswap::BitswapLimits limits_ = small_limits();
  std::deque<TradingNode> nodes_;
  std::vector<std::unique_ptr<store::BlockSource>> sessions_;  // two of each
  std::vector<std::vector<std::size_t>> neighbours_;
  std::deque<TestBlock> blocks_;
  std::vector<Want> wanted_;
  std::size_t all_wants_ = 0;
  LiveBytes at_first_;
  bitswap::BitswapStat most_;
};

TEST_F(LossyTradeTest, AllWantsEndAndNoTableIsAboveItsCap) {
  connect_all();
  ASSERT_TRUE(network_.run_until([&] { return all_connected(); }, 60s));
  want_all();
  ASSERT_GT(all_wants_, 20 * traders);
  std::size_t left_under_losses = 0;
  for (int round = 0; round < 12; ++round) {
    trade_for(300ms);
    ASSERT_FALSE(HasFatalFailure());
    if (!wanted_.empty()) ++left_under_losses;
    round % 3 == 1 ? network_.stall_links(0.05) : network_.drop_links(0.2);
    trade_for(2s);
    ASSERT_FALSE(HasFatalFailure());
    connect_all();
  }
  EXPECT_GT(left_under_losses, 3u) << "the links broke while there was a trade";
  // A stalled link is seen by the missing answer to a ping of the connection; back-off ends within seconds.
  for (int seconds = 0; seconds < 300 && !wanted_.empty(); seconds += 2) {
    trade_for(2s);
    ASSERT_FALSE(HasFatalFailure());
    connect_all();
  }
  EXPECT_EQ(wanted_.size(), 0u) << "of " << all_wants_;
  EXPECT_EQ(most_.wants, limits_.client_wants) << "the tables were full";
  EXPECT_EQ(most_.server_wants, limits_.wants);
  sessions_.clear();
  network_.run_for(60s);  // dials end
  for_each_pair([&](std::size_t one, std::size_t other) {
    nodes_[one].node.swarm->disconnect(nodes_[other].node.id());
  });
  network_.run_for(120s);
  expect_nothing_left();
}

}  // namespace
}  // namespace masu::sim
