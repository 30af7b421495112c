#include "bitswap/client.hpp"

#include "multiformats/digest.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace masu::bitswap {
namespace {

// Outcomes told before the loop gets a turn.
constexpr std::size_t outcomes_in_turn = 64;

IntrusiveListNode<Session, InDeferred>& deferral(Session& session) { return session; }

std::unexpected<store::StoreError> error_of(const ClientWant& want) {
  const Cid cid = want.cid.full();
  if (want.error == store::StoreErrorCode::refused) {
    const auto allowed = check_allowed(cid.hash());
    return store::fail(want.error, allowed ? std::string("refused") : explain(allowed.error(), cid.hash()));
  }
  std::string text = "cannot store block ";
  text.append(cid.to_string()).append(": ").append(name_of(want.error));
  return store::fail(want.error, std::move(text));
}

}  // namespace

Client::Client(net::Host& host, store::BlockStore& blocks, store::Jobs& jobs, ChunkPool& chunks,
               Account& wants, Account& sessions, std::pmr::memory_resource& memory,
               const net::HashSecret& secret, const BitswapLimits& limits, BitswapStat& stat,
               ClientListener& listener)
    : host_(host),
      blocks_(blocks),
      jobs_(jobs),
      chunks_(chunks),
      limits_(limits),
      stat_(stat),
      listener_(listener),
      wants_(wants, limits.client_wants),
      long_cids_(wants, limits.client_wants / 8 + 1),
      asks_(wants, limits.asks),
      session_runs_(sessions, Session::slab_bytes(sizeof(Session)), alignof(Session), limits.sessions),
      local_jobs_(sessions, limits.reads),
      store_jobs_(sessions, limits.writes),
      index_(memory, secret, limits.client_wants) {}

std::unique_ptr<store::BlockSource> Client::open_session() {
  if (stopped_) return nullptr;
  std::unique_ptr<Session> session(new (session_runs_) Session(*this));
  if (session != nullptr) sessions_.push_back(*session);
  return session;
}

void Client::stop() {
  stopped_ = true;
  cancel();
  for (Asker& asker : askers_) {
    drop_asks(asker);
    asker.retire();
  }
}

// --- What sessions ask for. ---

void Client::get(Session& session, const Cid& cid, Account& holder, store::BlockRequest& request) {
  if (stopped_) return;
  const Multihash hash = cid.hash();
  const bool identity = hash.is_identity();
  if (!identity) {
    // One of this session that waits for nobody yet serves as well.
    ClientWant* same = index_.find(hash.bytes());
    while (same != nullptr && (same->session != &session || same->request != nullptr)) same = same->next_same;
    if (same != nullptr) {
      same->request = &request;
      same->holder = &holder;
      if (same->state == ClientWantState::queued) session.move(*same, ClientWantState::urgent);
      return;
    }
  }
  if (!session.waiting_.empty() || !start(session, cid, holder, request)) {
    request.ask = {cid, &holder};
    session.waiting_.push_back(request);
  }
  pump_looks();
}

// False: there is no entry for it now.
bool Client::start(Session& session, const Cid& cid, Account& holder, store::BlockRequest& request) {
  ClientWant* const want = make_want(session, cid);
  if (want == nullptr) return false;
  want->request = &request;
  want->holder = &holder;
  const Multihash hash = cid.hash();
  if (hash.is_identity() || !check_allowed(hash)) {
    settle(*want, store::StoreErrorCode::refused);
  } else {
    lead_or_follow(*want);
  }
  return true;
}

void Client::admit(Session& session) {
  while (store::BlockRequest* const request = session.waiting_.pop_front()) {
    const store::BlockAsk ask = request->ask;
    if (start(session, ask.cid, *ask.holder, *request)) continue;
    return session.waiting_.push_front(*request);
  }
}

void Client::prefetch(Session& session, const Cid& cid) {
  const Multihash hash = cid.hash();
  if (stopped_ || hash.is_identity() || !check_allowed(hash) || index_.find(hash.bytes()) != nullptr) return;
  // The last quarter is for requests.
  if (wants_.used() >= limits_.client_wants * 3 / 4) return;
  ClientWant* const want = make_want(session, cid);
  if (want != nullptr) lead_or_follow(*want);
}

void Client::forget(Session& session, store::BlockRequest& request) {
  if (request.linked()) return request.unlink();
  for (IntrusiveList<ClientWant>& list : session.lists_) {
    for (ClientWant& want : list) {
      if (want.request != &request) continue;
      drop(want);
      return pump();
    }
  }
}

void Client::close(Session& session) {
  for (IntrusiveList<ClientWant>& list : session.lists_) {
    while (!list.empty()) drop(list.front());
  }
  session.remove_members();
  if (session.checking_ != nullptr) session.checking_->forget_session();
  static_cast<IntrusiveListNode<Session>&>(session).unlink();
  deferral(session).unlink();
  pump();
}

// --- Wants. ---

ClientWant* Client::make_want(Session& session, const Cid& cid) {
  if (!make_room(session)) return nullptr;
  try {
    ClientWant* const want = wants_.create(session, cid, long_cids_);
    if (want == nullptr) return nullptr;
    want->priority = std::numeric_limits<std::int32_t>::max() - session.asked_++;
    session.list(ClientWantState::looking).push_back(*want);
    return want;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

// A prefetched block that nobody was asked for makes room: of this session, or of another.
bool Client::make_room(Session& session) {
  if (!wants_.full()) return true;
  const auto give_way = [&](Session& of) {
    IntrusiveList<ClientWant>& queued = of.list(ClientWantState::queued);
    if (queued.empty() || queued.back().asks != nullptr) return false;
    drop(queued.back());
    return !wants_.full();
  };
  if (give_way(session)) return true;
  return std::ranges::any_of(sessions_, give_way);
}

// The first of its multihash looks into the store; others follow it.
void Client::lead_or_follow(ClientWant& want) {
  if (ClientWant* const leader = index_.find(want.hash_key())) {
    want.next_same = std::exchange(leader->next_same, &want);
    return want.session->move(want, ClientWantState::following);
  }
  index_.insert(want);
  want.leads = true;
  look(want);
}

// Nobody waits for it any more.
void Client::drop(ClientWant& want) {
  if (want.leads && want.next_same != nullptr) {
    hand_over(want, *want.next_same);
  } else if (want.leads) {
    index_.remove(want);
    want.leads = false;
    cancel_asks(want, nullptr);
  } else if (want.state == ClientWantState::following) {
    unfollow(want);
  }
  end(want);
}

// Who leads goes, and `to` does so from now on.
void Client::hand_over(ClientWant& from, ClientWant& to) {
  index_.remove(from);
  from.leads = false;
  from.next_same = nullptr;
  index_.insert(to);
  to.leads = true;
  to.asks = std::exchange(from.asks, nullptr);
  to.block_ask = std::exchange(from.block_ask, nullptr);
  to.told_at = from.told_at;
  to.circle = from.circle;
  to.again = from.again;
  to.again_ticks = from.again_ticks;
  for (Ask* ask = to.asks; ask != nullptr; ask = ask->next) ask->want = &to;
  switch (from.state) {
    case ClientWantState::looking:
    case ClientWantState::reading: return look(to);
    case ClientWantState::queued: return to.session->move(to, ClientWantState::urgent);
    default: return to.session->move(to, from.state);
  }
}

void Client::unfollow(ClientWant& want) {
  ClientWant* before = index_.find(want.hash_key());
  while (before->next_same != &want) before = before->next_same;
  before->next_same = want.next_same;
  want.next_same = nullptr;
}

// Requires: it neither leads nor follows.
void Client::end(ClientWant& want) {
  if (want.job != nullptr) std::exchange(want.job, nullptr)->forget(want);
  static_cast<IntrusiveListNode<ClientWant>&>(want).unlink();
  want.state = ClientWantState::over;
  want.session = nullptr;
  want.request = nullptr;
  if (want.asks == nullptr) wants_.destroy(&want);
}

// --- Outcomes that are known at once, or of many at a time: told on the loop's next turn. ---

void Client::defer(Session& session) {
  if (!deferral(session).linked()) deferred_.push_back(session);
  arm();
}

void Client::settle(ClientWant& want, store::StoreErrorCode error) {
  if (want.request == nullptr) return end(want);
  want.error = error;
  Session& session = *want.session;
  session.move(want, ClientWantState::settled);
  defer(session);
}

void Client::tell_outcomes() {
  for (std::size_t told = 0; told < outcomes_in_turn && !deferred_.empty(); ++told) {
    Session& session = deferred_.front();
    IntrusiveList<ClientWant>& settled = session.list(ClientWantState::settled);
    if (settled.empty()) {
      deferral(session).unlink();
      continue;
    }
    ClientWant& want = settled.front();
    store::BlockRequest* const request = want.request;
    store::StoreResult<ChunkChain> outcome;
    const Cid cid = want.cid.full();
    if (!cid.hash().is_identity()) {
      outcome = error_of(want);
    } else if (!outcome->append_copy(chunks_, *want.holder, cid.hash().digest())) {
      outcome = store::fail(store::StoreErrorCode::out_of_memory, refusal_text(*want.holder));
    }
    end(want);
    request->on_block(std::move(outcome));
  }
}

}  // namespace masu::bitswap
