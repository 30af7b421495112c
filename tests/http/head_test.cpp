#include "http/head.hpp"

#include <string>

#include <gtest/gtest.h>

namespace masu::http {
namespace {

std::expected<RequestHead, HeadError> parse(std::string_view text) {
  return parse_request_head(text, HeadLimits());
}

TEST(RequestHead, SaysHowTheBodyIsFramed) {
  const auto length = parse("POST /x?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n");
  ASSERT_TRUE(length);
  EXPECT_EQ(length->method, "POST");
  EXPECT_EQ(length->target, "/x?a=b");
  EXPECT_EQ(length->content_length, 12u);
  EXPECT_TRUE(length->keep_alive);
  EXPECT_FALSE(length->chunked);
  const auto chunked = parse("POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(chunked);
  EXPECT_TRUE(chunked->chunked);
  EXPECT_TRUE(chunked->has_body());
  EXPECT_FALSE(chunked->keep_alive);
  const auto none = parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_body());
  EXPECT_FALSE(none->keep_alive);
  EXPECT_FALSE(none->expects_continue) << "HTTP/1.0 has no interim answers";
}

TEST(RequestHead, WhatCouldBeReadInTwoWaysIsRefused) {
  for (const char* bad : {
           "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
           "POST / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
           "POST / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
           "POST / HTTP/2.0\r\n\r\n",
           "POST  / HTTP/1.1\r\n\r\n",
           "POST / /b HTTP/1.1\r\n\r\n",
           "\x16\x03\x01\r\n\r\n",
       }) {
    const auto head = parse(bad);
    EXPECT_TRUE(!head && head.error() == HeadError::malformed) << bad;
  }
  EXPECT_FALSE(parse("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"));
  EXPECT_FALSE(parse("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

TEST(RequestHead, HeadersAreFoundInAnyCase) {
  const auto head = parse("GET / HTTP/1.1\r\nOrigin:  http://a \r\nX-Empty:\r\nORIGIN: second\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->headers.find("origin"), "http://a");
  EXPECT_EQ(head->headers.find("x-empty"), "");
  EXPECT_EQ(head->headers.find("x-none"), std::nullopt);
}

TEST(RequestHead, TheEndIsFoundWhereverTheBytesAreCut) {
  const std::string text = "GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
  std::size_t searched = 0;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::size_t end = find_head_end(std::string_view(text).substr(0, size), searched);
    EXPECT_EQ(end, size < text.size() - 4 ? 0u : text.size() - 4) << size;
    if (end == 0) searched = size;
  }
}

TEST(Header, OnlyTokensAreNamesAndOnlyTextIsAValue) {
  EXPECT_FALSE(is_header_value("a\r\nSet-Cookie: b"));
  EXPECT_TRUE(is_header_value("text/plain; charset=utf-8"));
  EXPECT_FALSE(is_header_name("a b"));
  EXPECT_FALSE(is_header_name(""));
  EXPECT_TRUE(is_header_name("X-Stream-Error"));
}

TEST(ResponseHead, KnowsWhereTheBodyEnds) {
  const auto open = parse_response_head("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", HeadLimits());
  ASSERT_TRUE(open);
  EXPECT_EQ(open->status, 200u);
  EXPECT_FALSE(open->chunked);
  EXPECT_FALSE(open->content_length);
  EXPECT_FALSE(open->keep_alive);
  const auto sized = parse_response_head("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n", HeadLimits());
  ASSERT_TRUE(sized);
  EXPECT_EQ(sized->content_length, 3u);
  EXPECT_TRUE(sized->keep_alive);
}

}  // namespace
}  // namespace masu::http
