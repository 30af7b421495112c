// When a block is asked of the next peer: one ends in the middle of it, or takes too long.
#include "bitswap/client.hpp"
#include "tests/bitswap/raw_peer.hpp"

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

}  // namespace
}  // namespace masu::bitswap
