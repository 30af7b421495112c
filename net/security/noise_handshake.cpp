#include "net/security/noise_handshake.hpp"

#include "net/security/noise_payload.hpp"

#include <array>
#include <cstring>

namespace masu::net {
namespace {

constexpr std::string_view signature_prefix = "noise-libp2p-static-key:";

// What an identity key signs.
std::array<std::uint8_t, signature_prefix.size() + noise_key_bytes> signed_text(const NoiseKey& static_key) {
  std::array<std::uint8_t, signature_prefix.size() + noise_key_bytes> text;
  std::memcpy(text.data(), signature_prefix.data(), signature_prefix.size());
  std::memcpy(text.data() + signature_prefix.size(), static_key.data(), static_key.size());
  return text;
}

}  // namespace

std::optional<NoiseIdentity> NoiseIdentity::make(const PrivateKey& identity, const NoiseKey& static_secret,
                                                 std::string_view our_muxer) {
  NoiseIdentity out;
  out.static_keys = NoiseKeyPair(static_secret);
  const auto signature = identity.sign(signed_text(out.static_keys.open));
  if (!signature) return std::nullopt;
  const auto key = identity.public_key().to_protobuf();
  out.payload = encode_noise_payload(Bytes(key), Bytes(*signature), our_muxer);
  return out;
}

std::expected<std::size_t, NoiseError> NoiseHandshake::write_message(AeadContext& aead, MutableBytes out) {
  // The first message is not secret: it carries nothing.
  return xx_.write_message(aead, xx_.messages() == 0 ? Bytes() : Bytes(identity_.payload), out);
}

std::expected<void, NoiseError> NoiseHandshake::read_message(AeadContext& aead, MutableBytes message) {
  if (message.size() > noise_handshake_max_bytes) return std::unexpected(NoiseError::too_long);
  const auto payload = xx_.read_message(aead, message);
  if (!payload) return std::unexpected(payload.error());
  // The first message is not authenticated: whatever it carries is ignored.
  if (xx_.messages() == 1) return {};
  return on_payload(*payload);
}

std::expected<void, NoiseError> NoiseHandshake::on_payload(Bytes bytes) {
  const auto payload = decode_noise_payload(bytes, our_muxer_);
  if (!payload) return std::unexpected(NoiseError::bad_payload);
  auto key = PublicKey::from_protobuf(payload->identity_key);
  if (!key) return std::unexpected(NoiseError::bad_payload);
  if (!key->verify(signed_text(xx_.remote_static()), payload->identity_signature)) {
    return std::unexpected(NoiseError::bad_signature);
  }
  const PeerId peer = PeerId::of(*key);
  if (expected_ && peer != *expected_) {
    remote_.emplace(Remote{peer, std::move(*key), false});
    return std::unexpected(NoiseError::wrong_peer);
  }
  if (payload->names_muxers && !payload->knows_our_muxer) return std::unexpected(NoiseError::no_common_muxer);
  remote_.emplace(Remote{peer, std::move(*key), payload->names_muxers});
  return {};
}

}  // namespace masu::net
