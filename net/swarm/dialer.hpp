// Dialer: from "connect to this peer" to one upgraded link: which addresses are tried, in which order, how
// many at once, and what is said of those that failed. Internal to the swarm, which owns it; loop thread
// only.
//
// Limits: peers being dialled (dialled_peers), addresses of each (candidates_max), attempts at once in all
// and for each peer, who wait to be told (dial_waiters), general memory (dial_bytes of net.dial). An address
// that failed is left alone for a while (DialBackoff). Work is done on the swarm's turn and on timers; those
// who wait are told there.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/resource.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/connection_owner.hpp"
#include "net/dns/resolver.hpp"
#include "net/host.hpp"
#include "net/link.hpp"
#include "net/swarm/dial_backoff.hpp"
#include "net/swarm/swarm_options.hpp"
#include "net/timers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace masu::net {

class Dialer;
class SwarmConnection;
struct PeerDial;

// One address being tried: a socket that connects, then a connection that is being upgraded.
struct DialAttempt final : LinkDialHandler {
  void on_link(LinkHandle link) override;
  void on_link_failed(std::string_view why) override;
  bool active() const { return link_dial != nullptr || connection != nullptr; }

  PeerDial* dial = nullptr;
  std::size_t candidate = 0;
  LinkDialHandle link_dial;
  SwarmConnection* connection = nullptr;
};

// A name being looked up.
struct DialResolve final : ResolveRequest {
  void on_resolved(std::span<const Multiaddr> addresses, std::string_view error) override;

  PeerDial* dial = nullptr;
  std::size_t candidate = 0;
};

struct DialCandidate {
  enum class State : std::uint8_t { waiting, resolving, resolved, trying, failed };
  Multiaddr address;
  TimePoint at{};
  State state = State::waiting;
  std::uint16_t failed_as = 0;  // the how-many-eth failure
  std::pmr::string error;
};

// Who waits for a dial, or is about to be told.
struct DialWaiter : IntrusiveListNode<DialWaiter> {
  DialWaiter(const PeerId& its_peer, DialHandler& its_handler, std::pmr::memory_resource& memory)
      : peer(its_peer), handler(its_handler), error(&memory) {}
  const PeerId peer;
  DialHandler& handler;
  std::pmr::string error;
};

struct ReadyDialTag {};

struct PeerDial final : IntrusiveListNode<PeerDial>, IntrusiveListNode<PeerDial, ReadyDialTag>, Timer {
  static constexpr std::size_t candidates_max = 24;
  static constexpr std::size_t attempts_max = 8;
  static constexpr std::size_t resolves_max = 4;

  PeerDial(Dialer& its_dialer, const PeerId& its_peer, std::pmr::memory_resource& memory);
  void on_timer(TimePoint now) override;
  std::size_t attempts_active() const;

  Dialer& dialer;
  const PeerId peer;
  std::pmr::vector<DialCandidate> candidates;
  std::array<DialAttempt, attempts_max> attempts;
  std::array<DialResolve, resolves_max> resolves;
  IntrusiveList<DialWaiter> waiters;
  TimePoint ends_at{};
  TimePoint held_until{};  // a socket has connected: others wait for its upgrade
  std::uint16_t failures = 0;
  bool connected = false;  // waits for identify
};

// What the dialer asks of the swarm.
class DialHost {
 public:
  virtual TimePoint now() const = 0;
  virtual TimerQueue& timers() = 0;
  virtual Peerstore& peerstore() = 0;
  virtual AddressResolver* resolver() = 0;
  // Why `address` must not be dialled; empty: it may be.
  virtual std::string_view why_not_dial(const MultiaddrView& address) const = 0;
  // Null: no room now.
  virtual LinkDialHandle start_dial(const MultiaddrView& address, LinkDialHandler& handler) = 0;
  // Null: no room.
  virtual SwarmConnection* upgrade(LinkHandle link, const PeerId& peer, DialAttempt& attempt) = 0;
  // The attempt's connection is of no more use; or it goes on by itself.
  virtual void give_up(SwarmConnection& connection) = 0;
  virtual void let_go(SwarmConnection& connection) = 0;
  enum class PeerState : std::uint8_t { not_connected, connected, identified };
  virtual PeerState state_of(const PeerId& peer) const = 0;
  // Dialer::run() is to be called on the next turn.
  virtual void want_dial_turn() = 0;

 protected:
  ~DialHost() = default;
};

class Dialer {
 public:
  Dialer(DialHost& host, Budget& budget, const HashSecret& secret, const SwarmOptions& options);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  void connect(const PeerId& self, const PeerId& peer, std::span<const Multiaddr> addresses,
               DialHandler* handler);
  void forget(DialHandler& handler);
  void clear_backoff(const PeerId& peer) { backoff_.clear(peer); }
  // Ends all dials with `why`.
  void cancel_all(std::string_view why);
  // Work that was put off: starts what can be started, tells those who wait.
  void run();

  // --- What the swarm tells. ---
  void on_connected(const PeerId& peer, SwarmConnection& connection);
  void on_identified(const PeerId& peer);
  void on_disconnected(const PeerId& peer);
  // The attempt's connection is ending before it was established: what is to be said of it.
  void note_failure(DialAttempt& attempt, ConnectionEnd end, std::string_view detail,
                    const std::optional<PeerId>& answered);
  // It is gone.
  void on_attempt_gone(DialAttempt& attempt);
  // There is room for more: a connection or a dial has ended.
  void on_room();
  // Nobody waits.
  bool idle() const { return dials_.empty() && answers_.empty(); }

 private:
  friend struct DialAttempt;
  friend struct DialResolve;
  friend struct PeerDial;

  PeerDial* find(const PeerId& peer);
  void add_candidates(PeerDial& dial, std::span<const Multiaddr> addresses);
  void add_known(PeerDial& dial);
  void rank(PeerDial& dial, std::size_t from);
  void check(PeerDial& dial);
  void advance(PeerDial& dial);
  void cancel_attempts(PeerDial& dial, bool upgrading_too);
  bool start(PeerDial& dial, std::size_t candidate);
  void resolve(PeerDial& dial, std::size_t candidate);
  void on_link(DialAttempt& attempt, LinkHandle link);
  void on_failed(DialAttempt& attempt, std::string_view why);
  void fail(PeerDial& dial, DialCandidate& candidate, std::string_view why);
  void on_resolved(DialResolve& resolve, std::span<const Multiaddr> addresses, std::string_view error);
  void finish(PeerDial& dial, std::string_view error);
  void answer(const PeerId& peer, DialHandler* handler, std::string_view error);
  std::pmr::string error_of(const PeerDial& dial, std::string_view cause);
  void tell();

  DialHost& host_;
  const SwarmOptions& options_;
  Account account_;
  AccountResource memory_;
  DialBackoff backoff_;
  SlabPool<PeerDial> pool_;
  SlabPool<DialWaiter> waiters_;
  IntrusiveList<PeerDial> dials_;                // in the order of asking
  IntrusiveList<PeerDial, ReadyDialTag> ready_;  // to be looked at
  IntrusiveList<DialWaiter> answers_;            // to be told
  std::size_t active_ = 0;                       // attempts
};

}  // namespace masu::net
