#include "unixfs/tar/tar_writer.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs::tar {
namespace {

std::uint64_t fnv1a(Bytes bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

std::string times(std::size_t count, std::string_view text) {
  std::string out;
  while (count-- > 0) out += text;
  return out;
}

struct Case {
  std::string path;
  EntryType type;
  std::uint32_t mode;
  std::uint64_t bytes;
  std::string link_target;
  Timestamp mtime;
  std::size_t any_size, pax_size;
  std::uint64_t any_hash, pax_hash;
};

// Sizes and hashes are those of Go's archive/tar for the same header.
TEST(TarWriterTest, HeadersAreTheBytesOfGos) {
  using enum EntryType;
  const std::string deep = times(150, "p") + "/" + times(100, "n");
  const Case cases[] = {
      {"a", file, 0644, 5, "", {1700000000, 0}, 512, 512, 0x639f333f6d1d4574, 0x639f333f6d1d4574},
      {"a", file, 0644, 5, "", {1700000000, 123456789}, 512, 1536, 0x639f333f6d1d4574, 0x7b0a2fcdd5015ba7},
      {"a", file, 0644, 5, "", {1700000000, 500000000}, 512, 1536, 0x7b2f4ebc24f8d3fc, 0xaf569b36a0d1ad84},
      {"d", directory, 0755, 0, "", {1700000000, 0}, 512, 512, 0x452e4fc3f11fae55, 0x452e4fc3f11fae55},
      {"l", symlink, 0777, 0, "target/x", {1700000000, 0}, 512, 512, 0x20f45327f7e9a4e0, 0x20f45327f7e9a4e0},
      {"l",
       symlink,
       0777,
       0,
       times(101, "t"),
       {1700000000, 0},
       1536,
       1536,
       0xa74195d213ab3ea5,
       0xa74195d213ab3ea5},
      {"été/☃", file, 04755, 1, "", {1700000000, 0}, 1536, 1536, 0x8f975b7af5803708, 0x8f975b7af5803708},
      {times(100, "n"), file, 0600, 0, "", {0, 0}, 512, 512, 0x8521eb82c3cfa1ac, 0x8521eb82c3cfa1ac},
      {times(101, "n"), file, 0600, 0, "", {0, 0}, 1536, 1536, 0x6c0ef5aa7f8f2d34, 0x6c0ef5aa7f8f2d34},
      {deep, file, 0600, 0, "", {1, 0}, 512, 512, 0x4f92c983d7252af6, 0x4f92c983d7252af6},
      {deep, file, 0600, 0, "", {1, 7}, 512, 1536, 0x4f92c983d7252af6, 0x5a0bc0f06f47be3a},
      {times(156, "p") + "/" + times(90, "n"),
       file,
       0600,
       0,
       "",
       {1, 0},
       1536,
       1536,
       0x8e717a768df9b408,
       0x8e717a768df9b408},
      {times(99, "x") + "/" + times(101, "n"),
       file,
       0600,
       0,
       "",
       {1, 0},
       1536,
       1536,
       0x1ff287c89c21779d,
       0x1ff287c89c21779d},
      {"old", file, 0644, 0, "", {-5, 0}, 1536, 1536, 0xed44167877d65bec, 0xed44167877d65bec},
      {"old", file, 0644, 0, "", {-5, 250000000}, 1536, 1536, 0xed44167877d65bec, 0x7488f960c38629e5},
      {"far",
       directory,
       0644,
       0,
       "",
       {std::int64_t{1} << 33, 0},
       1536,
       1536,
       0x52b04164ee49360d,
       0x52b04164ee49360d},
      {"l2",
       symlink,
       0777,
       0,
       "ü",
       {1700000000, 999999999},
       1536,
       1536,
       0x39de4338900e85fc,
       0x0e57ac12c219a1d2},
      {times(60, "q/") + "ü",
       directory,
       0711,
       0,
       "",
       {1700000000, 1},
       1536,
       1536,
       0x3363d543af188adc,
       0x621e3353552a8e3a},
      {"big",
       file,
       0644,
       std::uint64_t{1} << 33,
       "",
       {1, 0},
       1536,
       1536,
       0x931967fa5bad0cc6,
       0x931967fa5bad0cc6},
  };
  for (const Case& c : cases) {
    const Entry entry{c.path, c.type, c.mode, c.bytes, c.link_target, c.mtime};
    ByteBuffer any, pax;
    ASSERT_TRUE(put_header(any, entry, Format::any));
    ASSERT_TRUE(put_header(pax, entry, Format::pax));
    EXPECT_EQ(any.size(), c.any_size) << c.path;
    EXPECT_EQ(pax.size(), c.pax_size) << c.path;
    EXPECT_EQ(fnv1a(any), c.any_hash) << c.path;
    EXPECT_EQ(fnv1a(pax), c.pax_hash) << c.path;
  }
}

TEST(TarWriterTest, RefusesNullBytesInNames) {
  ByteBuffer out;
  EXPECT_FALSE(put_header(out, {.path = std::string_view("a\0b", 3)}, Format::pax));
  EXPECT_FALSE(
      put_header(out, {.path = "a", .type = EntryType::symlink, .link_target = std::string_view("a\0b", 3)},
                 Format::pax));
}

TEST(TarWriterTest, PaddingFillsBlocks) {
  EXPECT_EQ(padding(0), 0u);
  EXPECT_EQ(padding(1), 511u);
  EXPECT_EQ(padding(512), 0u);
  EXPECT_EQ(padding((std::uint64_t{1} << 40) + 513), 511u);
}

}  // namespace
}  // namespace masu::unixfs::tar
