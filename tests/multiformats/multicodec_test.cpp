#include "multiformats/multicodec.hpp"

#include <string>

#include <gtest/gtest.h>

namespace masu {
namespace {

TEST(MulticodecTest, NamesCodecsAsKubo) {
  EXPECT_EQ(name_of(Codec::raw), "raw");
  EXPECT_EQ(name_of(Codec::dag_pb), "dag-pb");
  EXPECT_EQ(name_of(Codec::dag_cbor), "dag-cbor");
  EXPECT_EQ(name_of(Codec::dag_json), "dag-json");
  EXPECT_EQ(name_of(Codec::libp2p_key), "libp2p-key");
  EXPECT_EQ(name_of(Codec::car), "car");
  EXPECT_EQ(codec_from_name("dag-jose"), Codec::dag_jose);
  EXPECT_EQ(codec_from_name("git-raw"), Codec::git_raw);
  EXPECT_EQ(codec_from_name("protobuf"), Codec{0x50})
      << "the name of dag-pb before 2022 means something else now";
  EXPECT_FALSE(codec_from_name("sha2-256"));
  EXPECT_EQ(name_of(Codec{0x12345678}), "");
}

TEST(MulticodecTest, NamesHashFunctionsAsKubo) {
  EXPECT_EQ(name_of(HashCode::sha2_256), "sha2-256");
  EXPECT_EQ(name_of(HashCode::sha3_512), "sha3-512");
  EXPECT_EQ(hash_from_name("sha3"), HashCode::sha3_512);
  EXPECT_EQ(hash_from_name("keccak-256"), HashCode::keccak_256);
  EXPECT_EQ(hash_from_name("dbl-sha2-256"), HashCode::dbl_sha2_256);
  EXPECT_EQ(name_of(HashCode{0xb201}), "blake2b-8");
  EXPECT_EQ(name_of(HashCode::blake2b_256), "blake2b-256");
  EXPECT_EQ(name_of(HashCode::blake2b_512), "blake2b-512");
  EXPECT_EQ(name_of(HashCode{0xb241}), "blake2s-8");
  EXPECT_EQ(name_of(HashCode::blake2s_256), "blake2s-256");
  EXPECT_EQ(name_of(HashCode{0xb261}), "");
  EXPECT_EQ(name_of(HashCode{0x99}), "");
  for (std::uint64_t code = 0xb201; code <= 0xb260; ++code) {
    EXPECT_EQ(hash_from_name(name_of(HashCode{code})), HashCode{code});
  }
  EXPECT_FALSE(hash_from_name("blake2b-0"));
  EXPECT_FALSE(hash_from_name("blake2b-520"));
  EXPECT_FALSE(hash_from_name(""));
}

}  // namespace
}  // namespace masu
