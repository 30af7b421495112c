#include "net/connection.hpp"

#include "tests/net/connected_pair.hpp"

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

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

TEST(Connection, HandshakeWorksWithEachTypeOfKey) {
  for (const KeyType type : {KeyType::ed25519, KeyType::rsa, KeyType::secp256k1, KeyType::ecdsa}) {
    const auto key = PrivateKey::generate(type);
    ASSERT_TRUE(key.has_value());
    TestNode a(1, *key), b(2);
    for (const bool dials : {true, false}) {
      Pair pair(dials ? a : b, dials ? b : a);
      pair.run();
      ASSERT_TRUE(pair.established()) << name_of(type);
      EXPECT_EQ((dials ? pair.listener : pair.dialer).established_with, a.peer());
      EXPECT_EQ((dials ? pair.listener : pair.dialer).established_key, key->public_key());
    }
  }
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

// --- Agreeing on a protocol. ---

TEST_F(ConnectedPair, ProposesTheNextProtocolAfterARefusal) {
  static constexpr std::array<std::string_view, 3> protocols = {"/new/2.0.0", "/new/1.0.0", "/echo/1.0.0"};
  TestHandler client;
  open(client, protocols);
  pair->run();
  ASSERT_TRUE(client.opened);
  EXPECT_EQ(client.stream->protocol(), "/echo/1.0.0");
  EXPECT_EQ(client.stream->peer(), b->peer());
  EXPECT_FALSE(client.stream->inbound());
  EXPECT_EQ(server().stream->peer(), a->peer());
  EXPECT_TRUE(server().stream->inbound());
}

TEST_F(ConnectedPair, RefusesWhatNobodyServes) {
  static constexpr std::array<std::string_view, 2> protocols = {"/new/2.0.0", "/new/1.0.0"};
  TestHandler client;
  open(client, protocols);
  pair->run();
  EXPECT_FALSE(client.opened);
  EXPECT_EQ(client.end, StreamEnd::refused);
  EXPECT_TRUE(pair->listener.inbound.empty());
  EXPECT_EQ(pair->dialer.streams_gone, 1);
  EXPECT_EQ(pair->listener.connection->stats().streams_inbound, 0u);
}

TEST_F(ConnectedPair, LazyStreamsWriteBeforeTheAnswer) {
  TestHandler client;
  open(client, echo_protocol, true);
  pair->dialer.connection->turn(pair->now);
  EXPECT_TRUE(client.opened) << "nothing was sent yet";
  client.send("early");
  client.close_when_sent();
  pair->run();
  EXPECT_EQ(client.received, "early");
  EXPECT_EQ(client.end, StreamEnd::finished);
}

TEST_F(ConnectedPair, LazyStreamsEndWhenTheyAreRefused) {
  static constexpr std::array<std::string_view, 2> protocols = {"/new/2.0.0", "/echo/1.0.0"};
  TestHandler client;
  open(client, protocols, true);
  client.send("early");
  pair->run();
  EXPECT_TRUE(client.opened);
  EXPECT_EQ(client.end, StreamEnd::refused);
}

TEST_F(ConnectedPair, StreamsThatAreNotAnsweredTimeOut) {
  pair->to_listener.frozen = true;
  TestHandler client;
  open(client);
  pair->advance(14s);
  EXPECT_FALSE(client.end.has_value());
  pair->advance(2s);
  EXPECT_EQ(client.end, StreamEnd::timed_out);
  pair->to_listener.frozen = false;
  pair->run();
  EXPECT_EQ(pair->listener.connection->stats().streams_inbound, 0u);
}

TEST_F(ConnectedPair, StreamsAreCappedOnBothSides) {
  const std::size_t cap = a->resources.limits().outbound_streams_each;
  std::vector<TestHandler> clients(cap + 1);
  for (std::size_t i = 0; i < cap; ++i) open(clients[i]);
  const auto over = pair->dialer.connection->open_stream(echo_protocol, clients[cap], false);
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error(), StreamEnd::refused);
  pair->run();
  std::size_t opened = 0, refused = 0;
  for (const TestHandler& client : clients) {
    opened += client.opened;
    refused += client.end == StreamEnd::refused;
  }
  EXPECT_EQ(opened, b->resources.limits().inbound_streams_each);
  EXPECT_EQ(refused, cap - opened);
}

TEST_F(ConnectedPair, TheSlabRefusesStreamsOfBothKinds) {
  ConnectionLimits few;
  few.streams = 2;
  connect(few, {}, 512);
  std::vector<TestHandler> clients(3);
  open(clients[0]);
  open(clients[1]);
  EXPECT_EQ(pair->dialer.connection->open_stream(echo_protocol, clients[2], false).error(),
            StreamEnd::out_of_memory);
  pair->run();
  TestHandler back;
  pair->dialer.serves = {"/echo/1.0.0"};
  ASSERT_TRUE(pair->listener.connection->open_stream(echo_protocol, back, false));
  pair->run();
  EXPECT_EQ(back.end, StreamEnd::refused);
  EXPECT_TRUE(clients[0].opened && clients[1].opened);
}

// --- Order of upcalls, and what handlers may do in them. ---

TEST_F(ConnectedPair, EachEndOfAStreamIsToldOnce) {
  TestHandler client;
  client.close_after_peer = false;
  open(client, sink_protocol);
  client.send("all");
  client.close_when_sent();
  pair->run();
  EXPECT_EQ(server().received, "all");
  EXPECT_TRUE(server().remote_closed);
  EXPECT_TRUE(client.remote_closed);
  EXPECT_EQ(client.end, StreamEnd::finished);
  EXPECT_EQ(server().end, StreamEnd::finished);
  EXPECT_EQ(pair->dialer.streams_gone, 1);
  EXPECT_EQ(pair->listener.streams_gone, 1);
}

TEST_F(ConnectedPair, ResetReachesThePeerAndOnlyThePeer) {
  TestHandler client;
  open(client);
  pair->run();
  client.stream->reset();
  client.stream = nullptr;
  pair->run();
  EXPECT_FALSE(client.end.has_value()) << "who resets is not told";
  EXPECT_EQ(server().end, StreamEnd::reset_by_peer);
  EXPECT_EQ(pair->dialer.streams_gone, 1);
}

TEST_F(ConnectedPair, AHandlerMayResetInAnyUpcall) {
  for (const bool in_open : {true, false}) {
    TestHandler client;
    const auto drop = [&client](Stream& stream) {
      client.stream = nullptr;
      stream.reset();
    };
    if (in_open) {
      client.at_open = drop;
    } else {
      client.at_data = [drop](Stream& stream, Bytes) { drop(stream); };
    }
    open(client);
    client.send("some");
    pair->run();
    EXPECT_EQ(pair->dialer.connection->stats().streams_outbound, 0u);
    EXPECT_EQ(pair->listener.connection->stats().streams_inbound, 0u);
    EXPECT_FALSE(client.end.has_value());
  }
}

TEST_F(ConnectedPair, AHandlerMayResetOtherStreamsAndOpenNewOnes) {
  std::vector<TestHandler> clients(4);
  for (std::size_t i = 0; i < 3; ++i) open(clients[i]);
  pair->run();
  clients[0].at_data = [&](Stream&, Bytes) {
    for (std::size_t i : {std::size_t{1}, std::size_t{2}}) {
      if (clients[i].stream == nullptr) continue;
      std::exchange(clients[i].stream, nullptr)->reset();
    }
    if (!clients[3].opened) open(clients[3]);
  };
  for (std::size_t i = 0; i < 3; ++i) clients[i].send("x");
  pair->run();
  EXPECT_TRUE(clients[3].opened);
  EXPECT_EQ(pair->dialer.connection->stats().streams_outbound, 2u);
}

TEST_F(ConnectedPair, AHandlerMayCloseTheConnection) {
  TestHandler client;
  client.at_data = [&](Stream&, Bytes) { pair->dialer.connection->close(); };
  open(client);
  client.send("bye");
  pair->run();
  EXPECT_EQ(client.end, StreamEnd::connection_lost);
  EXPECT_EQ(server().end, StreamEnd::connection_lost);
  EXPECT_EQ(pair->dialer.ended, ConnectionEnd::closed_by_us);
  EXPECT_EQ(pair->listener.ended, ConnectionEnd::closed_by_peer);
}

TEST_F(ConnectedPair, ReleasedStreamsEndByThemselves) {
  TestHandler client;
  open(client, sink_protocol);
  client.send("for nobody");
  pair->run();
  std::exchange(client.stream, nullptr)->release();
  pair->run();
  EXPECT_EQ(server().received, "for nobody");
  EXPECT_TRUE(server().remote_closed);
  EXPECT_EQ(pair->dialer.connection->stats().streams_outbound, 0u) << "the server closed its half too";
}

TEST_F(ConnectedPair, ReleasedStreamsOfAPeerThatGoesOnAreReset) {
  pair->listener.on_new_handler = [](TestHandler& handler) {
    handler.close_after_peer = false;
    handler.send(std::string(1024 * 1024, 'x'));
  };
  TestHandler client;
  client.take_max = 0;
  open(client, sink_protocol);
  pair->run();
  std::exchange(client.stream, nullptr)->release();
  pair->run();
  EXPECT_EQ(a->chunks.stats().used, 0u) << "what is held goes at once";
  pair->advance(6s);
  EXPECT_EQ(server().end, StreamEnd::reset_by_peer);
  EXPECT_EQ(pair->dialer.connection->stats().streams_outbound, 0u);
}

// --- Flow control. ---

TEST_F(ConnectedPair, ASlowReaderHoldsOneWindowAndStopsItsPeerOnly) {
  TestHandler slow, quick;
  pair->listener.on_new_handler = [](TestHandler& handler) {
    if (!handler.echo) handler.take_max = 0;
  };
  open(slow, sink_protocol);
  open(quick);
  const std::string text = pattern(2 * 1024 * 1024);
  slow.send(text);
  quick.send(text);
  pair->run();
  EXPECT_TRUE(quick.received == text);
  const std::size_t held = pair->listener.connection->stats().received_held_bytes;
  EXPECT_GE(held, 250u * 1024);
  EXPECT_LE(held, 272u * 1024);
  // Whoever is slow gets it all in the end.
  TestHandler& server_side = server(0);
  server_side.take_max = 5000;
  for (int i = 0; i < 1000 && server_side.received.size() < text.size(); ++i) {
    server_side.stream->resume_reading();
    pair->run();
  }
  EXPECT_TRUE(server_side.received == text);
}

TEST_F(ConnectedPair, WindowsGrowWithTheRoundTripAndShrinkWhenIdle) {
  pair = std::make_unique<Pair>(*a, *b);
  pair->to_listener.delay = pair->to_dialer.delay = 25ms;
  pair->to_listener.capacity = pair->to_dialer.capacity = 64 * 1024 * 1024;
  pair->advance(1s);  // a round trip is measured
  TestHandler client;
  open(client, sink_protocol);
  client.send(std::string(32 * 1024 * 1024, 'x'));
  const TimePoint begin = pair->now;
  Account& window = b->resources.window_account();
  std::size_t reserved_max = 0;
  while (client.stream == nullptr || server().received_bytes < 32u * 1024 * 1024) {
    pair->advance(50ms);
    reserved_max = std::max(reserved_max, window.live_bytes());
    ASSERT_LT(pair->now - begin, 60s);
  }
  EXPECT_LT(pair->now - begin, 2s) << "with 256 KiB a round trip it takes 6.4 s";
  EXPECT_GT(reserved_max, 1024u * 1024);
  EXPECT_LE(reserved_max, b->resources.limits().window_bytes_each);
  pair->advance(65s);
  EXPECT_EQ(window.live_bytes(), 0u);
  client.send(std::string(8 * 1024 * 1024, 'x'));
  client.close_when_sent();
  pair->advance(5s);
  EXPECT_EQ(server().received_bytes, 40u * 1024 * 1024);
  EXPECT_EQ(window.live_bytes(), 0u);
}

TEST_F(ConnectedPair, OutputIsSharedFairly) {
  std::vector<TestHandler> clients(8);
  for (TestHandler& client : clients) {
    open(client, sink_protocol);
    client.send(std::string(512 * 1024, 'x'));
  }
  // Small kernel buffers, so that the connection has to choose.
  pair->to_listener.capacity = 32 * 1024;
  std::size_t least = 0, most = 0;
  pair->listener.on_new_handler = [&](TestHandler& handler) {
    handler.at_data = [&](Stream&, Bytes) {
      if (pair->listener.inbound.size() < 8 || least != 0) return;
      least = ~std::size_t{0};
      for (TestHandler& each : pair->listener.inbound) {
        least = std::min(least, each.received_bytes);
        most = std::max(most, each.received_bytes);
      }
      if (most < 128 * 1024) least = 0;  // look again later
    };
  };
  pair->run();
  EXPECT_GE(least + 64 * 1024, most);
  for (TestHandler& each : pair->listener.inbound) EXPECT_EQ(each.received_bytes, 512u * 1024);
}

// --- The connection's ends. ---

TEST_F(ConnectedPair, CloseSaysGoodbye) {
  pair->dialer.connection->close();
  EXPECT_FALSE(pair->dialer.ended.has_value()) << "no upcall inside a call";
  pair->run();
  EXPECT_EQ(pair->dialer.ended, ConnectionEnd::closed_by_us);
  EXPECT_EQ(pair->listener.ended, ConnectionEnd::closed_by_peer);
}

TEST_F(ConnectedPair, CloseEndsWithinASecondWhenThePeerReadsNothing) {
  pair->to_listener.capacity = 0;
  pair->dialer.connection->close();
  pair->advance(900ms);
  EXPECT_FALSE(pair->dialer.ended.has_value());
  pair->advance(200ms);
  EXPECT_EQ(pair->dialer.ended, ConnectionEnd::closed_by_us);
}

TEST_F(ConnectedPair, ALostLinkEndsAllStreams) {
  TestHandler client;
  open(client);
  pair->run();
  pair->dialer.connection->on_link_closed("reset", pair->now);
  EXPECT_EQ(client.end, StreamEnd::connection_lost);
  EXPECT_EQ(pair->dialer.ended, ConnectionEnd::closed_by_peer);
  EXPECT_EQ(pair->dialer.detail, "reset");
  TestHandler late;
  EXPECT_EQ(pair->dialer.connection->open_stream(echo_protocol, late, false).error(),
            StreamEnd::no_connection);
}

TEST_F(ConnectedPair, ADestroyedConnectionTellsItsHandlers) {
  TestHandler client;
  open(client);
  pair->run();
  pair->dialer.connection.reset();
  EXPECT_EQ(client.end, StreamEnd::connection_lost);
  EXPECT_FALSE(pair->dialer.ended.has_value());
  pair->dialer.connection.emplace(a->resources, pair->dialer, ConnectionRole::dialer, std::nullopt,
                                  pair->now);
}

TEST(Connection, AnOwnerMayRefuseThePeer) {
  TestNode a(1), b(2);
  Pair pair(a, b);
  pair.listener.accepts = false;
  pair.run();
  EXPECT_EQ(pair.listener.ended, ConnectionEnd::closed_by_us);
  EXPECT_EQ(pair.dialer.ended, ConnectionEnd::closed_by_peer);
}

// Many streams, random sizes and segments, both ways at once.
TEST(Connection, CarriesManyStreamsAtOnce) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    TestNode a(seed), b(seed + 100);
    Pair pair(a, b);
    pair.segment_max = 0;
    pair.to_dialer.capacity = pair.to_listener.capacity = 20000;
    pair.run();
    ASSERT_TRUE(pair.established());
    SeededRandom random(seed);
    std::deque<TestHandler> clients;
    std::vector<std::string> texts;
    for (int i = 0; i < 40; ++i) {
      const bool from_listener = i % 2 == 1;
      texts.push_back(pattern(random.below(200000), seed * 100 + static_cast<std::uint64_t>(i)));
      TestHandler& client = clients.emplace_back();
      Connection& connection = *(from_listener ? pair.listener : pair.dialer).connection;
      ASSERT_TRUE(connection.open_stream(echo_protocol, client, random.below(2) == 0));
      client.send(texts.back());
      client.close_when_sent();
      if (random.below(3) == 0) pair.run();
    }
    pair.run();
    for (std::size_t i = 0; i < clients.size(); ++i) {
      EXPECT_TRUE(clients[i].received == texts[i]) << "seed " << seed << " stream " << i;
      EXPECT_EQ(clients[i].end, StreamEnd::finished);
    }
    EXPECT_EQ(a.chunks.stats().used + b.chunks.stats().used, 0u);
  }
}

}  // namespace
}  // namespace masu::net
