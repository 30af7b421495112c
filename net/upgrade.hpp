// Upgrade: from a raw link to a secured one on which both sides speak yamux, as a machine over the
// connection's reader and writer: multistream-select for `/noise`, the Noise handshake, and, unless both
// named yamux inside of it, multistream-select for `/yamux/1.0.0` over the secured link.
//
// One entry of the handshake account, from a connection's first byte until it is established. The deadline of
// the whole is the connection's. Spec: libp2p/specs connections/README.md.
#pragma once

#include "multiformats/peer_id.hpp"
#include "net/connection_owner.hpp"
#include "net/connection_resources.hpp"
#include "net/multistream.hpp"
#include "net/security/noise_handshake.hpp"
#include "net/security/secure_reader.hpp"
#include "net/security/secure_writer.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <variant>

namespace masu::net {

inline constexpr std::string_view muxer_protocol = "/yamux/1.0.0";

struct UpgradeError {
  ConnectionEnd end = ConnectionEnd::handshake_failed;
  std::string_view detail;
};

class Upgrade {
 public:
  Upgrade(ConnectionResources& resources, ConnectionRole role, std::optional<PeerId> expected);

  enum class Progress : std::uint8_t {
    waits_input,
    waits_output,  // the writer has no room: call again when the link took bytes, or memory came back
    done,
  };
  // Works through what the reader has. The reader and the writer are secured on the way. An error is final.
  // May throw std::bad_alloc (keys of peers): final too.
  [[nodiscard]] std::expected<Progress, UpgradeError> advance(SecureReader& reader, SecureWriter& writer);

  std::optional<PeerId> answered() const { return noise_.answered(); }
  const NoiseHandshake::Remote& remote() const { return noise_.remote(); }  // Requires: done.

 private:
  enum class Phase : std::uint8_t { security, noise, muxer, done };
  using Negotiation = std::variant<MultistreamDialer, MultistreamListener>;
  // What one try did: nothing more is possible now, something was done, or the whole phase.
  enum class Step : std::uint8_t { waits_input, waits_output, again };

  std::expected<Step, UpgradeError> negotiate(SecureReader& reader, SecureWriter& writer);
  std::expected<Step, UpgradeError> on_line(std::string_view line);
  std::expected<Step, UpgradeError> shake_hands(SecureReader& reader, SecureWriter& writer);
  std::expected<Step, UpgradeError> write_noise(SecureWriter& writer);
  std::expected<Step, UpgradeError> read_noise(SecureReader& reader);
  std::expected<std::optional<MultistreamLine>, UpgradeError> line_from_frames(SecureReader& reader);
  static Negotiation negotiation(ConnectionRole role, std::span<const std::string_view> protocols);

  ConnectionResources& resources_;
  const ConnectionRole role_;
  Phase phase_ = Phase::security;
  bool settled_ = false;  // the negotiation is; its last line may be owed
  Negotiation negotiation_;
  NoiseHandshake noise_;
  PartialLine line_;
};

}  // namespace masu::net
