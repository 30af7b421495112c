#include "unixfs/dag/hamt_hash.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs {
namespace {

TEST(HamtHashTest, EqualsTheReference) {
  const std::pair<const char*, std::uint64_t> expected[] = {
      {"", 0},
      {"a", 0x85555565f6597889},
      {"hello", 0xcbd8a7b341bd9b02},
      {"file-00000", 0x150c58e9e6f17e92},
      {"0123456789abcdef", 0x4be06d94cf4ad1a7},
      {"0123456789abcdef0", 0xeb24ae8785a5c075},
      {"0123456789abcdef0123456789abcde", 0x9afbac977e4daf00},
  };
  for (const auto& [name, hash] : expected) EXPECT_EQ(hamt_hash(as_bytes(name)), hash) << name;
}

TEST(HamtShapeTest, TakesBitsFromTheTop) {
  const HamtShape wide(256), narrow(8), widest(1024);
  const std::uint64_t hash = 0x0123456789abcdef;
  EXPECT_EQ(wide.index(hash, 0), 0x01u);
  EXPECT_EQ(wide.index(hash, 7), 0xefu);
  EXPECT_EQ(wide.levels_max(), 8u);
  EXPECT_EQ(narrow.index(hash, 0), 0u);
  EXPECT_EQ(narrow.index(hash, 20), 7u);  // bits 3 to 1
  EXPECT_EQ(narrow.levels_max(), 21u);
  EXPECT_EQ(widest.index(hash, 0), 0x004u);
  EXPECT_EQ(widest.index(hash, 5), 0x0deu);
  EXPECT_EQ(widest.levels_max(), 6u);
}

TEST(HamtShapeTest, CountsCommonLevels) {
  const HamtShape shape(256);
  EXPECT_EQ(shape.common_levels(0x1200000000000000, 0x1300000000000000), 0u);
  EXPECT_EQ(shape.common_levels(0x1234000000000000, 0x1235000000000000), 1u);
  EXPECT_EQ(shape.common_levels(5, 4), 7u);
  EXPECT_EQ(shape.common_levels(5, 5), 8u);
  EXPECT_EQ(HamtShape(8).common_levels(2, 3), 21u);  // they differ below the bits that are used
}

TEST(HamtShapeTest, PrefixesHaveTheDigitsOfTheLargestIndex) {
  for (const auto& [fanout, digits] : {std::pair{8, 1}, {16, 1}, {32, 2}, {256, 2}, {512, 3}, {1024, 3}}) {
    EXPECT_EQ(HamtShape(static_cast<std::uint64_t>(fanout)).prefix_digits(), static_cast<unsigned>(digits));
  }
}

TEST(HamtShapeTest, ValidFanouts) {
  for (const std::uint64_t fanout : {8, 16, 256, 1024}) EXPECT_TRUE(HamtShape::fanout_valid(fanout));
  for (const std::uint64_t fanout :
       std::initializer_list<std::uint64_t>{0, 1, 4, 7, 12, 255, 2048, ~0ull, 1ull << 63}) {
    EXPECT_FALSE(HamtShape::fanout_valid(fanout)) << fanout;
  }
}

}  // namespace
}  // namespace masu::unixfs
