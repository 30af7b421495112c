#include "tests/net/raw_peer.hpp"

#include "net/upgrade.hpp"

#include <algorithm>

namespace masu::net {
namespace {

constexpr std::string_view lines = "\x13/multistream/1.0.0\n\x07/noise\n";

PrivateKey key_from(SeededRandom& random) {
  std::array<std::uint8_t, 32> seed;
  random.fill(seed);
  return PrivateKey::from_seed(seed);
}

NoiseIdentity identity_from(const PrivateKey& key, SeededRandom& random) {
  NoiseKey secret;
  random.fill(secret);
  return *NoiseIdentity::make(key, secret, muxer_protocol);
}

std::string message(std::string_view text) {
  std::array<std::uint8_t, multistream_message_max_bytes> out;
  return std::string(as_text(Bytes(out).first(write_multistream_line(text, out))));
}

}  // namespace

RawPeer::RawPeer(TestNode& victim, std::uint64_t seed, bool listens)
    : node(victim),
      random(seed),
      key(key_from(random)),
      identity(identity_from(key, random)),
      end(victim, listens ? ConnectionRole::dialer : ConnectionRole::listener, std::nullopt, now),
      listens_(listens) {
  wire_out = lines;
  expected_lines = lines;
}

void RawPeer::shake() {
  if (!noise_) {
    NoiseKey secret;
    random.fill(secret);
    noise_.emplace(listens_ ? NoiseSide::responder : NoiseSide::initiator, identity, NoiseKeyPair(secret),
                   std::nullopt, muxer_protocol);
  }
  if (!lines_done_) {
    if (!wire_in.starts_with(expected_lines)) return;
    wire_in.erase(0, expected_lines.size());
    lines_done_ = true;
  }
  if (lines_only_) return;
  while (!noise_->complete() && !error) {
    if (noise_->my_turn()) {
      std::vector<std::uint8_t> out(2 + noise_->message_max_bytes());
      const auto length = noise_->write_message(aead_, MutableBytes(out).subspan(2));
      if (!length) {
        error = length.error();
        return;
      }
      out[0] = static_cast<std::uint8_t>(*length >> 8);
      out[1] = static_cast<std::uint8_t>(*length);
      wire_out += as_text(Bytes(out).first(2 + *length));
    } else {
      if (wire_in.size() < 2) return;
      const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(wire_in[0])) << 8 |
                                 static_cast<std::uint8_t>(wire_in[1]);
      if (wire_in.size() < 2 + length) return;
      std::vector<std::uint8_t> in(wire_in.begin() + 2,
                                   wire_in.begin() + 2 + static_cast<std::ptrdiff_t>(length));
      wire_in.erase(0, 2 + length);
      if (const auto read = noise_->read_message(aead_, in); !read) error = read.error();
    }
  }
  if (error) return;
  const auto keys = noise_->split();
  seal_key_ = keys.send;
  open_key_ = keys.receive;
  secured = true;
}

void RawPeer::shake_hands() { run(); }

void RawPeer::run_lines_only() {
  lines_only_ = true;
  run();
}

void RawPeer::send(std::string_view plaintext) {
  while (!plaintext.empty()) {
    const std::string_view part = plaintext.substr(0, 60000);
    plaintext.remove_prefix(part.size());
    std::vector<std::uint8_t> frame(2 + part.size() + aead_tag_bytes);
    const std::size_t length = part.size() + aead_tag_bytes;
    frame[0] = static_cast<std::uint8_t>(length >> 8);
    frame[1] = static_cast<std::uint8_t>(length);
    std::copy(part.begin(), part.end(), frame.begin() + 2);
    const MutableBytes all(frame);
    (void)(aead_.begin_seal(seal_key_) && aead_.update(all.subspan(2, part.size())) &&
           aead_.finish_seal(all.last<aead_tag_bytes>()));
    wire_out += as_text(Bytes(frame));
  }
}

void RawPeer::send_frame(YamuxType type, std::uint16_t flags, std::uint32_t stream, std::uint32_t length,
                         std::string_view body) {
  const auto header = encode_yamux_header({0, type, flags, stream, length});
  send(std::string(as_text(Bytes(header))) + std::string(body));
}

void RawPeer::send_data(std::uint32_t stream, std::string_view body, std::uint16_t flags) {
  send_frame(YamuxType::data, flags, stream, static_cast<std::uint32_t>(body.size()), body);
}

void RawPeer::open(std::uint32_t stream, std::string_view protocol, std::string_view payload) {
  send_data(stream, message(multistream_header) + message(protocol) + std::string(payload), yamux_syn);
}

bool RawPeer::write_to_victim() {
  bool moved = false;
  while (!wire_out.empty() && given_ < send_limit && connection().wants_read()) {
    Chunk chunk = connection().chunk_for_reading();
    if (!chunk) break;
    const std::size_t part =
        std::min({wire_out.size(), chunk.space().size(), segment_max, send_limit - given_});
    std::copy_n(wire_out.begin(), part, chunk.space().begin());
    if (flip_at && *flip_at - given_ < part) chunk.space()[*flip_at - given_] ^= 0x20;
    given_ += part;
    chunk.fill(part);
    wire_out.erase(0, part);
    connection().on_bytes(std::move(chunk), now);
    moved = true;
  }
  return moved;
}

bool RawPeer::read_from_victim() {
  bool moved = false;
  while (reads && connection().wants_write()) {
    const Bytes bytes = connection().bytes_to_send(now);
    if (bytes.empty()) break;
    wire_in += as_text(bytes);
    connection().on_sent(bytes.size(), now);
    moved = true;
  }
  return moved;
}

void RawPeer::open_frames() {
  std::size_t at = 0;
  while (secured && wire_in.size() - at >= 2) {
    const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(wire_in[at])) << 8 |
                               static_cast<std::uint8_t>(wire_in[at + 1]);
    if (wire_in.size() - at < 2 + length) break;
    const MutableBytes frame(reinterpret_cast<std::uint8_t*>(wire_in.data()) + at + 2, length);
    const MutableBytes text = frame.first(length - aead_tag_bytes);
    if (!aead_.begin_open(open_key_) || !aead_.update(text) ||
        !aead_.finish_open(frame.last<aead_tag_bytes>())) {
      error = NoiseError::bad_tag;
    }
    plain_in += as_text(text);
    at += 2 + length;
  }
  wire_in.erase(0, at);
}

void RawPeer::run() {
  for (bool moved = true; moved;) {
    moved = false;
    if (std::exchange(end.turn_wanted, false)) {
      connection().turn(now);
      moved = true;
    }
    moved |= write_to_victim();
    moved |= read_from_victim();
    if (!secured && !error) shake();
    if (secured) open_frames();
  }
}

void RawPeer::advance(Duration duration) {
  const TimePoint until = now + duration;
  run();
  while (true) {
    const auto deadline = connection().next_deadline();
    now = std::max(now, deadline ? std::min(until, *deadline) : until);
    if (deadline && *deadline <= now) connection().on_deadline(now);
    run();
    if (now >= until) return;
  }
}

std::vector<RawFrame> RawPeer::take_frames() {
  std::vector<RawFrame> frames;
  std::size_t at = 0;
  while (plain_in.size() - at >= yamux_header_bytes) {
    const Bytes bytes = as_bytes(std::string_view(plain_in).substr(at));
    const YamuxHeader header = decode_yamux_header(bytes.first<yamux_header_bytes>());
    const std::size_t body = header.type == YamuxType::data ? header.length : 0;
    if (bytes.size() < yamux_header_bytes + body) break;
    frames.push_back({header, plain_in.substr(at + yamux_header_bytes, body)});
    at += yamux_header_bytes + body;
  }
  plain_in.erase(0, at);
  return frames;
}

std::optional<YamuxHeader> RawPeer::find_frame(YamuxType type, std::uint16_t flags, std::uint32_t stream) {
  for (const RawFrame& frame : take_frames()) {
    const YamuxHeader& header = frame.header;
    if (header.type == type && (header.flags & flags) == flags && header.stream == stream) return header;
  }
  return std::nullopt;
}

}  // namespace masu::net
