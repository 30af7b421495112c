// Heads of HTTP/1 messages: where one ends, and what is in it.
//
// IO-free. A head is gathered until find_head_end() sees its end, then read as a whole by Beast's parser; the
// views point into the text. More strict than Beast: no folded headers, no transfer encoding but "chunked".
// Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace masu::http {

enum class HeadError : std::uint8_t {
  malformed,         // not HTTP/1
  target_too_long,   // above HeadLimits::target_bytes_max
  headers_too_long,  // above headers_bytes_max, or more than headers_max of them
  bad_encoding,      // a transfer encoding other than "chunked"
};
std::string_view name_of(HeadError error);

struct HeadLimits {
  std::size_t target_bytes_max = 64 * 1024;
  std::size_t headers_bytes_max = 16 * 1024;
  std::size_t headers_max = 100;

  // The most that is gathered for one head: the first line has a method and a version too.
  std::size_t bytes_max() const { return target_bytes_max + headers_bytes_max + 64; }
};

// The headers of a parsed head, as they were sent.
class HeaderLines {
 public:
  struct Line {
    std::string_view name, value;
  };

  HeaderLines() = default;
  explicit HeaderLines(std::string_view lines) : lines_(lines) {}

  // The first of that name, in any case.
  std::optional<std::string_view> find(std::string_view name) const;
  // Takes the next line off the front; nothing at the end.
  std::optional<Line> next();

 private:
  std::string_view lines_;
};

struct RequestHead {
  std::string_view method;
  std::string_view target;
  bool is_http_1_0 = false;
  bool keep_alive = false;
  bool chunked = false;
  bool expects_continue = false;
  std::uint64_t content_length = 0;  // unless chunked
  HeaderLines headers;

  bool has_body() const { return chunked || content_length > 0; }
};

struct ResponseHeadView {
  unsigned status = 0;
  bool keep_alive = false;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;  // neither: the body ends with the connection
  HeaderLines headers;
};

// The size of the head at the front of `text`, its empty line included; 0: not all is there. `searched` bytes
// were looked at before.
std::size_t find_head_end(std::string_view text, std::size_t searched);
// What is wrong already with a head whose end is not there yet.
std::optional<HeadError> check_unfinished_head(std::string_view text, const HeadLimits& limits);

// Requires: `text` is a head to its end, without empty lines in front.
std::expected<RequestHead, HeadError> parse_request_head(std::string_view text, const HeadLimits& limits);
std::expected<ResponseHeadView, HeadError> parse_response_head(std::string_view text,
                                                               const HeadLimits& limits);

bool equal_ignoring_case(std::string_view a, std::string_view b);
// Fit for a header: a token, and a value without control characters.
bool is_header_name(std::string_view name);
bool is_header_value(std::string_view value);

}  // namespace masu::http
