#include "net/swarm/dialer.hpp"

#include "alloc/check.hpp"
#include "net/swarm/dial_ranking.hpp"

#include <algorithm>
#include <new>

namespace masu::net {
namespace {

constexpr Duration upgrade_hold = 500ms;  // others wait so long for an upgrade
constexpr std::size_t errors_told_max = 16;
constexpr std::size_t error_bytes_max = 256;  // of one address

}  // namespace

void DialAttempt::on_link(LinkHandle link) { dial->dialer.on_link(*this, std::move(link)); }
void DialAttempt::on_link_failed(std::string_view why) {
  link_dial.reset();
  dial->dialer.on_failed(*this, why);
}
void DialResolve::on_resolved(std::span<const Multiaddr> addresses, std::string_view error) {
  dial->dialer.on_resolved(*this, addresses, error);
}

PeerDial::PeerDial(Dialer& its_dialer, const PeerId& its_peer, std::pmr::memory_resource& memory)
    : dialer(its_dialer), peer(its_peer), candidates(&memory) {
  candidates.reserve(candidates_max);
  for (DialAttempt& attempt : attempts) attempt.dial = this;
  for (DialResolve& resolve : resolves) resolve.dial = this;
}

void PeerDial::on_timer(TimePoint) { dialer.check(*this); }

std::size_t PeerDial::attempts_active() const {
  return static_cast<std::size_t>(std::count_if(attempts.begin(), attempts.end(),
                                                [](const DialAttempt& attempt) { return attempt.active(); }));
}

Dialer::Dialer(DialHost& host, Budget& budget, const HashSecret& secret, const SwarmOptions& options)
    : host_(host),
      options_(options),
      account_(budget, "net.dial", Lifetime::connection,
               options.dial_bytes + options.dialled_peers * sizeof(PeerDial) +
                   options.dial_waiters * sizeof(DialWaiter) +
                   options.backoff_entries * plan_entry::backoff_bytes),
      memory_(account_),
      backoff_(account_, memory_, secret, options.backoff_entries),
      pool_(account_, options.dialled_peers),
      waiters_(account_, options.dial_waiters) {}

Dialer::~Dialer() {
  cancel_all("the node is stopping");
  while (DialWaiter* waiter = answers_.pop_front()) waiters_.destroy(waiter);
}

PeerDial* Dialer::find(const PeerId& peer) {
  const auto found =
      std::find_if(dials_.begin(), dials_.end(), [&](PeerDial& dial) { return dial.peer == peer; });
  return found == dials_.end() ? nullptr : &*found;
}

// --- What is asked. ---

void Dialer::connect(const PeerId& self, const PeerId& peer, std::span<const Multiaddr> addresses,
                     DialHandler* handler) {
  if (peer == self) return answer(peer, handler, "dial to self attempted");
  const TimePoint now = host_.now();
  for (const Multiaddr& address : addresses) {
    host_.peerstore().add_address(peer, address.view().without_p2p(), AddressTtl::temporary, now);
  }
  const auto state = host_.state_of(peer);
  if (state == DialHost::PeerState::identified) return answer(peer, handler, {});
  PeerDial* dial = find(peer);
  try {
    if (dial == nullptr) {
      dial = pool_.create(*this, peer, memory_);
      if (dial == nullptr) return answer(peer, handler, "too many peers are being dialled");
      dials_.push_back(*dial);
      dial->ends_at = now + options_.peer_timeout;
    }
    if (state == DialHost::PeerState::connected) {
      dial->connected = true;
    } else {
      add_candidates(*dial, addresses);
      add_known(*dial);
    }
    if (handler != nullptr) {
      DialWaiter* waiter = waiters_.create(peer, *handler, memory_);
      if (waiter != nullptr) {
        dial->waiters.push_back(*waiter);
      } else {
        handler->on_dialled(peer, "too many wait for dials");
      }
    }
  } catch (const std::bad_alloc&) {
    answer(peer, handler, "out of memory");
  }
  if (dial != nullptr) check(*dial);
}

void Dialer::add_known(PeerDial& dial) {
  std::array<MultiaddrView, PeerDial::candidates_max> known;
  std::size_t count = 0;
  host_.peerstore().for_each_address(dial.peer, host_.now(), [&](const MultiaddrView& address, AddressTtl) {
    if (count < known.size()) known[count++] = address;
  });
  for (const MultiaddrView& address : std::span(known).first(count)) {
    const Multiaddr owned(address);
    add_candidates(dial, {&owned, 1});
  }
}

void Dialer::add_candidates(PeerDial& dial, std::span<const Multiaddr> addresses) {
  const std::size_t before = dial.candidates.size();
  for (const Multiaddr& given : addresses) {
    const auto leads_to = given.peer_id();
    if (given.empty() || (leads_to && *leads_to != dial.peer)) continue;
    // The peer stays on a /dnsaddr: of what it names, only the addresses of this peer count.
    const Multiaddr address = given.without_p2p();
    const auto same = [&](const DialCandidate& candidate) { return candidate.address == address; };
    if (address.empty() || dial.candidates.size() == PeerDial::candidates_max ||
        std::any_of(dial.candidates.begin(), dial.candidates.end(), same)) {
      continue;
    }
    DialCandidate candidate{address, host_.now(), DialCandidate::State::waiting, 0,
                            std::pmr::string(&memory_)};
    dial.candidates.push_back(std::move(candidate));
  }
  rank(dial, before);
}

// Gives the candidates from that one on their times.
void Dialer::rank(PeerDial& dial, std::size_t from) {
  std::array<RankedAddress, PeerDial::candidates_max> ranked;
  std::size_t count = 0;
  for (std::size_t at = from; at < dial.candidates.size(); ++at) {
    const Multiaddr& address = dial.candidates[at].address;
    if (!address.is_dns()) ranked[count++] = {address.view(), {}};
  }
  rank_addresses(std::span(ranked).first(count));
  const TimePoint now = host_.now();
  for (const RankedAddress& one : std::span(ranked).first(count)) {
    const auto candidate =
        std::find_if(dial.candidates.begin(), dial.candidates.end(),
                     [&](const DialCandidate& c) { return c.address.view() == one.address; });
    candidate->at = now + one.delay;
  }
}

void Dialer::forget(DialHandler& handler) {
  const auto drop_from = [&](IntrusiveList<DialWaiter>& list) {
    for (auto at = list.begin(); at != list.end();) {
      DialWaiter& waiter = *at++;
      if (&waiter.handler == &handler) waiters_.destroy(&waiter);
    }
  };
  for (PeerDial& dial : dials_) drop_from(dial.waiters);
  drop_from(answers_);
}

void Dialer::cancel_all(std::string_view why) {
  while (!dials_.empty()) finish(dials_.front(), why);
}

// --- Turns. ---

void Dialer::check(PeerDial& dial) {
  if (!dial.IntrusiveListNode<PeerDial, ReadyDialTag>::linked()) ready_.push_back(dial);
  host_.want_dial_turn();
}

void Dialer::on_room() {
  for (PeerDial& dial : dials_) check(dial);
}

void Dialer::run() {
  for (std::size_t left = ready_.size(); left > 0 && !ready_.empty(); --left) advance(*ready_.pop_front());
  tell();
}

// Looks at a dial as a whole: starts what is due, ends it when nothing is left.
void Dialer::advance(PeerDial& dial) {
  const TimePoint now = host_.now();
  const auto state = host_.state_of(dial.peer);
  if (state == DialHost::PeerState::identified) return finish(dial, {});
  if (now >= dial.ends_at)
    return finish(dial, dial.connected ? std::string_view() : error_of(dial, "dial timed out"));
  if (dial.connected) return host_.timers().arm(dial, dial.ends_at);

  const auto waits = [](const DialCandidate& candidate) {
    return candidate.state == DialCandidate::State::waiting;
  };
  TimePoint next = dial.ends_at;
  bool waiting = false;
  while (true) {
    // The earliest of those that wait.
    std::size_t first = dial.candidates.size();
    for (std::size_t at = 0; at < dial.candidates.size(); ++at) {
      if (waits(dial.candidates[at]) &&
          (first == dial.candidates.size() || dial.candidates[at].at < dial.candidates[first].at))
        first = at;
    }
    if (first == dial.candidates.size()) break;
    DialCandidate& candidate = dial.candidates[first];
    const bool idle = dial.attempts_active() == 0;  // then nobody is waited for
    const TimePoint due = idle ? now : std::max(candidate.at, dial.held_until);
    if (due > now) {
      next = std::min(next, due);
      waiting = true;
      break;
    }
    if (candidate.address.is_dns()) {
      resolve(dial, first);
      if (waits(candidate)) {
        waiting = true;
        break;
      }
      continue;
    }
    if (!start(dial, first)) {
      waiting = true;  // for room
      break;
    }
  }
  const bool resolving = std::any_of(
      dial.candidates.begin(), dial.candidates.end(),
      [](const DialCandidate& candidate) { return candidate.state == DialCandidate::State::resolving; });
  if (!waiting && !resolving && dial.attempts_active() == 0) {
    return finish(dial, error_of(dial, dial.candidates.empty() ? "no addresses" : "all dials failed"));
  }
  host_.timers().arm(dial, next);
}

// False: there is no room for an attempt now.
bool Dialer::start(PeerDial& dial, std::size_t at) {
  DialCandidate& candidate = dial.candidates[at];
  const std::string_view why_not = host_.why_not_dial(candidate.address);
  if (!why_not.empty()) {
    fail(dial, candidate, why_not);
    return true;
  }
  if (!backoff_.allows(dial.peer, candidate.address, host_.now())) {
    fail(dial, candidate, "dial backoff");
    return true;
  }
  if (active_ >= options_.dials ||
      dial.attempts_active() >= std::min(options_.dials_per_peer, PeerDial::attempts_max)) {
    return false;
  }
  const auto free = std::find_if(dial.attempts.begin(), dial.attempts.end(),
                                 [](const DialAttempt& attempt) { return !attempt.active(); });
  free->candidate = at;
  free->link_dial = host_.start_dial(candidate.address, *free);
  if (free->link_dial == nullptr) return false;
  candidate.state = DialCandidate::State::trying;
  ++active_;
  return true;
}

// --- Outcomes. ---

void Dialer::on_link(DialAttempt& attempt, LinkHandle link) {
  PeerDial& dial = *attempt.dial;
  attempt.link_dial.reset();
  attempt.connection = host_.upgrade(std::move(link), dial.peer, attempt);
  if (attempt.connection == nullptr) return on_failed(attempt, "no room for another connection");
  dial.held_until = host_.now() + upgrade_hold;
  check(dial);
}

void Dialer::on_failed(DialAttempt& attempt, std::string_view why) {
  PeerDial& dial = *attempt.dial;
  DialCandidate& candidate = dial.candidates[attempt.candidate];
  backoff_.on_failure(dial.peer, candidate.address, host_.now());
  fail(dial, candidate, why);
  --active_;
  dial.held_until = {};
  on_room();
}

void Dialer::note_failure(DialAttempt& attempt, ConnectionEnd end, std::string_view detail,
                          const std::optional<PeerId>& answered) {
  PeerDial& dial = *attempt.dial;
  std::string text = "failed to negotiate security protocol: ";
  if (end == ConnectionEnd::wrong_peer && answered) {
    text += "peer id mismatch: expected " + dial.peer.to_string() + ", but remote key matches " +
            answered->to_string();
  } else {
    text += detail.empty() ? name_of(end) : detail;
  }
  fail(dial, dial.candidates[attempt.candidate], text);
}

void Dialer::on_attempt_gone(DialAttempt& attempt) {
  PeerDial& dial = *attempt.dial;
  attempt.connection = nullptr;
  backoff_.on_failure(dial.peer, dial.candidates[attempt.candidate].address, host_.now());
  --active_;
  dial.held_until = {};
  on_room();
}

void Dialer::fail(PeerDial& dial, DialCandidate& candidate, std::string_view why) {
  candidate.state = DialCandidate::State::failed;
  candidate.failed_as = ++dial.failures;
  try {
    candidate.error.assign(why.substr(0, error_bytes_max));
  } catch (const std::bad_alloc&) {
    candidate.error.clear();
  }
}

void Dialer::on_connected(const PeerId& peer, SwarmConnection& connection) {
  PeerDial* dial = find(peer);
  if (dial == nullptr) return;
  bool ours = false;
  for (DialAttempt& attempt : dial->attempts) {
    if (attempt.connection != &connection) continue;
    ours = true;
    backoff_.on_success(peer, dial->candidates[attempt.candidate].address);
    attempt.connection = nullptr;
    --active_;
  }
  dial->connected = true;
  // When the peer's own dial won, ours goes on: it may do the same, and both would be lost.
  cancel_attempts(*dial, ours);
  on_room();
}

void Dialer::cancel_attempts(PeerDial& dial, bool upgrading_too) {
  for (DialAttempt& attempt : dial.attempts) {
    if (!attempt.active()) continue;
    attempt.link_dial.reset();
    if (SwarmConnection* connection = std::exchange(attempt.connection, nullptr)) {
      upgrading_too ? host_.give_up(*connection) : host_.let_go(*connection);
    }
    --active_;
  }
}

void Dialer::on_identified(const PeerId& peer) {
  if (PeerDial* dial = find(peer)) check(*dial);
}

void Dialer::on_disconnected(const PeerId& peer) {
  PeerDial* dial = find(peer);
  if (dial != nullptr && dial->connected) finish(*dial, error_of(*dial, "the connection was closed"));
}

// --- Names. ---

void Dialer::resolve(PeerDial& dial, std::size_t at) {
  DialCandidate& candidate = dial.candidates[at];
  const std::string_view why_not = host_.why_not_dial(candidate.address);
  if (!why_not.empty()) return fail(dial, candidate, why_not);
  for (DialResolve& resolve : dial.resolves) {
    if (resolve.linked()) continue;
    candidate.state = DialCandidate::State::resolving;
    resolve.candidate = at;
    return host_.resolver()->resolve(candidate.address, resolve);
  }
}

void Dialer::on_resolved(DialResolve& resolve, std::span<const Multiaddr> addresses, std::string_view error) {
  PeerDial& dial = *resolve.dial;
  DialCandidate& candidate = dial.candidates[resolve.candidate];
  if (!error.empty()) {
    fail(dial, candidate, error);
  } else {
    candidate.state = DialCandidate::State::resolved;
    try {
      add_candidates(dial, addresses);
    } catch (const std::bad_alloc&) {
      fail(dial, candidate, "out of memory");
    }
  }
  check(dial);
}

// --- The end. ---

std::pmr::string Dialer::error_of(const PeerDial& dial, std::string_view cause) {
  std::pmr::string text(&memory_);
  try {
    text.append("failed to dial ").append(dial.peer.to_string()).append(": ").append(cause);
    std::size_t told = 0;
    for (std::uint16_t number = 1; number <= dial.failures; ++number) {
      for (const DialCandidate& candidate : dial.candidates) {
        if (candidate.state != DialCandidate::State::failed || candidate.failed_as != number) continue;
        if (++told > errors_told_max) continue;
        text.append("\n  * [").append(candidate.address.to_string()).append("] ").append(candidate.error);
      }
    }
    if (told > errors_told_max) {
      text.append("\n    ... skipping ").append(std::to_string(told - errors_told_max)).append(" errors ...");
    }
  } catch (const std::bad_alloc&) {
    if (text.empty()) text = "out of memory";
  }
  return text;
}

void Dialer::finish(PeerDial& dial, std::string_view error) {
  cancel_attempts(dial, true);
  for (DialResolve& resolve : dial.resolves) resolve.unlink();
  while (DialWaiter* waiter = dial.waiters.pop_front()) {
    try {
      waiter->error.assign(error);
    } catch (const std::bad_alloc&) {
      waiter->error = "out of memory";
    }
    answers_.push_back(*waiter);
  }
  pool_.destroy(&dial);
  host_.want_dial_turn();
}

void Dialer::answer(const PeerId& peer, DialHandler* handler, std::string_view error) {
  if (handler == nullptr) return;
  DialWaiter* waiter = waiters_.create(peer, *handler, memory_);
  if (waiter == nullptr) return handler->on_dialled(peer, error.empty() ? "too many wait for dials" : error);
  try {
    waiter->error.assign(error);
  } catch (const std::bad_alloc&) {
    waiter->error = "out of memory";  // fits in place
  }
  answers_.push_back(*waiter);
  host_.want_dial_turn();
}

void Dialer::tell() {
  for (std::size_t left = answers_.size(); left > 0 && !answers_.empty(); --left) {
    DialWaiter* waiter = answers_.pop_front();
    const PeerId peer = waiter->peer;
    DialHandler& handler = waiter->handler;
    const std::pmr::string error = std::move(waiter->error);
    waiters_.destroy(waiter);
    handler.on_dialled(peer, error);
  }
}

}  // namespace masu::net
