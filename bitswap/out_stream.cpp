#include "bitswap/out_stream.hpp"

#include <algorithm>
#include <utility>

namespace masu::bitswap {
namespace {

constexpr Duration tick = 250ms;
constexpr Duration first_wait = 100ms;

// How long a peer may take for a message.
Duration send_time(std::size_t bytes) {
  constexpr std::size_t slowest_bytes_per_second = 100 * 1000 / 8;
  const Duration time = 2s + std::chrono::milliseconds(bytes * 1000 / slowest_bytes_per_second);
  return std::clamp<Duration>(time, 10s, 2min);
}

}  // namespace

void OutStream::wake() {
  switch (state_) {
    case State::open: stream_->want_write(); break;
    case State::closed: open(); break;
    case State::waiting:
    case State::opening: wanted_ = true; break;
    case State::leaving:
    case State::given_up:
    case State::retired: break;
  }
}

void OutStream::retire() {
  cancel();
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->reset();
  drop_message();
  // One that is being opened is let go when it is open.
  const bool opening = state_ == State::opening || state_ == State::leaving;
  state_ = opening ? State::leaving : State::retired;
  wanted_ = false;
}

void OutStream::open() {
  state_ = State::opening;
  host_.open_stream(peer_, protocols, *this);
}

void OutStream::on_open(net::Stream& stream) {
  if (state_ == State::leaving) {
    state_ = State::retired;
    stream.reset();
    return;
  }
  state_ = State::open;
  stream_ = &stream;
  dialect_ = dialect_of(stream.protocol());
  wanted_ = false;
  stream.want_write();
}

void OutStream::on_writable(net::Stream& stream) {
  while (stream_ != nullptr && write_message(stream)) {
    if (in_message_) {
      in_message_ = false;
      failures_ = 0;
      on_message_sent();
    }
    if (!compose()) {
      cancel();
      return;
    }
    begin_message();
  }
}

void OutStream::begin_message() {
  in_message_ = true;
  const TimePoint now = host_.now();
  deadline_ = now + send_time(staging_.bytes().size() + body_.size() + body_missing_);
  bytes_at_tick_ = bytes_taken_;
  progress_at_ = now;
  if (!armed()) host_.timers().arm(*this, now + tick);
}

void OutStream::compose_early() {
  if (state_ != State::open) return wake();
  if (!in_message_ && compose()) begin_message();
  if (in_message_) stream_->want_write();
}

// True: all of the message was taken, or there is none.
bool OutStream::write_message(net::Stream& stream) {
  while (!staging_.empty()) {
    const std::size_t taken = stream.write(staging_.bytes());
    staging_.consume(taken);
    bytes_taken_ += taken;
    if (taken == 0) return false;
  }
  for (;;) {
    while (!body_.empty()) {
      const std::size_t taken = stream.write(body_.front());
      body_.consume(taken);
      bytes_taken_ += taken;
      if (taken == 0) return false;
    }
    if (body_missing_ == 0) return true;
    want_body();
    if (stream_ == nullptr || body_.empty()) return false;
  }
}

void OutStream::set_body(ChunkChain front, std::size_t bytes) {
  body_missing_ = bytes - front.size();
  body_ = std::move(front);
}

void OutStream::add_body(ChunkChain more) {
  body_missing_ -= more.size();
  body_.append(std::move(more));
}

void OutStream::take_back_body() {
  body_missing_ += body_.size();
  body_.clear();
}

void OutStream::end(bool late) {
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->reset();
  lose(false, late);
}

void OutStream::on_closed(net::Stream*, net::StreamEnd end) {
  stream_ = nullptr;
  if (state_ == State::retired || state_ == State::leaving) {
    state_ = State::retired;
    return;
  }
  // One that speaks Bitswap and refuses has no room now.
  const bool has_no_room =
      end == net::StreamEnd::refused &&
      std::ranges::any_of(protocols, [&](auto protocol) { return host_.supports(peer_, protocol); });
  // The peer may have another connection than the one that is lost.
  const bool no_connection = end == net::StreamEnd::no_connection || end == net::StreamEnd::connection_lost;
  lose((end == net::StreamEnd::refused && !has_no_room) || (no_connection && !host_.connected(peer_)), false);
}

void OutStream::drop_message() {
  staging_.clear();
  body_.clear();
  body_missing_ = 0;
  in_message_ = false;
}

void OutStream::abandon() {
  if (state_ != State::open) return;
  std::exchange(stream_, nullptr)->reset();
  drop_message();
  ++failures_;
  state_ = State::waiting;
  host_.timers().arm(*this, host_.now() + first_wait);
}

Duration OutStream::stalled_for() const { return in_message_ ? host_.now() - progress_at_ : Duration{}; }

void OutStream::lose(bool for_good, bool late) {
  drop_message();
  wanted_ = false;
  if (for_good || ++failures_ > failures_max) {
    cancel();
    state_ = State::given_up;
  } else {
    state_ = State::waiting;
    host_.timers().arm(*this, host_.now() + first_wait * (1 << (failures_ - 1)));
  }
  on_lost(late);
}

void OutStream::on_timer(TimePoint now) {
  if (state_ == State::waiting) {
    state_ = State::closed;
    if (wanted_) open();
    return;
  }
  if (!in_message_) return;
  if (now >= deadline_) return end(true);
  host_.timers().arm(*this, std::min(now + tick, deadline_));
  const auto taken = static_cast<std::size_t>(bytes_taken_ - std::exchange(bytes_at_tick_, bytes_taken_));
  if (taken > 0) progress_at_ = now;
  on_pace(taken);
}

}  // namespace masu::bitswap
