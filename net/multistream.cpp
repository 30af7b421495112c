#include "net/multistream.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <cstring>

namespace masu::net {

std::string_view name_of(MultistreamError error) {
  switch (error) {
    case MultistreamError::line_too_long: return "multistream line too long";
    case MultistreamError::malformed_line: return "multistream line malformed";
    case MultistreamError::wrong_header: return "not multistream-select 1.0";
    case MultistreamError::unexpected_line: return "multistream line not expected";
    case MultistreamError::refused: return "no common protocol";
    case MultistreamError::too_many_proposals: return "too many protocols proposed";
  }
  return "multistream error";
}

// Lengths up to 1024 fit two bytes of varint; any other is malformed or too long.
std::expected<std::optional<MultistreamLine>, MultistreamError> next_multistream_line(Bytes bytes) {
  if (bytes.empty()) return std::nullopt;
  std::size_t length = bytes[0] & 0x7f;
  std::size_t prefix = 1;
  if ((bytes[0] & 0x80) != 0) {
    if (bytes.size() < 2) return std::nullopt;
    if ((bytes[1] & 0x80) != 0) return std::unexpected(MultistreamError::line_too_long);
    if (bytes[1] == 0) return std::unexpected(MultistreamError::malformed_line);  // not the shortest form
    length |= std::size_t{bytes[1]} << 7;
    prefix = 2;
  }
  if (length > multistream_line_max_bytes) return std::unexpected(MultistreamError::line_too_long);
  if (length == 0) return std::unexpected(MultistreamError::malformed_line);
  if (bytes.size() < prefix + length) return std::nullopt;
  const std::string_view text = as_text(bytes.subspan(prefix, length));
  if (text.back() != '\n') return std::unexpected(MultistreamError::malformed_line);
  return MultistreamLine{text.substr(0, length - 1), prefix + length};
}

std::size_t multistream_message_bytes(std::string_view text) {
  return (text.size() + 1 < 0x80 ? 1 : 2) + text.size() + 1;
}

std::size_t write_multistream_line(std::string_view text, MutableBytes out) {
  const std::size_t length = text.size() + 1;
  MASU_CHECK(length <= multistream_line_max_bytes && out.size() >= multistream_message_bytes(text),
             "our own lines fit");
  std::size_t at = 0;
  if (length < 0x80) {
    out[at++] = static_cast<std::uint8_t>(length);
  } else {
    out[at++] = static_cast<std::uint8_t>(length | 0x80);
    out[at++] = static_cast<std::uint8_t>(length >> 7);
  }
  std::memcpy(out.data() + at, text.data(), text.size());
  out[at + text.size()] = '\n';
  return at + length;
}

MultistreamDialer::MultistreamDialer(std::span<const std::string_view> protocols)
    : count_(static_cast<std::uint8_t>(protocols.size())) {
  MASU_CHECK(!protocols.empty() && protocols.size() <= multistream_choices_max,
             "a few protocols are proposed");
  std::copy(protocols.begin(), protocols.end(), protocols_.begin());
}

std::expected<std::optional<std::string_view>, MultistreamError> MultistreamDialer::on_line(
    std::string_view line) {
  if (!header_seen_) {
    if (line != multistream_header) return std::unexpected(MultistreamError::wrong_header);
    header_seen_ = true;
    return std::nullopt;
  }
  if (proposal_owed_) return std::unexpected(MultistreamError::unexpected_line);
  if (line == protocols_[at_]) return protocols_[at_];
  if (line != multistream_not_available) return std::unexpected(MultistreamError::unexpected_line);
  if (at_ + 1 >= count_) return std::unexpected(MultistreamError::refused);
  ++at_;
  proposal_owed_ = true;
  return std::nullopt;
}

std::string_view MultistreamDialer::next_owed() const {
  if (header_owed_) return multistream_header;
  return proposal_owed_ ? protocols_[at_] : std::string_view();
}

void MultistreamDialer::owed_written() {
  if (header_owed_) {
    header_owed_ = false;
  } else {
    proposal_owed_ = false;
  }
}

std::expected<std::optional<std::string_view>, MultistreamError> MultistreamListener::on_header(
    std::string_view line) {
  if (line != multistream_header) return std::unexpected(MultistreamError::wrong_header);
  header_seen_ = true;
  return std::nullopt;
}

std::string_view MultistreamListener::next_owed() const {
  if (header_owed_) return multistream_header;
  if (refusals_owed_ > 0) return multistream_not_available;
  return echo_written_ ? std::string_view() : echo_;
}

void MultistreamListener::owed_written() {
  if (header_owed_) {
    header_owed_ = false;
  } else if (refusals_owed_ > 0) {
    --refusals_owed_;
  } else {
    echo_written_ = true;
  }
}

}  // namespace masu::net
