// Nodes together: hundreds of blocks, few and many peers, connections that break.
#include "bitswap/bitswap.hpp"

#include "tests/bitswap/node.hpp"

#include <gtest/gtest.h>

namespace masu::bitswap {
namespace {

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

}  // namespace
}  // namespace masu::bitswap
