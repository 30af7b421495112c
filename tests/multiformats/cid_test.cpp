// Vectors: github.com/multiformats/cid README.md, github.com/ipfs/go-cid cid_test.go.
#include "multiformats/cid.hpp"

#include "tests/multiformats/hex.hpp"

#include <unordered_set>

#include <gtest/gtest.h>

namespace masu {
namespace {

using test::from_hex;
using test::to_hex;

constexpr std::string_view empty_v0 = "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH";  // the empty file
constexpr std::string_view empty_v1 = "bafybeif7ztnhq65lumvvtr4ekcwd2ifwgm3awq4zfr3srh462rwyinlb4y";
constexpr std::string_view raw_hello = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
constexpr std::string_view raw_hello_hex =
    "01551220b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

CidError error_of(std::string_view text) {
  const auto cid = Cid::parse(text);
  EXPECT_FALSE(cid.has_value()) << text;
  return cid ? CidError::bad_text : cid.error();
}
CidError decode_error_of(std::string_view hex) {
  const auto cid = Cid::decode(from_hex(hex));
  EXPECT_FALSE(cid.has_value()) << hex;
  return cid ? CidError::bad_text : cid.error();
}

TEST(CidTest, ReadsVersion0) {
  const auto cid = Cid::parse(empty_v0);
  ASSERT_TRUE(cid);
  EXPECT_EQ(cid->version(), 0);
  EXPECT_EQ(cid->codec(), Codec::dag_pb);
  EXPECT_EQ(cid->hash().code(), HashCode::sha2_256);
  EXPECT_EQ(to_hex(cid->bytes()).substr(0, 4), "1220");
  EXPECT_EQ(cid->to_string(), empty_v0);
  EXPECT_EQ(Cid::decode(cid->bytes()), *cid);
  EXPECT_EQ(cid->to_v1().to_string(), empty_v1);
}

TEST(CidTest, ReadsVersion1) {
  const auto cid = Cid::parse(raw_hello);
  ASSERT_TRUE(cid);
  EXPECT_EQ(cid->version(), 1);
  EXPECT_EQ(cid->codec(), Codec::raw);
  EXPECT_EQ(to_hex(cid->bytes()), raw_hello_hex);
  EXPECT_EQ(cid->to_string(), raw_hello);
  EXPECT_EQ(Cid::v1(Codec::raw, cid->hash()), *cid);
  EXPECT_EQ(to_hex(cid->hash_bytes()), raw_hello_hex.substr(4));
  EXPECT_EQ(cid->to_v1(), *cid);
}

TEST(CidTest, ReadsTheExampleOfTheSpecInEachBase) {
  const std::string_view text = "zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA";
  const auto cid = Cid::parse(text);
  ASSERT_TRUE(cid);
  EXPECT_EQ(to_hex(cid->hash().digest()), "6e6ff7950a36187a801613426e858dce686cd7d7e3c0fc42ee0330072d245c95");
  EXPECT_EQ(cid->codec(), Codec::raw);
  EXPECT_EQ(cid->to_string(Multibase::base58btc), text);
  for (const Multibase base : all_multibases()) {
    const std::string in_base = cid->to_string(base);
    EXPECT_EQ(Cid::parse(in_base), *cid) << in_base;
    EXPECT_EQ(cid_base_of(in_base), base);
  }
}

TEST(CidTest, UpgradesVersion0ForOtherBases) {
  const Cid cid = *Cid::parse(empty_v0);
  EXPECT_EQ(cid.to_string(Multibase::base58btc), empty_v0);
  EXPECT_EQ(cid.to_string(Multibase::base32), empty_v1);
  EXPECT_EQ(cid.to_string(Multibase::base36).front(), 'k');
  EXPECT_EQ(cid_base_of(empty_v0), Multibase::base58btc);
}

TEST(CidTest, AllowsVersion0ForDagPbWithSha256Only) {
  const Multihash sha256 = Cid::parse(empty_v0)->hash();
  EXPECT_TRUE(Cid::may_be_v0(Codec::dag_pb, sha256));
  EXPECT_FALSE(Cid::may_be_v0(Codec::raw, sha256));
  EXPECT_FALSE(Cid::may_be_v0(Codec::dag_pb, Multihash::make(HashCode::blake2b_256, sha256.digest())));
  EXPECT_FALSE(Cid::may_be_v0(Codec::dag_pb, Multihash::make(HashCode::sha2_256, sha256.digest().first(20))));
}

TEST(CidTest, ReadsInlinedBlocks) {
  const auto cid = Cid::parse("bafkqabtimvwgy3yk");
  ASSERT_TRUE(cid);
  EXPECT_TRUE(cid->hash().is_identity());
  EXPECT_EQ(as_text(cid->hash().digest()), "hello\n");
  EXPECT_EQ(Cid().to_string(), "bafkqaaa");
}

TEST(CidTest, RefusesText) {
  EXPECT_EQ(error_of(""), CidError::too_short);
  EXPECT_EQ(error_of("Q"), CidError::too_short);
  EXPECT_EQ(error_of("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQ"), CidError::unknown_base);  // one short
  EXPECT_EQ(error_of("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1Aw0H"), CidError::bad_text);
  EXPECT_EQ(error_of(std::string("/ipfs/").append(empty_v0)), CidError::unknown_base);
  EXPECT_EQ(error_of("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n51"), CidError::bad_text);
  EXPECT_EQ(error_of(std::string("z").append(empty_v0)), CidError::bad_text)
      << "CIDv0 has no multibase prefix";
  EXPECT_EQ(error_of(std::string(raw_hello).append("aa")), CidError::trailing_bytes);
  EXPECT_EQ(error_of(std::string("b").append(10000, 'a')), CidError::too_long);
}

TEST(CidTest, RefusesBytes) {
  EXPECT_EQ(decode_error_of(""), CidError::too_short);
  EXPECT_EQ(decode_error_of("01"), CidError::too_short);
  EXPECT_EQ(decode_error_of("12"), CidError::too_short);
  EXPECT_EQ(decode_error_of("1220aa"), CidError::too_short);
  EXPECT_EQ(decode_error_of("1201aa"), CidError::bad_version);
  EXPECT_EQ(decode_error_of("00"), CidError::bad_version);
  EXPECT_EQ(decode_error_of("02551220"), CidError::bad_version);
  EXPECT_EQ(decode_error_of("8100"), CidError::bad_varint);
  EXPECT_EQ(decode_error_of("01d500"), CidError::bad_varint);
  EXPECT_EQ(decode_error_of("0155008101"), CidError::too_long);
  EXPECT_EQ(decode_error_of(std::string(raw_hello_hex).append("00")), CidError::trailing_bytes);
}

TEST(CidTest, TakesOneFromTheFrontAndKnowsWhenMoreIsNeeded) {
  const auto bytes = from_hex(std::string(raw_hello_hex).append("ff"));
  Bytes in = bytes;
  EXPECT_EQ(Cid::take(in)->to_string(), raw_hello);
  EXPECT_EQ(to_hex(in), "ff");
  for (std::size_t size = 0; size < raw_hello_hex.size() / 2; ++size) {
    Bytes cut = Bytes(bytes).first(size);
    EXPECT_EQ(Cid::take(cut).error(), CidError::too_short) << size;
    EXPECT_EQ(cut.size(), size);
  }
}

TEST(CidTest, HoldsTheLongest) {
  const auto bytes = from_hex(std::string("01ffffffffffffffff7fffffffffffffffff7f8001").append(256, '5'));
  EXPECT_EQ(bytes.size(), cid_bytes_max);
  const auto cid = Cid::decode(bytes);
  ASSERT_TRUE(cid);
  EXPECT_EQ(cid->codec(), Codec{varint_value_max});
  EXPECT_EQ(Cid::parse(cid->to_string(Multibase::base2)), *cid);
  EXPECT_FALSE(CompactCid::from(*cid));
}

TEST(CidTest, FitsTablesWhenShort) {
  for (const std::string_view text : {empty_v0, empty_v1, raw_hello}) {
    const Cid cid = *Cid::parse(text);
    const auto compact = CompactCid::from(cid);
    ASSERT_TRUE(compact);
    EXPECT_EQ(compact->full(), cid);
    EXPECT_TRUE(*compact == cid);
    EXPECT_EQ(std::hash<CompactCid>()(*compact), std::hash<Cid>()(cid));
  }
}

TEST(CidTest, DiffersByVersion) {
  const Cid v0 = *Cid::parse(empty_v0), v1 = *Cid::parse(empty_v1);
  EXPECT_NE(v0, v1);
  EXPECT_EQ(v0.hash(), v1.hash());
  EXPECT_EQ((std::unordered_set<Cid>{v0, v1, v0}).size(), 2u);
}

}  // namespace
}  // namespace masu
