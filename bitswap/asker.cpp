#include "bitswap/asker.hpp"

#include "bitswap/client.hpp"

#include <algorithm>
#include <string_view>

namespace masu::bitswap {
namespace {

// Asked for ahead: what a fast path holds and the sender's reads.
constexpr std::size_t window_bytes = std::size_t{4} << 20;
constexpr std::size_t window_blocks_min = 4;
constexpr std::size_t window_blocks_max = 256;
// A peer that sends this many blocks in a row that nobody wanted is not listened to any more.
constexpr std::uint32_t unwanted_max = 64;
constexpr Duration rate_interval = 100ms;
constexpr Duration overtaken_slack = 500ms;

constexpr std::string_view session_tag = "bitswap-session";
constexpr int session_value = 5;  // of each session

}  // namespace

bool Asker::expects_blocks(TimePoint now) const {
  const bool was_asked = forgotten_ || !expected_.empty() || !told_.empty();
  return was_asked && unwanted_in_a_row_ < unwanted_max && now >= muted_until_;
}

std::size_t Asker::window() const {
  return std::clamp(window_bytes / usual_block_bytes_, window_blocks_min, window_blocks_max);
}

double Asker::expected_wait(double unknown_rate) const {
  const double bytes = static_cast<double>((outstanding_ + 1) * usual_block_bytes_);
  return bytes / (rate_ > 0 ? rate_ : unknown_rate);
}

// Five seconds while nothing is known of the path; then two for the work and three round trips; or twice what
// answers have taken. Half a second at least, where Kubo has 50 ms: a peer that flushes its disk may be
// silent for longer, and a block that comes twice costs more than the wait.
Duration Asker::patience() {
  Duration patience = 5s;
  if (const auto ping = host().latency(peer())) patience = 2s + 3 * *ping;
  if (answer_time_) patience = 2 * *answer_time_;
  return std::clamp<Duration>(patience, 500ms, 7s);
}

// Blocks wait for each other, so patience counts from the last sign of progress. But one that others asked
// for so much later have overtaken is lost, as with a stream that was refused, whatever else comes.
Ask* Asker::overdue(TimePoint now) {
  if (expected_.empty()) return nullptr;
  Ask& oldest = expected_.front();
  const Duration patience = this->patience();
  const bool silent = progress_at_ + patience <= now;
  const bool overtaken = oldest.sent_at + patience + overtaken_slack <= newest_sent_at_;
  return oldest.sent_at + patience <= now && (silent || overtaken) ? &oldest : nullptr;
}

void Asker::note_block(std::size_t bytes, const Ask* ask, TimePoint now) {
  ++blocks_received_;
  data_received_ += bytes;
  unwanted_in_a_row_ = 0;
  usual_block_bytes_ = std::max<std::size_t>((usual_block_bytes_ * 7 + bytes) / 8, 256);
  rate_bytes_ += bytes;
  const Duration passed = now - rate_since_;
  if (passed >= rate_interval) {
    const double seconds = std::chrono::duration<double>(passed).count();
    const double rate = static_cast<double>(rate_bytes_) / seconds;
    rate_ = rate_ > 0 ? (rate_ * 3 + rate) / 4 : rate;
    rate_since_ = now;
    rate_bytes_ = 0;
  }
  if (ask == nullptr) return;
  newest_sent_at_ = std::max(newest_sent_at_, ask->sent_at);
  note_answer(*ask, now);
}

void Asker::note_answer(const Ask& ask, TimePoint now) {
  if (ask.state == AskState::block_sent || ask.state == AskState::have_sent) {
    const Duration took = now - ask.sent_at;
    answer_time_ = answer_time_ ? (*answer_time_ * 7 + took) / 8 : took;
  }
  progress_at_ = now;
}

void Asker::join() { host().tag(peer(), session_tag, session_value * ++sessions_); }
void Asker::leave() { host().tag(peer(), session_tag, session_value * --sessions_); }

bool Asker::hold() {
  if (holds_ == 0) {
    if (client_.held_peers_ >= client_.held_peers_max()) return false;
    ++client_.held_peers_;
    host().protect(peer(), session_tag);
  }
  ++holds_;
  return true;
}

void Asker::let_go() {
  if (--holds_ > 0) return;
  --client_.held_peers_;
  host().unprotect(peer(), session_tag);
}

// The one place where an ask changes its state.
void Asker::put(Ask& ask, AskState state) {
  const bool was_for_block = ask.for_block();
  const bool was_in_list = ask.place().linked();
  ask.place().unlink();
  ask.spare().unlink();
  ask.state = state;
  if (state == AskState::dont_have) client_.missed_.push_back(ask);
  if (state == AskState::have_sent) client_.unanswered_.push_back(ask);
  if (was_in_list && was_for_block) --outstanding_;
  if (ask.for_block() && outstanding_++ == 0) {
    rate_since_ = progress_at_ = host().now();
    rate_bytes_ = 0;
  }
  switch (state) {
    case AskState::have_unsent:
    case AskState::block_unsent: unsent_.push_back(ask); return wake();
    case AskState::cancel: cancels_.push_back(ask); return wake();
    case AskState::block_sent: return expected_.push_back(ask);
    default: return told_.push_back(ask);
  }
}

// Cancels first, in messages of their own: receivers join what one message says of a CID, and a want that
// follows its cancel would be lost.
bool Asker::compose() {
  if (compose_cancels()) return true;
  if (unsent_.empty()) return false;
  MessageWriter message(staging());
  while (!unsent_.empty()) {
    Ask& ask = unsent_.front();
    const ClientWant& want = *ask.want;
    const bool block = ask.state == AskState::block_unsent;
    WantChange change{want.cid.bytes(), want.priority, block ? WantType::block : WantType::have};
    change.send_dont_have = dialect().presences;
    if (!dialect().presences) change.type = WantType::block;
    if (!message.add(change)) break;
    ask.sent_at = host().now();
    ask.told = true;
    put(ask, block ? AskState::block_sent : AskState::have_sent);
  }
  message.finish();
  return true;
}

bool Asker::compose_cancels() {
  if (cancels_.empty()) return false;
  MessageWriter message(staging());
  while (!cancels_.empty()) {
    Ask& ask = cancels_.front();
    WantChange change{ask.want->cid.bytes()};
    change.cancel = true;
    if (!message.add(change)) break;
    client_.free_ask(ask);
  }
  message.finish();
  return true;
}

void Asker::on_lost(bool late) { client_.on_lost(*this, late); }

}  // namespace masu::bitswap
