// Vectors: github.com/multiformats/unsigned-varint README.md, and the limits that it sets.
#include "multiformats/varint.hpp"

#include "tests/multiformats/hex.hpp"

#include <array>

#include <gtest/gtest.h>

namespace masu {
namespace {

using test::from_hex;
using test::to_hex;

struct Vector {
  std::uint64_t value;
  std::string_view hex;
};
constexpr std::array vectors{
    Vector{0, "00"},         Vector{1, "01"},
    Vector{127, "7f"},       Vector{128, "8001"},
    Vector{255, "ff01"},     Vector{300, "ac02"},
    Vector{16384, "808001"}, Vector{varint_value_max, "ffffffffffffffff7f"},
};

TEST(VarintTest, WritesAndReadsTheVectorsOfTheSpec) {
  for (const Vector& vector : vectors) {
    std::array<std::uint8_t, varint_bytes_max> out;
    const std::size_t size = put_varint(vector.value, out);
    EXPECT_EQ(to_hex(Bytes(out).first(size)), vector.hex);
    EXPECT_EQ(varint_size(vector.value), size);
    const auto bytes = from_hex(vector.hex);
    Bytes in = bytes;
    EXPECT_EQ(take_varint(in), vector.value);
    EXPECT_TRUE(in.empty());
  }
}

TEST(VarintTest, LeavesWhatFollows) {
  const auto bytes = from_hex("ac02ff");
  Bytes in = bytes;
  EXPECT_EQ(take_varint(in), 300u);
  EXPECT_EQ(to_hex(in), "ff");
}

TEST(VarintTest, TellsCutOffFromMalformed) {
  const auto error_of = [](std::string_view hex) {
    const auto bytes = from_hex(hex);
    Bytes in = bytes;
    const auto value = take_varint(in);
    EXPECT_EQ(in.size(), bytes.size()) << "nothing is taken on an error";
    return value.error();
  };
  EXPECT_EQ(error_of(""), VarintError::need_more);
  EXPECT_EQ(error_of("80"), VarintError::need_more);
  EXPECT_EQ(error_of("8080808080808080"), VarintError::need_more);
  EXPECT_EQ(error_of("8100"), VarintError::not_minimal);
  EXPECT_EQ(error_of("8000"), VarintError::not_minimal);
  EXPECT_EQ(error_of("808080808080808000"), VarintError::not_minimal);
  EXPECT_EQ(error_of("808080808080808080"), VarintError::too_long);
  EXPECT_EQ(error_of("ffffffffffffffffff01"), VarintError::too_long);
}

TEST(VarintTest, ReadsByteByByteAndStartsAgain) {
  VarintReader reader;
  EXPECT_EQ(reader.feed(0xac).error(), VarintError::need_more);
  EXPECT_TRUE(reader.started());
  EXPECT_EQ(reader.feed(0x02), 300u);
  EXPECT_FALSE(reader.started());
  EXPECT_EQ(reader.feed(0x80).error(), VarintError::need_more);
  EXPECT_EQ(reader.feed(0x00).error(), VarintError::not_minimal);
  EXPECT_EQ(reader.feed(0x07), 7u);
}

}  // namespace
}  // namespace masu
