// Nodes together: hundreds of blocks, few and many peers, connections that break.
#include "bitswap/bitswap.hpp"

#include "bitswap/protocol.hpp"
#include "tests/bitswap/node.hpp"

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

namespace masu::bitswap {
namespace {

std::vector<TestBlock> many_blocks(unsigned count, std::size_t size, unsigned first = 1000) {
  std::vector<TestBlock> blocks;
  for (unsigned i = 0; i < count; ++i) blocks.push_back(numbered_block(first + i, size + i % 7));
  return blocks;
}

std::vector<std::unique_ptr<Wanted>> want_all(TestNode& node, store::BlockSource& source,
                                              const std::vector<TestBlock>& blocks) {
  std::vector<std::unique_ptr<Wanted>> wanted;
  for (const TestBlock& block : blocks) {
    wanted.push_back(std::make_unique<Wanted>(source, block.cid, node.memory.holder));
  }
  return wanted;
}

std::size_t count_got(const std::vector<std::unique_ptr<Wanted>>& wanted,
                      const std::vector<TestBlock>& blocks) {
  std::size_t got = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) got += wanted[i]->got(blocks[i]) ? 1 : 0;
  return got;
}

TEST(BitswapTest, ABlockComesFromAPeer) {
  FakeNetwork network;
  TestNode server(network), client(network);
  const TestBlock block = numbered_block(1, 300'000);
  server.put(block);
  network.connect(server.host, client.host);
  const auto session = client.bitswap.open_session();
  {
    Wanted wanted(*session, block.cid, client.memory.holder);
    ASSERT_TRUE(network.run());
    EXPECT_TRUE(wanted.got(block));
  }
  EXPECT_TRUE(client.has(block));
  EXPECT_EQ(client.bitswap.stat().blocks_received, 1u);
  EXPECT_EQ(client.bitswap.stat().data_received, 300'000u);
  EXPECT_EQ(client.bitswap.stat().duplicate_blocks_received, 0u);
  EXPECT_EQ(server.bitswap.stat().blocks_sent, 1u);
  EXPECT_EQ(server.bitswap.stat().data_sent, 300'000u);
  EXPECT_EQ(client.bitswap.stat().wants, 0u);
  EXPECT_EQ(server.bitswap.stat().server_wants, 0u);
}

TEST(BitswapTest, TheLargestBlockAndTheEmptyOneGoThrough) {
  FakeNetwork network;
  TestNode server(network), client(network);
  const std::vector<TestBlock> blocks = {numbered_block(1, store::block_bytes_max), make_block("")};
  for (const TestBlock& block : blocks) server.put(block);
  network.connect(server.host, client.host);
  const auto session = client.bitswap.open_session();
  const auto wanted = want_all(client, *session, blocks);
  ASSERT_TRUE(network.run());
  EXPECT_EQ(count_got(wanted, blocks), 2u);
}

TEST(BitswapTest, HundredsOfBlocksGoBothWays) {
  FakeNetwork network(3);
  TestNode one(network), two(network);
  const auto of_one = many_blocks(300, 3000, 1000);
  const auto of_two = many_blocks(300, 40'000, 5000);
  for (const TestBlock& block : of_one) one.put(block);
  for (const TestBlock& block : of_two) two.put(block);
  network.connect(one.host, two.host);
  const auto session_one = one.bitswap.open_session();
  const auto session_two = two.bitswap.open_session();
  const auto wanted_one = want_all(one, *session_one, of_two);
  const auto wanted_two = want_all(two, *session_two, of_one);
  ASSERT_TRUE(network.run());
  EXPECT_EQ(count_got(wanted_one, of_two), of_two.size());
  EXPECT_EQ(count_got(wanted_two, of_one), of_one.size());
  EXPECT_EQ(one.bitswap.stat().duplicate_blocks_received, 0u);
  EXPECT_EQ(two.bitswap.stat().duplicate_blocks_received, 0u);
}

TEST(BitswapTest, FourPeersShareTheWorkWithFewDuplicates) {
  FakeNetwork network(4);
  std::vector<std::unique_ptr<TestNode>> servers;
  const auto blocks = many_blocks(800, 20'000);
  for (int i = 0; i < 4; ++i) {
    servers.push_back(std::make_unique<TestNode>(network));
    for (const TestBlock& block : blocks) servers.back()->put(block);
  }
  TestNode client(network);
  for (const auto& server : servers) network.connect(server->host, client.host);
  const auto session = client.bitswap.open_session();
  const auto wanted = want_all(client, *session, blocks);
  ASSERT_TRUE(network.run());
  EXPECT_EQ(count_got(wanted, blocks), blocks.size());
  const BitswapStat stat = client.bitswap.stat();
  EXPECT_LE(stat.duplicate_blocks_received, blocks.size() / 100);
  for (const auto& server : servers) {
    EXPECT_GT(server->bitswap.stat().blocks_sent, blocks.size() / 8) << "each has a fair part";
  }
}

TEST(BitswapTest, BlocksThatAreSpreadOverPeersAreAllFound) {
  FakeNetwork network(5);
  std::vector<std::unique_ptr<TestNode>> servers;
  for (int i = 0; i < 4; ++i) servers.push_back(std::make_unique<TestNode>(network));
  const auto blocks = many_blocks(200, 5'000);
  for (std::size_t i = 0; i < blocks.size(); ++i) servers[i % 4]->put(blocks[i]);
  TestNode client(network);
  for (const auto& server : servers) network.connect(server->host, client.host);
  const auto session = client.bitswap.open_session();
  const auto wanted = want_all(client, *session, blocks);
  network.advance(5s);
  EXPECT_EQ(count_got(wanted, blocks), blocks.size());
}

TEST(BitswapTest, ConnectionsThatBreakCostNoBlocks) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    FakeNetwork network(seed);
    std::vector<std::unique_ptr<TestNode>> servers;
    const auto blocks = many_blocks(150, 30'000);
    for (int i = 0; i < 3; ++i) {
      servers.push_back(std::make_unique<TestNode>(network));
      for (const TestBlock& block : blocks) servers.back()->put(block);
    }
    TestNode client(network);
    for (const auto& server : servers) network.connect(server->host, client.host);
    const auto session = client.bitswap.open_session();
    const auto wanted = want_all(client, *session, blocks);
    for (int i = 0; i < 60; ++i) {
      network.run(network.random() % 400);
      FakeHost& victim = servers[network.random() % 3]->host;
      network.disconnect(victim, client.host);
      network.run(network.random() % 40);
      network.connect(victim, client.host);
      network.advance(100ms);
    }
    network.advance(60s);
    EXPECT_EQ(count_got(wanted, blocks), blocks.size());
  }
}

TEST(BitswapTest, AWantWaitsForAPeerThatConnectsLater) {
  FakeNetwork network;
  TestNode server(network), client(network), other(network);
  const TestBlock block = numbered_block(1, 5000);
  server.put(block);
  network.connect(other.host, client.host);
  const auto session = client.bitswap.open_session();
  Wanted wanted(*session, block.cid, client.memory.holder);
  network.advance(10s);
  EXPECT_FALSE(wanted.done());
  network.connect(server.host, client.host);
  network.advance(1s);
  EXPECT_TRUE(wanted.got(block));
}

TEST(BitswapTest, ABlockThatAppearsLaterIsServedAtOnce) {
  FakeNetwork network;
  TestNode server(network), client(network);
  network.connect(server.host, client.host);
  const TestBlock block = numbered_block(1, 5000);
  const auto session = client.bitswap.open_session();
  Wanted wanted(*session, block.cid, client.memory.holder);
  network.advance(2s);
  EXPECT_FALSE(wanted.done());
  server.put(block);
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(wanted.got(block));
}

TEST(BitswapTest, BlocksTravelThroughANodeThatFetchesThem) {
  FakeNetwork network;
  TestNode first(network), middle(network), last(network);
  network.connect(first.host, middle.host);
  network.connect(middle.host, last.host);
  const TestBlock block = numbered_block(1, 50'000);
  first.put(block);
  const auto of_last = last.bitswap.open_session();
  Wanted by_last(*of_last, block.cid, last.memory.holder);
  network.advance(1s);
  EXPECT_FALSE(by_last.done()) << "a node forwards no wants";
  const auto of_middle = middle.bitswap.open_session();
  Wanted by_middle(*of_middle, block.cid, middle.memory.holder);
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(by_middle.got(block));
  EXPECT_TRUE(by_last.got(block));
}

TEST(BitswapTest, CidsOfTheSameMultihashAreOneBlock) {
  FakeNetwork network;
  TestNode server(network), client(network);
  network.connect(server.host, client.host);
  const TestBlock raw = numbered_block(1, 5000);
  server.put(raw);
  const Cid v0 = Cid::v0(raw.cid.hash());
  const auto session = client.bitswap.open_session();
  Wanted first(*session, v0, client.memory.holder);
  Wanted second(*session, raw.cid, client.memory.holder);
  ASSERT_TRUE(network.run());
  EXPECT_TRUE(first.got(raw));
  EXPECT_TRUE(second.got(raw));
  EXPECT_EQ(client.bitswap.stat().blocks_received, 1u);
}

TEST(BitswapTest, PeersOfOldProtocolsAreServedAndAsked) {
  for (std::size_t spoken = 0; spoken < protocols.size(); ++spoken) {
    SCOPED_TRACE(protocols[spoken]);
    FakeNetwork network;
    TestNode server(network), client(network);
    for (std::size_t i = 0; i < protocols.size(); ++i) {
      if (i != spoken) server.host.protocols_served.erase(protocols[i]);
      if (i != spoken) client.host.protocols_served.erase(protocols[i]);
    }
    network.connect(server.host, client.host);
    TestBlock block = numbered_block(1, 50'000);
    block.cid = Cid::v0(block.cid.hash());
    server.put(block);
    const auto session = client.bitswap.open_session();
    Wanted wanted(*session, block.cid, client.memory.holder);
    network.advance(2s);
    EXPECT_TRUE(wanted.got(block));
  }
}

TEST(BitswapTest, WithoutAServerNobodyIsServed) {
  FakeNetwork network;
  BitswapLimits limits;
  limits.server = false;
  TestNode mute(network, limits), other(network);
  network.connect(mute.host, other.host);
  const TestBlock here = numbered_block(1, 5000), there = numbered_block(2, 5000);
  mute.put(here);
  other.put(there);
  const auto of_other = other.bitswap.open_session();
  const auto of_mute = mute.bitswap.open_session();
  Wanted denied(*of_other, here.cid, other.memory.holder);
  Wanted fetched(*of_mute, there.cid, mute.memory.holder);
  network.advance(10s);
  EXPECT_FALSE(denied.done());
  EXPECT_TRUE(fetched.got(there));
  EXPECT_EQ(mute.bitswap.stat().server_wants, 0u);
}

TEST(BitswapTest, NothingIsLeftOfAPeerThatIsGone) {
  FakeNetwork network;
  TestNode server(network), client(network);
  network.connect(server.host, client.host);
  const auto blocks = many_blocks(100, 100);
  const auto session = client.bitswap.open_session();
  const auto wanted = want_all(client, *session, blocks);
  network.advance(2s);
  EXPECT_GT(server.bitswap.stat().server_wants, 0u);
  network.disconnect(server.host, client.host);
  network.run();
  EXPECT_EQ(server.bitswap.stat().server_wants, 0u);
  EXPECT_EQ(server.bitswap.stat().peers, 0u);
  EXPECT_EQ(server.memory.chunks.stats().used, 0u);
}

// A plan for the smallest budgets, and less: everything is slower, nothing is lost.
TEST(BitswapTest, TinyLimitsAreEnough) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    FakeNetwork network(seed);
    network.window_bytes = 3000;
    network.turn_bytes = 700;
    network.jobs.queue_max = 2;
    BitswapLimits limits;
    limits.wants = 8;
    limits.wants_per_peer = 4;
    limits.lookups = limits.sends = limits.reads = limits.writes = 1;
    limits.send_bytes = 32 * 1024;
    limits.client_wants = 6;
    limits.asks = 6;
    limits.sessions = 2;
    limits.block_bytes = 2 << 20;
    TestNode server(network, limits, 140), client(network, limits, 300);
    const auto blocks = many_blocks(60, 60'000);
    for (const TestBlock& block : blocks) server.put(block);
    network.connect(server.host, client.host);
    const auto session = client.bitswap.open_session();
    const auto wanted = want_all(client, *session, blocks);
    network.advance(300s);
    EXPECT_EQ(count_got(wanted, blocks), blocks.size());
  }
}

TEST(BitswapTest, StopEndsEverythingThatIsUnderWay) {
  for (unsigned turns = 0; turns < 300; turns += 7) {
    FakeNetwork network(turns);
    TestNode server(network), client(network);
    const auto blocks = many_blocks(50, 50'000);
    for (const TestBlock& block : blocks) server.put(block);
    network.connect(server.host, client.host);
    const auto session = client.bitswap.open_session();
    const auto wanted = want_all(client, *session, blocks);
    network.run(turns);
    server.bitswap.stop();
    client.bitswap.stop();
    EXPECT_TRUE(network.run());
    EXPECT_TRUE(server.bitswap.idle());
    EXPECT_TRUE(client.bitswap.idle());
    EXPECT_EQ(server.memory.chunks.stats().used, 0u);
  }
}

}  // namespace
}  // namespace masu::bitswap
