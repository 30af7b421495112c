#include "multiformats/key_openssl.hpp"

#include "multiformats/der.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

namespace masu::openssl {
namespace {

template <auto free_function>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using Number = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Group = std::unique_ptr<EC_GROUP, Free<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Free<EC_POINT_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

// OpenSSL queues what went wrong for each thread; nobody reads it, and the next caller must not find it.
struct ErrorQueueGuard {
  ~ErrorQueueGuard() { ERR_clear_error(); }
};

constexpr std::size_t secp256k1_private_bytes = 32;
constexpr std::size_t secp256k1_public_bytes = 33;
constexpr std::uint8_t uncompressed_point = 0x04;
// A public exponent above 31 bits only costs time (crypto/rsa of Go refuses it too).
constexpr std::size_t rsa_exponent_bytes_max = 4;

// AlgorithmIdentifier of rsaEncryption with its NULL parameters.
constexpr std::array<std::uint8_t, 15> rsa_algorithm{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                                     0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

struct Curve {
  int nid;
  const char* name;
  std::size_t point_bytes;  // uncompressed
  // Everything in a SubjectPublicKeyInfo before the point.
  std::array<std::uint8_t, 26> spki;
  std::size_t spki_bytes;
};
constexpr std::array curves{
    Curve{NID_X9_62_prime256v1,
          SN_X9_62_prime256v1,
          65,
          {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
           0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00},
          26},
    Curve{NID_secp384r1,
          SN_secp384r1,
          97,
          {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
           0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00},
          23},
    Curve{NID_secp521r1,
          SN_secp521r1,
          133,
          {0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
           0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00},
          25},
};

const Curve* curve_of_nid(int nid) {
  const auto* found =
      std::find_if(curves.begin(), curves.end(), [nid](const Curve& c) { return c.nid == nid; });
  return found == curves.end() ? nullptr : found;
}

// The curve of an ECDSA public key.
const Curve* curve_of_public(Bytes data) {
  const auto* found = std::find_if(curves.begin(), curves.end(), [data](const Curve& curve) {
    return data.size() == curve.spki_bytes + curve.point_bytes &&
           equal(data.first(curve.spki_bytes), Bytes(curve.spki).first(curve.spki_bytes)) &&
           data[curve.spki_bytes] == uncompressed_point;
  });
  return found == curves.end() ? nullptr : found;
}

struct RsaPublic {
  Bytes modulus;
  Bytes exponent;
};

std::optional<RsaPublic> parse_rsa_public(Bytes data) {
  auto info = der::take(data, der::Tag::sequence);
  if (!info || !data.empty()) return std::nullopt;
  if (info->size() < rsa_algorithm.size() || !equal(info->first(rsa_algorithm.size()), rsa_algorithm)) {
    return std::nullopt;
  }
  *info = info->subspan(rsa_algorithm.size());
  auto bits = der::take(*info, der::Tag::bit_string);
  if (!bits || !info->empty() || bits->empty() || bits->front() != 0) return std::nullopt;
  *bits = bits->subspan(1);
  auto key = der::take(*bits, der::Tag::sequence);
  if (!key || !bits->empty()) return std::nullopt;
  const auto modulus = der::take_unsigned(*key);
  const auto exponent = der::take_unsigned(*key);
  if (!modulus || !exponent || !key->empty()) return std::nullopt;
  return RsaPublic{*modulus, *exponent};
}

std::size_t bits_of(Bytes magnitude) {
  return magnitude.empty() ? 0
                           : magnitude.size() * 8 - static_cast<std::size_t>(std::countl_zero(magnitude[0]));
}

std::expected<void, KeyError> check_rsa(Bytes data) {
  const auto key = parse_rsa_public(data);
  if (!key) return std::unexpected(KeyError::bad_key);
  const std::size_t bits = bits_of(key->modulus);
  if (bits < rsa_bits_min || bits > rsa_bits_max) return std::unexpected(KeyError::bad_size);
  const bool odd = (key->modulus.back() & 1) != 0 && (key->exponent.back() & 1) != 0;
  const bool exponent_good = key->exponent.size() <= rsa_exponent_bytes_max && bits_of(key->exponent) <= 31 &&
                             bits_of(key->exponent) >= 2;
  if (!odd || !exponent_good) return std::unexpected(KeyError::bad_key);
  return {};
}

// Where an integer of this many bytes has its sign bit set, DER puts a zero in front.
FixedBytes<4> integer_header(Bytes magnitude) {
  return der::header(der::Tag::integer, magnitude.size() + (magnitude[0] >> 7));
}
std::size_t integer_bytes(Bytes magnitude) {
  return integer_header(magnitude).size() + (magnitude[0] >> 7) + magnitude.size();
}
void append_integer(PublicKeyData& out, Bytes magnitude) {
  out.append(integer_header(magnitude));
  if ((magnitude[0] & 0x80) != 0) out.push_back(0);
  out.append(magnitude);
}

// Requires: a modulus of at most rsa_bits_max.
PublicKeyData rsa_spki(const RsaPublic& key) {
  const std::size_t integers = integer_bytes(key.modulus) + integer_bytes(key.exponent);
  const auto key_header = der::header(der::Tag::sequence, integers);
  const auto bits_header = der::header(der::Tag::bit_string, 1 + key_header.size() + integers);
  const std::size_t bits_bytes = bits_header.size() + 1 + key_header.size() + integers;
  PublicKeyData out;
  out.append(der::header(der::Tag::sequence, rsa_algorithm.size() + bits_bytes));
  out.append(rsa_algorithm);
  out.append(bits_header);
  out.push_back(0);  // no unused bits
  out.append(key_header);
  append_integer(out, key.modulus);
  append_integer(out, key.exponent);
  return out;
}

Number number_from(Bytes magnitude) {
  return Number(BN_bin2bn(magnitude.data(), static_cast<int>(magnitude.size()), nullptr));
}

Key key_from(const char* algorithm, const ParamBuilder& builder, int selection) {
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) return nullptr;
  return Key(key);
}

Key ec_public(const char* curve, Bytes point) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1) {
    return nullptr;
  }
  return key_from("EC", builder, EVP_PKEY_PUBLIC_KEY);
}

Key rsa_public(Bytes data) {
  const auto parts = parse_rsa_public(data);
  if (!parts) return nullptr;
  const Number modulus = number_from(parts->modulus);
  const Number exponent = number_from(parts->exponent);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return nullptr;
  }
  return key_from("RSA", builder, EVP_PKEY_PUBLIC_KEY);
}

Key public_key(KeyType type, Bytes data) {
  switch (type) {
    case KeyType::rsa: return rsa_public(data);
    case KeyType::secp256k1: return ec_public(SN_secp256k1, data);
    case KeyType::ecdsa: {
      const Curve* curve = curve_of_public(data);
      return curve != nullptr ? ec_public(curve->name, data.subspan(curve->spki_bytes)) : nullptr;
    }
    case KeyType::ed25519: break;
  }
  return nullptr;
}

Key secp256k1_private(Bytes data) {
  const Number scalar = number_from(data);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!scalar || !builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, SN_secp256k1, 0) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) != 1) {
    return nullptr;
  }
  return key_from("EC", builder, EVP_PKEY_KEYPAIR);
}

Key private_key(KeyType type, Bytes data) {
  if (type == KeyType::secp256k1) return secp256k1_private(data);
  const unsigned char* at = data.data();
  const int algorithm = type == KeyType::rsa ? EVP_PKEY_RSA : EVP_PKEY_EC;
  Key key(d2i_PrivateKey(algorithm, nullptr, &at, static_cast<long>(data.size())));
  if (key && at != data.data() + data.size()) return nullptr;
  return key;
}

Number number_of(const Key& key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key.get(), name, &number) != 1) return nullptr;
  return Number(number);
}

// Writes the point that belongs to a private scalar; 0 when it belongs to none.
std::size_t public_point(int nid, const Number& scalar, point_conversion_form_t form, MutableBytes out) {
  const Group group(EC_GROUP_new_by_curve_name(nid));
  if (!group || !scalar) return 0;
  if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(group.get())) >= 0) return 0;
  const Point point(EC_POINT_new(group.get()));
  if (!point || EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, nullptr) != 1)
    return 0;
  return EC_POINT_point2oct(group.get(), point.get(), form, out.data(), out.size(), nullptr);
}

std::expected<PublicKeyData, KeyError> secp256k1_public_data(Bytes data) {
  if (data.size() != secp256k1_private_bytes) return std::unexpected(KeyError::bad_key);
  PublicKeyData out;
  const std::size_t size =
      public_point(NID_secp256k1, number_from(data), POINT_CONVERSION_COMPRESSED, out.room());
  if (size != secp256k1_public_bytes) return std::unexpected(KeyError::bad_key);
  out.resize(size);
  return out;
}

std::expected<PublicKeyData, KeyError> ecdsa_public_data(Bytes data) {
  const Key key = private_key(KeyType::ecdsa, data);
  if (!key) return std::unexpected(KeyError::bad_key);
  std::array<char, 32> group_name{};
  std::size_t name_size = 0;
  if (EVP_PKEY_get_group_name(key.get(), group_name.data(), group_name.size(), &name_size) != 1) {
    return std::unexpected(KeyError::bad_key);
  }
  const Curve* curve = curve_of_nid(OBJ_sn2nid(group_name.data()));
  if (curve == nullptr) return std::unexpected(KeyError::bad_key);
  PublicKeyData out(Bytes(curve->spki).first(curve->spki_bytes));
  const std::size_t size = public_point(curve->nid, number_of(key, OSSL_PKEY_PARAM_PRIV_KEY),
                                        POINT_CONVERSION_UNCOMPRESSED, out.room().subspan(out.size()));
  if (size != curve->point_bytes) return std::unexpected(KeyError::bad_key);
  out.resize(out.size() + size);
  return out;
}

std::expected<PublicKeyData, KeyError> rsa_public_data(Bytes data) {
  const Key key = private_key(KeyType::rsa, data);
  if (!key) return std::unexpected(KeyError::bad_key);
  const auto bits = static_cast<std::size_t>(EVP_PKEY_get_bits(key.get()));
  if (bits < rsa_bits_min || bits > rsa_bits_max) return std::unexpected(KeyError::bad_size);
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!context || EVP_PKEY_pairwise_check(context.get()) != 1) return std::unexpected(KeyError::bad_key);
  const auto magnitude = [&key](const char* name) {
    FixedBytes<rsa_bits_max / 8> out;
    const Number number = number_of(key, name);
    if (number && static_cast<std::size_t>(BN_num_bytes(number.get())) <= out.bytes_max) {
      out.resize(static_cast<std::size_t>(BN_bn2bin(number.get(), out.data())));
    }
    return out;
  };
  const auto modulus = magnitude(OSSL_PKEY_PARAM_RSA_N);
  const auto exponent = magnitude(OSSL_PKEY_PARAM_RSA_E);
  if (modulus.empty() || exponent.empty() || exponent.size() > rsa_exponent_bytes_max) {
    return std::unexpected(KeyError::bad_key);
  }
  return rsa_spki({modulus, exponent});
}

// With the smaller of its two equivalent S, which verifiers of the Bitcoin kind insist on (BIP 62).
std::expected<Signature, KeyError> with_low_s(const Signature& signature) {
  const auto failure = std::unexpected(KeyError::crypto_failure);
  const unsigned char* at = signature.data();
  const EcSignature parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size())));
  const Group group(EC_GROUP_new_by_curve_name(NID_secp256k1));
  if (!parts || !group) return failure;
  const BIGNUM* order = EC_GROUP_get0_order(group.get());
  const Number half(BN_dup(order));
  if (!half || BN_rshift1(half.get(), half.get()) != 1) return failure;
  if (BN_cmp(ECDSA_SIG_get0_s(parts.get()), half.get()) <= 0) return signature;
  Number r(BN_dup(ECDSA_SIG_get0_r(parts.get())));
  Number s(BN_new());
  if (!r || !s || BN_sub(s.get(), order, ECDSA_SIG_get0_s(parts.get())) != 1) return failure;
  ECDSA_SIG_set0(parts.get(), r.release(), s.release());  // takes both; it fails for null only
  Signature out;
  unsigned char* to = out.data();
  const int size = i2d_ECDSA_SIG(parts.get(), nullptr);
  if (size <= 0 || static_cast<std::size_t>(size) > out.bytes_max) return failure;
  out.resize(static_cast<std::size_t>(i2d_ECDSA_SIG(parts.get(), &to)));
  return out;
}

Key generate_key(KeyType type, std::size_t rsa_bits) {
  switch (type) {
    case KeyType::rsa: return Key(EVP_RSA_gen(rsa_bits));
    case KeyType::ecdsa: return Key(EVP_EC_gen(SN_X9_62_prime256v1));
    case KeyType::secp256k1: return Key(EVP_EC_gen(SN_secp256k1));
    case KeyType::ed25519: break;
  }
  return nullptr;
}

}  // namespace

std::expected<void, KeyError> check_public_key(KeyType type, Bytes data) {
  bool good = false;
  switch (type) {
    case KeyType::rsa: return check_rsa(data);
    case KeyType::secp256k1:
      good = data.size() == secp256k1_public_bytes && (data[0] == 0x02 || data[0] == 0x03);
      break;
    case KeyType::ecdsa: good = curve_of_public(data) != nullptr; break;
    case KeyType::ed25519: break;
  }
  if (!good) return std::unexpected(KeyError::bad_key);
  return {};
}

bool verify(KeyType type, Bytes public_key_bytes, Bytes message, Bytes signature) {
  const ErrorQueueGuard guard;
  const Key key = public_key(type, public_key_bytes);
  const DigestContext context(EVP_MD_CTX_new());
  if (!key || !context || signature.size() > static_cast<std::size_t>(EVP_PKEY_get_size(key.get())))
    return false;
  return EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key.get(), nullptr) ==
             1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

std::expected<SecretBytes, KeyError> generate(KeyType type, std::size_t rsa_bits) {
  const ErrorQueueGuard guard;
  const auto failure = std::unexpected(KeyError::crypto_failure);
  const Key key = generate_key(type, rsa_bits);
  if (!key) return failure;
  if (type == KeyType::secp256k1) {
    SecretBytes secret(secp256k1_private_bytes);
    const Number scalar = number_of(key, OSSL_PKEY_PARAM_PRIV_KEY);
    if (!scalar || BN_bn2binpad(scalar.get(), secret.data(), static_cast<int>(secret.size())) < 0)
      return failure;
    return secret;
  }
  // PKCS#1 for RSA, SEC 1 for ECDSA.
  const int size = i2d_PrivateKey(key.get(), nullptr);
  if (size <= 0) return failure;
  SecretBytes secret(static_cast<std::size_t>(size));
  unsigned char* to = secret.data();
  if (i2d_PrivateKey(key.get(), &to) != size) return failure;
  return secret;
}

std::expected<PublicKeyData, KeyError> public_key_data(KeyType type, Bytes private_key_bytes) {
  const ErrorQueueGuard guard;
  switch (type) {
    case KeyType::rsa: return rsa_public_data(private_key_bytes);
    case KeyType::secp256k1: return secp256k1_public_data(private_key_bytes);
    case KeyType::ecdsa: return ecdsa_public_data(private_key_bytes);
    case KeyType::ed25519: break;
  }
  return std::unexpected(KeyError::unknown_type);
}

std::expected<Signature, KeyError> sign(KeyType type, Bytes private_key_bytes, Bytes message) {
  const ErrorQueueGuard guard;
  const auto failure = std::unexpected(KeyError::crypto_failure);
  const Key key = private_key(type, private_key_bytes);
  const DigestContext context(EVP_MD_CTX_new());
  Signature signature;
  if (!key || !context || static_cast<std::size_t>(EVP_PKEY_get_size(key.get())) > signature.bytes_max)
    return failure;
  std::size_t size = signature.bytes_max;
  if (EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key.get(), nullptr) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1) {
    return failure;
  }
  signature.resize(size);
  if (type != KeyType::secp256k1) return signature;
  return with_low_s(signature);
}

}  // namespace masu::openssl
