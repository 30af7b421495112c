#include "store/disk/write_buffer.hpp"

#include "tests/store/bytes.hpp"

#include <map>
#include <memory_resource>
#include <string>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

std::map<std::string, std::string> contents(const WriteBuffer& buffer) {
  std::map<std::string, std::string> all;
  buffer.for_each(
      [&](Bytes key, Bytes value) { EXPECT_TRUE(all.emplace(as_text(key), as_text(value)).second); });
  return all;
}

TEST(WriteBufferTest, TheNewestEntryOfAKeyCounts) {
  WriteBuffer buffer(*std::pmr::get_default_resource(), 16 * 1024);
  EXPECT_TRUE(buffer.empty());
  EXPECT_FALSE(buffer.find(as_bytes("a")));
  buffer.insert(as_bytes("a"), as_bytes("1"));
  buffer.insert(as_bytes("b"), as_bytes(""));
  buffer.insert(as_bytes("a"), as_bytes("two"));
  EXPECT_EQ(as_text(buffer.find(as_bytes("a")).value()), "two");
  EXPECT_TRUE(buffer.find(as_bytes("b")).value().empty());
  EXPECT_EQ(contents(buffer), (std::map<std::string, std::string>{{"a", "two"}, {"b", ""}}));
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
  EXPECT_FALSE(buffer.find(as_bytes("a")));
}

TEST(WriteBufferTest, IsFullByBytesAndByEntries) {
  test::ByteStream random(7);
  for (const std::size_t value_bytes : {std::size_t{0}, std::size_t{10}, std::size_t{2000}}) {
    WriteBuffer buffer(*std::pmr::get_default_resource(), 16 * 1024);
    std::map<std::string, std::string> expected;
    while (buffer.has_room(WriteBuffer::cost(34, value_bytes))) {
      const auto key = random.take(34), value = random.take(value_bytes);
      buffer.insert(key, value);
      expected.emplace(as_text(key), as_text(value));
    }
    EXPECT_EQ(contents(buffer), expected);
    for (const auto& [key, value] : expected) {
      EXPECT_EQ(as_text(buffer.find(as_bytes(key)).value()), value);
    }
    EXPECT_GE(expected.size() * WriteBuffer::cost(34, value_bytes) + 2100, 16 * 1024u);
  }
}

}  // namespace
}  // namespace masu::store
