#include "multiformats/digest.hpp"

#include "alloc/budget.hpp"
#include "alloc/resource.hpp"
#include "tests/multiformats/digest_vectors.hpp"
#include "tests/multiformats/hex.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

using test::from_hex;
using test::to_hex;

Multihash multihash(std::string_view hex) { return Multihash::decode(from_hex(hex)).value(); }
Multihash sized(HashCode code, std::size_t digest_bytes) {
  return Multihash::make(code, std::vector<std::uint8_t>(digest_bytes, 7));
}

template <std::size_t count>
void expect_digests(const std::array<test::DigestVector, count>& vectors) {
  for (const test::DigestVector& vector : vectors) {
    const Multihash expected = multihash(vector.multihash);
    const Bytes input = as_bytes(vector.input);
    Digester digester(expected.code());
    digester.update(input);
    EXPECT_EQ(digester.finish(expected.digest().size()).to_hex(), vector.multihash);
    EXPECT_TRUE(matches(expected, input));
    EXPECT_FALSE(matches(expected, as_bytes("another")));
  }
}

TEST(DigestTest, MakesThePublishedDigests) {
  expect_digests(test::multihash_vectors);
  expect_digests(test::go_multihash_vectors);
  EXPECT_EQ(multihash_of(HashCode::keccak_224, {})->to_hex(),
            "1a1cf71837502ba8e10837bdd8d365adb85591895602fc552b48b7390abd");
  EXPECT_EQ(
      multihash_of(HashCode::keccak_384, {})->to_hex(),
      "1c302c23146a63a29acf99e73b88f8c24eaa7dc60aa771780ccc006afbfa8fe2479b2dd2b21362337441ac12b515911957ff");
  EXPECT_EQ(to_hex(sha2_256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(DigestTest, MakesTheOfficialBlake3Digests) {
  for (const test::Blake3Vector& vector : test::blake3_vectors) {
    std::vector<std::uint8_t> input(vector.input_bytes);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::uint8_t>(i % 251);
    Digester digester(HashCode::blake3);
    digester.update(input);
    EXPECT_EQ(to_hex(digester.finish(128).digest()), vector.output);
    EXPECT_EQ(to_hex(multihash_of(HashCode::blake3, input)->digest()), vector.output.substr(0, 64));
  }
}

TEST(DigestTest, MakesTheSameDigestsAsHashlibForEachLength) {
  for (const test::SweepVector& vector : test::sweep_vectors) {
    Digester digester(vector.code), all(HashCode::sha2_256);
    for (std::size_t n = 0; n <= 300; ++n) {
      std::vector<std::uint8_t> input(n);
      for (std::size_t i = 0; i < n; ++i) input[i] = static_cast<std::uint8_t>(7 * i + n);
      // In pieces that grow, so that they begin and end everywhere in a block.
      Bytes rest = input;
      for (std::size_t piece = n % 5; !rest.empty(); piece = 2 * piece + 1) {
        const Bytes now = rest.first(std::min(piece, rest.size()));
        digester.update(now);
        rest = rest.subspan(now.size());
      }
      all.update(digester.finish().digest());
    }
    EXPECT_EQ(to_hex(all.finish().digest()), vector.digest) << name_of(vector.code);
  }
}

TEST(DigestTest, StartsAgainAfterEachDigest) {
  for (const HashCode code :
       {HashCode::sha2_256, HashCode::blake3, HashCode::blake2b_256, HashCode::sha3_256}) {
    Digester digester(code);
    digester.update(as_bytes("first"));
    const Multihash first = digester.finish();
    digester.update(as_bytes("first"));
    Digester moved = std::move(digester);
    EXPECT_EQ(moved.finish(), first) << name_of(code);
    EXPECT_EQ(moved.finish(), *multihash_of(code, {}));
  }
}

TEST(DigestTest, AllowsWhatBoxoAllows) {
  struct Case {
    HashCode code;
    bool allowed;
  };
  // boxo verifcid/cid_test.go.
  for (const Case& c : {Case{HashCode::sha2_256, true},    Case{HashCode::blake2b_256, true},
                        Case{HashCode::blake2s_256, true}, Case{HashCode::keccak_256, true},
                        Case{HashCode::sha3_256, true},    Case{HashCode::sha1, true},
                        Case{HashCode::blake3, true},      Case{HashCode::dbl_sha2_256, true},
                        Case{HashCode::shake_256, true},   Case{HashCode::murmur3_x64_64, false},
                        Case{HashCode::md5, false},        Case{HashCode::shake_128, false},
                        Case{HashCode{0xb213}, false},     Case{HashCode::blake2b_160, true},
                        Case{HashCode::blake2b_512, true}, Case{HashCode{0xb253}, false},
                        Case{HashCode::blake2s_160, true}, Case{HashCode{0xb261}, false},
                        Case{HashCode{0x20}, false},       Case{HashCode{0x1012}, false}}) {
    EXPECT_EQ(check_allowed(sized(c.code, 32)).has_value(), c.allowed) << name_of(c.code);
    EXPECT_EQ(digest_sizes(c.code).has_value(), c.allowed) << name_of(c.code);
  }
}

TEST(DigestTest, RefusesShortDigests) {
  EXPECT_TRUE(check_allowed(sized(HashCode::sha2_256, 20)));
  const Multihash small = sized(HashCode::sha2_256, 19);
  const auto refused = check_allowed(small);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), HashRefusal::digest_too_small);
  EXPECT_EQ(explain(refused.error(), small), "digest too small: sha2-256 digest got 19 bytes, minimum 20");
  EXPECT_EQ(explain(HashRefusal::insecure_function, small),
            "potentially insecure hash functions not allowed");
  EXPECT_TRUE(check_allowed(sized(HashCode::blake3, 128)));
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, digest_bytes_max}) {
    EXPECT_TRUE(check_allowed(sized(HashCode::identity, size)));
  }
}

TEST(DigestTest, NeverMatchesADigestLongerThanItsFunctionMakes) {
  EXPECT_TRUE(computable(sized(HashCode::sha2_256, 32)));
  EXPECT_FALSE(computable(sized(HashCode::sha2_256, 33)));
  EXPECT_TRUE(computable(sized(HashCode::blake3, 128)));
  EXPECT_FALSE(computable(sized(HashCode::identity, 3)));
  EXPECT_FALSE(matches(sized(HashCode::sha2_256, 33), as_bytes("x")));
  EXPECT_FALSE(matches(sized(HashCode::md5, 16), as_bytes("x")));
}

TEST(DigestTest, InlinesUpTo128Bytes) {
  const std::string data(128, 'x');
  const auto inlined = multihash_of(HashCode::identity, as_bytes(data));
  ASSERT_TRUE(inlined);
  EXPECT_EQ(as_text(inlined->digest()), data);
  EXPECT_TRUE(matches(*inlined, as_bytes(data)));
  EXPECT_FALSE(matches(*inlined, as_bytes(data).first(127)));
  EXPECT_FALSE(multihash_of(HashCode::identity, as_bytes(data + "x")));
  EXPECT_FALSE(multihash_of(HashCode::md5, as_bytes(data)));
}

TEST(DigestTest, TakesLargeStatesFromTheGivenMemoryOnly) {
  Budget budget("test", 1 << 20);
  Account account(budget, "test.digest", Lifetime::block, 1024);
  AccountResource memory(account);
  {
    Digester sha256(HashCode::sha2_256, memory);
    EXPECT_EQ(account.live_bytes(), 0u);
    Digester blake2b(HashCode::blake2b_256, memory);
    EXPECT_GT(account.live_bytes(), 0u);
    const std::size_t live = account.live_bytes();
    EXPECT_THROW(Digester(HashCode::blake3, memory), std::bad_alloc);
    EXPECT_EQ(account.live_bytes(), live);
  }
  EXPECT_EQ(account.live_bytes(), 0u);
}

}  // namespace
}  // namespace masu
