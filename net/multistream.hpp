// multistream-select 1.0: both sides of agreeing on a protocol, as machines over lines.
//
// A message is a line: an unsigned varint of its length, the text, a newline. next_line() cuts lines from
// bytes; a machine takes them one by one and owes lines in return, which next_owed() yields in order. Nothing
// is buffered here: the caller keeps an unfinished line, and writes owed lines when there is room. What a
// machine owes is bounded: the proposals of a peer are, and the listener should be fed no line while it
// owes one. A dialer sends its header and first proposal together; peers that send header, proposal and
// payload in one segment are served.
//
// Limits: a line has 1024 bytes at most with its newline (as in go-multistream). A listener takes
// multistream_proposals_max proposals. `ls` is not served: it is answered with `na`, as go does.
// Spec: multiformats/multistream-select.
#pragma once

#include "alloc/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

inline constexpr std::string_view multistream_header = "/multistream/1.0.0";
inline constexpr std::string_view multistream_not_available = "na";
inline constexpr std::size_t multistream_line_max_bytes = 1024;  // with the newline, without the length
inline constexpr std::size_t multistream_message_max_bytes = 2 + multistream_line_max_bytes;
inline constexpr int multistream_proposals_max = 16;       // of a peer
inline constexpr std::size_t multistream_choices_max = 4;  // of ours

enum class MultistreamError : std::uint8_t {
  line_too_long,
  malformed_line,   // no newline, an empty one, an overlong varint
  wrong_header,     // not multistream 1.0
  unexpected_line,  // an answer to nothing
  refused,          // none of our proposals is known there
  too_many_proposals,
};
std::string_view name_of(MultistreamError);

struct MultistreamLine {
  std::string_view text;  // without the newline; points into the bytes
  std::size_t used = 0;   // bytes of the whole message
};
// The first line of `bytes`; nullopt: it is not all here.
std::expected<std::optional<MultistreamLine>, MultistreamError> next_multistream_line(Bytes bytes);
// Writes the message for `text`; returns its bytes. Requires: text and out fit multistream_message_max_bytes.
std::size_t write_multistream_line(std::string_view text, MutableBytes out);
std::size_t multistream_message_bytes(std::string_view text);

// The side that proposes. The texts outlive it.
class MultistreamDialer {
 public:
  // Requires: 1 to multistream_choices_max protocols, most wanted first.
  explicit MultistreamDialer(std::span<const std::string_view> protocols);

  // The chosen protocol when the line settles it; nullopt: more lines are to come.
  std::expected<std::optional<std::string_view>, MultistreamError> on_line(std::string_view line);
  // The next line to send, empty: none. The caller says when it was written.
  std::string_view next_owed() const;
  void owed_written();
  std::string_view proposal() const { return protocols_[at_]; }

 private:
  std::array<std::string_view, multistream_choices_max> protocols_;
  std::uint8_t count_;
  std::uint8_t at_ = 0;
  bool header_owed_ = true;
  bool proposal_owed_ = true;
  bool header_seen_ = false;
};

// The side that is asked.
class MultistreamListener {
 public:
  // `find` maps a proposal to the permanent text of a protocol that is served, or to an empty one. The chosen
  // protocol when the line settles it (its echo is still owed then); nullopt: more lines are to come.
  template <class Find>
  std::expected<std::optional<std::string_view>, MultistreamError> on_line(std::string_view line,
                                                                           Find&& find) {
    if (!header_seen_) return on_header(line);
    if (!echo_.empty()) return std::unexpected(MultistreamError::unexpected_line);
    if (++proposals_ > multistream_proposals_max)
      return std::unexpected(MultistreamError::too_many_proposals);
    echo_ = find(line);
    if (!echo_.empty()) return echo_;
    ++refusals_owed_;
    return std::nullopt;
  }
  std::string_view next_owed() const;
  void owed_written();

 private:
  std::expected<std::optional<std::string_view>, MultistreamError> on_header(std::string_view line);

  std::string_view echo_;
  std::uint8_t proposals_ = 0;
  std::uint8_t refusals_owed_ = 0;
  bool header_seen_ = false;
  bool header_owed_ = true;
  bool echo_written_ = false;
};

}  // namespace masu::net
