// NoiseXX: the handshake of Noise_XX_25519_ChaChaPoly_SHA256 (noiseprotocol.org, revision 34) as a machine:
//
//   -> e
//   <- e, ee, s, es
//   -> s, se
//
// It knows messages and payloads, not what the payloads mean (noise_handshake.hpp) nor how messages are
// framed. Both sides alternate write_message() and read_message() until complete(). After an error the
// machine must be destroyed. Allocates nothing; secrets are wiped when it is destroyed.
#pragma once

#include "alloc/bytes.hpp"
#include "net/security/aead.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace masu::net {

inline constexpr std::size_t noise_key_bytes = 32;
using NoiseKey = std::array<std::uint8_t, noise_key_bytes>;

// An X25519 key pair; the secret half is wiped when destroyed.
struct NoiseKeyPair {
  NoiseKey secret{};
  NoiseKey open{};

  NoiseKeyPair() = default;
  explicit NoiseKeyPair(const NoiseKey& secret_key);
  ~NoiseKeyPair();
  NoiseKeyPair(const NoiseKeyPair&) = default;
  NoiseKeyPair& operator=(const NoiseKeyPair&) = default;
};

enum class NoiseError : std::uint8_t {
  truncated,        // shorter than its fixed parts
  too_long,         // above our bound for a handshake message
  bad_key,          // a public key of low order
  bad_tag,          // not sealed by the holder of the keys, or damaged
  bad_payload,      // no valid protobuf, or a field is missing or above its bound
  bad_signature,    // the identity key did not sign the static key
  wrong_peer,       // another identity than the expected one
  no_common_muxer,  // it names muxers, and none is ours
  exhausted,        // the message counter is used up
  no_memory,
};
std::string_view name_of(NoiseError);

// What a message adds around its payload at most: two keys and two tags.
inline constexpr std::size_t noise_overhead_bytes = 2 * noise_key_bytes + 2 * aead_tag_bytes;

enum class NoiseSide : std::uint8_t { initiator, responder };

class NoiseXX {
 public:
  NoiseXX(NoiseSide side, const NoiseKeyPair& static_keys, const NoiseKeyPair& ephemeral_keys,
          Bytes prologue = {});
  ~NoiseXX();
  NoiseXX(const NoiseXX&) = delete;
  NoiseXX& operator=(const NoiseXX&) = delete;

  int messages() const { return messages_; }  // written and read so far
  bool complete() const { return messages_ == 3; }
  bool my_turn() const { return !complete() && (messages_ % 2 == 0) == (side_ == NoiseSide::initiator); }

  // Writes the next message and returns its length. Requires: my_turn(), out.size() >= payload.size() +
  // noise_overhead_bytes.
  [[nodiscard]] std::expected<std::size_t, NoiseError> write_message(AeadContext& aead, Bytes payload,
                                                                     MutableBytes out);
  // Opens the peer's next message in place and returns the payload inside of it.
  // Requires: !my_turn() and !complete().
  [[nodiscard]] std::expected<Bytes, NoiseError> read_message(AeadContext& aead, MutableBytes message);

  const NoiseKey& remote_static() const { return remote_static_; }  // after message 2 or 3
  const NoiseKey& handshake_hash() const { return hash_; }

  struct Transport {
    CipherState send;
    CipherState receive;
  };
  // The keys of what follows. Requires: complete().
  Transport split() const;

 private:
  void mix_hash(Bytes data);
  void mix_key(const NoiseKey& input);
  [[nodiscard]] bool mix_dh(const NoiseKeyPair& mine, const NoiseKey& theirs);
  [[nodiscard]] bool seal(AeadContext& aead, MutableBytes text_and_tag);
  [[nodiscard]] bool open(AeadContext& aead, MutableBytes text_and_tag);

  const NoiseSide side_;
  int messages_ = 0;
  const NoiseKeyPair static_;
  const NoiseKeyPair ephemeral_;
  NoiseKey remote_static_{};
  NoiseKey remote_ephemeral_{};
  NoiseKey chaining_key_{};
  NoiseKey hash_{};
  CipherState cipher_;
};

}  // namespace masu::net
