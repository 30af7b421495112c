// When a block is asked of the next peer: one ends in the middle of it, or takes too long; and that there is
// room to ask it.
#include "bitswap/client.hpp"
#include "tests/bitswap/raw_peer.hpp"

#include <deque>

#include <gtest/gtest.h>

namespace masu::bitswap {
namespace {

class NextPeerTest : public testing::Test {
 protected:
  std::size_t chunks_used() { return node.memory.chunks.stats().used; }
  std::size_t live_bytes(std::string_view name) {
    std::size_t bytes = 0;
    node.memory.budget.for_each_account([&](const Account& account) {
      if (account.name() == name) bytes += account.live_bytes();
    });
    return bytes;
  }

  FakeNetwork network;
  TestNode node{network};
  std::unique_ptr<store::BlockSource> session = node.bitswap.open_session();
};

TEST_F(NextPeerTest, TheNextPeerIsAskedWhenOneEndsInTheMiddleOfTheBlock) {
  for (int how = 0; how < 3; ++how) {
    SCOPED_TRACE(how);
    auto bad = std::make_unique<RawPeer>(network, node);
    RawPeer good(network, node);
    const TestBlock block = numbered_block(50 + static_cast<unsigned>(how), 500'000);
    Wanted wanted(*session, block.cid, node.memory.holder);
    network.advance(1100ms);
    bad->send(presence(block.cid, Presence::have));
    network.run();
    ASSERT_TRUE(bad->asked_for(block.cid, WantType::block));
    good.send(presence(block.cid, Presence::have));
    RawPeer::Out& half = bad->open();
    half.send(std::string_view(framed(payload(block.cid, block.bytes))).substr(0, block.bytes.size() / 2));
    network.run();
    ASSERT_TRUE(half.all_sent());
    EXPECT_GE(chunks_used(), block.bytes.size() / 2 / chunk_bytes);
    EXPECT_GE(live_bytes("bitswap.block"), block.bytes.size() / 2);
    EXPECT_FALSE(good.asked_for(block.cid, WantType::block)) << "it is on its way";
    if (how == 0) bad.reset();
    if (how == 1) half.stream->reset();
    if (how == 2) half.stream->close_write();
    network.run();
    EXPECT_EQ(chunks_used(), 0u);
    EXPECT_EQ(live_bytes("bitswap.block"), 0u);
    // That a stream ended does not say that the block comes on no other.
    if (how != 0) network.advance(7s);
    EXPECT_TRUE(good.asked_for(block.cid, WantType::block));
    good.send(payload(block.cid, block.bytes));
    network.run();
    EXPECT_TRUE(wanted.got(block));
    EXPECT_FALSE(wanted.error());
  }
}

// Of a peer that has answered nothing yet: five seconds, or two and three round trips.
TEST_F(NextPeerTest, PatienceFollowsWhatPingsHaveMeasured) {
  using Row = std::pair<std::optional<Duration>, Duration>;
  unsigned number = 50;
  for (const auto& [round_trip, patience] : {Row{std::nullopt, 5s}, Row{100ms, 2300ms}, Row{10s, 7s}}) {
    SCOPED_TRACE(patience.count());
    node.host.round_trip = round_trip;
    auto own = node.bitswap.open_session();
    RawPeer bad(network, node), good(network, node);
    const TestBlock unanswered = numbered_block(++number, 300), first = numbered_block(++number, 300),
                    second = numbered_block(++number, 300);
    Wanted one(*own, unanswered.cid, node.memory.holder);
    network.run();
    // It sends what others were asked for, so that it is one of the session and has answered nothing.
    node.host.far.insert(bad.host.self().to_base58());
    Wanted two(*own, first.cid, node.memory.holder);
    network.run();
    ASSERT_FALSE(bad.asked_for(first.cid, WantType::have));
    bad.send(payload(first.cid, first.bytes));
    network.run();
    ASSERT_TRUE(two.got(first));
    Wanted three(*own, second.cid, node.memory.holder);
    network.run();
    ASSERT_TRUE(bad.asked_for(second.cid, WantType::block));
    network.advance(patience - 100ms);
    EXPECT_FALSE(good.asked_for(second.cid, WantType::have));
    network.advance(1500ms);
    EXPECT_TRUE(good.asked_for(second.cid, WantType::have));
  }
}

// Twice what answers have taken, and half a second at least.
TEST_F(NextPeerTest, PatienceFollowsWhatAnswersHaveTaken) {
  using Row = std::pair<Duration, Duration>;
  unsigned number = 50;
  node.host.round_trip = 1s;
  for (const auto& [took, patience] : {Row{0s, 500ms}, Row{1s, 2s}, Row{3s, 6s}, Row{5s, 7s}}) {
    SCOPED_TRACE(took.count());
    auto own = node.bitswap.open_session();
    RawPeer bad(network, node), good(network, node);
    const TestBlock block = numbered_block(++number, 3000);
    Wanted wanted(*own, block.cid, node.memory.holder);
    network.advance(took);
    ASSERT_TRUE(bad.asked_for(block.cid, WantType::have));
    bad.send(presence(block.cid, Presence::have));
    network.run();
    good.send(presence(block.cid, Presence::have));
    network.run();
    ASSERT_TRUE(bad.asked_for(block.cid, WantType::block));
    network.advance(patience - 10ms);
    EXPECT_FALSE(good.asked_for(block.cid, WantType::block));
    network.advance(300ms);
    EXPECT_TRUE(good.asked_for(block.cid, WantType::block));
  }
}

TEST_F(NextPeerTest, WhoMissesSixteenTimesInARowIsOfTheSessionNoMore) {
  RawPeer peer(network, node);
  const TestBlock first = numbered_block(50, 3000);
  Wanted wanted(*session, first.cid, node.memory.holder);
  network.run();
  peer.send(payload(first.cid, first.bytes));
  network.run();
  ASSERT_TRUE(wanted.got(first));
  for (unsigned i = 0; i < 17; ++i) {
    const TestBlock block = numbered_block(100 + i, 3000);
    Wanted missing(*session, block.cid, node.memory.holder);
    network.run();
    ASSERT_EQ(peer.asked_for(block.cid, WantType::block), i < 16) << i;
    ASSERT_EQ(peer.asked_for(block.cid, WantType::have), i == 16) << i;
    peer.send(presence(block.cid, Presence::dont_have));
    network.run();
  }
}

// A table of 8 asks, under it more peers and wants than it has places.
class FullAsksTest : public NextPeerTest {
 protected:
  static BitswapLimits limits_of_eight() {
    BitswapLimits limits;
    limits.asks = 8;
    return limits;
  }
  bool asked_for(RawPeer& peer, const TestBlock& block) { return peer.asked_for(block.cid, WantType::have); }

  TestNode tight{network, limits_of_eight()};
  std::unique_ptr<store::BlockSource> source = tight.bitswap.open_session();
};

TEST_F(FullAsksTest, WhoDoesNotHaveABlockGivesWayToWhoMayHaveAnother) {
  std::deque<RawPeer> peers;
  for (int i = 0; i < 6; ++i) peers.emplace_back(network, tight);
  const TestBlock nowhere = numbered_block(50, 3000), block = numbered_block(51, 3000);
  Wanted never(*source, nowhere.cid, tight.memory.holder);
  network.run();
  for (RawPeer& peer : peers) {
    ASSERT_TRUE(asked_for(peer, nowhere));
    peer.send(presence(nowhere.cid, Presence::dont_have));
  }
  network.run();
  Wanted wanted(*source, block.cid, tight.memory.holder);
  network.run();
  for (RawPeer& peer : peers) EXPECT_TRUE(asked_for(peer, block));
  peers.back().send(presence(block.cid, Presence::have));
  network.run();
  peers.back().send(payload(block.cid, block.bytes));
  network.run();
  EXPECT_TRUE(wanted.got(block));
  EXPECT_FALSE(never.done());
}

TEST_F(FullAsksTest, WhoIsSilentGivesWayAfterAWhile) {
  const auto client_bytes = [&] {
    std::size_t bytes = 0;
    tight.memory.budget.for_each_account([&](const Account& account) {
      if (account.name() == "bitswap.client") bytes += account.live_bytes();
    });
    return bytes;
  };
  const std::size_t at_first = client_bytes();
  RawPeer silent(network, tight);
  std::vector<TestBlock> blocks;
  std::vector<std::unique_ptr<Wanted>> wanted;
  for (unsigned i = 0; i < 8; ++i) {
    blocks.push_back(numbered_block(60 + i, 3000));
    wanted.push_back(std::make_unique<Wanted>(*source, blocks[i].cid, tight.memory.holder));
  }
  network.advance(1s);
  for (const TestBlock& block : blocks) ASSERT_TRUE(asked_for(silent, block));
  RawPeer early(network, tight);
  network.run();
  EXPECT_FALSE(asked_for(early, blocks[0])) << "the answers may still come";
  network.advance(5s);
  RawPeer late(network, tight);
  network.run();
  for (const TestBlock& block : blocks) EXPECT_TRUE(asked_for(late, block));
  late.send(presence(blocks[3].cid, Presence::have));
  network.run();
  late.send(payload(blocks[3].cid, blocks[3].bytes));
  network.run();
  EXPECT_TRUE(wanted[3]->got(blocks[3]));
  // Who was silent is heard all the same; a HAVE for what it has just sent leaves nothing behind.
  silent.send(payload(blocks[0].cid, blocks[0].bytes) + presence(blocks[0].cid, Presence::have));
  silent.send(presence(blocks[1].cid, Presence::have));
  network.run();
  EXPECT_TRUE(wanted[0]->got(blocks[0]));
  EXPECT_TRUE(silent.asked_for(blocks[1].cid, WantType::block));
  wanted.clear();
  source.reset();
  network.run();
  EXPECT_EQ(client_bytes(), at_first);
}

}  // namespace
}  // namespace masu::bitswap
