#include "multiformats/key.hpp"

#include "alloc/check.hpp"
#include "multiformats/key_openssl.hpp"
#include "multiformats/varint.hpp"

#include <array>

#include <sodium.h>

namespace masu {
namespace {

// Field 1 as a varint, field 2 as bytes.
constexpr std::uint8_t tag_type = 0x08;
constexpr std::uint8_t tag_data = 0x12;
constexpr std::size_t message_header_bytes_max = 5;
static_assert(public_key_bytes_max == message_header_bytes_max + public_key_data_bytes_max);

constexpr std::size_t ed25519_secret_bytes = crypto_sign_SECRETKEYBYTES;
constexpr std::size_t ed25519_public_bytes = crypto_sign_PUBLICKEYBYTES;
static_assert(PrivateKey::seed_bytes == crypto_sign_SEEDBYTES);

struct Message {
  KeyType type;
  Bytes data;
};

std::expected<Message, KeyError> parse_message(Bytes in) {
  const auto bad = std::unexpected(KeyError::bad_encoding);
  if (in.empty() || in[0] != tag_type) return bad;
  in = in.subspan(1);
  const auto type = take_varint(in);
  if (!type) return bad;
  if (in.empty() || in[0] != tag_data) return bad;
  in = in.subspan(1);
  const auto size = take_varint(in);
  if (!size || *size != in.size()) return bad;
  if (*type > static_cast<std::uint64_t>(KeyType::ecdsa)) return std::unexpected(KeyError::unknown_type);
  return Message{static_cast<KeyType>(*type), in};
}

std::array<std::uint8_t, message_header_bytes_max> message_header(KeyType type, std::size_t data_bytes,
                                                                  std::size_t& header_bytes) {
  std::array<std::uint8_t, message_header_bytes_max> header{tag_type, static_cast<std::uint8_t>(type),
                                                            tag_data};
  header_bytes = 3 + put_varint(data_bytes, MutableBytes(header).subspan(3));
  return header;
}

// The 64-byte form of a seed.
SecretBytes ed25519_from_seed(Bytes seed) {
  SecretBytes secret(ed25519_secret_bytes);
  std::array<std::uint8_t, ed25519_public_bytes> open;
  crypto_sign_seed_keypair(open.data(), secret.data(), seed.data());
  return secret;
}

// In the preferred form, if the public half belongs to the seed.
std::expected<SecretBytes, KeyError> read_ed25519(Bytes data) {
  if (data.size() == ed25519_secret_bytes + ed25519_public_bytes) {
    if (!equal(data.last(ed25519_public_bytes), data.subspan(PrivateKey::seed_bytes, ed25519_public_bytes))) {
      return std::unexpected(KeyError::bad_key);
    }
    data = data.first(ed25519_secret_bytes);
  }
  if (data.size() != ed25519_secret_bytes) return std::unexpected(KeyError::bad_key);
  SecretBytes secret = ed25519_from_seed(data.first(PrivateKey::seed_bytes));
  if (!equal(secret, data)) return std::unexpected(KeyError::bad_key);
  return secret;
}

}  // namespace

void wipe(void* memory, std::size_t bytes) noexcept { sodium_memzero(memory, bytes); }

std::string_view name_of(KeyType type) {
  switch (type) {
    case KeyType::rsa: return "rsa";
    case KeyType::ed25519: return "ed25519";
    case KeyType::secp256k1: return "secp256k1";
    case KeyType::ecdsa: return "ecdsa";
  }
  return "";
}

std::optional<KeyType> key_type_from_name(std::string_view name) {
  for (const KeyType type : {KeyType::rsa, KeyType::ed25519, KeyType::secp256k1, KeyType::ecdsa}) {
    if (name_of(type) == name) return type;
  }
  return std::nullopt;
}

std::string_view name_of(KeyError error) {
  switch (error) {
    case KeyError::bad_encoding: return "key is not a well-formed message";
    case KeyError::unknown_type: return "key is of an unknown type";
    case KeyError::bad_key: return "data is no key of its type";
    case KeyError::bad_size: return "RSA keys must have 2048 to 8192 bits";
    case KeyError::crypto_failure: return "the cryptographic library failed";
  }
  return "";
}

std::expected<PublicKey, KeyError> PublicKey::from_protobuf(Bytes in) {
  const auto message = parse_message(in);
  if (!message) return std::unexpected(message.error());
  return from_data(message->type, message->data);
}

std::expected<PublicKey, KeyError> PublicKey::from_data(KeyType type, Bytes data) {
  if (type == KeyType::ed25519) {
    if (data.size() != ed25519_public_bytes) return std::unexpected(KeyError::bad_key);
  } else if (const auto checked = openssl::check_public_key(type, data); !checked) {
    return std::unexpected(checked.error());
  }
  return PublicKey(type, data);
}

PublicKeyBytes PublicKey::to_protobuf() const {
  std::size_t header_bytes = 0;
  const auto header = message_header(type_, data_.size(), header_bytes);
  PublicKeyBytes out(Bytes(header).first(header_bytes));
  out.append(data_);
  return out;
}

bool PublicKey::verify(Bytes message, Bytes signature) const {
  if (type_ != KeyType::ed25519) return openssl::verify(type_, data_, message, signature);
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(signature.data(), message.data(), message.size(), data_.data()) == 0;
}

PrivateKey PrivateKey::from_seed(Bytes seed) {
  MASU_CHECK(seed.size() == seed_bytes, "a seed of the wrong length");
  SecretBytes secret = ed25519_from_seed(seed);
  const Bytes open = Bytes(secret).subspan(seed_bytes);
  return {PublicKey(KeyType::ed25519, open), std::move(secret)};
}

std::expected<PrivateKey, KeyError> PrivateKey::generate(KeyType type, std::size_t rsa_bits) {
  if (type == KeyType::ed25519) {
    if (sodium_init() < 0) return std::unexpected(KeyError::crypto_failure);
    SecretBytes seed(seed_bytes);
    randombytes_buf(seed.data(), seed.size());
    return from_seed(seed);
  }
  if (type == KeyType::rsa && (rsa_bits < rsa_bits_min || rsa_bits > rsa_bits_max)) {
    return std::unexpected(KeyError::bad_size);
  }
  auto data = openssl::generate(type, rsa_bits);
  if (!data) return std::unexpected(data.error());
  const auto open = openssl::public_key_data(type, *data);
  if (!open) return std::unexpected(open.error());
  return PrivateKey(PublicKey(type, *open), std::move(*data));
}

std::expected<PrivateKey, KeyError> PrivateKey::from_protobuf(Bytes in) {
  const auto message = parse_message(in);
  if (!message) return std::unexpected(message.error());
  if (message->type == KeyType::ed25519) {
    const auto secret = read_ed25519(message->data);
    if (!secret) return std::unexpected(secret.error());
    return from_seed(Bytes(*secret).first(seed_bytes));
  }
  const auto open = openssl::public_key_data(message->type, message->data);
  if (!open) return std::unexpected(open.error());
  const auto key = PublicKey::from_data(message->type, *open);
  if (!key) return std::unexpected(key.error());
  return PrivateKey(*key, SecretBytes(message->data.begin(), message->data.end()));
}

SecretBytes PrivateKey::to_protobuf() const {
  std::size_t header_bytes = 0;
  const auto header = message_header(type(), data_.size(), header_bytes);
  SecretBytes out;
  out.reserve(header_bytes + data_.size());
  out.insert(out.end(), header.begin(), header.begin() + static_cast<std::ptrdiff_t>(header_bytes));
  out.insert(out.end(), data_.begin(), data_.end());
  return out;
}

std::expected<Signature, KeyError> PrivateKey::sign(Bytes message) const {
  if (type() != KeyType::ed25519) return openssl::sign(type(), data_, message);
  Signature signature;
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), data_.data());
  signature.resize(crypto_sign_BYTES);
  return signature;
}

}  // namespace masu
