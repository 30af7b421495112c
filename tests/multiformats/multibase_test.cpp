// Vectors: github.com/multiformats/multibase, tests/*.csv.
#include "multiformats/multibase.hpp"

#include "alloc/bytes.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace masu {
namespace {

using namespace std::string_view_literals;

struct Vector {
  std::string_view base;
  std::string_view text;
};

constexpr std::array basic_vectors{
    Vector{"base2", "001111001011001010111001100100000011011010110000101101110011010010010000000100001"},
    Vector{"base8", "7362625631006654133464440102"},
    Vector{"base10", "9573277761329450583662625"},
    Vector{"base16", "f796573206d616e692021"},
    Vector{"base16upper", "F796573206D616E692021"},
    Vector{"base32", "bpfsxgidnmfxgsibb"},
    Vector{"base32upper", "BPFSXGIDNMFXGSIBB"},
    Vector{"base32hex", "vf5in683dc5n6i811"},
    Vector{"base32hexupper", "VF5IN683DC5N6I811"},
    Vector{"base32pad", "cpfsxgidnmfxgsibb"},
    Vector{"base32padupper", "CPFSXGIDNMFXGSIBB"},
    Vector{"base32hexpad", "tf5in683dc5n6i811"},
    Vector{"base32hexpadupper", "TF5IN683DC5N6I811"},
    Vector{"base32z", "hxf1zgedpcfzg1ebb"},
    Vector{"base36", "k2lcpzo5yikidynfl"},
    Vector{"base36upper", "K2LCPZO5YIKIDYNFL"},
    Vector{"base58flickr", "Z7Pznk19XTTzBtx"},
    Vector{"base58btc", "z7paNL19xttacUY"},
    Vector{"base64", "meWVzIG1hbmkgIQ"},
    Vector{"base64pad", "MeWVzIG1hbmkgIQ=="},
    Vector{"base64url", "ueWVzIG1hbmkgIQ"},
    Vector{"base64urlpad", "UeWVzIG1hbmkgIQ=="},
};
constexpr std::array any_case_vectors{
    Vector{"base16", "f68656c6c6f20776F726C64"},
    Vector{"base16upper", "F68656c6c6f20776F726C64"},
    Vector{"base32", "bnbswy3dpeB3W64TMMQ"},
    Vector{"base32upper", "Bnbswy3dpeB3W64TMMQ"},
    Vector{"base32hex", "vd1imor3f41RMUSJCCG"},
    Vector{"base32hexupper", "Vd1imor3f41RMUSJCCG"},
    Vector{"base32pad", "cnbswy3dpeB3W64TMMQ======"},
    Vector{"base32padupper", "Cnbswy3dpeB3W64TMMQ======"},
    Vector{"base32hexpad", "td1imor3f41RMUSJCCG======"},
    Vector{"base32hexpadupper", "Td1imor3f41RMUSJCCG======"},
    Vector{"base36", "kfUvrsIvVnfRbjWaJo"},
    Vector{"base36upper", "KfUVrSIVVnFRbJWAJo"},
};
constexpr std::array leading_zero_vectors{
    Vector{"base2",
           "00000000001111001011001010111001100100000011011010110000101101110011010010010000000100001"},
    Vector{"base8", "7000745453462015530267151100204"},
    Vector{"base10", "90573277761329450583662625"},
    Vector{"base16", "f00796573206d616e692021"},
    Vector{"base16upper", "F00796573206D616E692021"},
    Vector{"base32", "bab4wk4zanvqw42jaee"},
    Vector{"base32upper", "BAB4WK4ZANVQW42JAEE"},
    Vector{"base32hex", "v01smasp0dlgmsq9044"},
    Vector{"base32hexupper", "V01SMASP0DLGMSQ9044"},
    Vector{"base32pad", "cab4wk4zanvqw42jaee======"},
    Vector{"base32padupper", "CAB4WK4ZANVQW42JAEE======"},
    Vector{"base32hexpad", "t01smasp0dlgmsq9044======"},
    Vector{"base32hexpadupper", "T01SMASP0DLGMSQ9044======"},
    Vector{"base32z", "hybhskh3ypiosh4jyrr"},
    Vector{"base36", "k02lcpzo5yikidynfl"},
    Vector{"base36upper", "K02LCPZO5YIKIDYNFL"},
    Vector{"base58flickr", "Z17Pznk19XTTzBtx"},
    Vector{"base58btc", "z17paNL19xttacUY"},
    Vector{"base64", "mAHllcyBtYW5pICE"},
    Vector{"base64pad", "MAHllcyBtYW5pICE="},
    Vector{"base64url", "uAHllcyBtYW5pICE"},
    Vector{"base64urlpad", "UAHllcyBtYW5pICE="},
};
constexpr std::array two_leading_zeros_vectors{
    Vector{
        "base2",
        "0000000000000000001111001011001010111001100100000011011010110000101101110011010010010000000100001"},
    Vector{"base8", "700000171312714403326055632220041"},
    Vector{"base10", "900573277761329450583662625"},
    Vector{"base16", "f0000796573206d616e692021"},
    Vector{"base16upper", "F0000796573206D616E692021"},
    Vector{"base32", "baaahszltebwwc3tjeaqq"},
    Vector{"base32upper", "BAAAHSZLTEBWWC3TJEAQQ"},
    Vector{"base32hex", "v0007ipbj41mm2rj940gg"},
    Vector{"base32hexupper", "V0007IPBJ41MM2RJ940GG"},
    Vector{"base32pad", "caaahszltebwwc3tjeaqq===="},
    Vector{"base32padupper", "CAAAHSZLTEBWWC3TJEAQQ===="},
    Vector{"base32hexpad", "t0007ipbj41mm2rj940gg===="},
    Vector{"base32hexpadupper", "T0007IPBJ41MM2RJ940GG===="},
    Vector{"base32z", "hyyy813murbssn5ujryoo"},
    Vector{"base36", "k002lcpzo5yikidynfl"},
    Vector{"base36upper", "K002LCPZO5YIKIDYNFL"},
    Vector{"base58flickr", "Z117Pznk19XTTzBtx"},
    Vector{"base58btc", "z117paNL19xttacUY"},
    Vector{"base64", "mAAB5ZXMgbWFuaSAh"},
    Vector{"base64pad", "MAAB5ZXMgbWFuaSAh"},
    Vector{"base64url", "uAAB5ZXMgbWFuaSAh"},
    Vector{"base64urlpad", "UAAB5ZXMgbWFuaSAh"},
};

std::string decoded(std::string_view text) {
  std::array<std::uint8_t, 64> out;
  const auto result = decode_multibase(text, out);
  return result ? std::string(as_text(Bytes(out).first(result->size))) : std::string(name_of(result.error()));
}
MultibaseError error_of(std::string_view text, std::size_t room = 64) {
  std::array<std::uint8_t, 64> out;
  const auto result = decode_multibase(text, MutableBytes(out).first(room));
  EXPECT_FALSE(result.has_value()) << text;
  return result ? MultibaseError::empty : result.error();
}

template <std::size_t count>
void expect_both_ways(const std::array<Vector, count>& vectors, std::string_view plain) {
  for (const Vector& vector : vectors) {
    const auto base = multibase_from_name(vector.base);
    ASSERT_TRUE(base) << vector.base;
    EXPECT_EQ(encode_multibase(*base, as_bytes(plain)), vector.text);
    EXPECT_EQ(decoded(vector.text), plain);
  }
}

TEST(MultibaseTest, WritesAndReadsTheVectorsOfTheSpec) {
  expect_both_ways(basic_vectors, "yes mani !"sv);
  expect_both_ways(leading_zero_vectors, "\x00yes mani !"sv);
  expect_both_ways(two_leading_zeros_vectors, "\x00\x00yes mani !"sv);
}

TEST(MultibaseTest, ReadsEitherCaseWhereTheBaseHasOne) {
  for (const Vector& vector : any_case_vectors)
    EXPECT_EQ(decoded(vector.text), "hello world"sv) << vector.base;
}

TEST(MultibaseTest, RoundTripsEachLengthInEachBase) {
  std::string plain;
  for (int i = 0; i < 40; ++i) {
    for (const Multibase base : all_multibases()) {
      EXPECT_EQ(decoded(encode_multibase(base, as_bytes(plain))), plain) << name_of(base) << " of " << i;
    }
    plain += static_cast<char>(i * 37 + 200);
  }
}

TEST(MultibaseTest, NamesEachBaseOnce) {
  for (const Multibase base : all_multibases()) {
    EXPECT_EQ(multibase_from_name(name_of(base)), base);
    EXPECT_EQ(multibase_from_prefix(static_cast<char>(base)), base);
  }
  EXPECT_FALSE(multibase_from_name("base1"));
  EXPECT_FALSE(multibase_from_prefix('Q'));
}

TEST(MultibaseTest, RefusesWhatIsNoTextOfTheBase) {
  EXPECT_EQ(error_of(""), MultibaseError::empty);
  EXPECT_EQ(error_of("Q123"), MultibaseError::unknown_base);
  EXPECT_EQ(error_of("z0"), MultibaseError::bad_digit);  // not in base58
  EXPECT_EQ(error_of("zIl"), MultibaseError::bad_digit);
  EXPECT_EQ(error_of("fz0"), MultibaseError::bad_digit);
  EXPECT_EQ(error_of("f0"), MultibaseError::bad_length);    // half a byte
  EXPECT_EQ(error_of("ba"), MultibaseError::bad_length);    // 5 bits
  EXPECT_EQ(error_of("bab"), MultibaseError::bad_length);   // 8 bits, and a bit that must be zero
  EXPECT_EQ(error_of("maa\n"), MultibaseError::bad_digit);  // white space
  EXPECT_EQ(error_of("mYQ=="), MultibaseError::bad_digit);  // padding where none belongs
  EXPECT_EQ(error_of("MYQ"), MultibaseError::bad_length);   // and none where it does
  EXPECT_EQ(error_of("MYQ="), MultibaseError::bad_length);
  EXPECT_EQ(error_of("M===="), MultibaseError::bad_length);
  EXPECT_EQ(error_of("k\xc3\xa9"), MultibaseError::bad_digit);
}

TEST(MultibaseTest, StopsAtTheRoomItIsGiven) {
  const std::string plain(33, 'x');
  for (const Multibase base : all_multibases()) {
    const std::string text = encode_multibase(base, as_bytes(plain));
    EXPECT_EQ(error_of(text, 32), MultibaseError::too_long) << name_of(base);
    EXPECT_EQ(decoded(text), plain);
  }
  // Quadratic bases stop as soon as the room is full, however long the text.
  EXPECT_EQ(error_of(std::string(1 << 20, 'z')), MultibaseError::too_long);
  EXPECT_EQ(error_of("z" + std::string(1 << 20, '1')), MultibaseError::too_long);
}

}  // namespace
}  // namespace masu
