#include "multiformats/multihash.hpp"

#include "tests/multiformats/hex.hpp"

#include <unordered_set>

#include <gtest/gtest.h>

namespace masu {
namespace {

using test::from_hex;
using test::to_hex;

// sha2-256 of "multihash", from the spec's README.
constexpr std::string_view sha256_hex =
    "12209cbc07c3f991725836a3aa2a581ca2029198aa420b9d99bc0e131d9f3e2cbe47";

MultihashError error_of(std::string_view hex) {
  const auto hash = Multihash::decode(from_hex(hex));
  EXPECT_FALSE(hash.has_value()) << hex;
  return hash ? MultihashError::bad_text : hash.error();
}

TEST(MultihashTest, TakesBytesApartAndPutsThemTogether) {
  const auto hash = Multihash::decode(from_hex(sha256_hex));
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->code(), HashCode::sha2_256);
  EXPECT_EQ(to_hex(hash->digest()), sha256_hex.substr(4));
  EXPECT_EQ(hash->to_hex(), sha256_hex);
  EXPECT_EQ(Multihash::make(HashCode::sha2_256, hash->digest()), *hash);
  EXPECT_EQ(Multihash::from_base58(hash->to_base58()), *hash);
  EXPECT_FALSE(hash->is_identity());
}

TEST(MultihashTest, IsTheIdentityOfNothingAtFirst) {
  EXPECT_EQ(Multihash().to_hex(), "0000");
  EXPECT_TRUE(Multihash().is_identity());
}

TEST(MultihashTest, KeepsCodesItDoesNotKnow) {
  const std::string_view hex = "ffffffffffffffff7f01aa";
  const auto hash = Multihash::decode(from_hex(hex));
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->code(), HashCode{varint_value_max});
  EXPECT_EQ(hash->to_hex(), hex);
}

TEST(MultihashTest, TakesOneFromTheFront) {
  const auto bytes = from_hex(std::string(sha256_hex).append("0155"));
  Bytes in = bytes;
  EXPECT_EQ(Multihash::take(in)->to_hex(), sha256_hex);
  EXPECT_EQ(to_hex(in), "0155");
}

TEST(MultihashTest, RefusesWhatIsCutOffOrTooLong) {
  EXPECT_EQ(error_of(""), MultihashError::too_short);
  EXPECT_EQ(error_of("12"), MultihashError::too_short);
  EXPECT_EQ(error_of("122000"), MultihashError::too_short);
  EXPECT_EQ(error_of("12808080"), MultihashError::too_short);
  EXPECT_EQ(error_of(std::string(sha256_hex).append("00")), MultihashError::trailing_bytes);
  EXPECT_EQ(error_of("920000"), MultihashError::bad_varint);
  EXPECT_EQ(error_of("12a000" + std::string(64, '0')), MultihashError::bad_varint);
  EXPECT_EQ(error_of("ffffffffffffffffff0100"), MultihashError::bad_varint);
  // A claim is judged before the bytes are there.
  EXPECT_EQ(error_of("008101"), MultihashError::digest_too_long);
  EXPECT_EQ(error_of("12ffffffff7f"), MultihashError::digest_too_long);
  EXPECT_FALSE(Multihash::from_base58("Qm0"));
}

TEST(MultihashTest, HoldsDigestsOf128Bytes) {
  const auto bytes = from_hex("ffffffffffffffff7f8001" + std::string(256, 'a'));
  EXPECT_EQ(bytes.size(), multihash_bytes_max);
  const auto hash = Multihash::decode(bytes);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->digest().size(), digest_bytes_max);
  EXPECT_FALSE(CompactMultihash::from(*hash));
}

TEST(MultihashTest, FitsTablesWhenShort) {
  // blake2b-256 has the longest code of the 32-byte functions.
  const Multihash hash = Multihash::make(HashCode::blake2b_256, from_hex(sha256_hex.substr(4)));
  const auto compact = CompactMultihash::from(hash);
  ASSERT_TRUE(compact);
  EXPECT_EQ(compact->full(), hash);
  EXPECT_TRUE(*compact == hash);
  EXPECT_EQ(std::hash<CompactMultihash>()(*compact), std::hash<Multihash>()(hash));
}

TEST(MultihashTest, OrdersAndHashesByBytes) {
  const Multihash a = Multihash::make(HashCode::sha1, from_hex("01"));
  const Multihash b = Multihash::make(HashCode::sha1, from_hex("02"));
  EXPECT_LT(a, b);
  EXPECT_NE(a, b);
  const std::unordered_set<Multihash> set{a, b, a};
  EXPECT_EQ(set.size(), 2u);
  Multihash copy = a;
  copy = b;
  EXPECT_EQ(copy, b);
}

}  // namespace
}  // namespace masu
