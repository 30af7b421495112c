#include "http/multipart_reader.hpp"

#include "http/multipart_writer.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::http {
namespace {

struct Part {
  std::string disposition;
  std::string data;
  bool ended = false;
  friend bool operator==(const Part&, const Part&) = default;
};
struct Outcome {
  std::vector<Part> parts;
  bool end = false;
  bool failed = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Reads `body` in pieces of `step` bytes.
Outcome read(std::string_view body, std::size_t step, std::string_view boundary = "XX") {
  MultipartReader reader(boundary);
  Outcome outcome;
  while (!body.empty() && !outcome.end && !outcome.failed) {
    const std::string piece(body.substr(0, step));  // of its own, so that reading beyond it is seen
    body.remove_prefix(piece.size());
    for (Bytes in = as_bytes(piece);;) {
      const MultipartEvent event = reader.next(in);
      if (event == MultipartEvent::more) break;
      if (event == MultipartEvent::part) {
        outcome.parts.push_back(
            {std::string(reader.headers().find("content-disposition").value_or("")), "", false});
      } else if (event == MultipartEvent::data) {
        EXPECT_FALSE(reader.data().empty());
        outcome.parts.back().data += as_text(reader.data());
      } else if (event == MultipartEvent::part_end) {
        outcome.parts.back().ended = true;
      } else {
        outcome.end = event == MultipartEvent::end;
        outcome.failed = event == MultipartEvent::failed;
        break;
      }
    }
  }
  return outcome;
}

TEST(MultipartReader, PiecesOfEverySizeGiveTheSameParts) {
  const std::string body =
      "preamble\r\n--XX\r\nContent-Disposition: one\r\n\r\nfirst\r\n\r\n--X\r\n--XXY\r\r\n--\r\n--XX \t\r\n"
      "Content-Disposition: two\r\nA: b\r\n\r\n\r\n--XX\r\n\r\n\r\r\n--XX--\r\nepilogue\r\n--XX\r\n";
  const Outcome expected{
      {{"one", "first\r\n\r\n--X\r\n--XXY\r\r\n--", true}, {"two", "", true}, {"", "\r", true}}, true, false};
  for (std::size_t step = 1; step <= body.size(); ++step) EXPECT_EQ(read(body, step), expected) << step;
}

TEST(MultipartReader, ABodyMayBeginWithItsBoundaryAndAPartMayHaveNoData) {
  const std::string body = "--XX\r\nContent-Disposition: a\r\n\r\n--XX\r\n\r\n--XX--";
  const Outcome expected{{{"a", "", true}, {"", "", true}}, true, false};
  for (std::size_t step = 1; step <= body.size(); ++step) EXPECT_EQ(read(body, step), expected) << step;
}

TEST(MultipartReader, DataThatBeginsLikeADelimiterIsData) {
  const std::string body = "--XX\r\n\r\n--XY\r\n--XX--";
  const Outcome expected{{{"", "--XY", true}}, true, false};
  for (std::size_t step = 1; step <= body.size(); ++step) EXPECT_EQ(read(body, step), expected) << step;
}

TEST(MultipartReader, WhatIsNotMultipartFails) {
  for (const char* bad : {"--XX-x", "--XX\rx", "--XX x", "--XX\r\nA: b\nC: d\r\n\r\n"}) {
    EXPECT_TRUE(read(bad, 100).failed) << bad;
    EXPECT_TRUE(read(bad, 1).failed) << bad;
  }
}

TEST(MultipartReader, HeadersAreBounded) {
  const std::string body = "--XX\r\nA: " + std::string(MultipartReader::headers_bytes_max, 'a') + "\r\n\r\n";
  EXPECT_TRUE(read(body, 1000).failed);
  EXPECT_TRUE(read(body, body.size()).failed);
  const std::string fits =
      "--XX\r\nA: " + std::string(MultipartReader::headers_bytes_max - 7, 'a') + "\r\n\r\n";
  EXPECT_EQ(read(fits, 1000).parts.size(), 1u);
}

TEST(MultipartReader, ABodyWithoutAnEndHasNoEnd) {
  const Outcome outcome = read("--XX\r\n\r\ndata\r\n--X", 3);
  EXPECT_FALSE(outcome.end);
  EXPECT_EQ(outcome.parts.at(0).data, "data") << "what may be a delimiter is kept back";
  EXPECT_FALSE(outcome.parts.at(0).ended);
}

TEST(MultipartReader, TheBoundaryComesFromTheContentType) {
  EXPECT_TRUE(MultipartReader::from_content_type("Multipart/Form-Data; boundary=\"a b\""));
  for (const char* bad : {"multipart/form-data", "multipart/mixed; boundary=x",
                          "multipart/form-data; boundary=", "application/json", ""}) {
    EXPECT_FALSE(MultipartReader::from_content_type(bad)) << bad;
  }
  EXPECT_FALSE(MultipartReader::from_content_type("multipart/form-data; boundary=" + std::string(71, 'x')));
}

TEST(MultipartWriter, WhatItWritesIsReadBack) {
  MultipartWriter writer("XX");
  std::string body =
      writer.part_begin({.kind = MultipartFile::Kind::directory, .path = "d \"q\"", .mode = 0755});
  body += writer.part_begin({.path = "d/\xc3\xa9+", .mtime_seconds = -5, .mtime_nanos = 7}) + "bytes";
  body += writer.end();
  const Outcome outcome = read(body, 7);
  ASSERT_EQ(outcome.parts.size(), 2u);
  EXPECT_EQ(outcome.parts[0].disposition, "form-data; name=\"file?mode=0755\"; filename=\"d+%22q%22\"");
  EXPECT_EQ(outcome.parts[1].disposition,
            "form-data; name=\"file?mtime=-5&mtime-nsecs=7\"; filename=\"d%2F%C3%A9%2B\"");
  EXPECT_EQ(outcome.parts[1].data, "bytes");
  EXPECT_TRUE(outcome.end);
  EXPECT_NE(MultipartWriter().content_type(), MultipartWriter().content_type()) << "boundaries are random";
}

}  // namespace
}  // namespace masu::http
