#include "http/chunked_decoder.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::http {
namespace {

struct Decoded {
  std::string payload;
  std::string trailers;
  std::string rest;
  bool done = false;
  bool failed = false;
};

// Feeds `text` in pieces of `step` bytes.
Decoded decode(std::string_view text, std::size_t step) {
  Decoded all;
  ChunkedDecoder decoder(&all.trailers);
  while (!text.empty()) {
    std::string piece(text.substr(0, step));
    text.remove_prefix(piece.size());
    const auto result = decoder.decode({reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()});
    if (!result) {
      all.failed = true;
      return all;
    }
    all.payload += piece.substr(0, result->produced);
    all.rest += piece.substr(result->consumed);
  }
  all.done = decoder.done();
  return all;
}

TEST(ChunkedDecoder, PiecesOfEverySizeGiveTheSame) {
  const std::string body =
      "3\r\nabc\r\n00a;name=\"v\"\r\n0123456789\r\n1 \r\nZ\r\n0\r\nX-One: 1\r\nX-Two: 2\r\n\r\nGET /";
  for (std::size_t step = 1; step <= body.size(); ++step) {
    const Decoded all = decode(body, step);
    ASSERT_FALSE(all.failed) << step;
    EXPECT_TRUE(all.done);
    EXPECT_EQ(all.payload, "abc0123456789Z");
    EXPECT_EQ(all.trailers, "X-One: 1\r\nX-Two: 2\r\n");
    EXPECT_EQ(all.rest, "GET /");
  }
}

TEST(ChunkedDecoder, MalformedFramesAreRefused) {
  for (const char* bad : {"\r\n", "x\r\n", "3\nabc\r\n", "3\r\nabcd\r\n", "-1\r\n", "11111111111111111\r\n",
                          "3;\n", "0\r\nX\n\r\n", "0\r\n\rX", ";a\r\n", "0x3\r\nabc\r\n"}) {
    EXPECT_TRUE(decode(bad, 100).failed) << bad;
    EXPECT_TRUE(decode(bad, 1).failed) << bad;
  }
}

TEST(ChunkedDecoder, ExtensionsAndTrailersAreBoundedTogether) {
  std::string many;
  for (int i = 0; i < 20; ++i) many += "1;" + std::string(1000, 'e') + "\r\nx\r\n";
  EXPECT_TRUE(decode(many, 4096).failed);
  EXPECT_TRUE(decode("0\r\nA: " + std::string(20'000, 't'), 4096).failed);
}

TEST(ChunkedDecoder, TheLargestSizeIsOnlyAClaim) {
  const Decoded all = decode("ffffffffffffffff\r\nabc", 5);
  EXPECT_FALSE(all.failed);
  EXPECT_FALSE(all.done);
  EXPECT_EQ(all.payload, "abc");
}

}  // namespace
}  // namespace masu::http
