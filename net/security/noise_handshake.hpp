// NoiseHandshake: libp2p's use of Noise XX: who the other side is, and whether both name a muxer.
//
// Works on whole messages; framing and buffers are the caller's (upgrade.hpp). Messages 2 and 3 carry each
// side's identity key, its signature over the static Noise key, and the muxers it knows. Lives as long as the
// handshake. Limits: a message has noise_handshake_max_bytes at most. Spec: libp2p/specs noise/README.md,
// connections/inlined-muxer-negotiation.md.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/key.hpp"
#include "multiformats/peer_id.hpp"
#include "net/security/noise_xx.hpp"

#include <cstddef>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

namespace masu::net {

inline constexpr std::string_view noise_protocol = "/noise";
inline constexpr std::size_t noise_handshake_max_bytes = 8 * 1024;

// What a node says of itself in each handshake: made once, at start.
struct NoiseIdentity {
  NoiseKeyPair static_keys;
  std::vector<std::uint8_t> payload;

  // Signs the static key with `identity`. nullopt: the key cannot sign (no memory).
  static std::optional<NoiseIdentity> make(const PrivateKey& identity, const NoiseKey& static_secret,
                                           std::string_view our_muxer);
};

class NoiseHandshake {
 public:
  struct Remote {
    PeerId peer;
    PublicKey key;
    bool muxer_settled = false;  // both named ours; else it is negotiated as a protocol
  };

  // `expected`: with another peer the handshake fails before our identity is sent (initiator).
  NoiseHandshake(NoiseSide side, const NoiseIdentity& identity, const NoiseKeyPair& ephemeral_keys,
                 std::optional<PeerId> expected, std::string_view our_muxer)
      : identity_(identity),
        expected_(std::move(expected)),
        our_muxer_(our_muxer),
        xx_(side, identity.static_keys, ephemeral_keys) {}

  bool my_turn() const { return xx_.my_turn(); }
  bool complete() const { return xx_.complete(); }
  // As NoiseXX; `out` needs noise_overhead_bytes and the identity's payload.
  [[nodiscard]] std::expected<std::size_t, NoiseError> write_message(AeadContext& aead, MutableBytes out);
  [[nodiscard]] std::expected<void, NoiseError> read_message(AeadContext& aead, MutableBytes message);
  std::size_t message_max_bytes() const { return identity_.payload.size() + noise_overhead_bytes; }

  const Remote& remote() const { return *remote_; }  // Requires: complete().
  // Who answered, also when it was another than the one we expected; nullopt before that.
  std::optional<PeerId> answered() const { return remote_ ? std::optional(remote_->peer) : std::nullopt; }
  NoiseXX::Transport split() const { return xx_.split(); }

 private:
  std::expected<void, NoiseError> on_payload(Bytes payload);

  const NoiseIdentity& identity_;
  const std::optional<PeerId> expected_;
  const std::string_view our_muxer_;
  NoiseXX xx_;
  std::optional<Remote> remote_;
};

}  // namespace masu::net
