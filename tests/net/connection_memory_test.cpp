// Connections where memory is short.
#include "tests/net/connected_pair.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

TEST_F(ConnectedPair, AnEmptyPoolStopsReadingAndLosesNothing) {
  connect({}, {}, 64);
  TestHandler client;
  open(client);
  pair->run();
  std::vector<Chunk> hog;
  while (Chunk chunk = b->chunks.take(b->pool_account)) hog.push_back(std::move(chunk));
  const std::string text = pattern(1024 * 1024);
  client.send(text);
  client.close_when_sent();
  pair->advance(5s);
  EXPECT_TRUE(client.received.empty());
  EXPECT_TRUE(pair->established());
  hog.clear();
  pair->advance(1s);
  EXPECT_TRUE(client.received == text);
  EXPECT_EQ(client.end, StreamEnd::finished);
}

TEST_F(ConnectedPair, AStreamThatBlocksAStarvedNodeIsReset) {
  connect({}, {}, 32);
  pair->listener.on_new_handler = [](TestHandler& handler) {
    if (!handler.echo) handler.take_max = 0;
  };
  TestHandler blocker, honest;
  open(blocker, sink_protocol);
  open(honest);
  pair->run();
  std::vector<Chunk> hog;
  while (b->chunks.stats().used < 22) hog.push_back(b->chunks.take(b->pool_account));
  blocker.send(std::string(256 * 1024, 'x'));
  pair->run();
  honest.send("still there");
  pair->run();
  EXPECT_TRUE(honest.received.empty()) << "behind the blocker's bytes";
  pair->advance(b->resources.limits().stall_timeout + 1s);
  EXPECT_EQ(blocker.end, StreamEnd::reset_by_peer);
  EXPECT_EQ(server(0).end, StreamEnd::out_of_memory);
  EXPECT_EQ(honest.received, "still there");
}

TEST_F(ConnectedPair, HandshakesBeyondTheCapAreRefused) {
  ConnectionLimits one;
  one.handshakes = 1;
  TestNode c(3, one), d(4);
  TestEnd first(c, ConnectionRole::listener, std::nullopt, pair->now);
  Pair second(d, c);
  second.run();
  second.advance(1ms);
  EXPECT_EQ(second.listener.ended, ConnectionEnd::out_of_memory);
  EXPECT_FALSE(second.listener.connection->wants_read());
}

TEST_F(ConnectedPair, APeerThatReadsNothingIsGivenUpSoonWhenMemoryIsShort) {
  TestHandler client;
  open(client, sink_protocol);
  pair->run();
  pair->to_listener.frozen = true;
  client.send(std::string(8 * 1024 * 1024, 'x'));
  pair->advance(1500ms);
  EXPECT_FALSE(pair->dialer.ended);
  std::vector<Chunk> hog;
  while (Chunk chunk = a->chunks.take(a->pool_account)) hog.push_back(std::move(chunk));
  pair->advance(2s);
  EXPECT_EQ(pair->dialer.ended, ConnectionEnd::timed_out);
}

TEST_F(ConnectedPair, APeerThatReadsNothingIsGivenUp) {
  TestHandler client;
  open(client, sink_protocol);
  pair->run();
  pair->to_listener.frozen = true;
  client.send(std::string(8 * 1024 * 1024, 'x'));
  pair->run();
  EXPECT_LE(pair->dialer.connection->stats().output_held_bytes, 8 * chunk_bytes);
  pair->advance(12s);
  EXPECT_EQ(pair->dialer.ended, ConnectionEnd::timed_out);
  EXPECT_EQ(client.end, StreamEnd::connection_lost);
  EXPECT_EQ(a->chunks.stats().used, 0u);
}

// However few chunks there are (one frame's, and one to send): what was sent arrives, later.
TEST(Connection, WorksWithFewChunks) {
  const std::string text = pattern(300 * 1024);
  for (std::size_t chunks = frame_chunks_max + 1; chunks <= 16; ++chunks) {
    ConnectionLimits limits;
    limits.frame_slots = 1;
    limits.receive_bytes = frame_chunks_max * chunk_bytes;
    limits.send_bytes = chunks * chunk_bytes - limits.receive_bytes;
    TestNode a(1, limits, chunks), b(2, limits, chunks);
    {
      Pair pair(a, b);
      pair.advance(2s);
      ASSERT_TRUE(pair.established()) << chunks;
      std::array<TestHandler, 3> clients;
      for (TestHandler& client : clients) {
        ASSERT_TRUE(pair.dialer.connection->open_stream(echo_protocol, client, false));
        client.send(text);
        client.close_when_sent();
      }
      for (int seconds = 0; seconds < 60 && !clients[2].end; ++seconds) pair.advance(1s);
      for (TestHandler& client : clients) {
        EXPECT_TRUE(client.received == text) << chunks;
        EXPECT_EQ(client.end, StreamEnd::finished) << chunks;
      }
    }
    EXPECT_TRUE(a.all_given_back() && b.all_given_back());
  }
}

// The n-th chunk is refused, for each n: the connection goes on, or ends; nothing is lost or kept.
TEST(Connection, SurvivesEachRefusedChunk) {
  const std::string text = pattern(100 * 1024);
  for (std::size_t refused = 0; refused < 40; ++refused) {
    TestNode a(1), b(2);
    {
      Pair pair(a, b);
      std::vector<Chunk> hog;
      std::size_t until = refused;
      const auto take_away = [&](std::string&) {
        if (until-- != 0) return;
        for (TestNode* node : {&a, &b}) {
          while (Chunk chunk = node->chunks.take(node->pool_account)) hog.push_back(std::move(chunk));
        }
      };
      pair.to_listener.tamper = pair.to_dialer.tamper = take_away;
      pair.to_listener.capacity = pair.to_dialer.capacity = 4000;
      pair.run();
      TestHandler client;
      const bool open =
          pair.established() && pair.dialer.connection->open_stream(echo_protocol, client, false).has_value();
      client.send(text);
      pair.advance(1s);
      hog.clear();
      pair.advance(2s);
      ASSERT_TRUE(pair.established()) << refused;
      EXPECT_TRUE(!open || client.received == text) << refused;
      client.close_when_sent();
      pair.advance(1s);
    }
    EXPECT_TRUE(a.all_given_back() && b.all_given_back());
  }
}

}  // namespace
}  // namespace masu::net
