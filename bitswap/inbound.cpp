#include "bitswap/inbound.hpp"

#include "bitswap/peer.hpp"

#include <algorithm>
#include <utility>

namespace masu::bitswap {
namespace {

constexpr Duration check_interval = 1s;
constexpr Duration silence_max = 10s;
constexpr Duration giver_grace = 5s;  // it may be slow because we had no memory for what it sends
constexpr std::size_t bytes_each_check_min = 32 * 1024;  // while others wait
constexpr Duration memory_wait = 5ms;

template <class Tag>
IntrusiveListNode<Inbound, Tag>& in(Inbound& stream) {
  return stream;
}

}  // namespace

Intake::Intake(net::Host& host, Engine& engine, Client& client, ChunkPool& chunks, Account& streams,
               Account& blocks, std::pmr::memory_resource& digests, const BitswapLimits& limits,
               BitswapStat& stat)
    : host_(host),
      engine_(engine),
      client_(client),
      stat_(stat),
      room_(chunks, limits.block_bytes),
      blocks_{chunks, blocks, digests},
      streams_(streams, limits.inbound_streams) {}

Inbound* Intake::create(Peer& peer) { return streams_.create(*this, peer); }

Intake::Waiting& Intake::waiting(const Inbound& stream) {
  return stream.of_giver() ? waiting_givers_ : waiting_;
}

void Intake::pump() {
  while (anyone_waits() && turn_ == nullptr) {
    Waiting& queue = waiting_givers_.empty() ? waiting_ : waiting_givers_;
    Inbound* const first = queue.pop_front();
    turn_ = first;
    first->resume();
    turn_ = nullptr;
    // It is in front again: there is still no room.
    if (!queue.empty() && &queue.front() == first) return;
  }
}

void Intake::arm(Duration after) {
  const TimePoint at = host_.now() + after;
  if (!armed() || deadline() > at) host_.timers().arm(*this, at);
}

// Whether another peer waits for what the stream holds.
bool Intake::others_wait_for(const Inbound& stream) const {
  const auto other = [&](const Inbound& waits) { return &waits.peer_ != &stream.peer_; };
  return std::ranges::any_of(waiting_givers_, other) || std::ranges::any_of(waiting_, other);
}

void Intake::on_timer(TimePoint now) {
  if (now - checked_at_ >= check_interval) {
    checked_at_ = now;
    check(now);
  }
  pump();
  const bool rests = gathering_.empty() && room_.used_bytes() == 0;
  if (rests) {
    room_.rest();
  } else {
    arm(check_interval);
  }
  if (anyone_waits()) arm(memory_wait);
}

// Looks for peers that hold memory and do not fill it, and for blocks that get no further for want of it.
void Intake::check(TimePoint now) {
  Inbound* last = nullptr;  // of those that hold room and wait for a chunk
  std::size_t holders = 0;
  bool stuck = false;
  for (auto at = gathering_.begin(); at != gathering_.end();) {
    Inbound& stream = *at++;
    const std::uint64_t taken = stream.reader_.block_bytes_taken();
    const std::uint64_t came = taken - std::exchange(stream.bytes_at_check_, taken);
    const bool waits_for_us = stream.reader_.stall() != MessageReader::Stall::none;
    if (came > 0 || waits_for_us) stream.progress_at_ = now;
    if (stream.reader_.holds_room()) {
      ++holders;
      const bool for_chunk = stream.reader_.stall() == MessageReader::Stall::chunk;
      if (for_chunk) last = &stream;
      stuck |= for_chunk && came == 0;
    }
    const bool slow = stream.reader_.holds_room() && came < bytes_each_check_min && !waits_for_us &&
                      now - stream.began_at_ >= (stream.of_giver() ? giver_grace : check_interval) &&
                      others_wait_for(stream);
    if (!slow && now - stream.progress_at_ < silence_max) continue;
    if (last == &stream) last = nullptr;
    Asker& asker = stream.peer_.asker;
    stream.reset();
    client_.on_too_slow(asker);
  }
  if (!stuck || holders < 2 || last == nullptr) return;
  // As when the budget was made smaller: all hold a part, and none can end. The last one that began makes
  // room.
  Asker& asker = last->peer_.asker;
  last->reset();
  client_.on_no_memory(asker);
}

Inbound::Inbound(Intake& intake, Peer& peer) : intake_(intake), peer_(peer), reader_(intake.blocks_, *this) {
  peer.inbound.push_back(*this);
}

std::size_t Inbound::on_data(net::Stream&, Bytes bytes) {
  // It waits for its turn, or what it has fits nowhere yet.
  if (reader_.stall() != MessageReader::Stall::none) return 0;
  const auto used = reader_.feed(bytes);
  if (!used) {
    reset();
    return bytes.size();
  }
  after_feed();
  return *used;
}

void Inbound::resume() {
  if (stream_ == nullptr) return;
  if (!reader_.feed({})) return reset();
  if (after_feed() && reader_.stall() == MessageReader::Stall::none) stream_->resume_reading();
}

// Notes what it waits for and what it holds. False: it is destroyed.
bool Inbound::after_feed() {
  switch (reader_.stall()) {
    case MessageReader::Stall::none:
      if (!remote_closed_) break;
      if (!reader_.between_messages()) {
        reset();
        return false;
      }
      std::exchange(stream_, nullptr)->release();
      destroy();
      return false;
    case MessageReader::Stall::want: break;
    case MessageReader::Stall::chunk: intake_.arm(memory_wait); [[fallthrough]];
    case MessageReader::Stall::room:
    case MessageReader::Stall::block:
      if (in<InWaiting>(*this).linked()) break;
      if (intake_.turn_ == this) {
        intake_.waiting(*this).push_front(*this);
      } else {
        intake_.waiting(*this).push_back(*this);
      }
  }
  if (!reader_.in_block()) {
    in<InGathering>(*this).unlink();
    return true;
  }
  const TimePoint now = intake_.host_.now();
  peer_.asker.note_progress(now);
  if (!in<InGathering>(*this).linked()) {
    progress_at_ = began_at_ = now;
    bytes_at_check_ = reader_.block_bytes_taken();
    intake_.gathering_.push_back(*this);
    intake_.arm(check_interval);
  }
  return true;
}

void Inbound::on_remote_close(net::Stream&) {
  remote_closed_ = true;
  if (reader_.stall() == MessageReader::Stall::none) after_feed();
}

void Inbound::on_closed(net::Stream*, net::StreamEnd) {
  stream_ = nullptr;
  destroy();
}

void Inbound::reset() {
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->reset();
  destroy();
}

void Inbound::destroy() {
  Intake& intake = intake_;
  const bool held = reader_.in_block() || in<InWaiting>(*this).linked();
  intake.streams_.destroy(this);
  if (held) intake.arm(0s);
}

// --- What the reader reads. ---

bool Inbound::on_want(const WantEntry& want) {
  if (message_ == 0) message_ = peer_.responder.ledger().next_message();
  return intake_.engine_.on_want(peer_.responder, want, message_);
}

void Inbound::on_presence(const Cid& cid, Presence presence) {
  intake_.client_.on_presence(peer_.asker, cid, presence);
}

bool Inbound::on_block_begin(std::size_t bytes) {
  if (peer_.asker.expects_blocks(intake_.host_.now())) return true;
  ++intake_.stat_.duplicate_blocks_received;
  intake_.stat_.duplicate_data_received += bytes;
  return false;
}

bool Inbound::of_giver() const { return peer_.asker.has_sent_blocks(); }

// A quarter is for peers that have given: what strangers begin and do not end would keep them waiting.
BlockRoom::Grant Inbound::take_room(std::size_t block_bytes) {
  const bool giver = of_giver();
  const bool others_first = giver ? !intake_.waiting_givers_.empty() : intake_.anyone_waits();
  if (intake_.turn_ != this && others_first) return {};
  return intake_.room_.take(block_bytes, giver ? 0 : intake_.room_.bytes_max() / 4);
}

bool Inbound::has_room_for_block() { return intake_.client_.has_room_for_block(); }

void Inbound::on_block(ReceivedBlock block) { intake_.client_.on_block(peer_.asker, std::move(block)); }

void Inbound::on_message_end(bool full) {
  ++intake_.stat_.messages_received;
  if (full) {
    if (message_ == 0) message_ = peer_.responder.ledger().next_message();
    intake_.engine_.on_full_message(peer_.responder, message_);
  }
  message_ = 0;
  intake_.client_.pump();
}

}  // namespace masu::bitswap
