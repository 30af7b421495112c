#include "http/multipart_reader.hpp"

#include "http/media_type.hpp"

#include <algorithm>
#include <cstring>

namespace masu::http {

std::optional<MultipartReader> MultipartReader::from_content_type(std::string_view content_type) {
  const auto media = MediaType::parse(content_type);
  if (!media || media->type() != "multipart/form-data") return std::nullopt;
  const std::string_view boundary = media->parameter("boundary");
  // As RFC 2046 has it. A CR inside would break the search for the first byte of the delimiter.
  if (boundary.empty() || boundary.size() > 70 || !is_header_value(boundary)) return std::nullopt;
  return MultipartReader(boundary);
}

MultipartReader::MultipartReader(std::string_view boundary)
    : delimiter_("\r\n--" + std::string(boundary)), matched_(2), at_start_(true) {}

MultipartEvent MultipartReader::next(Bytes& in) {
  for (;;) {
    MultipartEvent event = MultipartEvent::more;
    switch (state_) {
      case State::preamble:
      case State::data: event = next_data(in); break;
      case State::delimiter:
      case State::padding:
      case State::delimiter_lf:
      case State::delimiter_dash: event = behind_delimiter(in); break;
      case State::headers: event = next_headers(in); break;
      case State::end: in = in.last(0); return MultipartEvent::end;
      case State::failed: in = in.last(0); return MultipartEvent::failed;
    }
    // What is in front of the first boundary is no part's data.
    if (event == MultipartEvent::data && !in_part_) continue;
    if (event != MultipartEvent::more || in.empty()) return event;
  }
}

MultipartEvent MultipartReader::next_data(Bytes& in) {
  if (in.empty()) return MultipartEvent::more;
  if (matched_ > 0) {
    const std::size_t want = delimiter_.size() - matched_;
    const std::size_t have = std::min(want, in.size());
    if (std::memcmp(delimiter_.data() + matched_, in.data(), have) == 0) {
      in = in.subspan(have);
      matched_ += have;
      if (have == want) return found(MultipartEvent::more, State::delimiter);
      return MultipartEvent::more;
    }
    // Only its first byte is a CR, so no later one of it begins a delimiter.
    return was_data();
  }
  if (const void* const at = ::memmem(in.data(), in.size(), delimiter_.data(), delimiter_.size())) {
    const auto bytes = static_cast<std::size_t>(static_cast<const std::uint8_t*>(at) - in.data());
    data_ = in.first(bytes);
    in = in.subspan(bytes + delimiter_.size());
    matched_ = delimiter_.size();
    state_ = State::delimiter;
    return data_.empty() ? MultipartEvent::more : MultipartEvent::data;
  }
  // The end of the input may be the beginning of a delimiter.
  std::size_t kept = 0;
  const Bytes tail = in.last(std::min(in.size(), delimiter_.size() - 1));
  if (const void* const cr = ::memrchr(tail.data(), '\r', tail.size())) {
    const auto bytes =
        static_cast<std::size_t>(tail.data() + tail.size() - static_cast<const std::uint8_t*>(cr));
    if (std::memcmp(cr, delimiter_.data(), bytes) == 0) kept = bytes;
  }
  data_ = in.first(in.size() - kept);
  in = in.last(0);
  matched_ = kept;
  return data_.empty() ? MultipartEvent::more : MultipartEvent::data;
}

// What was taken for a delimiter was data after all.
MultipartEvent MultipartReader::was_data() {
  const std::size_t unreal = std::exchange(at_start_, false) ? 2 : 0;
  data_ = as_bytes(delimiter_).first(std::exchange(matched_, 0)).subspan(unreal);
  return data_.empty() ? MultipartEvent::more : MultipartEvent::data;
}

MultipartEvent MultipartReader::behind_delimiter(Bytes& in) {
  if (in.empty()) return MultipartEvent::more;
  const char byte = static_cast<char>(in.front());
  const bool first = state_ == State::delimiter;
  const bool fits = byte == '\r' || byte == ' ' || byte == '\t' || byte == '-';
  if (first && !fits) {
    // A longer word that begins like the boundary.
    state_ = in_part_ ? State::data : State::preamble;
    return was_data();
  }
  if (first && in_part_) {
    in_part_ = false;
    return MultipartEvent::part_end;  // the byte is looked at again
  }
  in = in.subspan(1);
  switch (state_) {
    case State::delimiter:
    case State::padding:
      if (byte == '\r') return found(MultipartEvent::more, State::delimiter_lf);
      if (byte == ' ' || byte == '\t') return found(MultipartEvent::more, State::padding);
      if (first) return found(MultipartEvent::more, State::delimiter_dash);
      return found(MultipartEvent::failed, State::failed);
    case State::delimiter_lf:
      if (byte != '\n') return found(MultipartEvent::failed, State::failed);
      headers_.clear();
      return found(MultipartEvent::more, State::headers);
    default:
      if (byte != '-') return found(MultipartEvent::failed, State::failed);
      return found(MultipartEvent::end, State::end);
  }
}

MultipartEvent MultipartReader::next_headers(Bytes& in) {
  // Line by line: the head ends with an empty one.
  while (!in.empty()) {
    const void* const at = std::memchr(in.data(), '\n', in.size());
    const std::size_t bytes =
        at == nullptr ? in.size()
                      : static_cast<std::size_t>(static_cast<const std::uint8_t*>(at) - in.data()) + 1;
    if (headers_.size() + bytes > headers_bytes_max) return found(MultipartEvent::failed, State::failed);
    headers_.append(as_text(in.first(bytes)));
    in = in.subspan(bytes);
    if (at == nullptr) return MultipartEvent::more;
    if (!headers_.ends_with("\r\n")) return found(MultipartEvent::failed, State::failed);
    if (headers_ == "\r\n" || headers_.ends_with("\r\n\r\n")) {
      in_part_ = true;
      matched_ = 2;  // a part without any data has its delimiter right here
      at_start_ = true;
      return found(MultipartEvent::part, State::data);
    }
  }
  return MultipartEvent::more;
}

}  // namespace masu::http
