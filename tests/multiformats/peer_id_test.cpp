// Vectors: libp2p/specs peer-ids/peer-ids.md; go-multiaddr multiaddr_test.go.
#include "multiformats/peer_id.hpp"

#include "multiformats/key.hpp"
#include "tests/multiformats/hex.hpp"
#include "tests/multiformats/key_vectors.hpp"

#include <unordered_set>

#include <gtest/gtest.h>

namespace masu {
namespace {

using test::from_hex;
using test::to_hex;

constexpr std::string_view ed25519_text = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
constexpr std::string_view sha256_text = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
constexpr std::string_view sha256_cid = "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe";

PeerId peer_of(std::string_view key_hex) { return PeerId::of(*PublicKey::from_protobuf(from_hex(key_hex))); }
PeerIdError error_of(std::string_view text) {
  const auto peer = PeerId::parse(text);
  EXPECT_FALSE(peer.has_value()) << text;
  return peer ? PeerIdError::bad_codec : peer.error();
}

TEST(PeerIdTest, ReadsTheExamplesOfTheSpec) {
  EXPECT_EQ(PeerId::parse(ed25519_text)->to_string(), ed25519_text);
  EXPECT_EQ(PeerId::parse(sha256_text)->to_string(), sha256_text);
  EXPECT_EQ(PeerId::parse(sha256_cid), PeerId::parse(sha256_text));
  EXPECT_EQ(PeerId::parse(sha256_text)->to_cid().to_string(), sha256_cid);
}

TEST(PeerIdTest, ReadsCidsInAnyBase) {
  const PeerId peer = *PeerId::parse(ed25519_text);
  for (const Multibase base :
       {Multibase::base32, Multibase::base36, Multibase::base58btc, Multibase::base16}) {
    EXPECT_EQ(PeerId::parse(peer.to_cid().to_string(base)), peer) << name_of(base);
  }
  EXPECT_TRUE(peer.to_cid().to_string(Multibase::base36).starts_with("k51qzi5uqu5d"));
}

TEST(PeerIdTest, InlinesShortKeysAndHashesLongOnes) {
  const PeerId ed25519 = peer_of(test::spec_ed25519_public);
  EXPECT_EQ(to_hex(ed25519.bytes()), "0024" + std::string(test::spec_ed25519_public));
  EXPECT_TRUE(ed25519.to_string().starts_with("12D3Koo"));
  const PeerId secp256k1 = peer_of(test::spec_secp256k1_public);
  EXPECT_EQ(to_hex(secp256k1.bytes()), "0025" + std::string(test::spec_secp256k1_public));
  EXPECT_TRUE(secp256k1.to_string().starts_with("16Uiu2"));
  for (const std::string_view hex : {test::spec_rsa_public, test::spec_ecdsa_public}) {
    EXPECT_EQ(peer_of(hex).hash().code(), HashCode::sha2_256);
    EXPECT_TRUE(peer_of(hex).to_string().starts_with("Qm"));
    EXPECT_FALSE(peer_of(hex).public_key());
  }
  EXPECT_EQ(ed25519.public_key(), *PublicKey::from_protobuf(from_hex(test::spec_ed25519_public)));
  EXPECT_EQ(secp256k1.public_key(), *PublicKey::from_protobuf(from_hex(test::spec_secp256k1_public)));
}

TEST(PeerIdTest, HashesAKeyAsGoDoes) {
  // go-libp2p core/peer/peer_test.go: an RSA key of 2048 bits and its id.
  const PeerId peer = peer_of(test::man_public);
  EXPECT_EQ(peer.to_string(), "QmcJeseojbPW9hSejUM1sQ1a2QmbrryPK4Z8pWbRUPaYEn");
}

TEST(PeerIdTest, IsNobodyAtFirst) {
  EXPECT_TRUE(PeerId().empty());
  EXPECT_FALSE(PeerId().public_key());
  EXPECT_FALSE(PeerId::parse(ed25519_text)->empty());
  EXPECT_NE(*PeerId::parse(ed25519_text), PeerId());
}

TEST(PeerIdTest, RefusesOtherHashesAndText) {
  EXPECT_EQ(error_of(""), PeerIdError::bad_text);
  EXPECT_EQ(error_of("12D3Koo0"), PeerIdError::bad_text);
  EXPECT_EQ(error_of("?unknownmultibase"), PeerIdError::bad_text);
  EXPECT_EQ(error_of("k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl-"), PeerIdError::bad_text);
  EXPECT_EQ(error_of("k2jmtxwoe2phm1hbqp0e7nufqf6umvuu2e9qd7ana7h411a0haqj6i2z"), PeerIdError::bad_codec);
  EXPECT_EQ(error_of("QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY"), PeerIdError::bad_text)
      << "33 bytes claimed";
  const auto decode_error = [](std::string_view hex) { return PeerId::decode(from_hex(hex)).error(); };
  EXPECT_EQ(decode_error(""), PeerIdError::bad_multihash);
  EXPECT_EQ(decode_error("0000"), PeerIdError::bad_hash);
  EXPECT_EQ(decode_error("002b" + std::string(86, 'a')), PeerIdError::bad_hash) << "43 bytes inlined";
  EXPECT_EQ(decode_error("1221" + std::string(66, 'a')), PeerIdError::bad_hash);
  EXPECT_EQ(decode_error("1320" + std::string(64, 'a')), PeerIdError::bad_hash);
  EXPECT_EQ(decode_error("1220" + std::string(66, 'a')), PeerIdError::bad_multihash);
  EXPECT_EQ(PeerId::decode(from_hex("002a" + std::string(84, 'a')))->bytes().size(), PeerId::bytes_max);
}

TEST(PeerIdTest, ComparesByBytes) {
  const PeerId a = *PeerId::parse(ed25519_text), b = *PeerId::parse(sha256_text);
  EXPECT_LT(a, b);
  EXPECT_EQ((std::unordered_set<PeerId>{a, b, a}).size(), 2u);
}

}  // namespace
}  // namespace masu
