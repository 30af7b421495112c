// Keys of peers: public ones that verify, private ones that sign.
//
// Encoded as the protobuf message of libp2p/specs peer-ids: Type, then Data, both always there, in shortest
// form; anything else is refused, because a peer id is a hash of these bytes. Data by type:
//   Ed25519    public 32 bytes; private 64 (seed and public key; 96 with the public key twice is accepted)
//   secp256k1  public compressed point, 33 bytes; private 32 bytes; signatures DER over sha2-256
//   RSA        public DER SubjectPublicKeyInfo; private PKCS#1; 2048 to 8192 bits; PKCS#1 v1.5 over sha2-256
//   ECDSA      public DER SubjectPublicKeyInfo, P-256, P-384 or P-521; private SEC 1; DER over sha2-256
// What a peer sent is checked for its size and form before any arithmetic. Public keys and signatures are
// values of fixed size; OpenSSL (all types but Ed25519) allocates for the length of a call. Any thread.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/fixed_bytes.hpp"
#include "multiformats/secret_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace masu {

enum class KeyType : std::uint8_t { rsa = 0, ed25519 = 1, secp256k1 = 2, ecdsa = 3 };
std::string_view name_of(KeyType);  // as Kubo's commands have it: "rsa", "ed25519", …
std::optional<KeyType> key_type_from_name(std::string_view name);

enum class KeyError : std::uint8_t {
  bad_encoding,    // not the message, or not in its one form
  unknown_type,    // none of the four
  bad_key,         // the data is no key of its type
  bad_size,        // RSA below 2048 or above 8192 bits
  crypto_failure,  // the library failed, or is out of memory
};
std::string_view name_of(KeyError);

inline constexpr std::size_t rsa_bits_min = 2048;
inline constexpr std::size_t rsa_bits_max = 8192;
// The largest is RSA: a modulus of 1,024 bytes with what DER puts around it.
inline constexpr std::size_t public_key_data_bytes_max = 1088;
inline constexpr std::size_t public_key_bytes_max = 5 + public_key_data_bytes_max;
inline constexpr std::size_t signature_bytes_max = rsa_bits_max / 8;

using PublicKeyBytes = FixedBytes<public_key_bytes_max>;
using Signature = FixedBytes<signature_bytes_max>;

class PublicKey {
 public:
  static std::expected<PublicKey, KeyError> from_protobuf(Bytes in);
  // `data` as in the table above.
  static std::expected<PublicKey, KeyError> from_data(KeyType type, Bytes data);

  KeyType type() const { return type_; }
  Bytes data() const { return data_; }
  PublicKeyBytes to_protobuf() const;
  // False also for a key that is a point on no curve.
  bool verify(Bytes message, Bytes signature) const;

  friend bool operator==(const PublicKey&, const PublicKey&) = default;

 private:
  friend class PrivateKey;
  PublicKey(KeyType type, Bytes data) : type_(type), data_(data) {}

  KeyType type_;
  FixedBytes<public_key_data_bytes_max> data_;
};

class PrivateKey {
 public:
  static constexpr std::size_t seed_bytes = 32;

  // Ed25519. Requires: seed.size() == seed_bytes. The same seed makes the same key.
  static PrivateKey from_seed(Bytes seed);
  // From the operating system's randomness. `rsa_bits` counts for RSA only; ECDSA is on P-256.
  static std::expected<PrivateKey, KeyError> generate(KeyType type, std::size_t rsa_bits = rsa_bits_min);
  // The form of Kubo's Identity.PrivKey (there in base64) and of its key files.
  static std::expected<PrivateKey, KeyError> from_protobuf(Bytes in);

  KeyType type() const { return public_key_.type(); }
  const PublicKey& public_key() const { return public_key_; }
  SecretBytes to_protobuf() const;
  std::expected<Signature, KeyError> sign(Bytes message) const;

 private:
  PrivateKey(PublicKey public_key, SecretBytes data) : public_key_(public_key), data_(std::move(data)) {}

  PublicKey public_key_;
  SecretBytes data_;  // as in the table above
};

}  // namespace masu
