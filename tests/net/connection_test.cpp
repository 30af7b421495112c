#include "net/connection.hpp"

#include "tests/net/connection_pair.hpp"

#include <gtest/gtest.h>

namespace masu::net {
namespace {

TEST(Connection, IdleEntryIsSmall) {
  std::cout << "sizeof: Connection " << sizeof(Connection) << ", ConnectionStream "
            << sizeof(ConnectionStream) << ", Upgrade " << sizeof(Upgrade) << ", PartialLine "
            << sizeof(PartialLine) << "\n";
  EXPECT_LE(sizeof(Connection), 2048u);
  EXPECT_LE(sizeof(ConnectionStream), 512u);
}

TEST(Connection, HandshakeTellsEachSideTheOther) {
  TestNode a(1), b(2);
  {
    Pair pair(a, b);
    pair.run();
    ASSERT_TRUE(pair.established());
    EXPECT_EQ(pair.dialer.established_with, b.peer());
    EXPECT_EQ(pair.listener.established_with, a.peer());
    EXPECT_EQ(a.resources.upgrades().used(), 0u);
    EXPECT_EQ(b.resources.upgrades().used(), 0u);
    EXPECT_EQ(a.chunks.stats().used, 0u) << "an idle connection holds no chunk";
    EXPECT_EQ(b.chunks.stats().used, 0u);
    EXPECT_TRUE(pair.dialer.connection->stats().round_trip.has_value());
  }
  EXPECT_TRUE(a.all_given_back());
  EXPECT_TRUE(b.all_given_back());
}

TEST(Connection, StreamsEchoMegabytes) {
  TestNode a(1), b(2);
  for (const std::size_t segment : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, chunk_bytes}) {
    Pair pair(a, b);
    pair.segment_max = segment;
    pair.run();
    ASSERT_TRUE(pair.established());
    TestHandler client;
    const std::string text = pattern(segment == 1 ? 70000 : 3 * 1024 * 1024);
    ASSERT_TRUE(pair.dialer.connection->open_stream(echo_protocol, client, false));
    EXPECT_FALSE(client.opened) << "no upcall inside a call";
    client.send(text);
    client.close_when_sent();
    pair.run();
    EXPECT_EQ(client.received.size(), text.size());
    EXPECT_TRUE(client.received == text);
    EXPECT_EQ(client.end, StreamEnd::finished);
    EXPECT_EQ(pair.listener.inbound.at(0).end, StreamEnd::finished);
    EXPECT_EQ(a.chunks.stats().used, 0u);
    EXPECT_EQ(b.chunks.stats().used, 0u);
    EXPECT_EQ(a.resources.streams().used(), 0u);
    EXPECT_EQ(b.resources.streams().used(), 0u);
  }
}

}  // namespace
}  // namespace masu::net
