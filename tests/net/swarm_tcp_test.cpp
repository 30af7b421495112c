// The swarm over real sockets on loopback, as the daemon runs it. What it does with many peers is tested in
// tests/sim.
#include "net/identify/identify_limits.hpp"
#include "net/ping.hpp"
#include "net/swarm/swarm.hpp"
#include "net/transport/asio_turns.hpp"
#include "net/transport/tcp_transport.hpp"
#include "tests/net/connection_pair.hpp"
#include "tests/net/peers.hpp"
#include "tests/net/real_loop.hpp"

#include <gtest/gtest.h>

namespace masu::net {
namespace {

struct TcpNode {
  TcpNode(RealLoop& its_loop, std::uint64_t seed) : loop(its_loop), memory(seed) {
    swarm->add_transport(transport);
    bound = swarm->listen(masu::net::address("/ip4/127.0.0.1/tcp/0")).value();
  }
  ~TcpNode() {
    swarm->close();
    EXPECT_TRUE(loop.run_until([&] { return swarm->closed(); }));
    ping.reset();
    swarm.reset();
    loop.poll();  // a turn that was posted lies in `turns`
    EXPECT_TRUE(memory.all_given_back());
  }
  PeerId id() const { return swarm->self(); }

  static SwarmOptions options() {
    SwarmOptions options;
    options.agent = "masu/test";
    options.record_sequence = 1;
    return options;
  }

  RealLoop& loop;
  TestNode memory;
  Account account{memory.budget, "net.tcp", Lifetime::connection, 1 << 20};
  AsioTurns turns{loop.context};
  TcpTransport transport{loop.context, loop, loop.timers, account, {}};
  std::unique_ptr<Swarm> swarm = std::make_unique<Swarm>(memory.budget, memory.resources, memory.identity,
                                                         loop.timers, loop, memory.random, turns, options());
  Account ping_account{memory.budget, "net.ping", Lifetime::stream, 1 << 20};
  std::unique_ptr<Ping> ping = std::make_unique<Ping>(*swarm, memory.random, ping_account, PingLimits{});
  Multiaddr bound;
};

struct Dialled final : DialHandler {
  void on_dialled(const PeerId&, std::string_view why) override { error = why; }
  std::optional<std::string> error;
};

struct Pongs final : PingHandler {
  void on_pong(const PeerId&, Duration) override { ++pongs; }
  void on_ping_failed(const PeerId&, std::string_view why) override { failed = why; }
  int pongs = 0;
  std::string failed;
};

class SwarmTcpTest : public ::testing::Test {
 protected:
  void connect(TcpNode& from, const TcpNode& to) {
    Dialled dialled;
    from.swarm->connect(to.id(), {&to.bound, 1}, &dialled);
    EXPECT_FALSE(dialled.error) << "no upcall from inside the call";
    ASSERT_TRUE(loop_.run_until([&] { return dialled.error.has_value(); }));
    EXPECT_EQ(*dialled.error, "");
  }

  RealLoop loop_;
};

TEST_F(SwarmTcpTest, TwoNodesConnectIdentifyAndPing) {
  TcpNode a(loop_, 1), b(loop_, 2);
  connect(a, b);
  EXPECT_TRUE(a.swarm->connected(b.id()));
  EXPECT_TRUE(a.swarm->supports(b.id(), ping_protocol));
  EXPECT_EQ(a.swarm->peerstore().agent(b.id()), "masu/test");
  std::vector<std::string> known;
  a.swarm->peerstore().for_each_address(b.id(), loop_.now(), [&](const MultiaddrView& address, AddressTtl) {
    known.push_back(address.to_string());
  });
  EXPECT_EQ(known, std::vector<std::string>{b.bound.to_string()});
  EXPECT_TRUE(loop_.run_until([&] { return b.swarm->supports(a.id(), identify_push_protocol); }));

  Pongs pongs;
  ASSERT_TRUE(a.ping->ping(b.id(), pongs));
  EXPECT_TRUE(loop_.run_until([&] { return pongs.pongs == 1; })) << pongs.failed;
  EXPECT_GE(a.swarm->bandwidth_of_protocol(ping_protocol).total_out, 32u);
  EXPECT_TRUE(a.swarm->latency(b.id()).has_value());
  a.ping->forget(pongs);
}

TEST_F(SwarmTcpTest, ARefusedDialNamesEachAddress) {
  TcpNode a(loop_, 1);
  const std::array<Multiaddr, 2> nowhere = {address("/ip4/127.0.0.1/tcp/1"),
                                            address("/ip4/127.0.0.1/udp/1/quic-v1")};
  Dialled dialled;
  a.swarm->connect(peer_number(7), nowhere, &dialled);
  ASSERT_TRUE(loop_.run_until([&] {
    loop_.advance(10ms);
    return dialled.error.has_value();
  }));
  EXPECT_EQ(*dialled.error,
            "failed to dial " + peer_number(7).to_string() +
                ": all dials failed"
                "\n  * [/ip4/127.0.0.1/udp/1/quic-v1] no transport for protocol"
                "\n  * [/ip4/127.0.0.1/tcp/1] dial tcp4 127.0.0.1:1: connect: connection refused");
}

}  // namespace
}  // namespace masu::net
