#include "multiformats/key.hpp"

#include "multiformats/varint.hpp"
#include "tests/multiformats/hex.hpp"
#include "tests/multiformats/key_vectors.hpp"

#include <array>

#include <gtest/gtest.h>

namespace masu {
namespace {

using test::from_hex;
using test::to_hex;

struct SpecVector {
  KeyType type;
  std::string_view private_hex;
  std::string_view public_hex;
};
constexpr std::array spec_vectors{
    SpecVector{KeyType::ecdsa, test::spec_ecdsa_private, test::spec_ecdsa_public},
    SpecVector{KeyType::ed25519, test::spec_ed25519_private, test::spec_ed25519_public},
    SpecVector{KeyType::secp256k1, test::spec_secp256k1_private, test::spec_secp256k1_public},
    SpecVector{KeyType::rsa, test::spec_rsa_private, test::spec_rsa_public},
};

struct GoVector {
  std::string_view private_hex, public_hex, signature_hex;
};
constexpr std::array go_vectors{
    GoVector{test::go_rsa_private, test::go_rsa_public, test::go_rsa_signature},
    GoVector{test::go_secp256k1_private, test::go_secp256k1_public, test::go_secp256k1_signature},
    GoVector{test::go_ecdsa_private, test::go_ecdsa_public, test::go_ecdsa_signature},
};

PublicKey public_from(std::string_view hex) { return PublicKey::from_protobuf(from_hex(hex)).value(); }
PrivateKey private_from(std::string_view hex) { return PrivateKey::from_protobuf(from_hex(hex)).value(); }
KeyError public_error_of(std::string_view hex) {
  const auto key = PublicKey::from_protobuf(from_hex(hex));
  EXPECT_FALSE(key.has_value()) << hex;
  return key ? KeyError::crypto_failure : key.error();
}
KeyError private_error_of(std::string_view hex) {
  const auto key = PrivateKey::from_protobuf(from_hex(hex));
  EXPECT_FALSE(key.has_value()) << hex;
  return key ? KeyError::crypto_failure : key.error();
}
std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  return out.replace(out.find(from), from.size(), to);
}

TEST(KeyTest, ReadsAndWritesTheVectorsOfTheSpec) {
  for (const SpecVector& vector : spec_vectors) {
    const PublicKey open = public_from(vector.public_hex);
    EXPECT_EQ(open.type(), vector.type);
    EXPECT_EQ(to_hex(open.to_protobuf()), vector.public_hex);
    const PrivateKey secret = private_from(vector.private_hex);
    EXPECT_EQ(to_hex(secret.to_protobuf()), vector.private_hex);
    EXPECT_EQ(secret.public_key(), open) << name_of(vector.type);
  }
}

TEST(KeyTest, VerifiesWhatGoSigned) {
  for (const GoVector& vector : go_vectors) {
    const PublicKey open = public_from(vector.public_hex);
    const PrivateKey secret = private_from(vector.private_hex);
    EXPECT_EQ(secret.public_key(), open);
    EXPECT_EQ(to_hex(secret.to_protobuf()), vector.private_hex);
    EXPECT_TRUE(open.verify(as_bytes(test::go_message), from_hex(vector.signature_hex)))
        << name_of(open.type());
    EXPECT_FALSE(open.verify(as_bytes("another"), from_hex(vector.signature_hex)));
  }
  // PKCS#1 v1.5 has one signature for each message.
  EXPECT_EQ(to_hex(*private_from(test::go_rsa_private).sign(as_bytes(test::go_message))),
            test::go_rsa_signature);
}

TEST(KeyTest, VerifiesItsOwnSignatures) {
  for (const SpecVector& vector : spec_vectors) {
    const PrivateKey secret = private_from(vector.private_hex);
    for (const std::string_view message : {"", "a message"}) {
      auto signature = secret.sign(as_bytes(message)).value();
      EXPECT_TRUE(secret.public_key().verify(as_bytes(message), signature)) << name_of(vector.type);
      EXPECT_FALSE(secret.public_key().verify(as_bytes("another"), signature));
      signature.data()[signature.size() / 2] ^= 1;
      EXPECT_FALSE(secret.public_key().verify(as_bytes(message), signature));
      EXPECT_FALSE(
          secret.public_key().verify(as_bytes(message), Bytes(signature).first(signature.size() - 1)));
      EXPECT_FALSE(secret.public_key().verify(as_bytes(message), {}));
    }
  }
}

TEST(KeyTest, SignsSecp256k1WithTheSmallerS) {
  const PrivateKey secret = private_from(test::spec_secp256k1_private);
  for (int i = 0; i < 16; ++i) {
    const std::string message = "message " + std::to_string(i);
    const auto signature = secret.sign(as_bytes(message)).value();
    EXPECT_TRUE(secret.public_key().verify(as_bytes(message), signature));
    // 30 len 02 len R 02 len S: an S above half of the order needs 33 bytes, or begins above 7f.
    const std::size_t s_at = std::size_t{4} + signature.data()[3];
    EXPECT_LE(signature.data()[s_at + 1], 32);
  }
}

TEST(KeyTest, GeneratesEachType) {
  for (const KeyType type : {KeyType::ed25519, KeyType::secp256k1, KeyType::ecdsa, KeyType::rsa}) {
    const auto secret = PrivateKey::generate(type);
    ASSERT_TRUE(secret) << name_of(type);
    EXPECT_EQ(secret->type(), type);
    const auto again = PrivateKey::from_protobuf(secret->to_protobuf());
    ASSERT_TRUE(again) << name_of(type);
    EXPECT_EQ(again->public_key(), secret->public_key());
    EXPECT_TRUE(again->public_key().verify(as_bytes("x"), *secret->sign(as_bytes("x"))));
    EXPECT_EQ(key_type_from_name(name_of(type)), type);
  }
  EXPECT_EQ(PrivateKey::generate(KeyType::rsa, 1024).error(), KeyError::bad_size);
  EXPECT_EQ(PrivateKey::generate(KeyType::rsa, 16384).error(), KeyError::bad_size);
}

TEST(KeyTest, MakesTheSameKeyOfTheSameSeed) {
  const auto data = from_hex(test::spec_ed25519_private.substr(8));
  EXPECT_EQ(to_hex(PrivateKey::from_seed(Bytes(data).first(32)).to_protobuf()), test::spec_ed25519_private);
}

TEST(KeyTest, AcceptsTheOldForm96OfEd25519) {
  const std::string open(test::spec_ed25519_public.substr(8));
  const std::string old = "08011260" + std::string(test::spec_ed25519_private.substr(8)) + open;
  EXPECT_EQ(to_hex(private_from(old).to_protobuf()), test::spec_ed25519_private);
  EXPECT_EQ(private_error_of(old.substr(0, old.size() - 2) + "00"), KeyError::bad_key);
  // A public half that belongs to another seed.
  std::string wrong(test::spec_ed25519_private);
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  EXPECT_EQ(private_error_of(wrong), KeyError::bad_key);
}

TEST(KeyTest, HasOneEncodingOnly) {
  const std::string data(test::spec_ed25519_public.substr(8));
  EXPECT_EQ(public_error_of(""), KeyError::bad_encoding);
  EXPECT_EQ(public_error_of("0801"), KeyError::bad_encoding);
  EXPECT_EQ(public_error_of("1220" + data + "0801"), KeyError::bad_encoding) << "the other order";
  EXPECT_EQ(public_error_of("0881001220" + data), KeyError::bad_encoding) << "a padded varint";
  EXPECT_EQ(public_error_of("080112a000" + data), KeyError::bad_encoding);
  EXPECT_EQ(public_error_of("08011220" + data + "1a00"), KeyError::bad_encoding) << "another field";
  EXPECT_EQ(public_error_of("08011221" + data), KeyError::bad_encoding) << "a length beyond the end";
  EXPECT_EQ(public_error_of("080112ffffffffffffffff7f" + data), KeyError::bad_encoding);
  EXPECT_EQ(public_error_of("08041220" + data), KeyError::unknown_type);
  EXPECT_EQ(public_error_of("0801121f" + data.substr(2)), KeyError::bad_key);
}

TEST(KeyTest, RefusesDataOfAnotherForm) {
  EXPECT_EQ(public_error_of("08021221" + std::string("04") + std::string(64, '1')), KeyError::bad_key);
  EXPECT_EQ(public_error_of("08031200"), KeyError::bad_key);
  EXPECT_EQ(public_error_of(replaced(test::spec_ecdsa_public, "420004", "420005")), KeyError::bad_key);
  EXPECT_EQ(public_error_of(replaced(test::spec_rsa_public, "0500", "0501")), KeyError::bad_key);
  EXPECT_EQ(public_error_of("08001200"), KeyError::bad_key);
  // A negative modulus, an even one, an even exponent, and one of five bytes.
  EXPECT_EQ(public_error_of(replaced(test::spec_rsa_public,
                                     "028202010"
                                     "0e1",
                                     "02820201"
                                     "80e1")),
            KeyError::bad_key);
  EXPECT_EQ(public_error_of(replaced(test::spec_rsa_public, "e1b0203010001", "e1a0203010001")),
            KeyError::bad_key);
  EXPECT_EQ(public_error_of(replaced(test::spec_rsa_public, "0203010001", "0203010002")), KeyError::bad_key);
  EXPECT_EQ(private_error_of("08001203020100"), KeyError::bad_key);
  EXPECT_EQ(private_error_of("08031203020100"), KeyError::bad_key);
  EXPECT_EQ(private_error_of("08021220" + std::string(64, '0')), KeyError::bad_key);
  EXPECT_EQ(private_error_of("08021220" + std::string(64, 'f')), KeyError::bad_key)
      << "above the order of the curve";
}

// A public key of `bits` bits (2040 or more); nobody knows its factors.
std::string rsa_public_hex(std::size_t bits) {
  const auto hex16 = [](std::size_t value) {
    const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(value >> 8),
                                            static_cast<std::uint8_t>(value)};
    return to_hex(bytes);
  };
  const std::size_t bytes = bits / 8;
  const std::string modulus = "0282" + hex16(bytes + 1) + "00" + std::string(2 * bytes, 'f');
  const std::string numbers = modulus + "0203010001";
  const std::string key = "3082" + hex16(numbers.size() / 2) + numbers;
  const std::string inner = "300d06092a864886f70d01010105000382" + hex16(key.size() / 2 + 1) + "00" + key;
  const std::string data = "3082" + hex16(inner.size() / 2) + inner;
  std::array<std::uint8_t, 3> length{};
  const std::size_t length_bytes = put_varint(data.size() / 2, length);
  return "080012" + to_hex(Bytes(length).first(length_bytes)) + data;
}

TEST(KeyTest, BoundsTheSizeOfRsaKeys) {
  EXPECT_EQ(public_error_of(rsa_public_hex(2040)), KeyError::bad_size);
  EXPECT_EQ(public_error_of(rsa_public_hex(8200)), KeyError::bad_size);
  EXPECT_EQ(public_error_of(rsa_public_hex(16384)), KeyError::bad_size);
  for (const std::size_t bits : {2048, 3072, 4096, 8192}) {
    const std::string hex = rsa_public_hex(bits);
    EXPECT_EQ(to_hex(public_from(hex).to_protobuf()), hex);
    EXPECT_FALSE(public_from(hex).verify(as_bytes("x"), std::vector<std::uint8_t>(bits / 8, 1)));
  }
}

TEST(KeyTest, VerifiesNothingWithAPointOffTheCurve) {
  std::string off_curve(test::go_ecdsa_public);
  off_curve.back() = off_curve.back() == '0' ? '1' : '0';
  EXPECT_FALSE(public_from(off_curve).verify(as_bytes(test::go_message), from_hex(test::go_ecdsa_signature)));
  const std::string no_point = "0802122102" + std::string(64, 'f');
  EXPECT_FALSE(
      public_from(no_point).verify(as_bytes(test::go_message), from_hex(test::go_secp256k1_signature)));
}

}  // namespace
}  // namespace masu
