// Yamux against peers that break its rules, and its limits.
#include "net/muxer/yamux.hpp"

#include "tests/net/raw_peer.hpp"

#include <gtest/gtest.h>

namespace masu::net {
namespace {

class YamuxRules : public ::testing::Test {
 protected:
  void SetUp() override {
    peer.shake_hands();
    ASSERT_TRUE(peer.connection().established());
    peer.take_frames();
  }
  void TearDown() override {
    peer.end.connection.reset();
    EXPECT_TRUE(node.all_given_back());
  }
  // The connection ends for a broken rule, and says so to the peer.
  void expect_protocol_error(std::string_view detail) {
    peer.run();
    EXPECT_EQ(peer.end.ended, ConnectionEnd::protocol_error);
    EXPECT_EQ(peer.end.detail, detail);
    const auto away = peer.find_frame(YamuxType::go_away, 0, 0);
    ASSERT_TRUE(away.has_value());
    EXPECT_EQ(away->length, static_cast<std::uint32_t>(YamuxGoAway::protocol_error));
  }
  std::size_t inbound() { return peer.connection().stats().streams_inbound; }

  TestNode node{1};
  RawPeer peer{node};
};

TEST_F(YamuxRules, EchoesPings) {
  peer.send_frame(YamuxType::ping, yamux_syn, 0, 0xdeadbeef);
  peer.run();
  const auto pong = peer.find_frame(YamuxType::ping, yamux_ack, 0);
  ASSERT_TRUE(pong.has_value());
  EXPECT_EQ(pong->length, 0xdeadbeef);
}

TEST_F(YamuxRules, BytesOneByOne) {
  peer.segment_max = 1;
  peer.open(1, "/echo/1.0.0", "hello");
  peer.run();
  std::string text;
  for (const RawFrame& frame : peer.take_frames()) text += frame.body;
  EXPECT_EQ(text, "\x13/multistream/1.0.0\n\x0c/echo/1.0.0\nhello");
}

TEST_F(YamuxRules, RefusesAnotherVersion) {
  peer.send(std::string("\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 12));
  expect_protocol_error("yamux version unknown");
}

TEST_F(YamuxRules, RefusesUnknownTypes) {
  peer.send_frame(static_cast<YamuxType>(4), 0, 0, 0);
  expect_protocol_error("yamux frame type unknown");
}

TEST_F(YamuxRules, RefusesIdsOfOurParity) {
  peer.send_frame(YamuxType::window_update, yamux_syn, 2, 0);
  expect_protocol_error("yamux stream id not allowed");
}

TEST_F(YamuxRules, RefusesStreamZero) {
  peer.send_frame(YamuxType::data, 0, 0, 0);
  expect_protocol_error("yamux stream id not allowed");
}

TEST_F(YamuxRules, RefusesAStreamOpenedTwice) {
  peer.open(1, "/echo/1.0.0");
  peer.open(1, "/echo/1.0.0");
  expect_protocol_error("yamux stream opened twice");
}

// A first frame above the window is refused before there is a stream.
TEST_F(YamuxRules, RefusesAnOversizedFirstFrameBeforeAnythingIsMade) {
  peer.send_frame(YamuxType::data, yamux_syn, 1, yamux_initial_window_bytes + 1);
  expect_protocol_error("yamux receive window exceeded");
  EXPECT_EQ(node.resources.streams().used(), 0u);
}

TEST_F(YamuxRules, RefusesDataBeyondTheWindow) {
  peer.end.on_new_handler = [](TestHandler& handler) { handler.take_max = 0; };
  peer.open(1, "/sink/1.0.0");
  peer.run();
  const std::string part(50000, 'x');
  for (int i = 0; i < 5; ++i) peer.send_data(1, part);
  peer.run();
  ASSERT_FALSE(peer.end.ended.has_value());
  EXPECT_LE(peer.connection().stats().received_held_bytes, 256u * 1024 + 2 * chunk_bytes);
  peer.send_data(1, part);
  expect_protocol_error("yamux receive window exceeded");
}

TEST_F(YamuxRules, RefusesAWindowThatOverflows) {
  peer.open(1, "/sink/1.0.0");
  peer.send_frame(YamuxType::window_update, 0, 1, 0xffffffff);
  expect_protocol_error("yamux send window overflows");
}

TEST_F(YamuxRules, RefusesDataAfterTheEnd) {
  peer.end.on_new_handler = [](TestHandler& handler) { handler.close_after_peer = false; };
  peer.open(1, "/sink/1.0.0");
  peer.send_data(1, "last", yamux_fin);
  peer.send_data(1, "more");
  expect_protocol_error("yamux data after the stream's end");
}

TEST_F(YamuxRules, EndsWithThePeersGoodbye) {
  peer.open(1, "/echo/1.0.0");
  peer.run();
  peer.send_frame(YamuxType::go_away, 0, 0, 0);
  peer.run();
  EXPECT_EQ(peer.end.ended, ConnectionEnd::closed_by_peer);
  EXPECT_EQ(peer.end.inbound.at(0).end, StreamEnd::connection_lost);
}

TEST(YamuxFairness, StreamsOfOnePeerLeaveOthersTheirs) {
  ConnectionLimits limits;
  limits.streams = 32;
  limits.inbound_streams_each = 32;
  TestNode node(1, limits);
  RawPeer greedy(node, 7), modest(node, 8);
  for (RawPeer* peer : {&greedy, &modest}) {
    peer->shake_hands();
    ASSERT_TRUE(peer->connection().established());
  }
  for (std::uint32_t i = 0; i < 40; ++i) {
    greedy.send_frame(YamuxType::window_update, yamux_syn, 1 + 2 * i, 0);
  }
  greedy.run();
  EXPECT_EQ(greedy.connection().stats().streams_inbound, 24u) << "the last quarter is for those who have few";
  for (std::uint32_t i = 0; i < 6; ++i) modest.open(1 + 2 * i, "/echo/1.0.0", "hello");
  modest.run();
  EXPECT_EQ(modest.end.inbound.size(), 4u) << "the last eighth is for peers of use, and for who has few";
  RawPeer newcomer(node, 10);
  newcomer.shake_hands();
  for (std::uint32_t i = 0; i < 3; ++i) newcomer.open(1 + 2 * i, "/echo/1.0.0", "hello");
  newcomer.run();
  EXPECT_EQ(newcomer.end.inbound.size(), 2u) << "half of it";
  RawPeer useful(node, 9);
  useful.shake_hands();
  useful.end.of_use = true;
  for (std::uint32_t i = 0; i < 3; ++i) useful.open(1 + 2 * i, "/echo/1.0.0", "hello");
  useful.run();
  EXPECT_EQ(useful.end.inbound.size(), 2u);
  EXPECT_EQ(node.resources.streams().used(), 32u);
  greedy.advance(3s);
  EXPECT_EQ(greedy.connection().stats().streams_inbound, 16u)
      << "those above the half name their protocol soon";
}

TEST(YamuxFairness, WhileStreamsAreRefusedPeersOfUseOpenTheirs) {
  TestNode node(1);
  RawPeer stranger(node, 7), useful(node, 8);
  for (RawPeer* peer : {&stranger, &useful}) {
    peer->shake_hands();
    ASSERT_TRUE(peer->connection().established());
  }
  useful.end.of_use = true;
  node.resources.set_inbound_streams(false);
  for (RawPeer* peer : {&stranger, &useful}) {
    peer->open(1, "/echo/1.0.0", "hello");
    peer->run();
  }
  EXPECT_EQ(stranger.end.inbound.size(), 0u);
  EXPECT_TRUE(stranger.find_frame(YamuxType::window_update, yamux_rst, 1).has_value());
  ASSERT_EQ(useful.end.inbound.size(), 1u);
  EXPECT_EQ(useful.end.inbound.front().received, "hello");
  node.resources.set_inbound_streams(true);
  stranger.open(3, "/echo/1.0.0", "hello");
  stranger.run();
  EXPECT_EQ(stranger.end.inbound.size(), 1u);
}

TEST_F(YamuxRules, TenThousandStreamsAreResetBeyondTheCap) {
  const std::size_t cap = node.resources.limits().inbound_streams_each;
  std::size_t reset = 0, held_max = 0;
  for (std::uint32_t i = 0; i < 10000; ++i) {
    peer.send_frame(YamuxType::window_update, yamux_syn, 1 + 2 * i, 0);
    if (i % 100 != 99) continue;
    peer.run();
    for (const RawFrame& frame : peer.take_frames()) reset += (frame.header.flags & yamux_rst) != 0;
    held_max = std::max(held_max, node.chunks.stats().used);
  }
  EXPECT_EQ(inbound(), cap);
  EXPECT_EQ(reset, 10000 - cap);
  EXPECT_EQ(node.resources.streams().used(), cap);
  EXPECT_EQ(held_max, 0u);
  EXPECT_FALSE(peer.end.ended.has_value());
  // The cap holds no junk for long: streams that name no protocol end, and new ones are taken.
  peer.advance(node.resources.limits().inbound_negotiation_timeout);
  EXPECT_EQ(inbound(), 0u);
  peer.open(30001, "/echo/1.0.0", "hello");
  peer.run();
  EXPECT_EQ(peer.end.inbound.size(), 1u);
}

TEST_F(YamuxRules, RefusedStreamsMayUseTheirFirstWindowOnly) {
  peer.end.accepts_streams = false;
  peer.open(1, "/echo/1.0.0");
  peer.run();
  EXPECT_TRUE(peer.find_frame(YamuxType::window_update, yamux_rst, 1).has_value());
  const std::string part(60000, 'x');
  for (int i = 0; i < 4; ++i) peer.send_data(1, part);
  peer.run();
  EXPECT_FALSE(peer.end.ended.has_value()) << "sent before it learned of the reset";
  EXPECT_EQ(node.chunks.stats().used, 0u);
  peer.send_data(1, part);
  expect_protocol_error("yamux frames for no stream");
}

TEST_F(YamuxRules, FramesForNoStreamAreBounded) {
  for (int i = 0; i < 64; ++i) peer.send_frame(YamuxType::window_update, 0, 77, 1);
  peer.run();
  EXPECT_FALSE(peer.end.ended.has_value());
  peer.send_frame(YamuxType::window_update, 0, 77, 1);
  expect_protocol_error("yamux frames for no stream");
}

TEST_F(YamuxRules, AMillionPingsFromAPeerThatNeverReadsAreBounded) {
  peer.reads = false;
  std::string pings;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    pings += as_text(Bytes(encode_yamux_header({0, YamuxType::ping, yamux_syn, 0, i})));
  }
  for (int i = 0; i < 200; ++i) {
    if (peer.wire_out.size() < 100000) peer.send(pings);
    peer.run();
    const ConnectionStats stats = peer.connection().stats();
    ASSERT_LE(stats.output_held_bytes, chunk_bytes);
    ASSERT_LE(stats.received_held_bytes, frame_chunks_max * chunk_bytes);
  }
  EXPECT_FALSE(peer.connection().wants_read()) << "the flood waits in the kernel";
  peer.advance(node.resources.limits().write_timeout);
  EXPECT_EQ(peer.end.ended, ConnectionEnd::timed_out);
  EXPECT_EQ(peer.end.detail, "the peer reads nothing");
}

TEST_F(YamuxRules, PingsGoOnWhenThePeerReadsAgain) {
  peer.reads = false;
  for (std::uint32_t i = 0; i < 3000; ++i) peer.send_frame(YamuxType::ping, yamux_syn, 0, i);
  peer.run();
  peer.reads = true;
  peer.advance(1s);
  std::uint32_t next = 0;
  for (const RawFrame& frame : peer.take_frames()) {
    if (frame.header.type == YamuxType::ping && (frame.header.flags & yamux_ack) != 0) {
      EXPECT_EQ(frame.header.length, next++);
    }
  }
  EXPECT_EQ(next, 3000u);
}

TEST_F(YamuxRules, ASilentPeerIsGivenUp) {
  peer.advance(29s);
  EXPECT_FALSE(peer.end.ended.has_value());
  peer.advance(12s);
  EXPECT_EQ(peer.end.ended, ConnectionEnd::timed_out);
  EXPECT_EQ(peer.end.detail, "the peer is silent");
}

TEST_F(YamuxRules, APeerThatAnswersStays) {
  for (int i = 0; i < 200; ++i) {
    for (const RawFrame& frame : peer.take_frames()) {
      if (frame.header.type == YamuxType::ping) {
        peer.send_frame(YamuxType::ping, yamux_ack, 0, frame.header.length);
      }
    }
    peer.advance(1s);
  }
  EXPECT_FALSE(peer.end.ended.has_value());
}

TEST_F(YamuxRules, AResetWhileABodyIsOnItsWayDropsTheRest) {
  peer.end.on_new_handler = [](TestHandler& handler) {
    handler.at_data = [&handler](Stream& stream, Bytes) {
      handler.stream = nullptr;
      stream.reset();
    };
  };
  peer.open(1, "/sink/1.0.0");
  peer.send_frame(YamuxType::data, 0, 1, 1000, std::string(10, 'x'));
  peer.run();
  EXPECT_TRUE(peer.find_frame(YamuxType::window_update, yamux_rst, 1).has_value());
  EXPECT_EQ(inbound(), 0u);
  peer.send(std::string(990, 'y'));
  peer.send_frame(YamuxType::ping, yamux_syn, 0, 5);
  peer.run();
  EXPECT_TRUE(peer.find_frame(YamuxType::ping, yamux_ack, 0).has_value()) << "frames are still in step";
}

TEST_F(YamuxRules, AnErrorCodeWithAResetIsNoWindow) {
  peer.open(1, "/sink/1.0.0");
  peer.run();
  peer.send_frame(YamuxType::window_update, yamux_rst, 1, 0xffffffff);
  peer.run();
  EXPECT_FALSE(peer.end.ended.has_value());
  EXPECT_EQ(peer.end.inbound.at(0).end, StreamEnd::reset_by_peer);
}

// The peer opens a stream and names a protocol byte by byte, slower than anyone would.
TEST_F(YamuxRules, UnfinishedLinesAreFewAndEndInTime) {
  const std::size_t lines = node.resources.limits().partial_lines;
  for (std::uint32_t i = 0; i < lines + 5; ++i) peer.send_data(1 + 2 * i, "\x13/multi", yamux_syn);
  peer.run();
  EXPECT_EQ(node.resources.partial_lines().used(), lines);
  EXPECT_EQ(inbound(), lines) << "the others were reset";
  peer.send_data(1, "stream/1.0.0\n\x0c/echo/1.0.0\nx");
  peer.run();
  EXPECT_EQ(peer.end.inbound.size(), 1u) << "a line in two pieces";
  peer.advance(node.resources.limits().inbound_negotiation_timeout);
  EXPECT_EQ(node.resources.partial_lines().used(), 0u);
  EXPECT_EQ(inbound(), 1u);
}

}  // namespace
}  // namespace masu::net
