// From a raw link to an established connection, and every way that fails.
#include "net/upgrade.hpp"

#include "net/security/noise_payload.hpp"
#include "tests/net/raw_peer.hpp"

#include <algorithm>
#include <initializer_list>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

constexpr std::string_view header_line = "\x13/multistream/1.0.0\n";

std::string join(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all.append(part);
  return all;
}

std::vector<std::uint8_t> field(unsigned number, Bytes bytes) {
  std::vector<std::uint8_t> out = {static_cast<std::uint8_t>(number << 3 | 2)};
  std::size_t size = bytes.size();
  for (; size >= 0x80; size >>= 7) out.push_back(static_cast<std::uint8_t>(size | 0x80));
  out.push_back(static_cast<std::uint8_t>(size));
  out.insert(out.end(), bytes.begin(), bytes.end());
  return out;
}

std::vector<std::uint8_t> operator+(std::vector<std::uint8_t> a, const std::vector<std::uint8_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// The parts of a payload that our own encoder made.
struct Parts {
  explicit Parts(const RawPeer& peer) {
    const auto payload = decode_noise_payload(peer.identity.payload, muxer_protocol);
    key = field(1, payload->identity_key);
    signature = field(2, payload->identity_signature);
  }
  std::vector<std::uint8_t> key, signature;
};

class UpgradeOf : public ::testing::TestWithParam<bool> {
 protected:
  // The peer under test listens or dials.
  bool victim_dials() const { return GetParam(); }
  void TearDown() override { EXPECT_TRUE(node.all_given_back()); }
  // The connection ends; nothing of it stays.
  void expect_failure(RawPeer& peer, ConnectionEnd end, std::string_view detail) {
    peer.run();
    EXPECT_EQ(peer.end.ended, end);
    EXPECT_EQ(peer.end.detail, detail);
    EXPECT_FALSE(peer.end.established_with.has_value());
    EXPECT_TRUE(node.all_given_back());
  }
  TestNode node{1};
};
INSTANTIATE_TEST_SUITE_P(Roles, UpgradeOf, ::testing::Bool(),
                         [](const auto& role) { return role.param ? "Dialer" : "Listener"; });

TEST_P(UpgradeOf, EstablishesByteByByte) {
  RawPeer peer(node, 9, victim_dials());
  peer.segment_max = 1;
  peer.run();
  EXPECT_TRUE(peer.connection().established());
  EXPECT_EQ(peer.end.established_with, PeerId::of(peer.key.public_key()));
}

TEST_P(UpgradeOf, EndsInTimeWhereverThePeerStops) {
  std::size_t transcript_bytes = 0;
  {
    RawPeer whole(node, 9, victim_dials());
    whole.run();
    ASSERT_TRUE(whole.connection().established());
    transcript_bytes = whole.connection().stats().bytes_in;
  }
  for (std::size_t length = 0; length < transcript_bytes; ++length) {
    RawPeer peer(node, 9, victim_dials());
    peer.send_limit = length;
    peer.run();
    ASSERT_FALSE(peer.connection().established()) << length;
    ASSERT_FALSE(peer.end.ended.has_value()) << length;
    EXPECT_LE(node.chunks.stats().used, 2u);
    peer.advance(node.resources.limits().handshake_timeout);
    EXPECT_EQ(peer.end.ended, ConnectionEnd::timed_out) << length;
    EXPECT_TRUE(node.all_given_back());
  }
}

TEST_P(UpgradeOf, FailsForEachFlippedByte) {
  for (std::size_t at = 0;; ++at) {
    RawPeer peer(node, 9, victim_dials());
    peer.flip_at = at;
    peer.run();
    if (peer.connection().established()) {
      EXPECT_GT(at, 200u) << "behind the whole handshake";
      break;
    }
    peer.advance(node.resources.limits().handshake_timeout);  // a length that grew waits for more
    ASSERT_TRUE(peer.end.ended.has_value()) << at;
    ASSERT_FALSE(peer.end.established_with.has_value()) << at;
    ASSERT_TRUE(node.all_given_back()) << at;
  }
}

TEST_P(UpgradeOf, NeedsTheIdentityToSignTheKey) {
  RawPeer peer(node, 9, victim_dials());
  peer.identity.payload[Parts(peer).key.size() + 10] ^= 1;
  expect_failure(peer, ConnectionEnd::handshake_failed, "noise static key not signed by the identity key");
}

TEST_P(UpgradeOf, NeedsEachField) {
  for (const bool key : {true, false}) {
    RawPeer peer(node, 9, victim_dials());
    peer.identity.payload = key ? Parts(peer).key : Parts(peer).signature;
    expect_failure(peer, ConnectionEnd::handshake_failed, "noise payload malformed");
  }
}

TEST_P(UpgradeOf, SkipsFieldsItDoesNotKnow) {
  RawPeer peer(node, 9, victim_dials());
  const Parts parts(peer);
  const std::vector<std::uint8_t> number = {0x18, 0xff, 0x01};  // field 3, a varint
  peer.identity.payload =
      number + parts.signature + field(9, as_bytes("?")) + parts.key + field(4, field(1, as_bytes("hash")));
  peer.run();
  EXPECT_FALSE(peer.connection().established()) << "the muxer is still open";
  ASSERT_TRUE(peer.secured);
  EXPECT_FALSE(peer.end.ended.has_value());
  peer.end.connection.reset();
}

TEST_P(UpgradeOf, RefusesPayloadsThatClaimTooMuch) {
  RawPeer huge(node, 9, victim_dials());
  huge.identity.payload = {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f};
  expect_failure(huge, ConnectionEnd::handshake_failed, "noise payload malformed");
  RawPeer muxers(node, 9, victim_dials());
  std::vector<std::uint8_t> extensions;
  for (std::size_t i = 0; i <= noise_muxers_max; ++i) extensions = extensions + field(2, as_bytes("/m"));
  muxers.identity.payload = Parts(muxers).key + Parts(muxers).signature + field(4, extensions);
  expect_failure(muxers, ConnectionEnd::handshake_failed, "noise payload malformed");
}

TEST_P(UpgradeOf, RefusesMessagesAboveTheBound) {
  RawPeer peer(node, 9, victim_dials());
  peer.run_lines_only();
  peer.send_raw("\xff\xff");
  expect_failure(peer, ConnectionEnd::handshake_failed, "noise handshake message too long");
}

TEST_P(UpgradeOf, FailsWithoutACommonMuxer) {
  RawPeer peer(node, 9, victim_dials());
  peer.identity.payload =
      Parts(peer).key + Parts(peer).signature + field(4, field(2, as_bytes("/mplex/6.7.0")));
  expect_failure(peer, ConnectionEnd::handshake_failed, "no common muxer");
}

TEST_P(UpgradeOf, PicksOurMuxerAmongOthers) {
  RawPeer peer(node, 9, victim_dials());
  peer.identity.payload = Parts(peer).key + Parts(peer).signature +
                          field(4, field(2, as_bytes("/mplex/6.7.0")) + field(2, as_bytes(muxer_protocol)));
  peer.run();
  EXPECT_TRUE(peer.connection().established());
}

// A peer that names no muxer negotiates it over the secured link, in whatever pieces.
TEST_P(UpgradeOf, FallsBackToNegotiatingTheMuxer) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{100}}) {
    RawPeer peer(node, 9, victim_dials());
    peer.identity.payload = Parts(peer).key + Parts(peer).signature;
    peer.run();
    ASSERT_TRUE(peer.secured);
    std::string lines(header_line);
    if (!victim_dials()) lines += "\x0d/mplex/6.7.0\n";
    lines += "\x0d/yamux/1.0.0\n";
    const auto ping = encode_yamux_header({0, YamuxType::ping, yamux_syn, 0, 5});
    lines += as_text(Bytes(ping));
    for (std::size_t at = 0; at < lines.size(); at += piece) {
      peer.send(std::string_view(lines).substr(at, piece));
      peer.run();
    }
    EXPECT_TRUE(peer.connection().established());
    const std::string expected = join({header_line, victim_dials() ? "" : "\x03na\n", "\x0d/yamux/1.0.0\n"});
    ASSERT_TRUE(peer.plain_in.starts_with(expected));
    peer.plain_in.erase(0, expected.size());
    EXPECT_TRUE(peer.find_frame(YamuxType::ping, yamux_ack, 0).has_value());
    peer.end.connection.reset();
    EXPECT_TRUE(node.all_given_back());
  }
}

TEST_P(UpgradeOf, RefusesWhatIsNoMultistream) {
  RawPeer peer(node, 9, victim_dials());
  peer.wire_out =
      "GET / HTTP/1.1\r\nHost: there\r\nAccept: */*\r\nUser-Agent: something that speaks HTTP\r\n\r\n";
  peer.run();
  peer.advance(16s);
  EXPECT_EQ(peer.end.ended, ConnectionEnd::handshake_failed);
}

TEST(Upgrade, ListenerAnswersOtherProposalsWithNa) {
  TestNode node(1);
  RawPeer peer(node);
  peer.wire_out = join({header_line, "\x0b/tls/1.0.0\n", "\x07/noise\n"});
  peer.expected_lines = join({header_line, "\x03na\n", "\x07/noise\n"});
  peer.run();
  EXPECT_TRUE(peer.connection().established());
}

TEST(Upgrade, DialerEndsWhenNoiseIsRefused) {
  TestNode node(1);
  RawPeer peer(node, 9, true);
  peer.wire_out = join({header_line, "\x03na\n"});
  peer.run();
  EXPECT_EQ(peer.end.ended, ConnectionEnd::handshake_failed);
  EXPECT_EQ(peer.end.detail, "no common protocol");
}

TEST(Upgrade, DialerEndsBeforeItSaysWhoItIsWhenAnotherPeerAnswers) {
  TestNode a(1), b(2), c(3);
  Pair pair(a, b, c.peer());
  pair.run();
  EXPECT_EQ(pair.dialer.ended, ConnectionEnd::wrong_peer);
  EXPECT_FALSE(pair.listener.established_with.has_value());
  EXPECT_TRUE(a.all_given_back());
  pair.listener.connection->on_link_closed("closed", pair.now);
  EXPECT_EQ(pair.listener.ended, ConnectionEnd::handshake_failed);
  EXPECT_TRUE(b.all_given_back());
}

// --- Frames that come too slowly. ---

class SlowFrames : public ::testing::Test {
 protected:
  static ConnectionLimits two_slots() {
    ConnectionLimits limits;
    limits.frame_slots = 3;  // of which one is kept for peers of use
    return limits;
  }
  // A frame of 60,000 bytes, of which most is sent.
  static void begin_frame(RawPeer& peer, std::size_t bytes = 50000) {
    peer.shake_hands();
    ASSERT_TRUE(peer.connection().established());
    peer.send(std::string(60000, 'x'));
    peer.wire_out.resize(bytes);
    peer.run();
  }
  TestNode node{1, two_slots()};
};

TEST_F(SlowFrames, SlotsOfStalledPeersComeBackWithinSeconds) {
  RawPeer first(node, 11), second(node, 12), honest(node, 13);
  begin_frame(first);
  begin_frame(second);
  EXPECT_EQ(node.resources.frame_slots().used(), 2u);
  honest.shake_hands();
  honest.open(1, "/sink/1.0.0");
  honest.send_data(1, pattern(59000));
  honest.run();
  EXPECT_FALSE(honest.connection().wants_read()) << "it waits for a slot";
  EXPECT_EQ(honest.end.inbound.size(), 1u);
  EXPECT_EQ(honest.end.inbound.at(0).received_bytes, 0u);
  for (RawPeer* peer : {&first, &second}) peer->advance(4s);
  EXPECT_EQ(first.end.ended, ConnectionEnd::timed_out);
  EXPECT_EQ(first.end.detail, "a frame took too long");
  EXPECT_TRUE(honest.end.turn_wanted) << "it is told of the slot";
  honest.run();
  EXPECT_EQ(honest.end.inbound.at(0).received_bytes, 59000u);
}

TEST_F(SlowFrames, APeerOfUseGetsAStrangersSlotAtOnce) {
  RawPeer first(node, 11), other(node, 14), second(node, 12), honest(node, 13);
  begin_frame(first);
  begin_frame(other, 55000);
  second.end.of_use = true;
  begin_frame(second);
  EXPECT_EQ(node.resources.frame_slots().used(), 3u);
  honest.shake_hands();
  honest.end.of_use = true;
  honest.open(1, "/sink/1.0.0");
  honest.send_data(1, pattern(59000));
  honest.advance(500ms);
  first.run();
  EXPECT_EQ(first.end.ended, ConnectionEnd::timed_out);
  EXPECT_EQ(first.end.detail, "a frame took too long");
  honest.advance(200ms);
  EXPECT_EQ(honest.end.inbound.at(0).received_bytes, 59000u);
  second.run();
  EXPECT_FALSE(second.end.ended.has_value()) << "it is of use as well, and not slow yet";
}

TEST_F(SlowFrames, OneSlotIsKeptForPeersOfUse) {
  RawPeer first(node, 11), second(node, 12), stranger(node, 14), honest(node, 13);
  begin_frame(first);
  begin_frame(second);
  for (RawPeer* peer : {&stranger, &honest}) {
    peer->shake_hands();
    peer->end.of_use = peer == &honest;
    peer->open(1, "/sink/1.0.0");
    peer->send_data(1, pattern(59000));
    peer->run();
  }
  EXPECT_EQ(honest.end.inbound.at(0).received_bytes, 59000u) << "without a wait";
  EXPECT_EQ(stranger.end.inbound.at(0).received_bytes, 0u);
  EXPECT_FALSE(first.end.ended || second.end.ended);
}

TEST_F(SlowFrames, AmongStrangersTheSlowestLosesItsSlot) {
  RawPeer slow(node, 11), slower(node, 12), third(node, 13);
  begin_frame(slow);
  begin_frame(slower, 20000);
  third.shake_hands();
  third.open(1, "/sink/1.0.0");
  third.send_data(1, pattern(59000));
  third.advance(500ms);
  for (RawPeer* peer : {&slow, &slower}) {
    peer->run();
    EXPECT_FALSE(peer->end.ended.has_value()) << "it may still be a slow link";
  }
  third.advance(500ms);
  slow.run();
  slower.run();
  EXPECT_FALSE(slow.end.ended.has_value());
  EXPECT_EQ(slower.end.ended, ConnectionEnd::timed_out);
  third.advance(200ms);
  EXPECT_EQ(third.end.inbound.at(0).received_bytes, 59000u);
}

// One slot, and eight chunks for what is received.
class CrowdOfSlowFrames : public SlowFrames {
 protected:
  static ConnectionLimits eight_chunks() {
    ConnectionLimits limits;
    limits.frame_slots = 1;
    limits.receive_bytes = 8 * chunk_bytes;
    return limits;
  }
  CrowdOfSlowFrames() {
    for (std::uint64_t n = 0; n < 6; ++n) {
      crowd.emplace_back(small, 20 + n);
      begin_frame(crowd.back(), 20000);
    }
  }
  std::size_t ended() {
    return static_cast<std::size_t>(std::ranges::count_if(crowd, [](RawPeer& peer) {
      peer.run();
      return peer.end.ended.has_value();
    }));
  }
  TestNode small{2, eight_chunks()};
  std::list<RawPeer> crowd;
};

TEST_F(SlowFrames, AFrameOfAPeerOfUseHasItsTimeThoughOthersWait) {
  RawPeer first(node, 11), second(node, 12), waits(node, 14), useful(node, 13);
  useful.end.of_use = true;
  begin_frame(useful);
  begin_frame(first);
  begin_frame(second);
  begin_frame(waits);
  ASSERT_TRUE(node.resources.pressed());
  useful.advance(10s);
  first.advance(4s);
  EXPECT_TRUE(first.end.ended.has_value());
  EXPECT_FALSE(useful.end.ended.has_value());
  useful.advance(11s);
  EXPECT_EQ(useful.end.detail, "a frame took too long");
}

TEST_F(SlowFrames, StreamsOfStrangersThatNobodyReadsLeaveAChunkForPeersOfUse) {
  ConnectionLimits limits;
  limits.frame_slots = 1;
  limits.receive_bytes = 8 * chunk_bytes;
  TestNode small(2, limits);
  RawPeer honest(small, 13);
  honest.shake_hands();
  honest.end.of_use = true;
  RawPeer stranger(small, 14);
  stranger.shake_hands();
  stranger.end.on_new_handler = [](TestHandler& handler) { handler.take_max = 0; };
  stranger.open(1, "/sink/1.0.0");
  for (int i = 0; i < 20; ++i) stranger.send_data(1, pattern(10000));
  stranger.run();
  EXPECT_LE(small.resources.receive_account().live_bytes(), 7 * chunk_bytes);
  honest.send_frame(YamuxType::ping, yamux_syn, 0, 7);
  honest.run();
  EXPECT_TRUE(honest.find_frame(YamuxType::ping, yamux_ack, 0)) << "without a wait";
}

TEST_F(CrowdOfSlowFrames, LeavesAChunkForPeersOfUse) {
  RawPeer honest(small, 13);
  honest.end.of_use = true;
  EXPECT_EQ(small.resources.receive_account().live_bytes(), 7 * chunk_bytes);
  // It was there before them.
  small.resources.receive_account().set_quota(16 * chunk_bytes);
  honest.shake_hands();
  small.resources.receive_account().set_quota(8 * chunk_bytes);
  honest.send_frame(YamuxType::ping, yamux_syn, 0, 7);
  honest.run();
  EXPECT_TRUE(honest.find_frame(YamuxType::ping, yamux_ack, 0)) << "without a wait";
  EXPECT_EQ(ended(), 0u);
}

TEST_F(CrowdOfSlowFrames, GivesWayToAStrangerWithinASecond) {
  RawPeer stranger(small, 13);
  small.resources.receive_account().set_quota(16 * chunk_bytes);
  stranger.shake_hands();
  small.resources.receive_account().set_quota(8 * chunk_bytes);
  stranger.send_frame(YamuxType::ping, yamux_syn, 0, 7);
  stranger.run();
  EXPECT_FALSE(stranger.find_frame(YamuxType::ping, yamux_ack, 0));
  for (int i = 0; i < 10 && ended() == 0; ++i) stranger.advance(100ms);
  EXPECT_EQ(ended(), 1u);
  stranger.advance(200ms);
  EXPECT_TRUE(stranger.find_frame(YamuxType::ping, yamux_ack, 0));
}

TEST_F(SlowFrames, WithoutAnyoneWaitingASlowLinkHasMoreTime) {
  RawPeer peer(node, 11);
  begin_frame(peer);
  peer.advance(10s);
  EXPECT_FALSE(peer.end.ended.has_value());
  peer.advance(11s);
  EXPECT_EQ(peer.end.ended, ConnectionEnd::timed_out);
}

TEST_F(SlowFrames, APeerThatIsSlowButCompleteStays) {
  RawPeer peer(node, 11);
  peer.shake_hands();
  for (int i = 0; i < 10; ++i) {
    peer.send_frame(YamuxType::ping, yamux_syn, 0, 1);
    const std::string frame = std::exchange(peer.wire_out, {});
    for (const char byte : frame) {
      peer.send_raw(std::string_view(&byte, 1));
      peer.advance(100ms);
    }
  }
  EXPECT_FALSE(peer.end.ended.has_value());
}

}  // namespace
}  // namespace masu::net
