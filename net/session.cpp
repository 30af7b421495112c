#include "net/session.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <utility>

namespace masu::net {
namespace {

// Of the last quarter of all streams a connection gets so many: those of one peer leave others theirs. A
// peer of use gets more (Kubo sends blocks on eight at a time, beside its wants). The last eighth is for
// peers of use, and for half of it for the first streams of others: a Kubo that could not ask who we are and
// send its wants when it came does not ask again as long as it is connected.
constexpr std::size_t inbound_streams_sure = 6;
constexpr std::size_t inbound_streams_first = 3;
constexpr std::size_t inbound_streams_of_use = 24;
// For the name of a protocol, when half of all streams are taken; it comes with the stream, or a moment
// later.
constexpr Duration negotiation_timeout_scarce = 2s;

ConnectionStream& of(YamuxStream& stream) { return static_cast<ConnectionStream&>(stream); }

}  // namespace

Session::Session(ConnectionResources& resources, SecureWriter& out, SessionHost& host, bool dialer)
    : resources_(resources), host_(host), yamux_(resources, out, *this, dialer) {}

Session::~Session() {
  MASU_CHECK(yamux_.inbound_streams() + yamux_.outbound_streams() == 0,
             "streams are closed before their session");
}

// --- Inputs. ---

std::expected<void, StreamEnd> Session::open_stream(std::span<const std::string_view> protocols,
                                                    StreamHandler& handler, bool lazy, TimePoint now) {
  if (closed_) return std::unexpected(StreamEnd::no_connection);
  if (yamux_.outbound_streams() >= resources_.limits().outbound_streams_each) {
    return std::unexpected(StreamEnd::refused);
  }
  const auto id = yamux_.take_id();
  if (!id) return std::unexpected(StreamEnd::refused);
  ConnectionStream* stream = resources_.streams().create(*this, *id, protocols, handler);
  if (stream == nullptr) return std::unexpected(StreamEnd::out_of_memory);
  yamux_.add(*stream);
  stream->had_handler_ = true;
  set_deadline(*stream, now + resources_.limits().outbound_negotiation_timeout);
  if (lazy) {
    stream->protocol_ = protocols.front();
    stream->open_owed_ = true;
    yamux_.ready(*stream);
  }
  yamux_.want_write(*stream);
  host_.on_session_marked();
  return {};
}

std::expected<std::size_t, YamuxError> Session::on_bytes(Bytes bytes, TimePoint now) {
  now_ = now;
  return yamux_.on_bytes(bytes, now);
}

void Session::pump(TimePoint now) {
  now_ = now;
  yamux_.pump(now);
}

void Session::run(TimePoint now) {
  now_ = now;
  yamux_.run_ready(now);
  reap();
}

void Session::on_deadline(TimePoint now) {
  now_ = now;
  if (now < next_deadline_) return;
  next_deadline_ = TimePoint::max();
  yamux_.for_each_stream([&](YamuxStream& base) {
    ConnectionStream& stream = of(base);
    if (stream.deadline_ > now) {
      next_deadline_ = std::min(next_deadline_, stream.deadline_);
      return;
    }
    stream.deadline_ = TimePoint::max();
    finish(stream, StreamEnd::timed_out);
  });
}

void Session::set_deadline(ConnectionStream& stream, TimePoint deadline) {
  stream.deadline_ = deadline;
  next_deadline_ = std::min(next_deadline_, deadline);
}

void Session::reset_stalled() {
  if (YamuxStream* stream = yamux_.stalled_stream()) finish(of(*stream), StreamEnd::out_of_memory);
}

bool Session::reset_heaviest() {
  YamuxStream* heaviest = nullptr;
  std::size_t most = 0;
  yamux_.for_each_stream([&](YamuxStream& stream) {
    if (stream.over() || stream.held().chunks() <= most) return;
    most = stream.held().chunks();
    heaviest = &stream;
  });
  if (heaviest == nullptr) return false;
  finish(of(*heaviest), StreamEnd::out_of_memory);
  host_.on_session_marked();
  return true;
}

void Session::close_all(StreamEnd end, TimePoint now) {
  now_ = now;
  closed_ = true;
  yamux_.for_each_stream([&](YamuxStream& base) {
    ConnectionStream& stream = of(base);
    if (!stream.end_) stream.end_ = end;
    yamux_.reset(stream);
    yamux_.ready(stream);
  });
  // Handlers may reset other streams meanwhile; no new ones can come.
  while (yamux_.has_ready()) yamux_.run_ready(now);
  reap();
  yamux_.for_each_stream([&](YamuxStream& stream) { destroy(of(stream)); });
}

// --- Upcalls of yamux. ---

std::size_t Session::inbound_streams_allowed() const {
  const std::size_t used = resources_.streams().used();
  const std::size_t capacity = resources_.streams().capacity();
  if (used < capacity / 4 * 3) return capacity;
  if (is_peer_of_use()) return inbound_streams_of_use;
  if (used < capacity / 8 * 7) return inbound_streams_sure;
  return used < capacity - capacity / 16 ? inbound_streams_first : 0;
}

YamuxStream* Session::on_inbound(std::uint32_t id) {
  if (closed_) return nullptr;
  SlabPool<ConnectionStream>& streams = resources_.streams();
  if (yamux_.inbound_streams() >= inbound_streams_allowed()) return nullptr;
  ConnectionStream* stream = streams.create(*this, id);
  if (stream == nullptr) return nullptr;
  const bool scarce = streams.used() > streams.capacity() / 2;
  set_deadline(*stream, now_ + (scarce ? negotiation_timeout_scarce
                                       : resources_.limits().inbound_negotiation_timeout));
  return stream;
}

std::size_t Session::on_data(YamuxStream& base, Bytes bytes, TimePoint) {
  ConnectionStream& stream = of(base);
  std::size_t taken = 0;
  if (!stream.settled_) {
    taken = negotiate(stream, bytes);
    host_.owner().on_stream_bytes(stream.protocol_, taken, 0);
  }
  if (stream.open_owed_) open(stream);
  if (stream.over() || stream.released_ || stream.end_) return bytes.size();
  if (!stream.settled_ || stream.handler_ == nullptr || taken == bytes.size()) return taken;
  const std::size_t payload = stream.handler_->on_data(stream, bytes.subspan(taken));
  host_.owner().on_stream_bytes(stream.protocol_, payload, 0);
  return stream.over() || stream.released_ ? bytes.size() : taken + payload;
}

void Session::on_fin(YamuxStream& base) { yamux_.ready(base); }

void Session::on_peer_reset(YamuxStream& base) {
  ConnectionStream& stream = of(base);
  if (!stream.end_) stream.end_ = stream.settled_ ? StreamEnd::reset_by_peer : StreamEnd::refused;
  yamux_.ready(stream);
}

void Session::on_writable(YamuxStream& base, TimePoint) {
  ConnectionStream& stream = of(base);
  if (!write_lines(stream)) return;
  if (std::exchange(stream.wants_close_, false)) yamux_.close_write(stream);
  if (stream.open_ && stream.handler_ != nullptr && std::exchange(stream.wants_write_, false)) {
    stream.handler_->on_writable(stream);
  }
}

void Session::on_ready(YamuxStream& base, TimePoint now) {
  ConnectionStream& stream = of(base);
  if (stream.open_owed_ && !stream.end_) open(stream);
  if (!stream.end_ && !stream.over()) deliver(stream, now);
  const bool both_closed = stream.fin_received() && stream.held().empty() && stream.fin_sent();
  if (both_closed && !stream.end_ && !stream.over()) stream.end_ = StreamEnd::finished;
  if (stream.end_) tell_end(stream);
  const bool gone = stream.over() || both_closed;
  if (gone && stream.handler_ == nullptr && !stream.owes_frames()) {
    stream.IntrusiveListNode<YamuxStream, YamuxReadyTag>::unlink();
    dead_.push_back(stream);
  }
}

void Session::on_go_away(std::uint32_t code) { host_.on_peer_goes_away(code); }

// --- Upcalls of handlers. ---

void Session::open(ConnectionStream& stream) {
  stream.open_owed_ = false;
  stream.open_ = true;
  if (stream.handler_ != nullptr) stream.handler_->on_open(stream);
}

// What is held goes to the handler when it asked for it, or before there was one; then the end of it.
void Session::deliver(ConnectionStream& stream, TimePoint now) {
  const bool resumes = std::exchange(stream.resumes_, false);
  if (!stream.held().empty() && (resumes || stream.released_)) yamux_.deliver_held(stream, now);
  if (!stream.fin_received() || !stream.held().empty() || stream.over() || stream.released_) return;
  if (!stream.settled_) {
    finish(stream, StreamEnd::refused);
  } else if (stream.handler_ != nullptr && !std::exchange(stream.remote_close_told_, true)) {
    stream.handler_->on_remote_close(stream);
  }
}

// Ends it by a reset of ours; the handler is told when the stream's turn comes.
void Session::finish(ConnectionStream& stream, StreamEnd end) {
  if (!stream.end_) stream.end_ = end;
  yamux_.reset(stream);
  yamux_.ready(stream);
}

void Session::tell_end(ConnectionStream& stream) {
  stream.partial_line_.reset();
  stream.deadline_ = TimePoint::max();
  StreamHandler* handler = std::exchange(stream.handler_, nullptr);
  if (handler != nullptr) handler->on_closed(stream.open_ ? &stream : nullptr, *stream.end_);
}

void Session::reap() {
  while (YamuxStream* stream = dead_.pop_front()) destroy(of(*stream));
}

void Session::destroy(ConnectionStream& stream) {
  yamux_.remove(stream);
  const bool counted = stream.had_handler_;
  const bool inbound = stream.inbound();
  const std::string_view protocol = stream.protocol_;
  resources_.streams().destroy(&stream);
  if (counted) host_.owner().on_stream_gone(protocol, inbound);
}

// --- What handlers call: marks only. ---

std::size_t Session::write(ConnectionStream& stream, Bytes bytes) {
  if (stream.over() || stream.released_ || stream.wants_close_) return 0;
  stream.wants_write_ = true;
  if (!write_lines(stream)) return 0;
  const std::size_t written = yamux_.write(stream, bytes, now_);
  if (written == bytes.size()) stream.wants_write_ = false;
  host_.owner().on_stream_bytes(stream.protocol_, 0, written);
  host_.on_session_marked();
  return written;
}

void Session::want_write(ConnectionStream& stream) {
  if (stream.over() || stream.released_ || stream.wants_close_) return;
  stream.wants_write_ = true;
  yamux_.want_write(stream);
  host_.on_session_marked();
}

void Session::close_write(ConnectionStream& stream) {
  if (stream.over()) return;
  stream.wants_write_ = false;
  if (write_lines(stream)) {
    yamux_.close_write(stream);
  } else {
    stream.wants_close_ = true;
  }
  host_.on_session_marked();
}

void Session::reset(ConnectionStream& stream) {
  stream.handler_ = nullptr;
  yamux_.reset(stream);
  yamux_.ready(stream);
  host_.on_session_marked();
}

void Session::release(ConnectionStream& stream) {
  stream.handler_ = nullptr;
  stream.released_ = true;
  yamux_.discard(stream);
  close_write(stream);
  set_deadline(stream, now_ + resources_.limits().release_timeout);
  yamux_.ready(stream);
  host_.on_session_marked();
}

void Session::resume_reading(ConnectionStream& stream) {
  if (stream.over() || stream.released_) return;
  stream.resumes_ = true;
  yamux_.ready(stream);
  host_.on_session_marked();
}

}  // namespace masu::net
