// ChunkedDecoder: takes the framing out of a chunked body, in place.
//
// IO-free: bytes in as they come, payload moved to the front of them. Strict (CRLF, hexadecimal sizes of at
// most 16 digits); extensions and trailers are bounded together. A value with one owner; any thread.
#pragma once

#include "alloc/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace masu::http {

class ChunkedDecoder {
 public:
  // Extensions of chunks and trailers, all together.
  static constexpr std::size_t overhead_bytes_max = 16 * 1024;

  struct Result {
    std::size_t consumed = 0;  // of the bytes; less than all only behind the end
    std::size_t produced = 0;  // payload, now at their front
  };

  // Trailers are appended to `trailers` as lines that end with CRLF, or dropped.
  explicit ChunkedDecoder(std::string* trailers = nullptr) : trailers_(trailers) {}

  // Nothing: malformed; the decoder is of no use any more.
  std::optional<Result> decode(MutableBytes bytes);
  // The body and its trailers are over.
  bool done() const { return state_ == State::done; }

 private:
  enum class State : std::uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer,
    trailer_lf,
    end_lf,
    done,
    failed
  };

  bool frame_byte(char byte);
  bool size_byte(char byte);
  bool overhead();

  std::string* trailers_;
  State state_ = State::size;
  std::uint8_t digits_ = 0;
  std::uint64_t left_ = 0;  // of the chunk
  std::size_t overhead_ = 0;
};

}  // namespace masu::http
