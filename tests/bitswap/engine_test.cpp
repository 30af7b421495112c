// What a node answers, and what peers that keep no rules can make it hold.
#include "bitswap/engine.hpp"

#include "tests/bitswap/raw_peer.hpp"

#include <gtest/gtest.h>

namespace masu::bitswap {
namespace {

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    for (unsigned i = 0; i < 40; ++i) {
      held.push_back(numbered_block(i, 2000 + 100 * i));
      node.put(held.back());
    }
  }
  static BitswapLimits small_tables() {
    BitswapLimits limits;
    limits.wants = 64;
    limits.wants_per_peer = 16;
    return limits;
  }
  Cid absent(unsigned number) { return numbered_block(1'000'000 + number, 20).cid; }
  std::size_t wants() { return node.bitswap.stat().server_wants; }

  FakeNetwork network;
  TestNode node{network, small_tables()};
  std::vector<TestBlock> held;
};

TEST_F(EngineTest, AWantHaveIsAnsweredAndASmallBlockComesInItsPlace) {
  RawPeer peer(network, node);
  const TestBlock small = numbered_block(77, have_replaced_bytes);
  const TestBlock larger = numbered_block(78, have_replaced_bytes + 1);
  node.put(small);
  node.put(larger);
  peer.send(wantlist({{text_of(small.cid), 1, false, WantType::have, true},
                      {text_of(larger.cid), 1, false, WantType::have, true},
                      {text_of(absent(1)), 1, false, WantType::have, true},
                      {text_of(absent(2)), 1, false, WantType::have, false}}));
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(peer.sent(small));
  EXPECT_FALSE(peer.sent(larger));
  EXPECT_TRUE(peer.said(larger.cid, Presence::have));
  EXPECT_TRUE(peer.said(absent(1), Presence::dont_have));
  EXPECT_FALSE(peer.said(absent(2), Presence::dont_have)) << "it was not asked for";
  EXPECT_EQ(wants(), 2u) << "those that are absent wait";
}

TEST_F(EngineTest, CancelsEndWantsAndFullListsReplaceThem) {
  RawPeer peer(network, node);
  peer.send(wantlist({{text_of(absent(1))}, {text_of(absent(2))}, {text_of(absent(3))}}));
  network.run();
  EXPECT_EQ(wants(), 3u);
  peer.send(wantlist({{text_of(absent(2)), 1, true}}));
  network.run();
  EXPECT_EQ(wants(), 2u);
  peer.send(wantlist({{text_of(absent(3))}, {text_of(absent(4))}}, true));
  network.run();
  EXPECT_EQ(wants(), 2u);
  node.put(numbered_block(1'000'001, 20));
  node.put(numbered_block(1'000'004, 20));
  network.run();
  EXPECT_FALSE(peer.sent(numbered_block(1'000'001, 20)));
  EXPECT_TRUE(peer.sent(numbered_block(1'000'004, 20)));
  peer.send(wantlist({}, true));
  network.run();
  EXPECT_EQ(wants(), 0u);
}

TEST_F(EngineTest, BlocksOfHigherPriorityComeFirst) {
  network.window_bytes = 1000;
  RawPeer peer(network, node);
  std::vector<WantText> list;
  for (int i = 0; i < 16; ++i) list.push_back({text_of(held[i + 20].cid), i == 9 ? 100 : i});
  peer.send(wantlist(list));
  ASSERT_TRUE(network.run());
  ASSERT_EQ(peer.heard.blocks.size(), 16u);
  const auto place = [&](std::size_t of) {
    return std::ranges::find(peer.heard.blocks, held[of].cid.hash(),
                             &std::pair<Multihash, std::string>::first) -
           peer.heard.blocks.begin();
  };
  EXPECT_LT(place(29), place(22)) << "the first few are looked up before the others are known";
}

TEST_F(EngineTest, AHeldBlockIsServedToAPeerThatFilledItsCapWithAbsentOnes) {
  RawPeer peer(network, node);
  for (unsigned i = 0; i < 500; ++i) peer.send(wantlist({{text_of(absent(i)), 1'000'000}}));
  ASSERT_TRUE(network.run());
  EXPECT_LE(wants(), 16u);
  peer.send(wantlist({{text_of(held[3].cid), 0}}));
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(peer.sent(held[3]));
}

TEST_F(EngineTest, AHundredThousandWantsOfOnePeerAreAHandful) {
  RawPeer peer(network, node);
  std::string digest(32, 'd');
  unsigned made = 0;
  while (made < 100'000) {
    std::string list;
    for (int i = 0; i < 2'000; ++i, ++made) {
      const std::string number = std::to_string(made);
      digest.replace(0, number.size(), number);
      list += bytes_field(field::entries, bytes_field(field::entry_cid, "\x01\x55\x12\x20" + digest));
    }
    peer.send(bytes_field(field::wantlist, list));
    ASSERT_TRUE(network.run());
    ASSERT_LE(wants(), 16u);
  }
  peer.send(wantlist({{text_of(held[3].cid), 0}}));
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(peer.sent(held[3]));
}

TEST_F(EngineTest, ManyPeersWithAbsentWantsLeaveRoomForOneMore) {
  std::list<RawPeer> peers;
  for (unsigned p = 0; p < 12; ++p) {
    RawPeer& peer = peers.emplace_back(network, node);
    for (unsigned i = 0; i < 40; ++i) peer.send(wantlist({{text_of(absent(p * 1000 + i))}}));
  }
  ASSERT_TRUE(network.run());
  EXPECT_LE(wants(), 64u);
  RawPeer honest(network, node);
  for (unsigned i = 0; i < 16; ++i) honest.send(wantlist({{text_of(held[i].cid)}}));
  ASSERT_TRUE(network.run());
  EXPECT_EQ(honest.heard.blocks.size(), 16u);
  peers.clear();
  EXPECT_EQ(wants(), 0u);
}

// The accounts have room for all that the plan counts at once.
TEST_F(EngineTest, AWantIsServedWhileTheTableOfASmallNodeIsFull) {
  const BitswapLimits limits = BitswapLimits::from(*derive_plan(std::size_t{16} << 20));
  TestNode small(network, limits);
  small.put(held[30]);
  std::list<RawPeer> crowd;
  for (unsigned i = 0; i < 15; ++i) {
    std::vector<WantText> list;
    for (unsigned n = 0; n < 64; ++n) list.push_back({text_of(absent(100 * i + n))});
    crowd.emplace_back(network, small).send(wantlist(list));
  }
  network.advance(1s);
  EXPECT_EQ(small.bitswap.stat().server_wants, limits.wants);
  RawPeer honest(network, small);
  honest.send(wantlist({{text_of(held[30].cid)}}));
  network.advance(1s);
  EXPECT_TRUE(honest.sent(held[30]));
}

TEST_F(EngineTest, MoreWantsThanTheCapAreAllServedWhenTheirBlocksAreHere) {
  RawPeer peer(network, node);
  std::vector<WantText> list;
  for (const TestBlock& block : held) list.push_back({text_of(block.cid)});
  peer.send(wantlist(list));
  ASSERT_TRUE(network.run());
  EXPECT_EQ(peer.heard.blocks.size(), held.size());
}

TEST_F(EngineTest, PeersThatNeverReadKeepNobodyWaiting) {
  std::list<RawPeer> dead;
  for (unsigned p = 0; p < 20; ++p) {
    RawPeer& peer = dead.emplace_back(network, node);
    peer.host.deaf = true;
    for (unsigned i = 20; i < 36; ++i) peer.send(wantlist({{text_of(held[i].cid)}}));
  }
  network.window_bytes = 1000;
  network.advance(1s);
  RawPeer honest(network, node);
  for (unsigned i = 0; i < 8; ++i) honest.send(wantlist({{text_of(held[i].cid)}}));
  network.advance(3s);
  EXPECT_EQ(honest.heard.blocks.size(), 8u);
  EXPECT_EQ(node.memory.chunks.stats().used, 0u) << "the dead hold no chunks";
  network.advance(60s);
  EXPECT_EQ(wants(), 0u) << "and no wants, when their time is over";
}

// Each takes some bytes all the time, and there are more of them than jobs and memory.
TEST_F(EngineTest, PeersThatReadSlowlyKeepNobodyWaiting) {
  BitswapLimits limits;
  limits.sends = 2;
  limits.send_bytes = 2 * SendJob::piece_chunks_max * chunk_bytes;
  TestNode small(network, limits);
  network.window_bytes = 1000;
  for (const TestBlock& block : held) small.put(block);
  const TestBlock large = numbered_block(300, 250'000);
  small.put(large);
  std::list<RawPeer> crowd;
  for (unsigned p = 0; p < 20; ++p) {
    RawPeer& peer = crowd.emplace_back(network, small);
    peer.host.reads_bytes = 0;
    peer.send(wantlist({{text_of(large.cid)}}));
  }
  const auto pass = [&](Duration time) {
    for (Duration passed{}; passed < time; passed += 50ms) {
      for (RawPeer& peer : crowd) peer.host.reads_bytes = 500;
      network.advance(50ms);
    }
  };
  pass(2s);
  RawPeer honest(network, small);
  for (unsigned i = 0; i < 8; ++i) {
    honest.send(wantlist({{text_of(held[i].cid)}}));
    pass(1s);
    EXPECT_TRUE(honest.sent(held[i])) << i;
  }
  for (RawPeer& peer : crowd) peer.host.reads_bytes.reset();
  network.advance(30s);
  EXPECT_TRUE(std::ranges::all_of(crowd, [&](RawPeer& peer) { return peer.sent(large); }))
      << "and are served";
}

TEST_F(EngineTest, WhatComesNextIsReadWhileAPieceIsSent) {
  network.window_bytes = 1000;
  const TestBlock large = numbered_block(101, 600'000);
  const TestBlock middle[] = {numbered_block(102, 100'000), numbered_block(103, 100'000),
                              numbered_block(104, 100'000)};
  node.put(large);
  for (const TestBlock& block : middle) node.put(block);
  const std::size_t middle_chunks = 100'000 / chunk_bytes + 1;

  RawPeer of_large(network, node);
  of_large.host.deaf = true;
  of_large.send(wantlist({{text_of(large.cid)}}));
  network.run();
  EXPECT_EQ(node.memory.chunks.stats().used, 2 * SendJob::piece_bytes / chunk_bytes) << "the next piece";
  of_large.host.deaf = false;
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(of_large.sent(large));

  RawPeer of_three(network, node);
  of_three.host.deaf = true;
  of_three.send(wantlist({{text_of(middle[0].cid)}, {text_of(middle[1].cid)}, {text_of(middle[2].cid)}}));
  network.run();
  EXPECT_EQ(node.memory.chunks.stats().used, 2 * middle_chunks) << "the next message, not the one behind it";
  // A cancel comes too late for what is being read or sent.
  of_three.send(wantlist({{text_of(middle[1].cid), 1, true}, {text_of(middle[2].cid), 1, true}}));
  network.run();
  of_three.host.deaf = false;
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(of_three.sent(middle[0]));
  EXPECT_TRUE(of_three.sent(middle[1]));
  EXPECT_FALSE(of_three.sent(middle[2]));
  EXPECT_EQ(node.memory.chunks.stats().used, 0u);
}

TEST_F(EngineTest, NothingIsReadAheadOfOthersOrOfTheLastMemory) {
  BitswapLimits limits;
  limits.sends = 2;
  limits.send_bytes = 3 * SendJob::piece_chunks_max * chunk_bytes;
  TestNode small(network, limits);
  network.window_bytes = 1000;
  std::vector<TestBlock> blocks;
  for (unsigned i = 0; i < 4; ++i) small.put(blocks.emplace_back(numbered_block(200 + i, 100'000)));
  std::list<RawPeer> peers;
  for (unsigned p = 0; p < 3; ++p) {
    RawPeer& peer = peers.emplace_back(network, small);
    peer.host.deaf = true;
    for (const TestBlock& block : blocks) peer.send(wantlist({{text_of(block.cid)}}));
    network.run();
    const std::size_t messages = std::min<std::size_t>(p + 1, 2);
    EXPECT_EQ(small.memory.chunks.stats().used, messages * (100'000 / chunk_bytes + 1)) << p;
  }
  for (RawPeer& peer : peers) peer.host.deaf = false;
  ASSERT_TRUE(network.run());
  for (RawPeer& peer : peers) EXPECT_EQ(peer.heard.blocks.size(), blocks.size());
}

TEST(BitswapStreamsTest, StreamsOfOnePeerLeaveOthersTheirs) {
  FakeNetwork network;
  BitswapLimits limits;
  limits.inbound_streams = 8;
  TestNode node{network, limits};
  const TestBlock block = numbered_block(1, 3000);
  node.put(block);
  RawPeer greedy(network, node), modest(network, node);
  for (int i = 0; i < 12; ++i) greedy.open().send("\x80");  // a length that goes on
  ASSERT_TRUE(network.run());
  modest.send(wantlist({{text_of(block.cid)}}));
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(modest.sent(block));
  for (int i = 0; i < 12; ++i) greedy.open().send("\x80");
  ASSERT_TRUE(network.run());
  EXPECT_FALSE(modest.was_reset());
}

TEST(BitswapStreamsTest, AStrangerWithSeveralGivesOneToWhoHasNone) {
  FakeNetwork network;
  TestNode node{network};
  const TestBlock block = numbered_block(1, 3000);
  node.put(block);
  RawPeer useful(network, node), greedy(network, node), modest(network, node);
  for (int i = 0; i < 3; ++i) {
    useful.send(wantlist({{text_of(block.cid)}}));  // is sent bytes, and is of use by that
    network.advance(2s);
  }
  net::ProtocolHandler& served = *node.host.protocols_served.begin()->second.first;
  EXPECT_FALSE(served.make_room_for(modest.host.self())) << "nobody has two";
  for (int i = 0; i < 5; ++i) useful.open().send("\x80");
  for (int i = 0; i < 2; ++i) greedy.open().send("\x80");
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(served.make_room_for(modest.host.self()));
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(greedy.was_reset()) << "the older of its two";
  EXPECT_FALSE(greedy.last().end);
  EXPECT_FALSE(useful.was_reset());
  EXPECT_FALSE(served.make_room_for(modest.host.self()));
}

TEST_F(EngineTest, APeerThatLostItsWantsIsHeardAgain) {
  network.window_bytes = 200;
  RawPeer peer(network, node);
  peer.host.deaf = true;
  for (unsigned i = 0; i < 40; ++i) {
    peer.send(wantlist({{text_of(absent(i)), 1, false, WantType::block, true}}));
  }
  network.advance(15s);
  peer.host.deaf = false;
  peer.send(wantlist({{text_of(held[0].cid)}}));
  network.advance(5s);
  EXPECT_TRUE(peer.sent(held[0])) << "what it said while its answers waited is read when they are given up";
}

TEST_F(EngineTest, IdentityCidsAndEmptyMessagesAreNothing) {
  RawPeer peer(network, node);
  const Cid identity = Cid::v1(Codec::raw, *multihash_of(HashCode::identity, as_bytes("inline")));
  peer.send("");
  peer.send(wantlist({{text_of(identity), 1, false, WantType::have, true}}));
  network.run();
  EXPECT_FALSE(peer.was_reset());
  EXPECT_EQ(wants(), 0u);
  EXPECT_TRUE(peer.heard.presences.empty());
  EXPECT_EQ(node.bitswap.stat().messages_received, 2u);
}

TEST_F(EngineTest, MalformedMessagesEndTheirStreamOnly) {
  RawPeer peer(network, node);
  peer.send(wantlist({{text_of(absent(1))}, {""}}));
  network.run();
  EXPECT_TRUE(peer.was_reset());
  EXPECT_TRUE(node.host.connected(peer.host.self()));
  peer.send(wantlist({{text_of(held[1].cid)}}));
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(peer.sent(held[1]));
}

TEST_F(EngineTest, ABlockThatIsRemovedBeforeItIsSentIsNotHere) {
  network.window_bytes = 500;
  RawPeer peer(network, node);
  for (unsigned i = 0; i < 16; ++i) {
    peer.send(
        wantlist({{text_of(held[i + 20].cid), 16 - static_cast<int>(i), false, WantType::block, true}}));
  }
  network.run(60);
  for (unsigned i = 0; i < 16; ++i) (void)node.store.remove(held[i + 20].cid.hash());
  ASSERT_TRUE(network.run());
  EXPECT_FALSE(peer.was_reset());
  std::size_t answered = peer.heard.blocks.size();
  for (unsigned i = 0; i < 16; ++i) answered += peer.said(held[i + 20].cid, Presence::dont_have) ? 1 : 0;
  EXPECT_EQ(answered, 16u);
}

}  // namespace
}  // namespace masu::bitswap
