// MultipartReader: a multipart body in pieces, as parts with their headers and data.
//
// IO-free, and keeps no data: what is found lies in the input, or in the reader's own delimiter. Input in any
// pieces gives the same parts. Limit: 32 KiB of headers a part (names of files are escaped there). After
// `end` or `failed` it stays there. A value with one owner; any thread.
#pragma once

#include "alloc/bytes.hpp"
#include "http/head.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace masu::http {

enum class MultipartEvent : std::uint8_t {
  more,      // the input is used up
  part,      // a part begins: headers()
  data,      // a piece of it: data()
  part_end,  // all of the part was told
  end,       // the last part is over; what comes behind it means nothing
  failed,    // not multipart, or a part's headers are above the limit
};

class MultipartReader {
 public:
  static constexpr std::size_t headers_bytes_max = 32 * 1024;

  // Of a Content-Type header; nothing unless it is multipart/form-data with a fit boundary.
  static std::optional<MultipartReader> from_content_type(std::string_view content_type);
  explicit MultipartReader(std::string_view boundary);

  // What comes next in `in`, which is taken off its front.
  MultipartEvent next(Bytes& in);
  // Valid until the next call, and while the input is.
  Bytes data() const { return data_; }
  // Of the current part; valid until the part ends.
  HeaderLines headers() const { return HeaderLines(headers_); }

 private:
  enum class State : std::uint8_t {
    preamble,
    delimiter,       // the boundary was read; what comes behind it says of what kind it is
    padding,         // blanks behind it
    delimiter_lf,    // its CR was read
    delimiter_dash,  // one '-' was read
    headers,
    data,
    end,
    failed
  };

  MultipartEvent next_data(Bytes& in);
  MultipartEvent was_data();
  MultipartEvent behind_delimiter(Bytes& in);
  MultipartEvent next_headers(Bytes& in);
  MultipartEvent found(MultipartEvent event, State state) {
    state_ = state;
    return event;
  }

  std::string delimiter_;  // CR LF "--" boundary
  std::size_t matched_;    // bytes of it at the end of the input before
  // The CR LF among these was not in the input: a body, and the data of a part, may begin with a boundary.
  bool at_start_;
  State state_ = State::preamble;
  bool in_part_ = false;
  std::string headers_;
  Bytes data_;
};

}  // namespace masu::http
