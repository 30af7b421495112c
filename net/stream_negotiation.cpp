#include "net/session.hpp"

#include <algorithm>
#include <array>
#include <variant>

// The part of Session that agrees on a protocol for each stream.

namespace masu::net {
namespace {

// Header, the longest line, and refusals between them.
constexpr std::size_t lines_max_bytes = 2 * multistream_message_max_bytes;

}  // namespace

// Takes lines until the negotiation is over; returns how many bytes they used.
std::size_t Session::negotiate(ConnectionStream& stream, Bytes bytes) {
  std::size_t used = 0;
  if (stream.partial_line_) used = negotiate_partial(stream, bytes);
  while (!stream.settled_ && !stream.over() && used < bytes.size()) {
    const Bytes rest = bytes.subspan(used);
    const auto line = next_multistream_line(rest);
    if (!line) {
      finish(stream, StreamEnd::refused);
    } else if (!*line) {
      if (!keep_partial(stream, rest)) finish(stream, StreamEnd::out_of_memory);
      used = bytes.size();
    } else {
      used += (*line)->used;
      on_line(stream, (*line)->text);
    }
  }
  if (!stream.over()) write_lines(stream);
  return stream.over() ? bytes.size() : used;
}

// The line that began before: completed from `bytes`, of which the used part is returned.
std::size_t Session::negotiate_partial(ConnectionStream& stream, Bytes bytes) {
  PartialLine& partial = *stream.partial_line_;
  const std::size_t before = partial.size;
  const std::size_t part = std::min(bytes.size(), partial.bytes.size() - before);
  std::copy_n(bytes.begin(), part, partial.bytes.begin() + static_cast<std::ptrdiff_t>(before));
  partial.size += part;
  const auto line = next_multistream_line(Bytes(partial.bytes).first(partial.size));
  if (!line) {
    finish(stream, StreamEnd::refused);
    return part;
  }
  if (!*line) return part;  // a whole message always fits: there is more to come
  on_line(stream, (*line)->text);
  stream.partial_line_.reset();
  return (*line)->used - before;
}

bool Session::keep_partial(ConnectionStream& stream, Bytes bytes) {
  stream.partial_line_ = resources_.partial_lines().make();
  if (!stream.partial_line_) return false;
  stream.partial_line_->size = bytes.size();
  std::copy(bytes.begin(), bytes.end(), stream.partial_line_->bytes.begin());
  return true;
}

bool Session::on_line(ConnectionStream& stream, std::string_view line) {
  const auto find = [&](std::string_view asked) { return host_.owner().find_protocol(asked); };
  auto* listener = std::get_if<MultistreamListener>(&stream.negotiation_);
  const auto chosen = listener != nullptr ? listener->on_line(line, find)
                                          : std::get<MultistreamDialer>(stream.negotiation_).on_line(line);
  if (!chosen) {
    finish(stream, StreamEnd::refused);
    return false;
  }
  if (!*chosen) {
    // A lazy stream was promised its first protocol.
    if (listener == nullptr && (stream.open_ || stream.open_owed_) &&
        std::get<MultistreamDialer>(stream.negotiation_).proposal() != stream.protocol_) {
      finish(stream, StreamEnd::refused);
    }
    return true;
  }
  return settle(stream, **chosen);
}

bool Session::settle(ConnectionStream& stream, std::string_view protocol) {
  stream.settled_ = true;
  stream.deadline_ = TimePoint::max();
  stream.protocol_ = protocol;
  if (stream.inbound()) {
    stream.handler_ = host_.owner().on_inbound_stream(protocol);
    stream.had_handler_ = stream.handler_ != nullptr;
    if (!stream.had_handler_) {
      finish(stream, StreamEnd::refused);
      return false;
    }
  }
  stream.open_owed_ = stream.open_owed_ || !stream.open_;
  return true;
}

// Writes what the negotiation owes, in one frame. True: nothing is owed any more.
bool Session::write_lines(ConnectionStream& stream) {
  auto side = stream.negotiation_;
  std::array<std::uint8_t, lines_max_bytes> text;
  std::size_t size = 0;
  const auto owed = [&] { return std::visit([](auto& machine) { return machine.next_owed(); }, side); };
  for (std::string_view line = owed(); !line.empty(); line = owed()) {
    if (size + multistream_message_bytes(line) > text.size()) break;
    size += write_multistream_line(line, MutableBytes(text).subspan(size));
    std::visit([](auto& machine) { machine.owed_written(); }, side);
  }
  if (size == 0) return true;
  if (!yamux_.write_whole(stream, Bytes(text).first(size))) return false;
  stream.negotiation_ = side;
  host_.owner().on_stream_bytes(stream.protocol_, 0, size);
  return owed().empty();
}

}  // namespace masu::net
