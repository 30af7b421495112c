// Swarms of many nodes on virtual time: they find each other again through losses, and stay within their caps
// under attack while honest peers are served. A failure prints its seed: SEED=… runs it again.
#include "tests/sim/dialled.hpp"
#include "tests/sim/sim_network.hpp"

#include <gtest/gtest.h>

namespace masu::sim {
namespace {

struct Pongs final : net::PingHandler {
  void on_pong(const PeerId&, Duration) override { ++pongs; }
  void on_ping_failed(const PeerId&, std::string_view why) override { failed = why; }
  int pongs = 0;
  std::string failed;
};

class SwarmSimTest : public ::testing::Test {
 protected:
  ~SwarmSimTest() override {
    for (const auto& node : nodes_) {
      node->swarm->close();
    }
    nodes_.clear();
    if (HasFailure()) std::printf("seed %llu\n", static_cast<unsigned long long>(network_.seed()));
  }
  SimNode& add(const SimNodeOptions& options = {}) {
    nodes_.push_back(
        std::make_unique<SimNode>(network_, static_cast<std::uint32_t>(nodes_.size() + 1), options));
    return *nodes_.back();
  }
  SimNode& node(std::size_t index) { return *nodes_[index]; }
  // Each to the next, and to some others.
  void connect_all(std::size_t others) {
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      node(at).connect(node((at + 1) % nodes_.size()));
      for (std::size_t n = 0; n < others; ++n) {
        const std::size_t to = network_.below(nodes_.size());
        if (to != at) node(at).connect(node(to));
      }
    }
  }
  // Each to the next.
  bool ring(bool (SimNode::*relation)(const SimNode&) const) {
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      if (!(node(at).*relation)(node((at + 1) % nodes_.size()))) return false;
    }
    return true;
  }
  std::string why_not_identified() {
    std::string text;
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      const SimNode& next = node((at + 1) % nodes_.size());
      if (!node(at).identified(next)) {
        text += std::to_string(at) + (node(at).connected(next) ? " not identified; " : " not connected; ");
      }
    }
    return text;
  }
  bool pings(SimNode& from, SimNode& to, Duration limit = 10s) {
    Pongs pongs;
    if (!from.ping->ping(to.id(), pongs)) return false;
    const bool answered =
        network_.run_until([&] { return pongs.pongs == 1 || !pongs.failed.empty(); }, limit);
    from.ping->forget(pongs);
    return answered && pongs.pongs == 1;
  }
  void expect_within_caps(const SimNode& node) {
    EXPECT_LE(node.budget.committed_bytes(), node.budget.limit_bytes());
    node.budget.for_each_account([](const Account& account) {
      EXPECT_LE(account.live_bytes(), account.quota_bytes()) << account.name();
    });
  }

  SimNetwork network_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
};

TEST_F(SwarmSimTest, AllConnectIdentifyAndPing) {
  for (int n = 0; n < 30; ++n) add();
  connect_all(3);
  EXPECT_TRUE(network_.run_until([&] { return ring(&SimNode::identified); }, 30s)) << why_not_identified();
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    EXPECT_TRUE(pings(node(at), node((at + 1) % nodes_.size()))) << at;
    EXPECT_EQ(node(at).swarm->peerstore().agent(node((at + 1) % nodes_.size()).id()), "masu/sim");
    expect_within_caps(node(at));
  }
}

TEST_F(SwarmSimTest, DroppedAndStalledLinksAreMadeAgain) {
  for (int n = 0; n < 20; ++n) add();
  connect_all(2);
  ASSERT_TRUE(network_.run_until([&] { return ring(&SimNode::identified); }, 30s)) << why_not_identified();
  for (int round = 0; round < 5; ++round) {
    round % 2 == 0 ? network_.drop_links(0.5) : network_.stall_links(0.3);
    // A stall is seen by the missing answer to a ping of the connection; back-off ends within seconds.
    network_.run_for(60s);
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      SimNode& next = node((at + 1) % nodes_.size());
      if (!node(at).connected(next)) node(at).connect(next);
    }
    ASSERT_TRUE(
        network_.run_until([&] { return ring(&SimNode::connected) && ring(&SimNode::identified); }, 60s))
        << "round " << round << ": " << why_not_identified();
  }
  for (std::size_t at = 0; at < nodes_.size(); ++at)
    EXPECT_TRUE(pings(node(at), node((at + 1) % nodes_.size())));
}

TEST_F(SwarmSimTest, IdleConnectionsWakeANodeTogether) {
  SimNodeOptions options;
  options.swarm.marks = {64, 64, 20s, 10s};  // never trimmed
  SimNode& hub = add(options);
  constexpr int peers = 50;
  for (int n = 0; n < peers; ++n) {
    network_.run_for(100ms);
    add().connect(hub);
  }
  ASSERT_TRUE(network_.run_until([&] { return hub.swarm->connections() == peers; }, 30s));
  network_.run_for(60s);
  // Each has a ping of the connection, and the time for its answer, in thirty seconds.
  int wakes = 0;
  std::optional<TimePoint> next = hub.timers.next_deadline();
  network_.run_until(
      [&] {
        const auto now = hub.timers.next_deadline();
        if (now != next) ++wakes;
        next = now;
        return false;
      },
      120s);
  EXPECT_EQ(hub.swarm->connections(), static_cast<std::size_t>(peers));
  EXPECT_GE(wakes, 8);
  EXPECT_LE(wakes, 150) << "once a second, and what the swarm itself looks at";
}

TEST_F(SwarmSimTest, WhoComesFromANetworkOfThisMachineIsLocal) {
  SimNodeOptions at_home;
  at_home.ip = IpAddress::parse_v4("192.168.1.7");
  SimNode node(network_, 1), far(network_, 2), near(network_, 3, at_home);
  far.connect(node);
  near.connect(node);
  ASSERT_TRUE(network_.run_until([&] { return node.identified(far) && node.identified(near); }, 20s));
  EXPECT_TRUE(node.swarm->is_local(near.id()));
  EXPECT_FALSE(node.swarm->is_local(far.id()));
  EXPECT_FALSE(node.swarm->is_local(node.id())) << "not connected";
}

TEST_F(SwarmSimTest, BothMayDialAtOnce) {
  SimNode& a = add();
  SimNode& b = add();
  Dialled from_a, from_b;
  a.connect(b, &from_a);
  b.connect(a, &from_b);
  EXPECT_TRUE(network_.run_until([&] { return from_a.answers == 1 && from_b.answers == 1; }, 10s));
  EXPECT_EQ(from_a.error + from_b.error, "");
  network_.run_for(5s);
  EXPECT_GE(a.swarm->connections(), 1u);
  EXPECT_EQ(a.swarm->connections(), b.swarm->connections()) << "neither gave up what the other kept";
  EXPECT_EQ(a.swarm->connected_peers(), 1u);
  EXPECT_TRUE(pings(a, b));
  EXPECT_TRUE(pings(b, a));
}

TEST_F(SwarmSimTest, AFullNodeMakesRoomAndKeepsWhomItProtects) {
  SimNodeOptions options;
  options.swarm.connections = 16;
  options.swarm.outbound_reserve = 2;
  options.swarm.marks = {64, 64, 20s, 10s};  // never trimmed by the marks
  SimNode& full = add(options);
  SimNode& friendly = add();
  SimNode& valued = add();
  friendly.connect(full);
  valued.connect(full);
  ASSERT_TRUE(network_.run_until([&] { return friendly.identified(full) && valued.identified(full); }, 10s));
  full.swarm->protect(friendly.id(), "friend");
  full.swarm->tag(valued.id(), "worth", 10);
  for (int n = 0; n < 40; ++n) {
    add().connect(full);
    network_.run_for(1s);
    EXPECT_LE(full.swarm->connections(), 16u);
  }
  network_.run_for(10s);
  EXPECT_TRUE(full.connected(friendly));
  EXPECT_TRUE(full.connected(valued));
  EXPECT_TRUE(full.connected(*nodes_.back()) || full.connected(*nodes_[nodes_.size() - 2]))
      << "newcomers find a place";
  // There is always a place for a dial of its own.
  SimNode& wanted = add();
  Dialled dialled;
  full.connect(wanted, &dialled);
  EXPECT_TRUE(network_.run_until([&] { return dialled.answers == 1; }, 10s));
  EXPECT_EQ(dialled.error, "");
  expect_within_caps(full);
}

TEST_F(SwarmSimTest, TheConnectionManagerTrimsToItsMarks) {
  SimNodeOptions options;
  options.swarm.marks = {5, 10, 5s, 10s};
  SimNode& hub = add(options);
  for (int n = 0; n < 20; ++n) add().connect(hub);
  network_.run_for(8s);
  network_.run_for(60s);
  EXPECT_LE(hub.swarm->connections(), 10u);
  EXPECT_GE(hub.swarm->connections(), 5u);
}

TEST_F(SwarmSimTest, AnUnreachablePeerTakesItsTimeAndIsThenLeftAlone) {
  SimNode& a = add();
  SimNode& gone = add();
  gone.transport.reachable = false;
  Dialled dialled;
  const TimePoint began = network_.now();
  a.connect(gone, &dialled);
  EXPECT_TRUE(network_.run_until([&] { return dialled.answers == 1; }, 60s));
  EXPECT_EQ(network_.now() - began, 5s);
  EXPECT_TRUE(dialled.error.ends_with("] i/o timeout")) << dialled.error;
  a.connect(gone, &dialled);
  EXPECT_TRUE(network_.run_until([&] { return dialled.answers == 2; }, 1s));
  EXPECT_TRUE(dialled.error.ends_with("] dial backoff")) << dialled.error;
  network_.run_for(6s);
  gone.transport.reachable = true;
  a.connect(gone, &dialled);
  EXPECT_TRUE(network_.run_until([&] { return dialled.answers == 3; }, 10s));
  EXPECT_EQ(dialled.error, "");
}

TEST_F(SwarmSimTest, TheWrongPeerIsNamed) {
  SimNode& a = add();
  SimNode& b = add();
  SimNode& c = add();
  Dialled dialled;
  const Multiaddr at = c.address();
  a.swarm->connect(b.id(), {&at, 1}, &dialled);
  EXPECT_TRUE(network_.run_until([&] { return dialled.answers == 1; }, 10s));
  EXPECT_EQ(dialled.error, "failed to dial " + b.id().to_string() + ": all dials failed\n  * [" +
                               at.to_string() +
                               "] failed to negotiate security protocol: peer id mismatch: expected " +
                               b.id().to_string() + ", but remote key matches " + c.id().to_string());
  EXPECT_FALSE(a.connected(c));
}

TEST_F(SwarmSimTest, FilteredAddressesAreNeitherDialledNorAccepted) {
  SimNodeOptions options;
  options.swarm.filters = {net::IpPrefix(*IpAddress::parse_v4("8.0.2.0"), 24)};
  SimNode& a = add(options);
  SimNode& filtered = add();
  ASSERT_EQ(filtered.transport.ip(), *IpAddress::parse_v4("8.0.2.1"));
  Dialled dialled;
  a.connect(filtered, &dialled);
  EXPECT_TRUE(network_.run_until([&] { return dialled.answers == 1; }, 10s));
  EXPECT_TRUE(dialled.error.ends_with("] gater disallows connection to peer")) << dialled.error;
  filtered.connect(a, &dialled);
  EXPECT_TRUE(network_.run_until([&] { return dialled.answers == 2; }, 30s));
  EXPECT_NE(dialled.error, "");
  EXPECT_EQ(a.swarm->connections(), 0u);
}

TEST_F(SwarmSimTest, AFilterThatComesWithinTheHandshakeHolds) {
  SimNode& a = add();
  SimNode& other = add();
  Dialled dialled;
  other.connect(a, &dialled);
  const auto shaking_hands = [&] {
    std::size_t bytes = 0;
    a.budget.for_each_account([&](const Account& account) {
      if (account.name() == "net.handshake") bytes += account.live_bytes();
    });
    return bytes > 0;
  };
  ASSERT_TRUE(network_.run_until(shaking_hands, 10s));
  ASSERT_FALSE(a.connected(other)) << "it is not secured yet";
  a.swarm->add_filter(net::IpPrefix(other.transport.ip(), 32));
  EXPECT_FALSE(network_.run_until([&] { return a.connected(other); }, 30s));
  EXPECT_EQ(a.swarm->connections(), 0u);
  EXPECT_NE(dialled.error, "");
}

TEST_F(SwarmSimTest, OneHostHasEightConnectionsAtMost) {
  SimNode& victim = add();
  SimNodeOptions options;
  options.ip = *IpAddress::parse_v4("9.9.9.9");
  for (int n = 0; n < 20; ++n) {
    add(options).connect(victim);
    network_.run_for(1s);
  }
  EXPECT_EQ(victim.swarm->connections(), 8u);
  SimNode& other = add();
  other.connect(victim);
  EXPECT_TRUE(network_.run_until([&] { return other.identified(victim); }, 10s));
}

TEST_F(SwarmSimTest, ChangedAddressesArePushed) {
  SimNode& a = add();
  SimNode& b = add();
  a.connect(b);
  ASSERT_TRUE(network_.run_until([&] { return b.identified(a) && a.identified(b); }, 10s));
  const Multiaddr more = a.swarm->listen(Multiaddr::tcp(a.transport.ip(), 0)).value();
  EXPECT_TRUE(network_.run_until(
      [&] {
        bool known = false;
        b.swarm->peerstore().for_each_address(
            a.id(), network_.now(),
            [&](const MultiaddrView& address, net::AddressTtl) { known = known || address == more.view(); });
        return known;
      },
      10s));
}

}  // namespace
}  // namespace masu::sim
