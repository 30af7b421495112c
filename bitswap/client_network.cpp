#include "bitswap/client.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace masu::bitswap {
namespace {

constexpr std::size_t broadcasts_max = 64;       // of a session
constexpr std::size_t first_broadcasts_max = 8;  // of one that knows nobody yet
constexpr std::uint32_t misses_max = 16;         // in a row: a peer is no member any more
constexpr std::uint32_t trusted_hits = 4;        // in a row: others need not be asked as well
constexpr std::size_t others_max = 2;
constexpr Duration tick = 250ms;
constexpr Duration widen_after = 1s;
constexpr Duration last_resort_after = 10s;
constexpr Duration tell_again_after = 30s;
constexpr Duration mute_time = 30s;
constexpr Duration silent_after = 5s;         // whose answer is not waited for when room is short
constexpr std::size_t again_after_ticks = 4;  // doubled each time
constexpr std::uint8_t again_max = 4;

}  // namespace

// --- Asks. ---

Ask* Client::find_ask(const ClientWant& want, const Asker& asker) {
  Ask* ask = want.asks;
  while (ask != nullptr && &ask->asker != &asker) ask = ask->next;
  return ask;
}

// Null: there are as many asks as may be.
Ask* Client::make_ask(ClientWant& want, Asker& asker) {
  if (asks_.full() && !spare_ask(want)) return nullptr;
  Ask* const ask = asks_.create(want, asker);
  if (ask != nullptr) ask->next = std::exchange(want.asks, ask);
  return ask;
}

// Tells, or tells anew. False: there are as many asks as may be.
bool Client::ask(ClientWant& want, Asker& asker, AskState state) {
  Ask* ask = find_ask(want, asker);
  if (ask == nullptr) ask = make_ask(want, asker);
  if (ask == nullptr) return false;
  asker.put(*ask, state);
  arm();
  return true;
}

// One that gave way, and whose answer comes. Null also for a want that asks nobody (its block is here, say):
// nothing would free it.
Ask* Client::remember(ClientWant& want, Asker& asker) {
  const bool asks = want.state == ClientWantState::urgent || want.state == ClientWantState::broadcast ||
                    want.state == ClientWantState::asked;
  if (!asks) return nullptr;
  Ask* const ask = make_ask(want, asker);
  if (ask == nullptr) return nullptr;
  ask->told = true;
  asker.put(*ask, AskState::dont_have);
  return ask;
}

// Of who had nothing to give, or is silent, the table need not know: else a few such peers would fill it, and
// who has the blocks would never be asked. It may be asked again in its turn, and what it says or sends after
// all is taken. False: none gives way.
bool Client::spare_ask(const ClientWant& want) {
  const TimePoint silent_since = host_.now() - silent_after;
  const auto free_first = [&](IntrusiveList<Ask, InSpare>& asks, bool only_silent) {
    for (Ask& ask : asks) {
      if (only_silent && ask.sent_at > silent_since) return false;
      if (ask.want == &want) continue;
      ask.asker.forgotten_ = true;
      free_ask(ask);
      return true;
    }
    return false;
  };
  return free_first(missed_, false) || free_first(unanswered_, true);
}

// An `over` want goes with its last ask.
void Client::free_ask(Ask& ask) {
  ClientWant& want = *ask.want;
  Ask** link = &want.asks;
  while (*link != &ask) link = &(*link)->next;
  *link = ask.next;
  if (want.block_ask == &ask) want.block_ask = nullptr;
  if (ask.for_block()) --ask.asker.outstanding_;
  asks_.destroy(&ask);
  if (want.state == ClientWantState::over && want.asks == nullptr) wants_.destroy(&want);
}

// Nothing is wanted any more of those that were told, but for who delivered.
void Client::cancel_asks(ClientWant& want, const Asker* deliverer) {
  want.block_ask = nullptr;
  for (Ask* ask = want.asks; ask != nullptr;) {
    Ask& one = *std::exchange(ask, ask->next);
    // Cancels are a courtesy, and the first to go when room is short.
    const bool owed = one.told && &one.asker != deliverer && !one.asker.given_up();
    if (owed && asks_.used() < limits_.asks * 7 / 8) {
      one.asker.put(one, AskState::cancel);
    } else {
      free_ask(one);
    }
  }
}

// --- Who is asked. ---

void Client::pump() {
  if (stopped_) return;
  for (Session& session : sessions_) admit(session);
  pump_looks();
  for (Session& session : sessions_) pump(session);
  // The next time another one is first.
  if (sessions_.size() > 1) sessions_.push_back(*sessions_.pop_front());
}

void Client::pump(Session& session) {
  while (ClientWant* const want = session.next_to_ask()) {
    const Choice choice = choose(session, *want);
    if (choice.asker != nullptr) {
      if (!ask_block(*want, *choice.asker)) return;
      ask_others(*want, *choice.asker);
      continue;
    }
    if (choice.wait) return;
    const std::size_t most = session.member_count_ == 0 ? first_broadcasts_max : broadcasts_max;
    if (session.list(ClientWantState::broadcast).size() >= most) return;
    broadcast(*want);
  }
}

// The member that will be soonest; of those that are known to have it, if there are any.
Client::Choice Client::choose(Session& session, ClientWant& want) {
  double unknown_rate = 1 << 20;
  for (const Session::Member& member : session.members()) {
    unknown_rate = std::max(unknown_rate, member.asker->rate());
  }
  Choice choice;
  double best_wait = 0;
  bool best_has = false;
  for (const Session::Member& member : session.members()) {
    Asker& asker = *member.asker;
    const Ask* const ask = find_ask(want, asker);
    if (asker.given_up() || (ask != nullptr && ask->state == AskState::dont_have)) continue;
    choice.wait = true;
    if (asker.outstanding() >= asker.window()) continue;
    const bool has = ask != nullptr && ask->state == AskState::has;
    const double wait = asker.expected_wait(unknown_rate);
    if (choice.asker != nullptr && (best_has > has || (best_has == has && best_wait <= wait))) continue;
    choice.asker = &asker;
    best_wait = wait;
    best_has = has;
  }
  return choice;
}

bool Client::ask_block(ClientWant& want, Asker& asker) {
  if (asker.outstanding() == 0) host_.expect_bytes(asker.peer());
  if (!ask(want, asker, AskState::block_unsent)) return false;
  want.block_ask = find_ask(want, asker);
  want.session->move(want, ClientWantState::asked);
  return true;
}

// Others are asked whether they have it, so that a miss costs no search; not while the one that is asked for
// the block has had everything lately, since small blocks come instead of a HAVE.
void Client::ask_others(ClientWant& want, const Asker& asker) {
  Session& session = *want.session;
  const Session::Member* const chosen = session.member(asker);
  if (chosen == nullptr || chosen->hits_in_a_row >= trusted_hits || asks_.used() >= limits_.asks / 2) return;
  std::size_t others = 0;
  for (const Session::Member& member : session.members()) {
    if (others == others_max) return;
    if (member.asker == &asker || member.asker->given_up() || !member.asker->knows_presences()) continue;
    if (find_ask(want, *member.asker) == nullptr && ask(want, *member.asker, AskState::have_unsent)) ++others;
  }
}

void Client::broadcast(ClientWant& want) {
  want.session->move(want, ClientWantState::broadcast);
  want.told_at = host_.now();
  const bool known = std::ranges::any_of(askers_, &Asker::has_sent_blocks);
  want.circle = known ? Circle::proven : Circle::likely;
  ask_around(want);
  if (want.again == 0) return ask_late_again(want);
  want.again_ticks = static_cast<std::uint16_t>(again_after_ticks << (want.again - 1));
}

// Whose block did not come may have it all the same: a message is lost where a stream is refused or reset. So
// when nobody else is known to have it, those are asked whether they do: at once, then a second later, two,
// four, … A block that is only slow does not come twice by that.
void Client::ask_late_again(ClientWant& want) {
  bool any = false;
  for (Ask* ask = want.asks; ask != nullptr; ask = ask->next) {
    const bool waits = ask->state == AskState::dont_have || ask->state == AskState::have_sent;
    if (!ask->late || !waits || ask->asker.given_up()) continue;
    any = true;
    ask_whether(want, ask->asker);
  }
  want.again_ticks = 0;
  if (!any) return;
  const auto passed = static_cast<std::size_t>((host_.now() - want.told_at) / tick);
  want.again_ticks = static_cast<std::uint16_t>(passed + (again_after_ticks << want.again));
  if (want.again < again_max) ++want.again;
}

bool Client::is_within(Circle circle, Asker& asker) const {
  const BroadcastControl& control = limits_.broadcast;
  if (asker.has_sent_blocks() || circle == Circle::all) return true;
  if (circle == Circle::proven) return false;
  if (!control.enable || (!control.spare_local && host_.is_local(asker.peer()))) return true;
  if (host_.has_tag(asker.peer(), net::peer_tag::giver)) return true;
  if (!control.spare_chosen && (host_.has_tag(asker.peer(), net::peer_tag::user_connect) ||
                                host_.has_tag(asker.peer(), net::peer_tag::peering))) {
    return true;
  }
  return control.pending_peers && asker.has_something_to_say();
}

bool Client::ask_whether(ClientWant& want, Asker& asker) {
  return ask(want, asker, asker.knows_presences() ? AskState::have_unsent : AskState::block_unsent);
}

void Client::ask_around(ClientWant& want) {
  const BroadcastControl& control = limits_.broadcast;
  std::size_t room = std::numeric_limits<std::size_t>::max();
  if (control.enable && control.peers_max) {
    room = *control.peers_max;
    for (const Ask* ask = want.asks; ask != nullptr && room > 0; ask = ask->next) --room;
  }
  // Where a cap ends the round, the next begins behind.
  const auto ask_those = [&](std::size_t& count, bool within) {
    for (std::size_t left = askers_.size(); left > 0 && count > 0 && room > 0; --left) {
      Asker& asker = *askers_.pop_front();
      askers_.push_back(asker);
      if (asker.given_up() || find_ask(want, asker) != nullptr) continue;
      if (is_within(want.circle, asker) != within) continue;
      if (!ask_whether(want, asker)) return;
      --count;
      --room;
    }
  };
  std::size_t any = std::numeric_limits<std::size_t>::max();
  std::size_t random = want.circle == Circle::likely ? control.random_peers : 0;
  ask_those(any, true);
  ask_those(random, false);
  arm();
}

// --- What peers say. ---

void Client::open(Asker& asker) {
  if (asker.IntrusiveListNode<Asker>::linked() || stopped_) return;
  askers_.push_back(asker);
  // Who is new is asked in any case: it may be here because it has what is wanted.
  const BroadcastControl& control = limits_.broadcast;
  const bool searches_nobody = control.enable && control.peers_max == std::size_t{0};
  for (Session& session : sessions_) {
    for (ClientWant& want : session.list(ClientWantState::broadcast)) {
      if (!searches_nobody && !ask_whether(want, asker)) break;
    }
  }
  pump();
}

void Client::close(Asker& asker) {
  drop_asks(asker);
  asker.IntrusiveListNode<Asker>::unlink();
  asker.retire();
  pump();
}

void Client::on_presence(Asker& asker, const Cid& cid, Presence presence) {
  ClientWant* const want = index_.find(cid.hash_bytes());
  if (want == nullptr) return;
  Ask* ask = find_ask(*want, asker);
  if (ask == nullptr && asker.forgotten_ && presence == Presence::have) ask = remember(*want, asker);
  if (ask == nullptr || !ask->told || ask->state == AskState::cancel) return;
  asker.note_answer(*ask, host_.now());
  ask->late = false;
  if (presence == Presence::dont_have) return on_missing(*ask, false);
  if (Session::Member* const member = want->session->add_member(asker)) member->misses_in_a_row = 0;
  if (ask->for_block()) return;
  asker.put(*ask, AskState::has);
  if (want->state != ClientWantState::broadcast) return;
  if (asker.outstanding() < asker.window() && ask_block(*want, asker)) return;
  want->session->move(*want, ClientWantState::urgent);
}

// The peer does not have it, or did not send it in time (`late`).
void Client::on_missing(Ask& ask, bool late) {
  ClientWant& want = *ask.want;
  Asker& asker = ask.asker;
  const bool was_asked = want.block_ask == &ask;
  asker.put(ask, AskState::dont_have);
  ask.late = late;
  Session& session = *want.session;
  if (Session::Member* const member = session.member(asker)) {
    member->hits_in_a_row = 0;
    if (++member->misses_in_a_row >= misses_max) session.remove_member(asker);
  }
  if (!was_asked) return;
  want.block_ask = nullptr;
  session.move(want, ClientWantState::urgent);
}

void Client::on_block(Asker& asker, ReceivedBlock block) {
  const std::size_t bytes = block.bytes.size();
  ++stat_.blocks_received;
  stat_.data_received += bytes;
  ClientWant* const want = index_.find(block.hash.bytes());
  if (want == nullptr || want->state == ClientWantState::storing) {
    ++stat_.duplicate_blocks_received;
    stat_.duplicate_data_received += bytes;
    return asker.note_unwanted();
  }
  const bool is_first = !asker.has_sent_blocks();
  asker.note_block(bytes, find_ask(*want, asker), host_.now());
  if (Session::Member* const member = want->session->add_member(asker)) {
    member->misses_in_a_row = 0;
    ++member->hits_in_a_row;
    if (!member->held) member->held = asker.hold();
  }
  cancel_asks(*want, &asker);
  if (want->job != nullptr) std::exchange(want->job, nullptr)->forget(*want);
  want->session->move(*want, ClientWantState::storing);
  want->again_ticks = 0;
  store(std::move(block));
  if (is_first) listener_.on_giver(asker.peer());
  pump();
}

// --- Peers that fail. ---

// Who has given before is only asked again: perhaps we had no memory for what it sends.
void Client::on_too_slow(Asker& asker) {
  const bool giver = asker.has_sent_blocks();
  if (!giver) asker.muted_until_ = host_.now() + mute_time;
  give_up_asks(asker, giver);
}

void Client::on_no_memory(Asker& asker) { give_up_asks(asker, true); }

void Client::give_up_asks(Asker& asker, bool ask_again) {
  for (IntrusiveList<Ask>* asks : {&asker.expected_, &asker.unsent_}) {
    for (std::size_t left = asks->size(); left > 0; --left) on_missing(asks->front(), ask_again);
  }
  for (Session& session : sessions_) session.remove_member(asker);
  pump();
}

void Client::drop_asks(Asker& asker) {
  const auto drop_all = [&](IntrusiveList<Ask>& asks) {
    while (!asks.empty()) {
      Ask& ask = asks.front();
      ClientWant& want = *ask.want;
      if (want.block_ask == &ask) want.session->move(want, ClientWantState::urgent);
      free_ask(ask);
    }
  };
  drop_all(asker.cancels_);
  drop_all(asker.unsent_);
  drop_all(asker.expected_);
  drop_all(asker.told_);
  for (Session& session : sessions_) session.remove_member(asker);
}

void Client::on_lost(Asker& asker, bool late) {
  if (asker.given_up()) {
    drop_asks(asker);
    return pump();
  }
  while (!asker.cancels_.empty()) free_ask(asker.cancels_.front());
  const auto again = [&](IntrusiveList<Ask>& asks) {
    for (std::size_t left = asks.size(); left > 0; --left) {
      Ask& ask = asks.front();
      if (ask.for_block() && late) {
        on_missing(ask, true);
      } else if (ask.state == AskState::block_sent) {
        asker.put(ask, AskState::block_unsent);
      } else {
        const bool unanswered = ask.state == AskState::have_sent;
        asker.put(ask, unanswered ? AskState::have_unsent : ask.state);
      }
    }
  };
  again(asker.unsent_);
  again(asker.expected_);
  again(asker.told_);
  pump();
}

// --- Time. ---

void Client::arm() {
  if (stopped_) return;
  const TimePoint now = host_.now();
  if (!deferred_.empty()) return host_.timers().arm(*this, now);
  const bool starved = std::ranges::any_of(
      sessions_, [](Session& session) { return !session.list(ClientWantState::starved).empty(); });
  if (asks_.used() == 0 && index_.size() == 0 && !starved) return cancel();
  if (!armed()) host_.timers().arm(*this, std::max(next_tick_, now + tick));
}

void Client::on_timer(TimePoint now) {
  tell_outcomes();
  if (now >= next_tick_) {
    next_tick_ = now + tick;
    for (Asker& asker : askers_) on_tick(asker, now);
    for (Session& session : sessions_) on_tick(session, now);
    pump();
  }
  arm();
}

void Client::on_tick(Asker& asker, TimePoint now) {
  while (Ask* const ask = asker.overdue(now)) on_missing(*ask, true);
}

void Client::on_tick(Session& session, TimePoint now) {
  look_for_starved(session);
  IntrusiveList<ClientWant>& searching = session.list(ClientWantState::broadcast);
  for (auto at = searching.begin(); at != searching.end();) {
    ClientWant& want = *at++;
    if (want.circle == Circle::proven && now - want.told_at >= widen_after) {
      want.circle = Circle::likely;
      ask_around(want);
    }
    if (want.circle == Circle::likely && limits_.broadcast.last_resort &&
        now - want.told_at >= last_resort_after) {
      want.circle = Circle::all;
      ask_around(want);
    }
    if (want.again_ticks != 0 && now - want.told_at >= want.again_ticks * tick) ask_late_again(want);
    if (now - want.told_at < tell_again_after) continue;
    want.told_at = now;
    if (want.again_ticks != 0) want.again_ticks = again_after_ticks << want.again;
    for (Ask* ask = want.asks; ask != nullptr; ask = ask->next) {
      const bool block = !ask->asker.knows_presences();
      if (ask->told) ask->asker.put(*ask, block ? AskState::block_unsent : AskState::have_unsent);
    }
    ask_around(want);
  }
}

}  // namespace masu::bitswap
