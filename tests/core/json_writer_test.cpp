#include "core/rpc/json_writer.hpp"

#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <gtest/gtest.h>

namespace masu::core::rpc {
namespace {

std::string text_of(const boost::json::value& value, std::size_t space = JsonWriter::space_bytes_min) {
  JsonWriter writer(value, *std::pmr::get_default_resource());
  std::string text;
  std::vector<std::uint8_t> out(space);
  for (std::size_t bytes = writer.fill(out); bytes > 0; bytes = writer.fill(out)) {
    text += as_text(Bytes(out).first(bytes));
  }
  return text;
}

TEST(JsonWriter, EscapesAreThoseOfGo) {
  EXPECT_EQ(text_of("a\"b\\c\n\r\t\b\f\x01\x1f\x7f"), "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\"");
  EXPECT_EQ(text_of("<a href='x'>&</a>"), "\"\\u003ca href='x'\\u003e\\u0026\\u003c/a\\u003e\"");
  EXPECT_EQ(text_of("\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xa7|\xc3\xa9|\xf0\x9f\x8d\xb5"),
            "\"\\u2028|\\u2029|\xe2\x80\xa7|\xc3\xa9|\xf0\x9f\x8d\xb5\"");
}

TEST(JsonWriter, WhatIsNoUtf8IsReplacedByteByByte) {
  EXPECT_EQ(text_of("a\xff"), "\"a\\ufffd\"");
  EXPECT_EQ(text_of("\xc3"), "\"\\ufffd\"");
  EXPECT_EQ(text_of("\xc0\x80"), "\"\\ufffd\\ufffd\"");
  EXPECT_EQ(text_of("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(text_of("\xf4\x90\x80\x80z"), "\"\\ufffd\\ufffd\\ufffd\\ufffdz\"");
}

TEST(JsonWriter, NumbersAreShortest) {
  EXPECT_EQ(text_of(0), "0");
  EXPECT_EQ(text_of(-9223372036854775807 - 1), "-9223372036854775808");
  EXPECT_EQ(text_of(18446744073709551615u), "18446744073709551615");
  EXPECT_EQ(text_of(1.0), "1");
  EXPECT_EQ(text_of(0.1), "0.1");
  EXPECT_EQ(text_of(-2.5e-7), "-2.5e-7");
  EXPECT_EQ(text_of(1e20), "100000000000000000000");
  EXPECT_EQ(text_of(1e21), "1e+21");
  EXPECT_EQ(text_of(1.5e-100), "1.5e-100");
  EXPECT_EQ(text_of(0.000001), "0.000001");
}

TEST(JsonWriter, EverySpaceGivesTheSameText) {
  const boost::json::value value = {
      {"Keys", {{"Qm<1>", {{"Type", "recursive"}, {"Name", ""}}}, {"Qm2", nullptr}}},
      {"List", {1, true, false, "x", boost::json::array(), boost::json::object(), {{"a", 1.5}}}},
      {"Long", std::string(500, '\x01')}};
  const std::string expected =
      "{\"Keys\":{\"Qm\\u003c1\\u003e\":{\"Type\":\"recursive\",\"Name\":\"\"},\"Qm2\":null},"
      "\"List\":[1,true,false,\"x\",[],{},{\"a\":1.5}],\"Long\":\"";
  const std::string whole = text_of(value, 10'000);
  EXPECT_TRUE(whole.starts_with(expected)) << whole;
  EXPECT_EQ(whole.size(), expected.size() + 500 * 6 + 2);
  for (std::size_t space = JsonWriter::space_bytes_min; space < 200; ++space)
    ASSERT_EQ(text_of(value, space), whole);
}

TEST(JsonWriter, DepthCostsNoStack) {
  boost::json::value value = 1;
  for (int i = 0; i < 2000; ++i) value = boost::json::array({std::move(value)});
  EXPECT_EQ(text_of(value), std::string(2000, '[') + "1" + std::string(2000, ']'));
}

}  // namespace
}  // namespace masu::core::rpc
