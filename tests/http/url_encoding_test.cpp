#include "http/url_encoding.hpp"

#include "http/media_type.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::http {
namespace {

TEST(UrlEncoding, QueriesAreReadAsGoReadsThem) {
  EXPECT_EQ(unescape_query("a+b%20c%2B%c3%A9"), "a b c+\xc3\xa9");
  EXPECT_EQ(unescape_path("a+b"), "a+b");
  for (const char* bad : {"%", "%a", "a%zz", "%2"}) EXPECT_EQ(unescape_query(bad), std::nullopt) << bad;
  EXPECT_EQ(escape_query("a b/c+\xc3\xa9-_.~"), "a+b%2Fc%2B%C3%A9-_.~");
  EXPECT_EQ(unescape_query(escape_query(std::string("\0\xff%&=", 5))), std::string("\0\xff%&=", 5));
}

TEST(QueryReader, GivesPairsInOrderAndLeavesMalformedOnesOut) {
  QueryReader reader("arg=1&&arg=%32&flag&x=a=b&bad=%zz&semi;colon=1&=v");
  std::vector<std::string> seen;
  while (const auto pair = reader.next()) seen.push_back(pair->name + "=" + pair->value);
  EXPECT_EQ(seen, (std::vector<std::string>{"arg=1", "arg=2", "flag=", "x=a=b", "=v"}));
}

TEST(MediaType, ParametersAreUnquoted) {
  const auto media =
      MediaType::parse(" Form-Data ; name=\"fi\\\"le\" ; filename=\"C:\\dir\\a.txt\"; x = y ;");
  ASSERT_TRUE(media);
  EXPECT_EQ(media->type(), "form-data");
  EXPECT_EQ(media->parameter("name"), "fi\"le");
  EXPECT_EQ(media->parameter("filename"), "C:\\dir\\a.txt");
  EXPECT_EQ(media->parameter("x"), "y");
  EXPECT_EQ(media->parameter("none"), "");
}

TEST(MediaType, TheExtendedFormGoesBeforeThePlainOne) {
  for (const char* text : {"attachment; filename=\"a\"; filename*=UTF-8''%C3%A9",
                           "attachment; filename*=utf-8'de'%C3%A9; filename=\"a\""}) {
    const auto media = MediaType::parse(text);
    ASSERT_TRUE(media) << text;
    EXPECT_EQ(media->parameter("filename"), "\xc3\xa9");
  }
}

TEST(MediaType, MalformedOnesAreNone) {
  for (const char* bad : {"", ";", "a b", "a/b; c", "a/b; c=\"d", "a/b x", "a/b; =c", "a/b/c"}) {
    EXPECT_FALSE(MediaType::parse(bad)) << bad;
  }
  std::string many = "a/b";
  for (int i = 0; i < 50; ++i) many += "; p" + std::to_string(i) + "=1";
  EXPECT_FALSE(MediaType::parse(many));
}

}  // namespace
}  // namespace masu::http
