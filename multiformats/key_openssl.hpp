// The key types that OpenSSL serves: RSA, ECDSA and secp256k1. Used by key.cpp only.
//
// Keys are data in the forms of key.hpp and become OpenSSL objects for one call. Public keys, which peers
// send, are taken apart here, by fixed forms; OpenSSL's decoders see private keys only.
#pragma once

#include "multiformats/key.hpp"

namespace masu::openssl {

// The form and the size; not whether a point lies on its curve.
std::expected<void, KeyError> check_public_key(KeyType type, Bytes data);
bool verify(KeyType type, Bytes public_key, Bytes message, Bytes signature);

std::expected<SecretBytes, KeyError> generate(KeyType type, std::size_t rsa_bits);
using PublicKeyData = FixedBytes<public_key_data_bytes_max>;
std::expected<PublicKeyData, KeyError> public_key_data(KeyType type, Bytes private_key);
std::expected<Signature, KeyError> sign(KeyType type, Bytes private_key, Bytes message);

}  // namespace masu::openssl
