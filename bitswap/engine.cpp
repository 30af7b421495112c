#include "bitswap/engine.hpp"

#include <algorithm>
#include <utility>

namespace masu::bitswap {
namespace {

// Of one peer in a batch, so that many wants of one do not keep the others waiting.
constexpr std::size_t lookups_in_turn = 8;
// A peer with few wants finds room as soon as another has so many more.
constexpr std::size_t few_wants = 8;
constexpr std::size_t piece_bytes_max = SendJob::piece_chunks_max * chunk_bytes;
// Until memory is asked for again that was not there.
constexpr Duration memory_wait = 5ms;
// Until a want that found no room is offered again, if nothing happens.
constexpr Duration room_wait = 250ms;
// While the table is full, a peer that takes nothing of its message for so long loses its wants.
constexpr Duration stall_max = 1s;

// Then a job or the stream counts on it.
bool is_in_message(const ServerWant& want) {
  return want.state == WantState::reading || want.state == WantState::sending;
}

template <class Tag>
IntrusiveListNode<Responder, Tag>& in(Responder& responder) {
  return responder;
}

}  // namespace

Engine::Engine(net::Host& host, store::BlockStore& blocks, store::Jobs& jobs, ChunkPool& chunks,
               Account& wants, Account& sends, std::pmr::memory_resource& memory,
               const net::HashSecret& secret, const BitswapLimits& limits, BitswapStat& stat)
    : host_(host),
      blocks_(blocks),
      jobs_(jobs),
      chunks_(chunks),
      sends_(sends),
      limits_(limits),
      stat_(stat),
      wants_(wants, memory, secret, limits.wants),
      lookup_jobs_(wants, limits.lookups),
      send_jobs_(wants, limits.sends) {}

void Engine::open(Responder& responder) {
  wants_.open(responder.ledger());
  responders_.push_back(responder);
}

void Engine::close(Responder& responder) {
  drop_wants(responder);
  responder.retire();
  in<InStalled>(responder).unlink();
  in<InResponders>(responder).unlink();
  pump_sends();
  resume_stalled();
}

void Engine::stop() {
  stopped_ = true;
  cancel();
  for (Responder& responder : responders_) {
    drop_wants(responder);
    responder.retire();
    in<InStalled>(responder).unlink();
  }
}

// --- Wants. ---

bool Engine::on_want(Responder& responder, const WantEntry& entry, std::uint32_t message) {
  if (stopped_ || !limits_.server || responder.given_up() || entry.cid.hash().is_identity()) return true;
  ServerWant* want = wants_.find(responder.ledger(), entry.cid.bytes());
  if (entry.cancel) {
    if (want != nullptr && !is_in_message(*want)) remove(*want);
    return true;
  }
  const bool known = want != nullptr;
  if (!known) {
    want = make_room(responder) ? wants_.add(responder.ledger(), entry.cid) : nullptr;
    // Long CIDs are fewer than wants.
    Ledger& own = responder.ledger();
    if (want == nullptr && own.has(WantState::absent)) {
      remove(own.list(WantState::absent).front());
      want = wants_.add(own, entry.cid);
    }
    if (want == nullptr) {
      // With nothing in the table nobody would tell of room.
      if (wants_.size() == 0) return true;
      if (!in<InStalled>(responder).linked()) stalled_.push_back(responder);
      arm(room_wait);
      return false;
    }
    want->type = entry.type;
  }
  want->priority = entry.priority;
  want->message = message;
  want->send_dont_have = entry.send_dont_have;
  const bool upgraded = want->type == WantType::have && entry.type == WantType::block;
  if (upgraded) want->type = WantType::block;
  if (!known || want->state == WantState::absent || (upgraded && want->state == WantState::answer)) {
    look_up(*want);
  }
  return true;
}

// Whether there is room for one more want of this peer.
bool Engine::make_room(Responder& responder) {
  Ledger& own = responder.ledger();
  if (own.size() >= limits_.wants_per_peer) {
    if (!own.has(WantState::absent)) return false;
    remove(own.list(WantState::absent).front());
    return true;
  }
  if (wants_.size() < limits_.wants) return true;
  Ledger* victim = &own;
  for (Responder& other : responders_) {
    if (other.ledger().count(WantState::absent) > victim->count(WantState::absent)) victim = &other.ledger();
  }
  if (victim->has(WantState::absent) && (victim == &own || victim->size() >= own.size())) {
    remove(victim->list(WantState::absent).front());
    return true;
  }
  // None is absent. A peer that has stopped reading loses all; else one that holds much loses what it put
  // last.
  Responder* stuck = nullptr;
  for (Responder& other : responders_) {
    if (other.ledger().size() > victim->size()) victim = &other.ledger();
    if (other.stalled_for() >= stall_max &&
        (stuck == nullptr || other.ledger().size() > stuck->ledger().size())) {
      stuck = &other;
    }
  }
  if (stuck != nullptr && stuck->ledger().size() > 0) {
    abandon(*stuck);
    return true;
  }
  // The fewer it has the sooner: where many fill the table evenly, none has much more than its share.
  const std::size_t more = std::min(limits_.wants_per_peer / 2, own.size() + few_wants);
  if (victim->size() <= own.size() + more) return false;
  for (const WantState state : {WantState::unknown, WantState::answer, WantState::ready}) {
    if (!victim->has(state)) continue;
    remove(victim->list(state).back());
    return true;
  }
  return false;
}

void Engine::abandon(Responder& responder) {
  responder.abandon();
  responder.blocks_in_message_ = false;
  drop_wants(responder);
}

void Engine::remove(ServerWant& want) {
  if (want.job != nullptr) want.job->forget(want);
  wants_.remove(want);
}

// What it has not read yet of its messages waits for room like before.
void Engine::drop_wants(Responder& responder) {
  give_back(responder);
  in<InLookupQueue>(responder).unlink();
  in<InSendQueue>(responder).unlink();
  responder.ledger().for_each([&](ServerWant& want) { remove(want); });
}

void Engine::on_full_message(Responder& responder, std::uint32_t message) {
  responder.ledger().for_each([&](ServerWant& want) {
    if (want.message < message && !is_in_message(want)) remove(want);
  });
}

void Engine::on_block_stored(const Multihash& hash) {
  wants_.for_each_of_hash(hash.bytes(), [&](ServerWant& want) {
    if (want.state == WantState::looking) want.look_again = true;
    const bool denied = want.state == WantState::answer && want.presence == Presence::dont_have;
    if (want.state == WantState::absent || denied) look_up(want);
  });
}

// --- What is here. ---

void Engine::look_up(ServerWant& want) {
  want.ledger.move(want, WantState::unknown);
  Responder& responder = want.ledger.responder();
  if (!in<InLookupQueue>(responder).linked()) lookup_queue_.push_back(responder);
  pump_lookups();
}

void Engine::pump_lookups() {
  while (!lookup_queue_.empty() && !stopped_) {
    LookupJob* const job = lookup_jobs_.create(*this, blocks_);
    if (job == nullptr) {
      if (lookup_jobs_.used() == 0) arm(memory_wait);  // else the next one that comes back goes on
      return;
    }
    while (!job->full() && !lookup_queue_.empty()) {
      Responder& responder = *lookup_queue_.pop_front();
      Ledger& ledger = responder.ledger();
      for (std::size_t i = 0; i < lookups_in_turn && !job->full() && ledger.has(WantState::unknown); ++i) {
        ServerWant& want = ledger.list(WantState::unknown).front();
        ledger.move(want, WantState::looking);
        job->add(want);
      }
      if (ledger.has(WantState::unknown)) lookup_queue_.push_back(responder);
    }
    if (job->size() > 0 && jobs_.post(*job, store::JobClass::read)) continue;
    const bool refused = job->size() > 0;
    for (std::size_t i = 0; i < job->size(); ++i) {
      ServerWant& want = *job->want(i);
      want.job = nullptr;
      want.ledger.move(want, WantState::unknown);
      Responder& responder = want.ledger.responder();
      if (!in<InLookupQueue>(responder).linked()) lookup_queue_.push_back(responder);
    }
    lookup_jobs_.destroy(job);
    if (refused && !JobRoomWaiter::linked()) jobs_.wait_for_room(*this, store::JobClass::read);
    if (refused) return;
  }
}

void Engine::on_looked_up(LookupJob& job) {
  for (std::size_t i = 0; i < job.size(); ++i) {
    ServerWant* const want = job.want(i);
    if (want == nullptr) continue;
    want->job = nullptr;
    settle(*want, job.bytes(i));
  }
  lookup_jobs_.destroy(&job);
  pump_lookups();
  resume_stalled();
}

// What is to be done with a want whose block is here (`bytes`) or not.
void Engine::settle(ServerWant& want, std::optional<std::uint32_t> bytes) {
  const bool again = std::exchange(want.look_again, false);
  if (!bytes && again) return look_up(want);
  Ledger& ledger = want.ledger;
  if (bytes) {
    want.bytes = *bytes;
    want.presence = Presence::have;
    const bool block = want.type == WantType::block || *bytes <= have_replaced_bytes;
    ledger.move(want, block ? WantState::ready : WantState::answer);
  } else {
    want.presence = Presence::dont_have;
    ledger.move(want, want.send_dont_have ? WantState::answer : WantState::absent);
    if (!want.send_dont_have) return;
  }
  ledger.responder().wake();
}

void Engine::resume_stalled() {
  for (std::size_t left = stalled_.size(); left > 0 && !stalled_.empty(); --left) {
    stalled_.pop_front()->its_peer_.on_want_room();
  }
}

// --- Sending. ---

void Engine::want_job(Responder& responder) {
  queue_to_send(responder);
  pump_sends();
}

void Engine::queue_to_send(Responder& responder) {
  if (in<InSendQueue>(responder).linked()) return;
  const Rank rank = responder.slow_                   ? Rank::slow
                    : responder.its_peer_.has_given() ? Rank::givers
                                                      : Rank::others;
  send_queues_[static_cast<std::size_t>(rank)].push_back(responder);
}

bool Engine::anyone_waits() const {
  return std::ranges::any_of(send_queues_, [](const SendQueue& queue) { return !queue.empty(); });
}

bool Engine::may_read_ahead() const {
  return !anyone_waits() && sends_.live_bytes() + piece_bytes_max <= sends_.quota_bytes() / 2;
}

// Whether one more that has given nothing may send: with what those hold already a piece is left.
bool Engine::leaves_room_for_givers() const {
  if (sends_.quota_bytes() < 2 * piece_bytes_max) return true;  // there is one for all
  if (sends_.live_bytes() + 2 * piece_bytes_max <= sends_.quota_bytes()) return true;
  const auto holders = std::ranges::count_if(responders_, [](const Responder& responder) {
    return responder.sends() && (responder.slow_ || !responder.its_peer_.has_given());
  });
  return (static_cast<std::size_t>(holders) + 2) * piece_bytes_max <= sends_.quota_bytes();
}

// Null: nobody, now.
Responder* Engine::next_to_send() {
  if (stopped_ || JobRoomWaiter::linked() || !anyone_waits()) return nullptr;
  std::array<Rank, rank_count> order{Rank::givers, Rank::others, Rank::slow};
  if (turns_ % 4 == 3) std::swap(order[0], order[1]);
  if (turns_ % 16 == 15) std::swap(order[0], order[2]);
  for (const Rank rank : order) {
    SendQueue& queue = send_queues_[static_cast<std::size_t>(rank)];
    if (queue.empty() || (rank != Rank::givers && !leaves_room_for_givers())) continue;
    ++turns_;
    return queue.pop_front();
  }
  arm(memory_wait);
  return nullptr;
}

void Engine::pump_sends() {
  while (send_jobs_.used() < send_jobs_.capacity()) {
    Responder* const next = next_to_send();
    if (next == nullptr) return;
    SendJob* const job = send_jobs_.create(*this, blocks_, chunks_, sends_);
    if (job == nullptr) {  // no page for it
      queue_to_send(*next);
      return arm(memory_wait);
    }
    begin(*next, *job);
  }
}

void Engine::begin(Responder& responder, SendJob& job) {
  Ledger& ledger = responder.ledger();
  responder.job_ = &job;
  responder.read_done_ = false;
  job.start(responder, responder.dialect());
  if (responder.blocks_in_message_ && responder.body_bytes_missing() > 0) {
    for (const ServerWant& want : ledger.list(WantState::sending)) job.add(want);
    job.read_from(responder.body_bytes_ - responder.body_bytes_missing(), true);
  } else {
    std::size_t bytes = 0;
    while (ledger.has(WantState::ready) && !job.full()) {
      ServerWant& want = ledger.best_ready();
      if (job.size() > 0 && bytes + want.bytes > SendJob::batch_bytes_max) break;
      bytes += want.bytes;
      ledger.move(want, WantState::reading);
      job.add(want);
    }
    job.read_from(0, false);
  }
  if (job.size() == 0) return give_back(responder);
  post(job);
}

void Engine::post(SendJob& job) {
  job.set_running(true);
  if (jobs_.post(job, store::JobClass::read)) return;
  job.set_running(false);
  Responder& responder = *job.responder();
  queue_to_send(responder);
  if (!JobRoomWaiter::linked()) jobs_.wait_for_room(*this, store::JobClass::read);
  give_back(responder);
}

void Engine::on_read(SendJob& job) {
  job.set_running(false);
  Responder* const responder = job.responder();
  if (responder == nullptr) {
    send_jobs_.destroy(&job);
    return pump_sends();
  }
  if (job.outcome() == SendJob::Outcome::failed) return responder->fail();
  if (job.outcome() == SendJob::Outcome::no_memory) {
    arm(memory_wait);
    queue_to_send(*responder);
    responder->job_ = nullptr;
    send_jobs_.destroy(&job);
    return unsend(*responder);
  }
  responder->read_done_ = true;
  if (!job.begun()) {
    std::size_t at = 0;
    IntrusiveList<ServerWant>& reading = responder->ledger().list(WantState::reading);
    for (auto next = reading.begin(); next != reading.end(); ++at) {
      ServerWant& want = *next++;
      want.bytes = job.block_bytes(at);
      if (job.missing(at)) settle(want, std::nullopt);
    }
  }
  responder->compose_early();
}

// The responder has no job any more.
void Engine::give_back(Responder& responder) {
  SendJob* const job = std::exchange(responder.job_, nullptr);
  if (job == nullptr) return;
  responder.read_done_ = false;
  unsend(responder);
  if (job->running()) return job->forget();
  send_jobs_.destroy(job);
}

// What was chosen for a message that has not begun is to be chosen again.
void Engine::unsend(Responder& responder) {
  Ledger& ledger = responder.ledger();
  for (const WantState state : {WantState::reading, WantState::sending}) {
    if (state == WantState::sending && responder.blocks_in_message_) return;
    while (ledger.has(state)) ledger.move(ledger.list(state).front(), WantState::ready);
  }
}

void Engine::on_job_room() noexcept {
  pump_lookups();
  pump_sends();
}

void Engine::on_timer(TimePoint) {
  pump_lookups();
  pump_sends();
  resume_stalled();
}

void Engine::arm(Duration after) {
  const TimePoint at = host_.now() + after;
  if (!armed() || deadline() > at) host_.timers().arm(*this, at);
}

}  // namespace masu::bitswap
