#include "net/security/noise_xx.hpp"

#include "alloc/check.hpp"

#include <algorithm>

#include <sodium.h>

namespace masu::net {
namespace {

constexpr std::string_view protocol_name = "Noise_XX_25519_ChaChaPoly_SHA256";
static_assert(protocol_name.size() == noise_key_bytes, "as long as a hash: it is the first hash itself");
static_assert(crypto_hash_sha256_BYTES == noise_key_bytes && crypto_scalarmult_BYTES == noise_key_bytes);

NoiseKey hmac(const NoiseKey& key, Bytes a, Bytes b = {}) {
  crypto_auth_hmacsha256_state state;
  NoiseKey out;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  crypto_auth_hmacsha256_update(&state, a.data(), a.size());
  crypto_auth_hmacsha256_update(&state, b.data(), b.size());
  crypto_auth_hmacsha256_final(&state, out.data());
  sodium_memzero(&state, sizeof state);
  return out;
}

// HKDF with two outputs, as Noise defines it: over an empty info, the chaining key as salt.
struct TwoKeys {
  NoiseKey first, second;
  ~TwoKeys() { sodium_memzero(this, sizeof *this); }
};
TwoKeys hkdf(const NoiseKey& chaining_key, Bytes input) {
  static constexpr std::uint8_t one = 1, two = 2;
  NoiseKey temporary = hmac(chaining_key, input);
  TwoKeys out;
  out.first = hmac(temporary, Bytes(&one, 1));
  out.second = hmac(temporary, out.first, Bytes(&two, 1));
  sodium_memzero(temporary.data(), temporary.size());
  return out;
}

}  // namespace

NoiseKeyPair::NoiseKeyPair(const NoiseKey& secret_key) : secret(secret_key) {
  crypto_scalarmult_base(open.data(), secret.data());
}

NoiseKeyPair::~NoiseKeyPair() { sodium_memzero(secret.data(), secret.size()); }

std::string_view name_of(NoiseError error) {
  switch (error) {
    case NoiseError::truncated: return "noise message truncated";
    case NoiseError::too_long: return "noise handshake message too long";
    case NoiseError::bad_key: return "noise key of low order";
    case NoiseError::bad_tag: return "noise authentication failed";
    case NoiseError::bad_payload: return "noise payload malformed";
    case NoiseError::bad_signature: return "noise static key not signed by the identity key";
    case NoiseError::wrong_peer: return "another peer answered";
    case NoiseError::no_common_muxer: return "no common muxer";
    case NoiseError::exhausted: return "noise message counter used up";
    case NoiseError::no_memory: return "no memory for noise";
  }
  return "noise error";
}

NoiseXX::NoiseXX(NoiseSide side, const NoiseKeyPair& static_keys, const NoiseKeyPair& ephemeral_keys,
                 Bytes prologue)
    : side_(side), static_(static_keys), ephemeral_(ephemeral_keys) {
  std::copy(protocol_name.begin(), protocol_name.end(), hash_.begin());
  chaining_key_ = hash_;
  mix_hash(prologue);
}

NoiseXX::~NoiseXX() { sodium_memzero(chaining_key_.data(), chaining_key_.size()); }

void NoiseXX::mix_hash(Bytes data) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, hash_.data(), hash_.size());
  crypto_hash_sha256_update(&state, data.data(), data.size());
  crypto_hash_sha256_final(&state, hash_.data());
}

void NoiseXX::mix_key(const NoiseKey& input) {
  const TwoKeys keys = hkdf(chaining_key_, input);
  chaining_key_ = keys.first;
  cipher_ = CipherState(keys.second);
}

bool NoiseXX::mix_dh(const NoiseKeyPair& mine, const NoiseKey& theirs) {
  NoiseKey shared;
  const bool good = crypto_scalarmult(shared.data(), mine.secret.data(), theirs.data()) == 0;
  if (good) mix_key(shared);
  sodium_memzero(shared.data(), shared.size());
  return good;
}

// EncryptAndHash and DecryptAndHash: the last 16 bytes are the tag's place.
bool NoiseXX::seal(AeadContext& aead, MutableBytes text_and_tag) {
  const MutableBytes text = text_and_tag.first(text_and_tag.size() - aead_tag_bytes);
  if (!aead.begin_seal(cipher_, hash_) || !aead.update(text) ||
      !aead.finish_seal(text_and_tag.last<aead_tag_bytes>())) {
    return false;
  }
  mix_hash(text_and_tag);
  return true;
}

bool NoiseXX::open(AeadContext& aead, MutableBytes text_and_tag) {
  const NoiseKey associated = hash_;
  mix_hash(text_and_tag);
  const MutableBytes text = text_and_tag.first(text_and_tag.size() - aead_tag_bytes);
  return aead.begin_open(cipher_, associated) && aead.update(text) &&
         aead.finish_open(text_and_tag.last<aead_tag_bytes>());
}

std::expected<std::size_t, NoiseError> NoiseXX::write_message(AeadContext& aead, Bytes payload,
                                                              MutableBytes out) {
  MASU_CHECK(my_turn(), "handshake messages alternate");
  MASU_CHECK(out.size() >= payload.size() + noise_overhead_bytes, "room for the message");
  const int message = messages_++;
  std::size_t at = 0;
  const auto put = [&](Bytes bytes) {
    std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    at += bytes.size();
  };
  if (message < 2) {  // e
    put(ephemeral_.open);
    mix_hash(ephemeral_.open);
  }
  if (message == 0) {  // no key yet: the payload goes in the clear
    put(payload);
    mix_hash(payload);
    return at;
  }
  if (message == 1 && !mix_dh(ephemeral_, remote_ephemeral_))
    return std::unexpected(NoiseError::bad_key);  // ee
  const std::size_t key_at = at;
  put(static_.open);  // s
  at += aead_tag_bytes;
  if (!seal(aead, out.subspan(key_at, at - key_at))) return std::unexpected(NoiseError::no_memory);
  if (!mix_dh(static_, remote_ephemeral_)) return std::unexpected(NoiseError::bad_key);  // es, or se
  const std::size_t payload_at = at;
  put(payload);
  at += aead_tag_bytes;
  if (!seal(aead, out.subspan(payload_at, at - payload_at))) return std::unexpected(NoiseError::no_memory);
  return at;
}

std::expected<Bytes, NoiseError> NoiseXX::read_message(AeadContext& aead, MutableBytes message) {
  MASU_CHECK(!my_turn() && !complete(), "handshake messages alternate");
  const int number = messages_++;
  if (number < 2) {  // e
    if (message.size() < noise_key_bytes) return std::unexpected(NoiseError::truncated);
    std::copy_n(message.begin(), noise_key_bytes, remote_ephemeral_.begin());
    mix_hash(remote_ephemeral_);
    message = message.subspan(noise_key_bytes);
  }
  if (number == 0) {
    mix_hash(message);
    return message;
  }
  if (message.size() < noise_key_bytes + 2 * aead_tag_bytes) return std::unexpected(NoiseError::truncated);
  if (number == 1 && !mix_dh(ephemeral_, remote_ephemeral_))
    return std::unexpected(NoiseError::bad_key);  // ee
  const MutableBytes sealed_key = message.first(noise_key_bytes + aead_tag_bytes);
  if (!open(aead, sealed_key)) return std::unexpected(NoiseError::bad_tag);
  std::copy_n(sealed_key.begin(), noise_key_bytes, remote_static_.begin());              // s
  if (!mix_dh(ephemeral_, remote_static_)) return std::unexpected(NoiseError::bad_key);  // es, or se
  const MutableBytes sealed_payload = message.subspan(sealed_key.size());
  if (!open(aead, sealed_payload)) return std::unexpected(NoiseError::bad_tag);
  return sealed_payload.first(sealed_payload.size() - aead_tag_bytes);
}

NoiseXX::Transport NoiseXX::split() const {
  MASU_CHECK(complete(), "keys are split after the last message");
  const TwoKeys keys = hkdf(chaining_key_, {});
  const CipherState of_initiator(keys.first), of_responder(keys.second);
  return side_ == NoiseSide::initiator ? Transport{of_initiator, of_responder}
                                       : Transport{of_responder, of_initiator};
}

}  // namespace masu::net
