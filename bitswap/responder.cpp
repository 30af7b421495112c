#include "bitswap/engine.hpp"

#include <utility>

namespace masu::bitswap {
namespace {

// Of a message, in a quarter of a second: who takes less gives its memory to who waits.
constexpr std::size_t slow_pace_bytes = 16 * 1024;

}  // namespace

Responder::Responder(Engine& engine, net::Host& host, const PeerId& peer, ResponderPeer& its_peer)
    : OutStream(host, peer), engine_(engine), its_peer_(its_peer), ledger_(*this) {}

bool Responder::compose() { return compose_answers() || compose_blocks(); }

bool Responder::compose_answers() {
  if (!ledger_.has(WantState::answer)) return false;
  MessageWriter message(staging());
  while (ledger_.has(WantState::answer)) {
    ServerWant& want = ledger_.list(WantState::answer).front();
    // Older protocols have no word for it.
    if (dialect().presences && !message.add(want.cid.bytes(), want.presence)) break;
    if (want.presence == Presence::have) {
      engine_.remove(want);
    } else {
      ledger_.move(want, WantState::absent);
    }
  }
  if (!message.empty()) message.finish();
  engine_.resume_stalled();
  return !staging().empty();
}

bool Responder::compose_blocks() {
  if (job_ == nullptr) {
    if (ledger_.has(WantState::ready)) engine_.want_job(*this);
    return false;
  }
  if (!read_done_) return false;
  read_done_ = false;
  body_bytes_ = job_->body_bytes();
  if (body_bytes_ == 0) {  // all of them are gone meanwhile
    engine_.give_back(*this);
    engine_.pump_sends();
    wake();
    return false;
  }
  MessageWriter(staging()).finish(body_bytes_);
  set_body(job_->take_piece(), body_bytes_);
  while (ledger_.has(WantState::reading)) {
    ledger_.move(ledger_.list(WantState::reading).front(), WantState::sending);
  }
  blocks_in_message_ = true;
  read_ahead();
  return true;
}

// While a piece is being sent the one behind it is read, of this message or of the next: else the peer would
// wait for the disk after each. Not when another one could use the job or the memory for its first piece.
void Responder::read_ahead() {
  if (job_ == nullptr || job_->running() || read_done_) return;
  if (engine_.may_read_ahead()) {
    if (body_bytes_missing() > 0) {
      job_->read_from(body_bytes_ - body_bytes_missing(), true);
      return engine_.post(*job_);
    }
    if (ledger_.has(WantState::ready)) return engine_.begin(*this, *job_);
  }
  engine_.give_back(*this);
  engine_.pump_sends();
}

void Responder::want_body() {
  if (job_ == nullptr) return engine_.want_job(*this);
  if (job_->running()) return;
  if (read_done_) {
    read_done_ = false;
    add_body(job_->take_piece());
    return read_ahead();
  }
  job_->read_from(body_bytes_ - body_bytes_missing(), true);
  engine_.post(*job_);
}

void Responder::on_message_sent() {
  if (!blocks_in_message_) return;
  blocks_in_message_ = slow_ = false;
  IntrusiveList<ServerWant>& sending = ledger_.list(WantState::sending);
  while (!sending.empty()) {
    ServerWant& want = sending.front();
    ++engine_.stat_.blocks_sent;
    engine_.stat_.data_sent += want.bytes;
    data_sent_ += want.bytes;
    engine_.remove(want);
  }
  // Else it reads, or has read, the next message.
  if (job_ != nullptr && !job_->running() && !read_done_) engine_.give_back(*this);
  engine_.pump_sends();
  engine_.resume_stalled();
}

// A stream that waits for us is not slow.
void Responder::on_pace(std::size_t bytes) {
  if (!blocks_in_message_ || !has_body() || (job_ != nullptr && job_->running())) return;
  if (bytes > slow_pace_bytes || (bytes > 0 && !engine_.anyone_waits())) return;
  slow_ = true;
  take_back_body();
  engine_.give_back(*this);
  engine_.pump_sends();
}

void Responder::on_lost(bool late) {
  blocks_in_message_ = false;
  engine_.give_back(*this);
  // With no job either: it was given back in the middle of a message.
  engine_.unsend(*this);
  if (late || given_up()) {
    engine_.drop_wants(*this);
    engine_.resume_stalled();
  } else if (ledger_.has(WantState::answer) || ledger_.has(WantState::ready)) {
    wake();
  }
  engine_.pump_sends();
}

}  // namespace masu::bitswap
