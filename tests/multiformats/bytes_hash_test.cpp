#include "multiformats/bytes_hash.hpp"

#include "multiformats/cid.hpp"
#include "multiformats/peer_id.hpp"
#include "tests/multiformats/hex.hpp"

#include <unordered_set>

#include <gtest/gtest.h>

namespace masu {
namespace {

BytesHash::Key key_of(std::uint8_t seed) {
  BytesHash::Key key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(seed + i);
  return key;
}

TEST(BytesHashTest, MakesThePublishedSipHash) {
  // The reference vectors of SipHash-2-4: key 00 01 … 0f, input 00 01 … of 15 bytes, from its paper.
  const auto input = test::from_hex("000102030405060708090a0b0c0d0e");
  EXPECT_EQ(std::uint64_t{BytesHash(key_of(0))(Bytes(input))}, 0xa129ca6149be45e5U);
}

TEST(BytesHashTest, DependsOnItsKey) {
  const PeerId peer = *PeerId::parse("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N");
  EXPECT_NE(BytesHash(key_of(0))(peer), BytesHash(key_of(1))(peer));
  EXPECT_EQ(BytesHash(key_of(1))(peer), BytesHash(key_of(1))(peer));
}

TEST(BytesHashTest, FindsACompactKeyByAFullOne) {
  const Cid cid = *Cid::parse("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH");
  std::unordered_set<CompactCid, BytesHash, BytesEqual> set(8, BytesHash(key_of(3)));
  set.insert(*CompactCid::from(cid));
  EXPECT_NE(set.find(cid), set.end());
  EXPECT_EQ(set.find(cid.to_v1()), set.end());
}

}  // namespace
}  // namespace masu
