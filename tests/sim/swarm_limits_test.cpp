// The caps of a swarm one by one, each reached and passed.
#include "net/identify/identify_limits.hpp"
#include "tests/sim/sim_network.hpp"

#include <deque>

#include <gtest/gtest.h>

namespace masu::sim {
namespace {

constexpr std::array<std::string_view, 1> sink = {"/sink/1.0.0"};
constexpr std::array<std::string_view, 1> ping_protocols = {net::ping_protocol};
constexpr std::array<std::string_view, 1> push_protocols = {net::identify_push_protocol};

class Sink final : public net::ProtocolHandler {
 public:
  net::StreamHandler* on_inbound(const PeerId&, std::string_view) override {
    net::TestHandler& handler = handlers.emplace_back();
    handler.take_max = take_max;
    return &handler;
  }
  bool make_room_for(const PeerId&) override {
    if (!makes_room) return false;
    std::exchange(handlers.front().stream, nullptr)->reset();
    return true;
  }
  std::size_t open() const {
    return static_cast<std::size_t>(std::count_if(
        handlers.begin(), handlers.end(), [](const auto& handler) { return handler.stream != nullptr; }));
  }
  std::deque<net::TestHandler> handlers;
  std::size_t take_max = ~std::size_t{0};
  bool makes_room = false;
};

struct Dialled final : net::DialHandler {
  void on_dialled(const PeerId&, std::string_view why) override {
    ++answers;
    if (!why.empty()) errors.emplace_back(why);
  }
  int answers = 0;
  std::vector<std::string> errors;
};

class SwarmLimitsTest : public ::testing::Test {
 protected:
  bool connect(SimNode& from, const SimNode& to) {
    from.connect(to);
    return network_.run_until([&] { return from.identified(to) && to.identified(from); }, 20s);
  }
  static std::size_t alive(const std::deque<net::TestHandler>& handlers) {
    return static_cast<std::size_t>(
        std::count_if(handlers.begin(), handlers.end(), [](const auto& handler) { return !handler.end; }));
  }

  SimNetwork network_;
  Sink sink_;  // before the nodes: their streams end first
  std::deque<net::TestHandler> a_handlers_, b_handlers_;
};

TEST_F(SwarmLimitsTest, InboundStreamsOfAProtocolForEachPeerAndInAll) {
  SimNode server(network_, 1), a(network_, 2), b(network_, 3);
  server.swarm->serve(sink[0], sink_, {5, 3});
  ASSERT_TRUE(connect(a, server) && connect(b, server));
  for (int n = 0; n < 6; ++n) a.swarm->open_stream(server.id(), sink, a_handlers_.emplace_back());
  network_.run_for(2s);
  EXPECT_EQ(alive(a_handlers_), 3u) << "of one peer";
  for (int n = 0; n < 6; ++n) b.swarm->open_stream(server.id(), sink, b_handlers_.emplace_back());
  network_.run_for(2s);
  EXPECT_EQ(alive(b_handlers_), 2u) << "in all";
  EXPECT_EQ(sink_.open(), 5u);
  // A place that is free again is given away again.
  a_handlers_.front().stream != nullptr ? std::exchange(a_handlers_.front().stream, nullptr)->reset()
                                        : void();
  network_.run_for(1s);
  b.swarm->open_stream(server.id(), sink, b_handlers_.emplace_back());
  network_.run_for(1s);
  EXPECT_FALSE(b_handlers_.back().end.has_value());
}

TEST_F(SwarmLimitsTest, PingHasTwoStreamsOfAPeerAndEndsThoseThatAreSilent) {
  SimNode server(network_, 1), a(network_, 2), b(network_, 3);
  ASSERT_TRUE(connect(a, server) && connect(b, server));
  for (int n = 0; n < 3; ++n) a.swarm->open_stream(server.id(), ping_protocols, a_handlers_.emplace_back());
  b.swarm->open_stream(server.id(), ping_protocols, b_handlers_.emplace_back());
  network_.run_for(1s);
  EXPECT_EQ(alive(a_handlers_), 2u);
  EXPECT_TRUE(a_handlers_[2].end) << "the third one is refused";
  EXPECT_EQ(alive(b_handlers_), 1u) << "others have theirs";
  const std::string ping = "0123456789abcdef0123456789ABCDEF";
  network_.run_for(7s);
  // A whole ping is a sign of life; half of one is none.
  a_handlers_[0].send(ping);
  a_handlers_[1].send(ping.substr(0, 16));
  network_.run_for(1s);
  EXPECT_EQ(a_handlers_[0].received, ping);
  EXPECT_EQ(a_handlers_[1].received, "");
  EXPECT_EQ(alive(a_handlers_), 2u);
  network_.run_for(2s);
  EXPECT_EQ(a_handlers_[1].end, net::StreamEnd::reset_by_peer) << "after ten seconds";
  EXPECT_EQ(b_handlers_[0].end, net::StreamEnd::reset_by_peer);
  EXPECT_FALSE(a_handlers_[0].end);
  // Its place is free, and a ping may come in parts.
  a.swarm->open_stream(server.id(), ping_protocols, a_handlers_.emplace_back());
  a_handlers_[3].send(ping.substr(0, 16));
  network_.run_for(3s);
  EXPECT_EQ(a_handlers_[3].received, "");
  a_handlers_[3].send(ping.substr(16));
  network_.run_for(1s);
  EXPECT_EQ(a_handlers_[3].received, ping);
  network_.run_for(4s);
  EXPECT_EQ(a_handlers_[0].end, net::StreamEnd::reset_by_peer) << "ten seconds after its ping";
  EXPECT_FALSE(a_handlers_[3].end);
}

TEST_F(SwarmLimitsTest, ANetworkOfIPv6HasItsShareAndThisMachineIsNotCounted) {
  EXPECT_EQ(net::SwarmOptions{}.connections_per_network6, 64u);
  SimNodeOptions options;
  options.swarm.connections_per_network6 = 12;
  SimNode server(network_, 1, options);
  std::deque<SimNode> nodes;
  const auto come = [&](const std::string& ip) {
    SimNodeOptions from;
    from.ip = IpAddress::parse_v6(ip);
    nodes.emplace_back(network_, 10 + static_cast<std::uint32_t>(nodes.size()), from).connect(server);
    network_.run_for(1s);
  };
  // Each a host of its own, all in one /48.
  for (int n = 0; n < 16; ++n) come("2001:db8:7:" + std::to_string(n) + "00::1");
  EXPECT_EQ(server.swarm->connections(), 12u);
  come("2001:db8:8::1");
  EXPECT_EQ(server.swarm->connections(), 13u) << "another network";
  for (int n = 0; n < 12; ++n) come("::1");
  EXPECT_EQ(server.swarm->connections(), 25u) << "more than eight of one host, but of this one";
}

// Where a connection comes from is no place to dial.
TEST_F(SwarmLimitsTest, OfWhoComesOnlyTheAddressesItNamesAreKept) {
  SimNode server(network_, 1), peer(network_, 2);
  ASSERT_TRUE(connect(peer, server));
  std::vector<std::string> known;
  server.swarm->peerstore().for_each_address(
      peer.id(), network_.now(),
      [&](const MultiaddrView& address, net::AddressTtl) { known.push_back(address.to_string()); });
  EXPECT_EQ(known, std::vector{peer.address().to_string()});
}

TEST_F(SwarmLimitsTest, TheLastEighthOfAProtocolsStreamsIsForPeersOfUse) {
  SimNode server(network_, 1), stranger(network_, 2), friendly(network_, 3);
  server.swarm->serve(sink[0], sink_, {16, 16});
  ASSERT_TRUE(connect(stranger, server) && connect(friendly, server));
  server.swarm->set_of_use(friendly.id(), true);
  for (int n = 0; n < 16; ++n) stranger.swarm->open_stream(server.id(), sink, a_handlers_.emplace_back());
  network_.run_for(2s);
  EXPECT_EQ(alive(a_handlers_), 14u);
  for (int n = 0; n < 3; ++n) friendly.swarm->open_stream(server.id(), sink, b_handlers_.emplace_back());
  network_.run_for(2s);
  EXPECT_EQ(alive(b_handlers_), 2u);
}

TEST_F(SwarmLimitsTest, WhoHasNoStreamOfAProtocolMayHaveOneOfAnothers) {
  SimNode server(network_, 1), greedy(network_, 2), modest(network_, 3);
  server.swarm->serve(sink[0], sink_, {16, 16});
  ASSERT_TRUE(connect(greedy, server) && connect(modest, server));
  for (int n = 0; n < 14; ++n) greedy.swarm->open_stream(server.id(), sink, a_handlers_.emplace_back());
  network_.run_for(2s);
  const auto open = [&](SimNode& from) {
    from.swarm->open_stream(server.id(), sink, b_handlers_.emplace_back());
    network_.run_for(2s);
    return !b_handlers_.back().end;
  };
  EXPECT_FALSE(open(modest)) << "the protocol makes no room";
  sink_.makes_room = true;
  EXPECT_FALSE(open(greedy)) << "it has some";
  EXPECT_EQ(alive(a_handlers_), 14u);
  EXPECT_TRUE(open(modest));
  EXPECT_EQ(alive(a_handlers_), 13u);
  EXPECT_FALSE(open(modest)) << "it has one now";
}

// The last rung: who costs most for the least use goes first, stream by stream.
TEST_F(SwarmLimitsTest, TheHeaviestStreamOfAStrangerIsGivenUpBeforeThatOfAPeerOfUse) {
  SimNode server(network_, 1), stranger(network_, 2), friendly(network_, 3), dear(network_, 4);
  server.swarm->serve(sink[0], sink_, {16, 16});
  ASSERT_TRUE(connect(stranger, server) && connect(friendly, server) && connect(dear, server));
  EXPECT_FALSE(server.swarm->give_up_heaviest()) << "nobody holds anything";
  server.swarm->set_of_use(friendly.id(), true);
  server.swarm->protect(dear.id(), "user");
  sink_.take_max = 0;
  std::deque<net::TestHandler> of_stranger, of_friendly, of_dear;
  const auto send = [&](SimNode& from, std::deque<net::TestHandler>& streams, std::size_t bytes) {
    from.swarm->open_stream(server.id(), sink, streams.emplace_back());
    streams.back().send(net::pattern(bytes));
  };
  send(stranger, of_stranger, 30'000);
  send(stranger, of_stranger, 90'000);
  for (int n = 0; n < 2; ++n) {
    send(friendly, of_friendly, 200'000);
    send(dear, of_dear, 200'000);
  }
  network_.run_for(3s);
  EXPECT_EQ(alive(of_stranger) + alive(of_friendly) + alive(of_dear), 6u);

  EXPECT_TRUE(server.swarm->give_up_heaviest());
  network_.run_for(1s);
  EXPECT_EQ(of_stranger[1].end, net::StreamEnd::reset_by_peer) << "the heavier of the stranger's";
  EXPECT_EQ(alive(of_stranger), 1u);
  EXPECT_TRUE(server.swarm->give_up_heaviest());
  network_.run_for(1s);
  EXPECT_EQ(alive(of_stranger), 0u);
  EXPECT_EQ(alive(of_friendly), 2u);
  EXPECT_TRUE(server.swarm->give_up_heaviest()) << "more than an exchange holds in passing";
  network_.run_for(1s);
  EXPECT_EQ(alive(of_friendly), 1u);
  EXPECT_FALSE(server.swarm->give_up_heaviest()) << "what is left of the peer of use is an exchange";
  EXPECT_EQ(alive(of_dear), 2u) << "protected";
  for (SimNode* peer : {&stranger, &friendly, &dear}) EXPECT_TRUE(server.connected(*peer));
}

TEST_F(SwarmLimitsTest, AStrangerWhoTakesNothingIsGivenUpWithItsConnection) {
  SimNode server(network_, 1), stranger(network_, 2), friendly(network_, 3);
  for (SimNode* peer : {&stranger, &friendly}) {
    peer->swarm->serve(sink[0], sink_, {4, 4});
    ASSERT_TRUE(connect(*peer, server));
  }
  server.swarm->set_of_use(friendly.id(), true);
  network_.stall_links(1);
  for (SimNode* peer : {&stranger, &friendly}) {
    server.swarm->open_stream(peer->id(), sink, a_handlers_.emplace_back());
    a_handlers_.back().send(net::pattern(200'000));
  }
  network_.run_for(1s);
  EXPECT_TRUE(server.swarm->give_up_heaviest());
  EXPECT_FALSE(server.swarm->give_up_heaviest()) << "what waits for the peer of use is an exchange";
  network_.run_for(2s);
  EXPECT_FALSE(server.connected(stranger));
  EXPECT_TRUE(server.connected(friendly));
}

TEST_F(SwarmLimitsTest, AStreamToNobodyIsAnsweredOnTheNextTurn) {
  SimNode a(network_, 1), b(network_, 2);
  a.swarm->open_stream(b.id(), ping_protocols, a_handlers_.emplace_back());
  EXPECT_FALSE(a_handlers_.back().end.has_value());
  network_.run_for(Duration{});
  EXPECT_EQ(a_handlers_.back().end, net::StreamEnd::no_connection);
}

TEST_F(SwarmLimitsTest, PeersBeingDialledAndThoseWhoWait) {
  SimNodeOptions options;
  options.swarm.dialled_peers = 4;
  options.swarm.dial_waiters = 6;
  SimNode a(network_, 1, options), gone(network_, 2);
  gone.transport.reachable = false;
  Dialled dialled;
  const Multiaddr at = gone.address();
  for (std::uint8_t n = 0; n < 5; ++n) {
    const PeerId peer = PeerId::of(PrivateKey::from_seed(std::array<std::uint8_t, 32>{n}).public_key());
    a.swarm->connect(peer, {&at, 1}, &dialled);
  }
  network_.run_for(1s);
  EXPECT_EQ(dialled.errors, std::vector<std::string>{"too many peers are being dialled"});
  network_.run_for(30s);
  EXPECT_EQ(dialled.answers, 5);
}

TEST_F(SwarmLimitsTest, AForgottenDialIsNotTold) {
  SimNode a(network_, 1), b(network_, 2);
  Dialled dialled;
  a.connect(b, &dialled);
  a.swarm->forget(dialled);
  network_.run_for(10s);
  EXPECT_EQ(dialled.answers, 0);
  EXPECT_TRUE(a.connected(b)) << "the dial goes on";
  a.connect(b, &dialled);
  a.swarm->forget(dialled);
  network_.run_for(1s);
  EXPECT_EQ(dialled.answers, 0);
}

TEST_F(SwarmLimitsTest, MoreAsksThanPlacesAreAllAnsweredInTime) {
  SimNodeOptions options;
  options.swarm.identify_asks = 2;
  options.swarm.identify_pushes_in = 1;
  SimNode hub(network_, 1, options);
  std::deque<SimNode> peers;
  for (std::uint32_t n = 0; n < 20; ++n) peers.emplace_back(network_, 2 + n).connect(hub);
  EXPECT_TRUE(network_.run_until(
      [&] {
        return std::all_of(peers.begin(), peers.end(),
                           [&](const SimNode& peer) { return hub.identified(peer); });
      },
      30s));
}

TEST_F(SwarmLimitsTest, PushesOfOneNetworkAreLimited) {
  SimNode victim(network_, 1), pusher(network_, 2);
  ASSERT_TRUE(connect(pusher, victim));
  int refused = 0;
  for (int n = 0; n < 30; ++n) {
    net::TestHandler& handler = a_handlers_.emplace_back();
    pusher.swarm->open_stream(victim.id(), push_protocols, handler);
    handler.close_when_sent();
    network_.run_for(200ms);
    refused += handler.end && *handler.end != net::StreamEnd::finished;
  }
  EXPECT_GE(refused, 15) << "ten at once, then one in five seconds";
  EXPECT_LE(refused, 25);
}

TEST_F(SwarmLimitsTest, AnnounceRulesDecideWhatIsSaid) {
  SimNodeOptions options;
  const Multiaddr mine = Multiaddr::parse("/ip4/7.7.7.7/tcp/7").value();
  const Multiaddr hidden = Multiaddr::parse("/ip4/10.1.2.3/tcp/7").value();
  options.swarm.announce.append_announce = {mine, hidden};
  options.swarm.announce.no_announce_prefixes = {net::IpPrefix(*IpAddress::parse_v4("10.0.0.0"), 8)};
  SimNode a(network_, 1, options), b(network_, 2);
  EXPECT_EQ(a.swarm->announce_addresses(), (std::vector<Multiaddr>{a.address(), mine}));
  ASSERT_TRUE(connect(a, b));
  std::vector<std::string> told;
  b.swarm->peerstore().for_each_address(
      a.id(), network_.now(),
      [&](const MultiaddrView& address, net::AddressTtl) { told.push_back(address.to_string()); });
  EXPECT_EQ(told.size(), 2u);
  options.swarm.announce = {{mine}, {}, {}, {}};
  SimNode c(network_, 3, options);
  EXPECT_EQ(c.swarm->announce_addresses(), std::vector<Multiaddr>{mine});
  EXPECT_EQ(c.swarm->listen_addresses(), std::vector<Multiaddr>{c.address()});
}

TEST_F(SwarmLimitsTest, UnderPressureNobodyIsAcceptedOrDialled) {
  SimNode pressed(network_, 1), other(network_, 2);
  pressed.swarm->set_accepting(false);
  Dialled dialled;
  other.connect(pressed, &dialled);
  network_.run_for(30s);
  EXPECT_FALSE(other.connected(pressed));
  pressed.swarm->set_accepting(true);
  pressed.swarm->set_dialling(false);
  pressed.connect(other, &dialled);
  network_.run_for(1s);
  ASSERT_FALSE(dialled.errors.empty());
  EXPECT_TRUE(dialled.errors.back().ends_with("dialling is off")) << dialled.errors.back();
  pressed.swarm->set_dialling(true);
  EXPECT_TRUE(connect(pressed, other));
  pressed.swarm->trim_strangers(1);
  network_.run_for(3s);
  EXPECT_EQ(pressed.swarm->connections(), 0u);
}

TEST_F(SwarmLimitsTest, AnotherOfTooManyConnectionsToOnePeerEndsTheOldest) {
  SimNode victim(network_, 1);
  // The same identity again and again, as of a peer that crashes and comes back.
  std::deque<SimNode> lives;
  for (int n = 0; n < 10; ++n) {
    SimNodeOptions options;
    options.key_seed = 99;
    lives.emplace_back(network_, static_cast<std::uint32_t>(2 + n), options).connect(victim);
    network_.run_for(1s);
    EXPECT_LE(victim.swarm->connections(), 4u);
    EXPECT_TRUE(lives.back().connected(victim)) << n;
  }
  EXPECT_EQ(victim.swarm->connected_peers(), 1u);
}

}  // namespace
}  // namespace masu::sim
