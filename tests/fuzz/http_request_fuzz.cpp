// Requests as a connection reads them: heads in pieces, then chunked bodies in pieces, one behind the other.
// The same bytes in one piece must give the same.
#include "http/chunked_decoder.hpp"
#include "http/head.hpp"
#include "http/media_type.hpp"
#include "http/url_encoding.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace masu;

struct Body {
  std::string payload, trailers, rest;
  bool done = false, failed = false;
  bool operator==(const Body&) const = default;
};

Body decode(Bytes in, std::size_t step) {
  Body body;
  http::ChunkedDecoder decoder(&body.trailers);
  while (!in.empty()) {
    std::vector<std::uint8_t> piece(in.begin(),
                                    in.begin() + static_cast<std::ptrdiff_t>(std::min(step, in.size())));
    in = in.subspan(piece.size());
    const auto result = decoder.decode(piece);
    if (!result) {
      body.failed = true;
      // How much came before the bad byte depends on the pieces.
      body.payload.clear();
      return body;
    }
    if (result->produced > result->consumed || result->consumed > piece.size()) std::abort();
    body.payload.append(as_text(Bytes(piece).first(result->produced)));
    body.rest.append(as_text(Bytes(piece).subspan(result->consumed)));
  }
  body.done = decoder.done();
  if (!body.done && !body.rest.empty()) std::abort();
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0];
  const Bytes in(data + 1, size - 1);
  const http::HeadLimits limits{.target_bytes_max = 256, .headers_bytes_max = 1024, .headers_max = 8};
  const std::string_view text = as_text(in);
  std::size_t end = 0;
  for (std::size_t have = 0, searched = 0; have < text.size() && end == 0;) {
    have = std::min(have + step, text.size());
    end = http::find_head_end(text.substr(0, have), searched);
    searched = have;
  }
  if (end != http::find_head_end(text, 0)) std::abort();
  if (end == 0) {
    static_cast<void>(http::check_unfinished_head(text, limits));
  } else if (const auto head = http::parse_request_head(text.substr(0, end), limits)) {
    if (head->target.size() > limits.target_bytes_max || (head->chunked && head->content_length != 0))
      std::abort();
    http::HeaderLines lines = head->headers;
    std::size_t count = 0;
    while (const auto line = lines.next()) {
      ++count;
      if (!http::is_header_name(line->name)) std::abort();
      if (const auto media = http::MediaType::parse(line->value))
        static_cast<void>(media->parameter("boundary"));
    }
    if (count > limits.headers_max) std::abort();
    http::QueryReader query(head->target);
    while (query.next()) {
    }
    if (head->chunked) {
      Body pieces = decode(in.subspan(end), step), whole = decode(in.subspan(end), in.size());
      if (pieces.failed && whole.failed) return 0;
      if (!(pieces == whole)) std::abort();
    }
  }
  static_cast<void>(http::parse_response_head(text.substr(0, end), limits));
  return 0;
}
