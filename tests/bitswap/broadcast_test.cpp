// Whom a search for a block is told.
#include "tests/bitswap/raw_peer.hpp"

#include <gtest/gtest.h>

namespace masu::bitswap {
namespace {

BitswapLimits with(const BroadcastControl& control) {
  BitswapLimits limits;
  limits.broadcast = control;
  return limits;
}

class BroadcastTest : public testing::Test {
 protected:
  // A node and peers of it, all of them far away.
  struct World {
    World(FakeNetwork& network_, const BroadcastControl& control, std::size_t peer_count)
        : network(network_), node(network, with(control)), session(node.bitswap.open_session()) {
      for (std::size_t i = 0; i < peer_count; ++i) add_peer();
    }
    RawPeer& add_peer() {
      RawPeer& peer = peers.emplace_back(network, node);
      node.host.far.insert(peer.host.self().to_base58());
      return peer;
    }
    RawPeer& peer(std::size_t number) { return *std::next(peers.begin(), static_cast<long>(number)); }
    void set_near(RawPeer& peer) { node.host.far.erase(peer.host.self().to_base58()); }
    // Which of them are asked for a block that is nowhere, within `time`.
    std::string asked(Duration time = 5s) {
      const TestBlock block = numbered_block(++blocks, 3000);
      Wanted wanted(*session, block.cid, node.memory.holder);
      network.advance(time);
      std::string all;
      for (RawPeer& one : peers) all += one.asked_for(block.cid, WantType::have) ? 'x' : '.';
      return all;
    }

    FakeNetwork& network;
    TestNode node;
    std::unique_ptr<store::BlockSource> session;
    std::list<RawPeer> peers;
    unsigned blocks = 0;
  };
  static BroadcastControl strict() { return {.last_resort = false}; }

  FakeNetwork network;
};

TEST_F(BroadcastTest, PeersNearbyAndThoseTheUserChoseAreAsked) {
  World world(network, strict(), 4);
  world.set_near(world.peer(0));
  world.node.host.tag(world.peer(1).host.self(), net::peer_tag::user_connect, 100);
  world.node.host.protect(world.peer(2).host.self(), net::peer_tag::peering);
  EXPECT_EQ(world.asked(), "xxx.");
  EXPECT_EQ(world.asked(1min), "xxx.") << "nor later";
}

TEST_F(BroadcastTest, WhoSentABlockIsAskedUntilItLeaves) {
  World world(network, strict(), 2);
  const TestBlock block = numbered_block(500, 3000);
  {
    Wanted wanted(*world.session, block.cid, world.node.memory.holder);
    network.run();
    RawPeer& newcomer = world.add_peer();
    network.run();
    EXPECT_TRUE(newcomer.asked_for(block.cid, WantType::have)) << "who is new is asked in any case";
    newcomer.send(payload(block.cid, block.bytes));
    network.run();
    ASSERT_TRUE(wanted.got(block));
  }
  world.session = world.node.bitswap.open_session();
  EXPECT_EQ(world.asked(), "..x");
  network.disconnect(world.peer(2).host, world.node.host);
  network.run();
  network.connect(world.peer(2).host, world.node.host);
  EXPECT_EQ(world.asked(), "...");
}

TEST_F(BroadcastTest, ExceptionsCanBeSwitchedOff) {
  BroadcastControl control = strict();
  control.spare_local = control.spare_chosen = true;
  World world(network, control, 2);
  world.set_near(world.peer(0));
  world.node.host.tag(world.peer(1).host.self(), net::peer_tag::user_connect, 100);
  EXPECT_EQ(world.asked(), "..");
}

TEST_F(BroadcastTest, WithoutControlAllAre) {
  World world(network, {.enable = false, .peers_max = 0, .last_resort = false}, 3);
  EXPECT_EQ(world.asked(), "xxx");
}

TEST_F(BroadcastTest, RandomOnesAreOthersEachTime) {
  BroadcastControl control = strict();
  control.random_peers = 2;
  World world(network, control, 5);
  world.set_near(world.peer(4));
  std::string ever = "....x";
  for (int i = 0; i < 3; ++i) {
    const std::string asked = world.asked();
    EXPECT_EQ(std::ranges::count(asked, 'x'), 3) << asked;
    EXPECT_EQ(asked[4], 'x');
    for (std::size_t at = 0; at < asked.size(); ++at) {
      if (asked[at] == 'x') ever[at] = 'x';
    }
  }
  EXPECT_EQ(ever, "xxxxx");
}

TEST_F(BroadcastTest, SoManyAreAskedAndNoneIfThatIsZero) {
  BroadcastControl control = strict();
  control.peers_max = 2;
  World few(network, control, 5);
  for (RawPeer& peer : few.peers) few.set_near(peer);
  const std::string first = few.asked(), second = few.asked();
  EXPECT_EQ(std::ranges::count(first, 'x'), 2);
  EXPECT_EQ(std::ranges::count(second, 'x'), 2);
  EXPECT_NE(first, second) << "not always the same";
  control.peers_max = 0;
  control.last_resort = true;
  World none(network, control, 3);
  for (RawPeer& peer : none.peers) none.set_near(peer);
  EXPECT_EQ(none.asked(1min), "...");
  const TestBlock block = numbered_block(600, 3000);
  Wanted wanted(*none.session, block.cid, none.node.memory.holder);
  network.run();
  RawPeer& newcomer = none.add_peer();
  network.advance(1min);
  EXPECT_FALSE(newcomer.asked_for(block.cid, WantType::have));
}

TEST_F(BroadcastTest, WhoIsSentSomethingAnywayMayBeAsked) {
  BroadcastControl control = strict();
  control.pending_peers = true;
  World world(network, control, 2);
  EXPECT_EQ(world.asked(), "..");
  const TestBlock first = numbered_block(700, 3000), second = numbered_block(701, 3000);
  auto early = std::make_unique<Wanted>(*world.session, first.cid, world.node.memory.holder);
  network.run();
  // It takes half of a message, so that the cancel of what is in it waits behind.
  RawPeer& slow = world.add_peer();
  slow.host.deaf = true;
  network.window_bytes = 10;
  network.run();
  early.reset();
  Wanted wanted(*world.session, second.cid, world.node.memory.holder);
  network.run();
  slow.host.deaf = false;
  network.window_bytes = 64 * 1024;
  network.advance(2s);
  EXPECT_TRUE(slow.asked_for(second.cid, WantType::have));
  EXPECT_FALSE(world.peer(0).asked_for(second.cid, WantType::have));
}

TEST_F(BroadcastTest, WhereNothingElseFindsPeersAllAreAskedInTheEnd) {
  World world(network, {}, 3);
  world.set_near(world.peer(1));
  EXPECT_EQ(world.asked(9s), ".x.");
  EXPECT_EQ(world.asked(11s), "xxx");
}

}  // namespace
}  // namespace masu::bitswap
