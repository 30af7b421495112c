#include "net/muxer/yamux.hpp"

#include "alloc/check.hpp"
#include "net/connection_resources.hpp"

#include <algorithm>
#include <limits>

namespace masu::net {
namespace {

constexpr std::uint32_t stray_frames_max = 16 * 1024;
constexpr std::uint32_t stray_bytes_max = std::numeric_limits<std::uint32_t>::max() / 2;
// A connection keeps so many chunks for slow handlers even while memory is low.
constexpr std::uint32_t held_chunks_essential = 2;

}  // namespace

std::string_view name_of(YamuxError error) {
  switch (error) {
    case YamuxError::bad_version: return "yamux version unknown";
    case YamuxError::bad_type: return "yamux frame type unknown";
    case YamuxError::bad_stream_id: return "yamux stream id not allowed";
    case YamuxError::duplicate_stream: return "yamux stream opened twice";
    case YamuxError::window_exceeded: return "yamux receive window exceeded";
    case YamuxError::window_overflow: return "yamux send window overflows";
    case YamuxError::data_after_fin: return "yamux data after the stream's end";
    case YamuxError::stray_frames: return "yamux frames for no stream";
  }
  return "yamux error";
}

Yamux::Yamux(ConnectionResources& resources, SecureWriter& out, YamuxUser& user, bool dialer)
    : resources_(resources),
      out_(out),
      user_(user),
      next_id_(dialer ? 1 : 2),
      stray_frames_(stray_frames_each) {}

void Yamux::start(TimePoint now) {
  last_input_ = now;
  last_active_ = now;
  ping_owed_ = true;
  next_deadline_ = now + resources_.limits().keepalive_timeout;
}

std::optional<std::uint32_t> Yamux::take_id() {
  if (next_id_ > std::numeric_limits<std::uint32_t>::max() - 2) return std::nullopt;
  return std::exchange(next_id_, next_id_ + 2);
}

YamuxStream* Yamux::find(std::uint32_t id) const {
  YamuxStream* stream = table_[(id >> 1) % buckets];
  while (stream != nullptr && stream->id_ != id) stream = stream->next_in_bucket_;
  return stream;
}

void Yamux::add(YamuxStream& stream) {
  YamuxStream*& bucket = table_[(stream.id_ >> 1) % buckets];
  stream.next_in_bucket_ = std::exchange(bucket, &stream);
  ++(stream.inbound_ ? inbound_ : outbound_);
}

void Yamux::remove(YamuxStream& stream) {
  YamuxStream** link = &table_[(stream.id_ >> 1) % buckets];
  while (*link != &stream) link = &(*link)->next_in_bucket_;
  *link = stream.next_in_bucket_;
  --(stream.inbound_ ? inbound_ : outbound_);
  if (body_stream_ == &stream) body_stream_ = nullptr;
  expect_strays(stream.fin_received_ ? 0 : stream.credit_);
  held_chunks_ -= static_cast<std::uint32_t>(stream.held_.chunks());
  stream.held_.clear();
  stream.over_ = true;
  shrink_window(stream);
  stream.IntrusiveListNode<YamuxStream, YamuxControlTag>::unlink();
  stream.IntrusiveListNode<YamuxStream, YamuxWritableTag>::unlink();
  stream.IntrusiveListNode<YamuxStream, YamuxReadyTag>::unlink();
}

void Yamux::ready(YamuxStream& stream) {
  if (!stream.IntrusiveListNode<YamuxStream, YamuxReadyTag>::linked()) ready_.push_back(stream);
}

void Yamux::run_ready(TimePoint now) {
  for (std::size_t left = ready_.size(); left > 0 && !ready_.empty(); --left)
    user_.on_ready(*ready_.pop_front(), now);
}

void Yamux::expect_strays(std::uint32_t bytes) {
  stray_bytes_ = std::min(stray_bytes_max, stray_bytes_ + std::min(bytes, stray_bytes_max));
  stray_frames_ = std::min(stray_frames_max, stray_frames_ + stray_frames_each);
}

std::expected<std::size_t, YamuxError> Yamux::on_bytes(Bytes bytes, TimePoint now) {
  std::size_t used = 0;
  stall_ = Stall::none;
  while (true) {
    if (body_left_ > 0) {
      const Bytes piece = bytes.subspan(used, std::min<std::size_t>(bytes.size() - used, body_left_));
      const std::size_t taken = on_body(piece, now);
      used += taken;
      if (taken < piece.size()) {
        stall_ = Stall::memory;
        return used;
      }
      if (body_left_ > 0) return used;
      on_body_end();
    }
    const std::size_t part = std::min(bytes.size() - used, yamux_header_bytes - header_have_);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(used), part, header_.begin() + header_have_);
    used += part;
    header_have_ = static_cast<std::uint8_t>(header_have_ + part);
    if (header_have_ < yamux_header_bytes) return used;
    const auto done = on_header(now);
    if (!done) return std::unexpected(done.error());
    if (!*done) {
      stall_ = Stall::output;
      return used;
    }
    header_have_ = 0;
  }
}

std::expected<bool, YamuxError> Yamux::on_header(TimePoint now) {
  const YamuxHeader header = decode_yamux_header(header_);
  if (header.version != 0) return std::unexpected(YamuxError::bad_version);
  switch (header.type) {
    case YamuxType::data:
    case YamuxType::window_update: return on_stream_frame(header);
    case YamuxType::ping: return on_ping(header, now);
    case YamuxType::go_away: user_.on_go_away(header.length); return true;
  }
  return std::unexpected(YamuxError::bad_type);
}

std::expected<bool, YamuxError> Yamux::on_ping(const YamuxHeader& header, TimePoint now) {
  if ((header.flags & yamux_syn) != 0) {
    if (pongs_.full()) return false;
    pongs_.push(header.length);
    return true;
  }
  if (ping_out_ && header.length == ping_value_) {
    ping_out_ = false;
    const Duration measured = now - ping_sent_;
    round_trip_ = round_trip_ ? (*round_trip_ + measured) / 2 : measured;
    return true;
  }
  // An answer to nothing: dropped, as often as other frames without sense are.
  if (stray_frames_ == 0) return std::unexpected(YamuxError::stray_frames);
  --stray_frames_;
  return true;
}

std::expected<bool, YamuxError> Yamux::on_stream_frame(const YamuxHeader& header) {
  if (header.stream == 0) return std::unexpected(YamuxError::bad_stream_id);
  YamuxStream* stream = find(header.stream);
  if ((header.flags & yamux_syn) != 0) {
    if (stream != nullptr) return std::unexpected(YamuxError::duplicate_stream);
    if (refusals_.full()) return false;
    const auto opened = on_syn(header);
    if (!opened) return std::unexpected(opened.error());
    stream = *opened;
  }
  const auto done = stream != nullptr ? on_known(*stream, header) : on_stray(header);
  if (!done) return std::unexpected(done.error());
  return true;
}

// The rules are checked before anything is made.
std::expected<YamuxStream*, YamuxError> Yamux::on_syn(const YamuxHeader& header) {
  if (header.stream % 2 == next_id_ % 2) return std::unexpected(YamuxError::bad_stream_id);
  if (header.type == YamuxType::data && header.length > yamux_initial_window_bytes) {
    return std::unexpected(YamuxError::window_exceeded);
  }
  YamuxStream* stream = nullptr;
  // A peer of use answers on streams of its own: Kubo opens one for each message with blocks we asked for.
  const bool allowed = resources_.inbound_streams_allowed() || user_.is_peer_of_use();
  if (!going_away_ && allowed && inbound_ < resources_.limits().inbound_streams_each) {
    stream = user_.on_inbound(header.stream);
  }
  if (stream != nullptr) {
    add(*stream);
    return stream;
  }
  if ((header.flags & yamux_rst) == 0) refusals_.push(header.stream);
  expect_strays(yamux_initial_window_bytes);
  return nullptr;
}

std::expected<void, YamuxError> Yamux::on_known(YamuxStream& stream, const YamuxHeader& header) {
  const bool is_data = header.type == YamuxType::data;
  if (is_data) {
    if (header.length > stream.credit_) return std::unexpected(YamuxError::window_exceeded);
    if (header.length > 0 && stream.fin_received_) return std::unexpected(YamuxError::data_after_fin);
    stream.credit_ -= header.length;
    body_left_ = header.length;
    body_stream_ = &stream;
    body_flags_ = header.flags;
  } else if ((header.flags & yamux_rst) == 0) {  // with RST the length is go's error code
    if (header.length > std::numeric_limits<std::uint32_t>::max() - stream.send_window_) {
      return std::unexpected(YamuxError::window_overflow);
    }
    stream.send_window_ += header.length;
    if (stream.waits_window_ && stream.send_window_ > 0) want_write(stream);
  }
  if ((header.flags & yamux_rst) != 0) {
    if (is_data) body_stream_ = nullptr;
    if (!stream.over_) {
      stream.over_ = true;
      stream.fin_owed_ = false;
      user_.on_peer_reset(stream);
    }
    stream.rst_owed_ = false;
    return {};
  }
  if (!is_data && (header.flags & yamux_fin) != 0) {
    body_stream_ = &stream;
    body_flags_ = header.flags;
  }
  if (body_left_ == 0) on_body_end();
  return {};
}

std::expected<void, YamuxError> Yamux::on_stray(const YamuxHeader& header) {
  if (stray_frames_ == 0) return std::unexpected(YamuxError::stray_frames);
  --stray_frames_;
  if (header.type != YamuxType::data) return {};
  if (header.length > stray_bytes_) return std::unexpected(YamuxError::stray_frames);
  stray_bytes_ -= header.length;
  body_left_ = header.length;
  body_stream_ = nullptr;
  return {};
}

std::size_t Yamux::on_body(Bytes piece, TimePoint now) {
  std::size_t taken = piece.size();
  if (body_stream_ != nullptr && !body_stream_->over_) {
    YamuxStream& stream = *body_stream_;
    stream_bytes_in_ += piece.size();
    last_active_ = now;
    if (!stream.discards_) {
      stream.active_ = true;
      taken = stream.held_.empty() ? user_.on_data(stream, piece, now) : 0;
      MASU_CHECK(taken <= piece.size(), "a handler takes what it was given");
      if (taken > 0) consider_update(stream);
      if (stream.over_ || stream.discards_) {
        taken = piece.size();
      } else if (taken < piece.size()) {
        taken += hold(stream, piece.subspan(taken));
      }
    }
    stream_bytes_in_ -= piece.size() - taken;
  }
  body_left_ -= static_cast<std::uint32_t>(taken);
  return taken;
}

// Keeps what fits the memory; returns how much.
std::size_t Yamux::hold(YamuxStream& stream, Bytes bytes) {
  if (held_chunks_ >= held_chunks_essential && resources_.memory_low()) return 0;
  if (resources_.strangers_wait() && !user_.is_peer_of_use()) return 0;
  const std::size_t before = stream.held_.size();
  const std::size_t chunks_before = stream.held_.chunks();
  const bool all = stream.held_.append_copy(resources_.chunks(), resources_.receive_account(), bytes);
  held_chunks_ += static_cast<std::uint32_t>(stream.held_.chunks() - chunks_before);
  return all ? bytes.size() : stream.held_.size() - before;
}

void Yamux::on_body_end() {
  YamuxStream* stream = std::exchange(body_stream_, nullptr);
  const bool fin = (std::exchange(body_flags_, 0) & yamux_fin) != 0;
  if (stream == nullptr || stream->over_ || !fin || stream->fin_received_) return;
  stream->fin_received_ = true;
  user_.on_fin(*stream);
}

void Yamux::deliver_held(YamuxStream& stream, TimePoint now) {
  const std::size_t chunks_before = stream.held_.chunks();
  bool all = true;
  while (all && !stream.over_ && !stream.held_.empty()) {
    const Bytes piece = stream.held_.front();
    const std::size_t taken = user_.on_data(stream, piece, now);
    MASU_CHECK(taken <= piece.size(), "a handler takes what it was given");
    stream.held_.consume(taken);
    all = taken == piece.size();
  }
  held_chunks_ -= static_cast<std::uint32_t>(chunks_before - stream.held_.chunks());
  if (!stream.over_) consider_update(stream);
}

void Yamux::discard(YamuxStream& stream) { stream.discards_ = true; }

}  // namespace masu::net
