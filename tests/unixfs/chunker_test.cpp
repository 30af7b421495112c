#include "unixfs/import/chunker.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs {
namespace {

TEST(ChunkerTest, ReadsSizes) {
  EXPECT_EQ(*parse_chunker(""), 262144u);
  EXPECT_EQ(*parse_chunker("default"), 262144u);
  EXPECT_EQ(*parse_chunker("size-1"), 1u);
  EXPECT_EQ(*parse_chunker("size-1048576"), 1048576u);
  EXPECT_EQ(*parse_chunker("size-2096896"), 2096896u);
}

TEST(ChunkerTest, ErrorsReadAsKubos) {
  const std::pair<const char*, const char*> expected[] = {
      {"size-2096897", "chunker parameters may not exceed the maximum chunk size of 2096896"},
      {"size-0", "chunker size must be greater than 0"},
      {"size-x", "strconv.Atoi: parsing \"x\": invalid syntax"},
      {"size-12a", "strconv.Atoi: parsing \"12a\": invalid syntax"},
      {"size-", "strconv.Atoi: parsing \"\": invalid syntax"},
      {"size-99999999999999999999", "strconv.Atoi: parsing \"99999999999999999999\": value out of range"},
      {"size--1", "incorrect chunker string format (expected size-{size})"},
      {"size-1-2", "incorrect chunker string format (expected size-{size})"},
      {"size", "incorrect chunker string format (expected size-{size})"},
      {"foo", "unrecognized chunker option: foo"},
  };
  for (const auto& [text, error] : expected) {
    const auto parsed = parse_chunker(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().text, error);
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
  }
}

TEST(ChunkerTest, ContentDefinedChunkersAreNamedAsUnsupported) {
  for (const char* text : {"rabin", "rabin-512-1024-2048", "buzhash"}) {
    const auto parsed = parse_chunker(text);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, ErrorCode::unsupported);
    EXPECT_NE(parsed.error().text.find("not supported by this build"), std::string::npos);
  }
}

}  // namespace
}  // namespace masu::unixfs
