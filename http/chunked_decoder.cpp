#include "http/chunked_decoder.hpp"

#include <algorithm>
#include <cstring>

namespace masu::http {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

}  // namespace

std::optional<ChunkedDecoder::Result> ChunkedDecoder::decode(MutableBytes bytes) {
  Result result;
  while (result.consumed < bytes.size() && state_ != State::done) {
    if (state_ == State::data) {
      const std::size_t part =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - result.consumed));
      if (result.produced != result.consumed) {
        std::memmove(bytes.data() + result.produced, bytes.data() + result.consumed, part);
      }
      result.consumed += part;
      result.produced += part;
      left_ -= part;
      if (left_ == 0) state_ = State::data_cr;
      continue;
    }
    if (!frame_byte(static_cast<char>(bytes[result.consumed]))) {
      state_ = State::failed;
      return std::nullopt;
    }
    ++result.consumed;
  }
  return result;
}

bool ChunkedDecoder::size_byte(char byte) {
  if (const auto digit = hex_digit(byte)) {
    if (++digits_ > 16) return false;
    left_ = left_ << 4 | *digit;
    return true;
  }
  if (digits_ == 0) return false;
  if (byte == '\r') {
    state_ = State::size_lf;
  } else if (byte == ';' || byte == ' ' || byte == '\t') {
    state_ = State::extension;
  } else {
    return false;
  }
  return true;
}

bool ChunkedDecoder::overhead() { return ++overhead_ <= overhead_bytes_max; }

bool ChunkedDecoder::frame_byte(char byte) {
  switch (state_) {
    case State::size: return size_byte(byte);
    case State::extension:
      if (byte == '\r') state_ = State::size_lf;
      return byte != '\n' && overhead();
    case State::size_lf: state_ = left_ == 0 ? State::trailer_start : State::data; return byte == '\n';
    case State::data_cr: state_ = State::data_lf; return byte == '\r';
    case State::data_lf:
      state_ = State::size;
      digits_ = 0;
      return byte == '\n';
    case State::trailer_start:
      if (byte == '\r') {
        state_ = State::end_lf;
        return true;
      }
      state_ = State::trailer;
      [[fallthrough]];
    case State::trailer:
      if (trailers_ != nullptr) trailers_->push_back(byte);
      if (byte == '\r') state_ = State::trailer_lf;
      return byte != '\n' && overhead();
    case State::trailer_lf:
      if (trailers_ != nullptr) trailers_->push_back(byte);
      state_ = State::trailer_start;
      return byte == '\n';
    case State::end_lf: state_ = State::done; return byte == '\n';
    case State::data:
    case State::done:
    case State::failed: break;
  }
  return false;
}

}  // namespace masu::http
