#include "net/upgrade.hpp"

#include "alloc/check.hpp"
#include "net/security/noise_payload.hpp"

#include <algorithm>

#include <sodium.h>

namespace masu::net {
namespace {

constexpr std::array security_protocols = {noise_protocol};
constexpr std::array muxer_protocols = {muxer_protocol};
constexpr std::size_t message_max_bytes =
    noise_identity_key_max_bytes + noise_signature_max_bytes + 64 + noise_overhead_bytes;

NoiseKeyPair fresh_keys(RandomSource& random) {
  NoiseKeyPair keys;
  NoiseKey secret;
  random.fill(secret);
  keys = NoiseKeyPair(secret);
  sodium_memzero(secret.data(), secret.size());
  return keys;
}

UpgradeError error_of(NoiseError error) {
  const ConnectionEnd end = error == NoiseError::wrong_peer  ? ConnectionEnd::wrong_peer
                            : error == NoiseError::no_memory ? ConnectionEnd::out_of_memory
                                                             : ConnectionEnd::handshake_failed;
  return {end, name_of(error)};
}

}  // namespace

Upgrade::Upgrade(ConnectionResources& resources, ConnectionRole role, std::optional<PeerId> expected)
    : resources_(resources),
      role_(role),
      negotiation_(negotiation(role, security_protocols)),
      noise_(role == ConnectionRole::dialer ? NoiseSide::initiator : NoiseSide::responder,
             resources.identity(), fresh_keys(resources.random()), std::move(expected), muxer_protocol) {}

Upgrade::Negotiation Upgrade::negotiation(ConnectionRole role, std::span<const std::string_view> protocols) {
  if (role == ConnectionRole::dialer) return MultistreamDialer(protocols);
  return MultistreamListener();
}

std::expected<Upgrade::Progress, UpgradeError> Upgrade::advance(SecureReader& reader, SecureWriter& writer) {
  while (phase_ != Phase::done) {
    const auto step = phase_ == Phase::noise ? shake_hands(reader, writer) : negotiate(reader, writer);
    if (!step) return std::unexpected(step.error());
    if (*step == Step::waits_input) return Progress::waits_input;
    if (*step == Step::waits_output) return Progress::waits_output;
  }
  return Progress::done;
}

std::expected<Upgrade::Step, UpgradeError> Upgrade::negotiate(SecureReader& reader, SecureWriter& writer) {
  const std::string_view owed = std::visit([](auto& side) { return side.next_owed(); }, negotiation_);
  if (!owed.empty()) {
    std::array<std::uint8_t, multistream_message_max_bytes> message;
    const Bytes line = Bytes(message).first(write_multistream_line(owed, message));
    if (writer.room(line.size()) < line.size()) return Step::waits_output;
    writer.append(line);
    std::visit([](auto& side) { side.owed_written(); }, negotiation_);
    return Step::again;
  }
  if (settled_) {
    settled_ = false;
    phase_ = phase_ == Phase::security ? Phase::noise : Phase::done;
    return Step::again;
  }
  if (phase_ == Phase::muxer) {
    const auto line = line_from_frames(reader);
    if (!line) return std::unexpected(line.error());
    if (!*line) return Step::waits_input;
    line_.size = 0;
    return on_line((*line)->text);
  }
  const auto line = next_multistream_line(reader.raw());
  if (!line) return std::unexpected(UpgradeError{ConnectionEnd::handshake_failed, name_of(line.error())});
  if (!*line) return Step::waits_input;
  const auto step = on_line((*line)->text);
  reader.consume((*line)->used);
  return step;
}

std::expected<Upgrade::Step, UpgradeError> Upgrade::on_line(std::string_view line) {
  const std::string_view wanted = phase_ == Phase::security ? noise_protocol : muxer_protocol;
  const auto find = [&](std::string_view asked) { return asked == wanted ? wanted : std::string_view(); };
  auto* listener = std::get_if<MultistreamListener>(&negotiation_);
  const auto chosen = listener != nullptr ? listener->on_line(line, find)
                                          : std::get<MultistreamDialer>(negotiation_).on_line(line);
  if (!chosen) return std::unexpected(UpgradeError{ConnectionEnd::handshake_failed, name_of(chosen.error())});
  settled_ = chosen->has_value();
  return Step::again;
}

// A line of the muxer negotiation, which may be cut by frames; it lies in line_.
std::expected<std::optional<MultistreamLine>, UpgradeError> Upgrade::line_from_frames(SecureReader& reader) {
  while (true) {
    const auto piece = reader.peek(resources_.aead());
    if (!piece) return std::unexpected(error_of(piece.error()));
    if (piece->empty()) return std::nullopt;
    const std::size_t before = line_.size;
    const std::size_t part = std::min(piece->size(), line_.bytes.size() - before);
    std::copy_n(piece->begin(), part, line_.bytes.begin() + static_cast<std::ptrdiff_t>(before));
    const auto line = next_multistream_line(Bytes(line_.bytes).first(before + part));
    if (!line) return std::unexpected(UpgradeError{ConnectionEnd::handshake_failed, name_of(line.error())});
    if (*line) {
      reader.consume((*line)->used - before);
      return *line;
    }
    line_.size += part;
    reader.consume(part);
  }
}

std::expected<Upgrade::Step, UpgradeError> Upgrade::shake_hands(SecureReader& reader, SecureWriter& writer) {
  if (!noise_.complete()) return noise_.my_turn() ? write_noise(writer) : read_noise(reader);
  const NoiseXX::Transport keys = noise_.split();
  reader.start(keys.receive);
  writer.start(keys.send);
  negotiation_ = negotiation(role_, muxer_protocols);
  phase_ = noise_.remote().muxer_settled ? Phase::done : Phase::muxer;
  return Step::again;
}

std::expected<Upgrade::Step, UpgradeError> Upgrade::write_noise(SecureWriter& writer) {
  std::array<std::uint8_t, noise_length_bytes + message_max_bytes> message;
  const std::size_t longest = noise_length_bytes + noise_.message_max_bytes();
  MASU_CHECK(longest <= message.size(), "our own payload is small");
  if (writer.room(longest) < longest) return Step::waits_output;
  const auto written =
      noise_.write_message(resources_.aead(), MutableBytes(message).subspan(noise_length_bytes));
  if (!written) return std::unexpected(error_of(written.error()));
  message[0] = static_cast<std::uint8_t>(*written >> 8);
  message[1] = static_cast<std::uint8_t>(*written);
  writer.append(Bytes(message).first(noise_length_bytes + *written));
  return Step::again;
}

std::expected<Upgrade::Step, UpgradeError> Upgrade::read_noise(SecureReader& reader) {
  const MutableBytes raw = reader.raw();
  if (raw.size() < noise_length_bytes) return Step::waits_input;
  const std::size_t length = std::size_t{raw[0]} << 8 | raw[1];
  if (length > noise_handshake_max_bytes) return std::unexpected(error_of(NoiseError::too_long));
  if (raw.size() < noise_length_bytes + length) return Step::waits_input;
  const auto read = noise_.read_message(resources_.aead(), raw.subspan(noise_length_bytes, length));
  if (!read) return std::unexpected(error_of(read.error()));
  reader.consume(noise_length_bytes + length);
  return Step::again;
}

}  // namespace masu::net
