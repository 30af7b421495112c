#include "alloc/check.hpp"
#include "net/connection_resources.hpp"
#include "net/muxer/yamux.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

// What Yamux writes, and the windows it grants.

namespace masu::net {
namespace {

constexpr std::uint32_t turn_bytes = 16 * 1024;        // when others wait
constexpr std::uint32_t turn_alone_bytes = 64 * 1024;  // when nobody does
constexpr std::uint32_t window_low_memory_bytes = 64 * 1024;
// No data frame is cut smaller than this for want of output room.
constexpr std::size_t fragment_min_bytes = 256;

}  // namespace

// --- Windows. ---

std::uint32_t Yamux::target_now(const YamuxStream& stream) const {
  return resources_.memory_low() ? window_low_memory_bytes : stream.target_;
}

// A window is filled up when half of it was used and taken.
void Yamux::consider_update(YamuxStream& stream) {
  if (stream.fin_received_ || stream.over_ || stream.discards_ || stream.update_owed_) return;
  const std::uint32_t window = stream.credit_ + static_cast<std::uint32_t>(stream.held_.size());
  const std::uint32_t target = stream.target_;
  if (window > target / 2) return;
  stream.update_owed_ = true;
  owes(stream);
}

// Doubled when half of it went in less than four round trips: the window, not the peer, was the limit.
void Yamux::grow_window(YamuxStream& stream, TimePoint now) {
  const std::uint32_t growth = stream.target_;
  const bool fast = round_trip_ && now - stream.last_update_ < *round_trip_ * 4;
  if (!fast || stream.last_update_ == TimePoint{} || resources_.memory_low()) return;
  if (window_reserved_ + growth > resources_.limits().window_bytes_each) return;
  if (!resources_.window_account().hold(growth, Need::optional)) return;
  window_reserved_ += growth;
  stream.target_ += growth;
}

// What the peer was granted it keeps; it is not granted again. Should it use it all at once, reading stops at
// received_bytes_each.
void Yamux::shrink_window(YamuxStream& stream) {
  const std::uint32_t growth = stream.target_ - yamux_initial_window_bytes;
  resources_.window_account().drop(growth);
  window_reserved_ -= growth;
  stream.target_ = yamux_initial_window_bytes;
}

void Yamux::shrink_idle_windows() {
  for_each_stream([&](YamuxStream& stream) {
    if (!std::exchange(stream.active_, false)) shrink_window(stream);
  });
}

// --- Frames. ---

bool Yamux::put(YamuxType type, std::uint16_t flags, std::uint32_t stream, std::uint32_t length) {
  if (out_.room(yamux_header_bytes) < yamux_header_bytes) return false;
  out_.append(encode_yamux_header({0, type, flags, stream, length}));
  return true;
}

std::uint16_t Yamux::take_flags(YamuxStream& stream) {
  const std::uint16_t flags = stream.syn_owed_ ? yamux_syn : stream.ack_owed_ ? yamux_ack : std::uint16_t{0};
  stream.syn_owed_ = stream.ack_owed_ = false;
  return flags;
}

void Yamux::owes(YamuxStream& stream) {
  if (!stream.IntrusiveListNode<YamuxStream, YamuxControlTag>::linked()) control_.push_back(stream);
}

std::size_t Yamux::write(YamuxStream& stream, Bytes bytes, TimePoint now) {
  if (stream.write_closed() || bytes.empty()) return 0;
  std::size_t limit = std::min<std::size_t>(bytes.size(), stream.send_window_);
  if (writing_ == &stream) {
    limit = std::min<std::size_t>(limit, turn_left_);
  } else {
    limit = writable_.empty() ? std::min<std::size_t>(limit, turn_alone_bytes) : 0;
  }
  if (limit > 0) {
    const std::size_t room = out_.room(yamux_header_bytes + limit);
    const std::size_t fits = room > yamux_header_bytes ? room - yamux_header_bytes : 0;
    if (fits < limit) limit = fits < fragment_min_bytes ? 0 : fits;
  }
  if (limit < bytes.size()) want_write(stream);
  if (limit == 0) return 0;
  put_data(stream, bytes.first(limit));
  if (writing_ == &stream) turn_left_ -= static_cast<std::uint32_t>(limit);
  last_active_ = now;
  return limit;
}

bool Yamux::write_whole(YamuxStream& stream, Bytes bytes) {
  const std::size_t frame = yamux_header_bytes + bytes.size();
  if (stream.write_closed() || stream.send_window_ < bytes.size() || out_.room(frame) < frame) {
    want_write(stream);
    return false;
  }
  put_data(stream, bytes);
  return true;
}

// Requires: room for the frame.
void Yamux::put_data(YamuxStream& stream, Bytes bytes) {
  const auto length = static_cast<std::uint32_t>(bytes.size());
  const bool fits = put(YamuxType::data, take_flags(stream), stream.id_, length);
  MASU_CHECK(fits, "room was asked for");
  out_.append(bytes);
  stream.send_window_ -= length;
  stream_bytes_out_ += length;
}

void Yamux::want_write(YamuxStream& stream) {
  if (stream.write_closed()) return;
  stream.waits_window_ = stream.send_window_ == 0;
  if (stream.waits_window_ || stream.IntrusiveListNode<YamuxStream, YamuxWritableTag>::linked()) return;
  writable_.push_back(stream);
}

void Yamux::close_write(YamuxStream& stream) {
  if (stream.write_closed()) return;
  stream.fin_owed_ = true;
  stream.IntrusiveListNode<YamuxStream, YamuxWritableTag>::unlink();
  owes(stream);
}

void Yamux::reset(YamuxStream& stream) {
  if (stream.over_) return;
  stream.over_ = true;
  stream.fin_owed_ = false;
  stream.rst_owed_ = !stream.syn_owed_;  // the peer never heard of it otherwise
  stream.IntrusiveListNode<YamuxStream, YamuxWritableTag>::unlink();
  if (stream.rst_owed_) owes(stream);
}

void Yamux::go_away(YamuxGoAway code) {
  if (going_away_) return;
  going_away_ = true;
  go_away_owed_ = code;
}

bool Yamux::write_owed(YamuxStream& stream, TimePoint now) {
  if (stream.over_) {
    if (stream.rst_owed_ && !put(YamuxType::window_update, yamux_rst, stream.id_, 0)) return false;
    stream.rst_owed_ = false;
    ready(stream);
    return true;
  }
  if (stream.update_owed_) {
    if (out_.room(yamux_header_bytes) < yamux_header_bytes) return false;
    stream.update_owed_ = false;
    grow_window(stream, now);
    const std::uint32_t window = stream.credit_ + static_cast<std::uint32_t>(stream.held_.size());
    const std::uint32_t target = target_now(stream);
    if (window <= target / 2 && !stream.fin_received_) {
      stream.credit_ += target - window;
      stream.last_update_ = now;
      if (!put(YamuxType::window_update, take_flags(stream), stream.id_, target - window)) return false;
    }
  }
  if (stream.fin_owed_) {
    const auto flags = static_cast<std::uint16_t>(yamux_fin | (stream.syn_owed_ ? yamux_syn : 0) |
                                                  (stream.ack_owed_ ? yamux_ack : 0));
    if (!put(YamuxType::window_update, flags, stream.id_, 0)) return false;
    take_flags(stream);
    stream.fin_owed_ = false;
    stream.fin_sent_ = true;
    ready(stream);
  }
  return true;
}

// False: the output is full.
bool Yamux::write_control(TimePoint now) {
  while (pongs_.count > 0) {
    if (!put(YamuxType::ping, yamux_ack, 0, pongs_.values[0])) return false;
    pongs_.pop();
  }
  while (refusals_.count > 0) {
    if (!put(YamuxType::window_update, yamux_rst, refusals_.values[0], 0)) return false;
    refusals_.pop();
  }
  if (ping_owed_) {
    if (!put(YamuxType::ping, yamux_syn, 0, ping_value_ + 1)) return false;
    ++ping_value_;
    ping_owed_ = false;
    ping_out_ = true;
    ping_sent_ = now;
  }
  while (!control_.empty()) {
    if (!write_owed(control_.front(), now)) return false;
    control_.pop_front();
  }
  if (go_away_owed_) {
    if (!put(YamuxType::go_away, 0, 0, static_cast<std::uint32_t>(*go_away_owed_))) return false;
    go_away_owed_.reset();
  }
  return true;
}

bool Yamux::wants_output() const {
  return pongs_.count > 0 || refusals_.count > 0 || ping_owed_ || !control_.empty() || go_away_owed_ ||
         !writable_.empty();
}

void Yamux::pump(TimePoint now) {
  if (!write_control(now)) return;
  // Ends when the output is full, nobody wants to write, or a whole round wrote nothing.
  std::size_t idle_turns = 0;
  while (!writable_.empty() && idle_turns <= writable_.size() &&
         out_.room(yamux_header_bytes + fragment_min_bytes) == yamux_header_bytes + fragment_min_bytes) {
    YamuxStream& stream = *writable_.pop_front();
    writing_ = &stream;
    turn_left_ = writable_.empty() ? turn_alone_bytes : turn_bytes;
    const std::uint64_t before = stream_bytes_out_;
    user_.on_writable(stream, now);
    writing_ = nullptr;
    idle_turns = stream_bytes_out_ == before ? idle_turns + 1 : 0;
    if (!write_control(now)) return;
  }
}

// --- Time. ---

bool Yamux::on_deadline(TimePoint now, bool reading) {
  if (now < next_deadline_) return true;
  const ConnectionLimits& limits = resources_.limits();
  if (ping_out_) {
    // Any byte since then is a sign of life: an answer may wait behind data.
    const bool silent = last_input_ < ping_sent_ && reading;
    const TimePoint answer_due = ping_sent_ + limits.keepalive_timeout;
    if (silent && now >= answer_due) return false;
    if (now < ping_sent_ + limits.keepalive_interval) {
      next_deadline_ = now < answer_due ? answer_due : ping_sent_ + limits.keepalive_interval;
      return true;
    }
  } else if (ping_value_ != 0 && now < ping_sent_ + limits.keepalive_interval) {
    next_deadline_ = ping_sent_ + limits.keepalive_interval;
    return true;
  }
  ping_owed_ = true;
  shrink_idle_windows();
  stray_frames_ = std::max(stray_frames_, stray_frames_each);
  next_deadline_ = now + limits.keepalive_timeout;
  return true;
}

}  // namespace masu::net
