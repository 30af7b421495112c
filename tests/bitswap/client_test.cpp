// What a session asks of whom, and what answers that keep no rules do to it.
#include "bitswap/client.hpp"

#include "tests/bitswap/raw_peer.hpp"

#include <gtest/gtest.h>

namespace masu::bitswap {
namespace {

class ClientTest : public testing::Test {
 protected:
  std::size_t chunks_used() { return node.memory.chunks.stats().used; }

  FakeNetwork network;
  TestNode node{network};
  std::unique_ptr<store::BlockSource> session = node.bitswap.open_session();
  const TestBlock small = numbered_block(1, 2000);
  const TestBlock large = numbered_block(2, 500'000);
};

TEST_F(ClientTest, BlocksThatAreHereAreReadFromTheStore) {
  node.put(large);
  Wanted wanted(*session, large.cid, node.memory.holder);
  EXPECT_FALSE(wanted.done()) << "no answer from inside of the call";
  network.run();
  EXPECT_TRUE(wanted.got(large));
  EXPECT_GT(node.memory.holder.live_bytes(), 0u);
}

TEST_F(ClientTest, AfterAMissManyAreLookedForWithOneJob) {
  std::vector<TestBlock> blocks;
  for (unsigned i = 0; i < 40; ++i) blocks.push_back(numbered_block(100 + i, 1000));
  for (std::size_t i = 20; i < blocks.size(); i += 2) node.put(blocks[i]);
  const std::size_t at_first = network.jobs.posted();
  std::vector<std::unique_ptr<Wanted>> wanted;
  const auto ask_for = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      wanted.push_back(std::make_unique<Wanted>(*session, blocks[i].cid, node.memory.holder));
    }
    network.run();
  };
  ask_for(0, 1);
  EXPECT_EQ(network.jobs.posted() - at_first, 1u);
  ask_for(1, 20);
  EXPECT_EQ(network.jobs.posted() - at_first, 1u + 2u) << "the next one, and those that came meanwhile";
  ask_for(20, 40);
  for (std::size_t i = 20; i < blocks.size(); ++i) EXPECT_EQ(wanted[i]->got(blocks[i]), i % 2 == 0);
}

TEST_F(ClientTest, ASessionMayEndWhileItsBlocksAreLookedFor) {
  auto other = node.bitswap.open_session();
  auto missing = std::make_unique<Wanted>(*other, large.cid, node.memory.holder);
  network.run();
  auto under_way = std::make_unique<Wanted>(*other, small.cid, node.memory.holder);
  under_way.reset();
  missing.reset();
  other.reset();
  network.run();
  EXPECT_EQ(node.bitswap.stat().wants, 0u);
}

TEST_F(ClientTest, IdentityCidsHoldTheirBlock) {
  const Cid cid = Cid::v1(Codec::raw, *multihash_of(HashCode::identity, as_bytes("inline")));
  Wanted wanted(*session, cid, node.memory.holder);
  EXPECT_FALSE(wanted.done());
  network.run();
  EXPECT_TRUE(wanted.got({cid, "inline"}));
}

TEST_F(ClientTest, HashFunctionsOffTheListAreRefused) {
  const Cid cid = Cid::v1(Codec::raw, Multihash::make(HashCode::md5, Bytes(std::array<std::uint8_t, 16>{})));
  Wanted wanted(*session, cid, node.memory.holder);
  network.run();
  EXPECT_EQ(wanted.error(), store::StoreErrorCode::refused);
}

TEST_F(ClientTest, APeerIsAskedWhetherItHasItThenForTheBlock) {
  RawPeer peer(network, node);
  Wanted wanted(*session, large.cid, node.memory.holder);
  network.run();
  ASSERT_EQ(peer.heard.wants.size(), 1u);
  EXPECT_EQ(peer.heard.wants[0].type, WantType::have);
  EXPECT_TRUE(peer.heard.wants[0].send_dont_have);
  EXPECT_TRUE(node.host.expected.empty());
  peer.send(presence(large.cid, Presence::have));
  network.run();
  ASSERT_EQ(peer.heard.wants.size(), 2u);
  EXPECT_EQ(node.host.expected[peer.host.self().to_base58()], 1) << "the kernel has room for it";
  EXPECT_EQ(peer.heard.wants[1].type, WantType::block);
  peer.send(payload(large.cid, large.bytes));
  network.run();
  EXPECT_TRUE(wanted.got(large));
  EXPECT_EQ(peer.heard.wants.size(), 2u) << "no cancel for who sent it";
}

TEST_F(ClientTest, EveryOtherPeerGetsACancel) {
  RawPeer one(network, node), two(network, node);
  Wanted wanted(*session, large.cid, node.memory.holder);
  network.run();
  one.send(presence(large.cid, Presence::have));
  two.send(presence(large.cid, Presence::dont_have));
  network.run();
  one.send(payload(large.cid, large.bytes));
  network.run();
  EXPECT_TRUE(wanted.got(large));
  EXPECT_TRUE(two.heard.wants.back().cancel);
  EXPECT_EQ(two.heard.wants.back().cid, large.cid);
}

TEST_F(ClientTest, AnEndedSessionTakesItsWantsBack) {
  RawPeer peer(network, node);
  auto wanted = std::make_unique<Wanted>(*session, large.cid, node.memory.holder);
  network.run();
  wanted.reset();
  network.run();
  EXPECT_TRUE(peer.heard.wants.back().cancel);
  EXPECT_EQ(node.bitswap.stat().wants, 0u);
  session->prefetch(std::vector<Cid>{small.cid});
  network.run();
  session.reset();
  network.run();
  EXPECT_TRUE(peer.heard.wants.back().cancel);
  EXPECT_EQ(peer.heard.wants.back().cid, small.cid);
}

TEST_F(ClientTest, TheNextPeerIsAskedWhenOneSaysNoOrNothingOrLeaves) {
  for (int how = 0; how < 3; ++how) {
    SCOPED_TRACE(how);
    auto bad = std::make_unique<RawPeer>(network, node);
    RawPeer good(network, node);
    const TestBlock block = numbered_block(50 + static_cast<unsigned>(how), 3000);
    Wanted wanted(*session, block.cid, node.memory.holder);
    network.advance(1100ms);
    bad->send(presence(block.cid, Presence::have));
    network.run();
    ASSERT_TRUE(bad->asked_for(block.cid, WantType::block));
    good.send(presence(block.cid, Presence::have));
    network.run();
    EXPECT_FALSE(good.asked_for(block.cid, WantType::block)) << "one want-block at a time";
    if (how == 0) bad->send(presence(block.cid, Presence::dont_have));
    if (how == 1) network.advance(6s);
    if (how == 2) bad.reset();
    network.run();
    EXPECT_TRUE(good.asked_for(block.cid, WantType::block));
    good.send(payload(block.cid, block.bytes));
    network.run();
    EXPECT_TRUE(wanted.got(block));
  }
}

// As when the stream that carried a block was refused: nobody else has it, and the peer thinks that it was
// sent.
TEST_F(ClientTest, APeerThatWasLateIsAskedAgainSoon) {
  RawPeer peer(network, node);
  Wanted wanted(*session, large.cid, node.memory.holder);
  network.run();
  peer.send(presence(large.cid, Presence::have));
  network.run();
  ASSERT_TRUE(peer.asked_for(large.cid, WantType::block));
  peer.heard.wants.clear();
  network.advance(8s);
  EXPECT_TRUE(peer.asked_for(large.cid, WantType::have)) << "once patience is over";
  // Its answer is lost too.
  peer.heard.wants.clear();
  network.advance(9s);
  EXPECT_TRUE(peer.asked_for(large.cid, WantType::have));
  peer.heard.wants.clear();
  peer.send(presence(large.cid, Presence::have));
  network.run();
  EXPECT_TRUE(peer.asked_for(large.cid, WantType::block));
  peer.heard.wants.clear();
  network.advance(8s);
  peer.send(presence(large.cid, Presence::dont_have));
  network.run();
  peer.heard.wants.clear();
  network.advance(20s);
  EXPECT_TRUE(peer.heard.wants.empty()) << "who says no is left alone until all are told again";
}

TEST_F(ClientTest, ABlockThatManyHaveOvertakenIsLostThoughOthersCome) {
  RawPeer peer(network, node);
  Wanted wanted(*session, large.cid, node.memory.holder);
  network.run();
  peer.send(presence(large.cid, Presence::have));
  network.run();
  ASSERT_TRUE(peer.asked_for(large.cid, WantType::block));
  peer.heard.wants.clear();
  // Four blocks a second, each asked for and sent at once.
  unsigned others = 0;
  while (!peer.asked_for(large.cid, WantType::have)) {
    ASSERT_LT(++others, 20u);
    const TestBlock other = numbered_block(600 + others, 3000);
    Wanted one(*session, other.cid, node.memory.holder);
    network.run();
    ASSERT_TRUE(peer.asked_for(other.cid, WantType::block)) << others;
    peer.send(payload(other.cid, other.bytes));
    network.run();
    ASSERT_TRUE(one.got(other));
    network.advance(250ms);
  }
  EXPECT_GT(others, 2u) << "it has some time";
  peer.send(payload(large.cid, large.bytes));
  network.run();
  EXPECT_TRUE(wanted.got(large));
}

TEST_F(ClientTest, WantsAreToldAgainAfterAWhile) {
  RawPeer peer(network, node);
  Wanted wanted(*session, large.cid, node.memory.holder);
  network.advance(31s);
  EXPECT_EQ(peer.heard.wants.size(), 2u);
}

TEST_F(ClientTest, NoMoreThan64WantsAreBroadcast) {
  RawPeer peer(network, node);
  std::vector<Cid> cids;
  for (unsigned i = 0; i < 500; ++i) cids.push_back(numbered_block(100 + i, 30).cid);
  session->prefetch(cids);
  network.advance(10s);
  EXPECT_LE(peer.heard.wants.size(), 64u);
  EXPECT_GE(peer.heard.wants.size(), 8u);
}

TEST_F(ClientTest, PrefetchedBlocksLieInTheStoreOnly) {
  TestNode server(network);
  std::vector<Cid> cids;
  for (unsigned i = 0; i < 100; ++i) {
    const TestBlock block = numbered_block(100 + i, 20'000);
    server.put(block);
    cids.push_back(block.cid);
  }
  network.connect(server.host, node.host);
  session->prefetch(cids);
  ASSERT_TRUE(network.run());
  for (unsigned i = 0; i < 100; ++i) EXPECT_TRUE(node.has(numbered_block(100 + i, 20'000)));
  EXPECT_EQ(chunks_used(), 0u);
  EXPECT_EQ(node.bitswap.stat().wants, 0u);
}

TEST_F(ClientTest, SeveralSessionsShareOneFetchAndOneMayGo) {
  TestNode server(network);
  server.put(large);
  std::vector<std::unique_ptr<store::BlockSource>> sessions;
  std::vector<std::unique_ptr<Wanted>> wanted;
  for (int i = 0; i < 5; ++i) {
    sessions.push_back(node.bitswap.open_session());
    wanted.push_back(std::make_unique<Wanted>(*sessions.back(), large.cid, node.memory.holder));
  }
  network.run();
  wanted[0].reset();
  sessions[0].reset();
  network.connect(server.host, node.host);
  network.run();
  for (std::size_t i = 1; i < wanted.size(); ++i) EXPECT_TRUE(wanted[i]->got(large));
  EXPECT_EQ(node.bitswap.stat().blocks_received, 1u);
}

TEST_F(ClientTest, SessionsHaveACap) {
  std::vector<std::unique_ptr<store::BlockSource>> sessions;
  while (auto one = node.bitswap.open_session()) sessions.push_back(std::move(one));
  EXPECT_EQ(sessions.size() + 1, BitswapLimits{}.sessions);
  sessions.pop_back();
  EXPECT_NE(node.bitswap.open_session(), nullptr);
}

TEST_F(ClientTest, RequestsAboveTheCapWait) {
  BitswapLimits limits;
  limits.client_wants = 8;
  limits.asks = 8;
  TestNode tight(network, limits), server(network);
  const auto source = tight.bitswap.open_session();
  std::vector<TestBlock> blocks;
  std::vector<std::unique_ptr<Wanted>> wanted;
  for (unsigned i = 0; i < 100; ++i) {
    blocks.push_back(numbered_block(100 + i, 3000));
    server.put(blocks.back());
    wanted.push_back(std::make_unique<Wanted>(*source, blocks.back().cid, tight.memory.holder));
  }
  wanted[50].reset();
  network.connect(server.host, tight.host);
  network.advance(3s);
  for (unsigned i = 0; i < 100; ++i) EXPECT_TRUE(i == 50 || wanted[i]->got(blocks[i])) << i;
}

TEST_F(ClientTest, WhatWasNotAskedForIsDroppedAndCounted) {
  RawPeer peer(network, node);
  peer.send(payload(large.cid, large.bytes));
  network.run(40);
  EXPECT_EQ(chunks_used(), 0u) << "nothing was asked of it at all";
  network.run();
  EXPECT_EQ(node.bitswap.stat().duplicate_blocks_received, 1u);
  Wanted wanted(*session, small.cid, node.memory.holder);
  network.run();
  peer.send(payload(large.cid, large.bytes) + payload(small.cid, "not " + small.bytes));
  network.run();
  EXPECT_FALSE(wanted.done());
  EXPECT_FALSE(node.has(large));
  EXPECT_EQ(chunks_used(), 0u);
  EXPECT_EQ(node.bitswap.stat().duplicate_blocks_received, 3u);
}

TEST_F(ClientTest, APeerThatSendsNothingButJunkIsNotListenedTo) {
  RawPeer peer(network, node);
  Wanted wanted(*session, small.cid, node.memory.holder);
  network.run();
  for (unsigned i = 0; i < 200; ++i) peer.send(payload(large.cid, numbered_block(i, 1000).bytes));
  network.run();
  EXPECT_EQ(node.bitswap.stat().blocks_received, 64u);
  EXPECT_EQ(node.bitswap.stat().duplicate_blocks_received, 200u);
}

TEST_F(ClientTest, StalledRoomIsTakenBackAndAnHonestPeerIsServed) {
  std::list<RawPeer> stalled;
  Wanted wanted(*session, large.cid, node.memory.holder);
  for (int p = 0; p < 6; ++p) stalled.emplace_back(network, node);
  network.run();
  for (RawPeer& peer : stalled) {
    // A block of 2 MiB is announced, and 40 KiB of it come.
    const std::string message = framed(payload(small.cid, std::string(store::block_bytes_max, 'x')));
    peer.open().send(std::string_view(message).substr(0, 40'000));
  }
  network.run();
  EXPECT_GE(chunks_used(), 10u) << "five of them hold all room there is";
  TestNode server(network);
  server.put(large);
  network.connect(server.host, node.host);
  network.advance(5s);
  EXPECT_TRUE(wanted.got(large));
  network.advance(15s);
  EXPECT_LE(chunks_used(), (large.bytes.size() + chunk_bytes - 1) / chunk_bytes);
}

TEST_F(ClientTest, ABlockOfAGiverFindsRoomBesideThoseThatStrangersBegan) {
  RawPeer giver(network, node);
  const TestBlock first = numbered_block(700, 50'000), second = numbered_block(701, 200'000);
  const auto ask_giver_for = [&](const TestBlock& block, Wanted& wanted) {
    network.run();
    giver.send(presence(block.cid, Presence::have));
    network.run();
    giver.send(payload(block.cid, block.bytes));
    network.run();
    return wanted.got(block);
  };
  Wanted one(*session, first.cid, node.memory.holder);
  ASSERT_TRUE(ask_giver_for(first, one));
  std::list<RawPeer> strangers;
  Wanted nowhere(*session, large.cid, node.memory.holder);
  for (int p = 0; p < 12; ++p) strangers.emplace_back(network, node);
  network.advance(2s);
  for (RawPeer& peer : strangers) {
    const std::string message = framed(payload(small.cid, std::string(store::block_bytes_max, 'x')));
    peer.open().send(std::string_view(message).substr(0, 40'000));
  }
  network.run();
  EXPECT_GE(chunks_used(), 10u) << "they hold what they may, and others of them wait";
  Wanted two(*session, second.cid, node.memory.holder);
  EXPECT_TRUE(ask_giver_for(second, two)) << "without a wait";
}

// What it gave once is no right to all the room there is.
TEST_F(ClientTest, AGiverThatDribblesGivesWayToAStrangerThatWaits) {
  RawPeer giver(network, node);
  const TestBlock first = numbered_block(700, 50'000);
  Wanted one(*session, first.cid, node.memory.holder);
  network.run();
  giver.send(payload(first.cid, first.bytes));
  network.run();
  ASSERT_TRUE(one.got(first));
  Wanted two(*session, large.cid, node.memory.holder);
  network.advance(2s);
  std::vector<RawPeer::Out*> slow;
  const std::string message = framed(payload(small.cid, std::string(store::block_bytes_max, 'x')));
  for (int n = 0; n < 6; ++n) slow.push_back(&giver.open());
  for (RawPeer::Out* out : slow) out->send(std::string_view(message).substr(0, 40'000));
  TestNode server(network);
  server.put(large);
  network.connect(server.host, node.host);
  for (int seconds = 0; seconds < 12 && !two.done(); ++seconds) {
    for (RawPeer::Out* out : slow) out->send("xxxx");
    network.advance(1s);
  }
  EXPECT_TRUE(two.got(large));
}

TEST_F(ClientTest, AGiverThatStoodStillIsAskedAgainAndHeard) {
  RawPeer giver(network, node);
  const TestBlock first = numbered_block(700, 50'000), second = numbered_block(701, 200'000);
  Wanted one(*session, first.cid, node.memory.holder);
  network.run();
  giver.send(payload(first.cid, first.bytes));
  network.run();
  ASSERT_TRUE(one.got(first));
  Wanted two(*session, second.cid, node.memory.holder);
  network.run();
  const std::string message = framed(payload(second.cid, second.bytes));
  giver.open().send(std::string_view(message).substr(0, 100'000));
  network.run();
  giver.heard.wants.clear();
  network.advance(12s);
  EXPECT_TRUE(giver.asked_for(second.cid, WantType::have));
  giver.send(payload(second.cid, second.bytes));
  network.run();
  EXPECT_TRUE(two.got(second)) << "it is not dropped for what it was late with";
}

TEST_F(ClientTest, AStoreThatRefusesIsAnError) {
  class FullStore final : public store::BlockStore {
   public:
    using store::BlockStore::put;
    store::StoreResult<std::optional<std::uint32_t>> size(const Multihash&) override { return std::nullopt; }
    store::StoreResult<std::unique_ptr<store::BlockReader>> open(const Multihash&) override {
      return store::fail(store::StoreErrorCode::not_found, "");
    }
    store::StoreResult<ChunkChain> get(const Multihash&, ChunkPool&, Account&) override {
      return store::fail(store::StoreErrorCode::not_found, "");
    }
    store::StoreResult<bool> put(const Multihash&, std::span<const Bytes>) override {
      return store::fail(store::StoreErrorCode::disk_full, "");
    }
    store::StoreResult<void> sync() override { return {}; }
    store::StoreResult<bool> remove(const Multihash&) override { return false; }
  };
  FullStore full;
  TestNode server(network);
  server.put(small);
  TestMemory memory;
  SeededRandom random(1);
  FakeHost& host = network.add_host();
  Bitswap bitswap(host, full, network.jobs, memory.chunks, memory.budget, random, {});
  network.connect(host, server.host);
  auto source = bitswap.open_session();
  {
    Wanted one(*source, small.cid, memory.holder), two(*source, small.cid, memory.holder);
    network.run();
    EXPECT_EQ(one.error(), store::StoreErrorCode::disk_full);
    EXPECT_EQ(two.error(), store::StoreErrorCode::disk_full);
  }
  source.reset();
  bitswap.stop();
  network.disconnect(host, server.host);
  network.run();
}

// All that arrive hold a part, and none gets more, as when a budget was made smaller meanwhile: one makes
// room, and is asked for again.
TEST_F(ClientTest, BlocksThatGetNoFurtherMakeRoomForEachOther) {
  std::vector<std::unique_ptr<RawPeer>> peers;
  std::vector<std::unique_ptr<store::BlockSource>> sessions;
  std::vector<std::unique_ptr<Wanted>> wanted;
  std::vector<TestBlock> blocks;
  std::vector<std::string> rests;
  for (unsigned i = 0; i < 3; ++i) {
    blocks.push_back(numbered_block(600 + i, 1'900'000));
    peers.push_back(std::make_unique<RawPeer>(network, node));
    sessions.push_back(node.bitswap.open_session());
    wanted.push_back(std::make_unique<Wanted>(*sessions[i], blocks[i].cid, node.memory.holder));
    network.run();
    peers[i]->send(presence(blocks[i].cid, Presence::have));
    network.run();
    ASSERT_TRUE(peers[i]->asked_for(blocks[i].cid, WantType::block));
    const std::string message = framed(payload(blocks[i].cid, blocks[i].bytes));
    peers[i]->open().send(message.substr(0, 1'000'000));
    rests.push_back(message.substr(1'000'000));
    network.run();
  }
  BitswapLimits smaller;
  smaller.block_bytes = std::size_t{2} << 20;
  node.bitswap.set_bounds(smaller);
  for (unsigned i = 0; i < 3; ++i) peers[i]->last().send(rests[i]);
  network.run();
  EXPECT_EQ(node.bitswap.stat().blocks_received, 0u);
  network.advance(6s);
  EXPECT_EQ(node.bitswap.stat().blocks_received, 1u);
  for (unsigned i = 0; i < 3; ++i) {
    if (wanted[i]->done()) continue;
    EXPECT_EQ(peers[i]->last().end, net::StreamEnd::reset_by_peer);
    peers[i]->send(payload(blocks[i].cid, blocks[i].bytes));
    network.advance(6s);
  }
  for (unsigned i = 0; i < 3; ++i) EXPECT_TRUE(wanted[i]->got(blocks[i])) << i;
  wanted.clear();
  sessions.clear();
  network.run();
}

// Whatever memory is refused: all is answered in the end, and all comes back.
TEST_F(ClientTest, RefusedMemoryDelaysAndLosesNothing) {
  for (const std::size_t chunk_count : {140u, 150u, 200u}) {
    SCOPED_TRACE(chunk_count);
    BitswapLimits limits;
    limits.block_bytes = 2 << 20;
    TestNode tight(network, limits, chunk_count), server(network, limits, chunk_count);
    const auto source = tight.bitswap.open_session();
    std::vector<TestBlock> blocks;
    network.connect(server.host, tight.host);
    for (unsigned i = 0; i < 30; ++i) {
      blocks.push_back(numbered_block(100 + i, 200'000));
      server.put(blocks.back());
    }
    for (const TestBlock& block : blocks) {
      Wanted wanted(*source, block.cid, tight.memory.holder);
      network.advance(3s);
      EXPECT_TRUE(wanted.got(block));
    }
    tight.memory.holder.set_quota(3 * chunk_bytes);
    const TestBlock last = numbered_block(500, 100'000), behind = numbered_block(501, 100'000);
    server.put(last);
    server.put(behind);
    {
      Wanted wanted(*source, last.cid, tight.memory.holder);
      network.advance(3s);
      EXPECT_FALSE(wanted.done()) << "it is the only one: it waits for memory";
      EXPECT_TRUE(tight.has(last));
      tight.memory.holder.set_quota(64 * chunk_bytes);
      network.advance(1s);
      EXPECT_TRUE(wanted.got(last));
    }
    tight.memory.holder.set_quota(3 * chunk_bytes);
    {
      Wanted one(*source, last.cid, tight.memory.holder), two(*source, behind.cid, tight.memory.holder);
      network.advance(3s);
      EXPECT_NE(one.done(), two.done()) << "of several the first is told at once";
      network.advance(12s);
      EXPECT_EQ(one.error(), store::StoreErrorCode::out_of_memory) << "nor does it wait for ever";
      EXPECT_EQ(two.error(), store::StoreErrorCode::out_of_memory);
    }
    const TestBlock far = numbered_block(502, 100'000);
    server.put(far);
    Wanted given_up(*source, far.cid, tight.memory.holder);
    network.advance(3s);
    EXPECT_FALSE(given_up.done());
  }
}

}  // namespace
}  // namespace masu::bitswap
