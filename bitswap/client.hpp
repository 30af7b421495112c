// Client: fetches blocks for all sessions: from the store, else from peers, into the store.
//
// A want is looked for in the store first. One that is not there is asked for: a session that knows no peer
// asks around with want-haves (at most 64 wants at a time), first those that have sent blocks before, after a
// second those that the broadcast control lets in, and each peer that is new; one that knows peers asks the
// one that will be soonest for the block, and others whether they have it only where that one has missed
// lately. What a peer does not have, does not send in time, or takes with it when it leaves, is asked of the
// next. A block that comes ends all wants of its multihash: it is written to the store, given to the request
// that waits (further ones read it from the store), and cancelled everywhere else. With nobody to ask a want
// waits for peers.
//
// Loop thread. Caps: client_wants, asks, sessions. A full table refuses prefetching first; then requests
// wait. In a full table of asks the oldest gives way of whom nothing is expected: who said that it does not
// have another block, or has not said for a while whether it has.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/slab_pool.hpp"
#include "bitswap/asker.hpp"
#include "bitswap/client_jobs.hpp"
#include "bitswap/client_want.hpp"
#include "bitswap/limits.hpp"
#include "bitswap/message_reader.hpp"
#include "bitswap/session.hpp"
#include "bitswap/stat.hpp"

#include <cstddef>
#include <memory>

namespace masu::bitswap {

class ClientListener {
 public:
  // A received block is in the store.
  virtual void on_block_stored(const Multihash& hash) = 0;
  // Readers that were refused room for a block may try again.
  virtual void on_intake_room() = 0;
  // A peer sent a wanted block, its first.
  virtual void on_giver(const PeerId& peer) = 0;

 protected:
  ~ClientListener() = default;
};

class Client final : private net::Timer {
 public:
  Client(net::Host& host, store::BlockStore& blocks, store::Jobs& jobs, ChunkPool& chunks, Account& wants,
         Account& sessions, std::pmr::memory_resource& memory, const net::HashSecret& secret,
         const BitswapLimits& limits, BitswapStat& stat, ClientListener& listener);
  ~Client() = default;  // Requires: idle(), no peer and no session is left.
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  std::unique_ptr<store::BlockSource> open_session();

  // The peer speaks Bitswap: it is asked from now on.
  void open(Asker& asker);
  void close(Asker& asker);
  void on_presence(Asker& asker, const Cid& cid, Presence presence);
  bool has_room_for_block() const { return store_jobs_.used() < limits_.writes; }
  // Requires: has_room_for_block().
  void on_block(Asker& asker, ReceivedBlock block);
  // It holds memory that others wait for, and sends too slowly: for a while nothing is expected of it, unless
  // it has given blocks before.
  void on_too_slow(Asker& asker);
  // A block of it was given up for want of memory here: it is asked again.
  void on_no_memory(Asker& asker);
  // A message is over: what became possible is done.
  void pump();

  void stop();
  bool idle() const { return local_jobs_.used() == 0 && store_jobs_.used() == 0; }
  std::size_t wants() const { return index_.size(); }
  // Peers whose connections sessions may hold: with all of them held no newcomer would find a place.
  std::size_t held_peers_max() const { return limits_.peers / 4 + 1; }
  template <class Visitor>
  void for_each_want(Visitor&& visit) const {
    index_.for_each([&](const ClientWant& want) { visit(want); });
  }

 private:
  friend class Asker;
  friend class LocalJob;
  friend class Session;
  friend class StoreJob;

  struct RoomWaiter final : store::JobRoomWaiter {
    explicit RoomWaiter(Client& client_) : client(client_) {}
    void on_job_room() noexcept override { client.on_job_room(); }
    Client& client;
  };

  // --- Sessions' side (client.cpp). ---
  void get(Session& session, const Cid& cid, Account& holder, store::BlockRequest& request);
  void prefetch(Session& session, const Cid& cid);
  void forget(Session& session, store::BlockRequest& request);
  void close(Session& session);
  bool start(Session& session, const Cid& cid, Account& holder, store::BlockRequest& request);
  void admit(Session& session);
  ClientWant* make_want(Session& session, const Cid& cid);
  bool make_room(Session& session);
  void lead_or_follow(ClientWant& want);
  void drop(ClientWant& want);
  void hand_over(ClientWant& from, ClientWant& to);
  void unfollow(ClientWant& want);
  void end(ClientWant& want);
  void defer(Session& session);
  void settle(ClientWant& want, store::StoreErrorCode error);
  void tell_outcomes();

  // --- The store (client_store.cpp). ---
  void look(ClientWant& want);
  void pump_looks();
  bool pump_looks(Session& session);
  void on_looked(LocalJob& job);
  void on_checked(LocalJob& job);
  void on_found(ClientWant& want);
  void on_absent(ClientWant& want);
  bool may_wait_for_memory(const ClientWant& want) const;
  void wait_for_memory(ClientWant& want);
  void look_for_starved(Session& session);
  void release_followers(ClientWant& leader);
  void store(ReceivedBlock block);
  void fail(ClientWant& leader, store::StoreErrorCode error);
  void on_stored(StoreJob& job);
  void post_stores();
  void on_job_room() noexcept;

  // --- The network (client_network.cpp). ---
  struct Choice {
    Asker* asker = nullptr;  // null: none
    bool wait = false;       // there will be one
  };
  static Ask* find_ask(const ClientWant& want, const Asker& asker);
  Ask* make_ask(ClientWant& want, Asker& asker);
  bool ask(ClientWant& want, Asker& asker, AskState state);
  Ask* remember(ClientWant& want, Asker& asker);
  bool spare_ask(const ClientWant& want);
  void free_ask(Ask& ask);
  void cancel_asks(ClientWant& want, const Asker* deliverer);
  void pump(Session& session);
  Choice choose(Session& session, ClientWant& want);
  bool ask_block(ClientWant& want, Asker& asker);
  void ask_others(ClientWant& want, const Asker& asker);
  void broadcast(ClientWant& want);
  bool is_within(Circle circle, Asker& asker) const;
  bool ask_whether(ClientWant& want, Asker& asker);
  void ask_late_again(ClientWant& want);
  void ask_around(ClientWant& want);
  void on_missing(Ask& ask, bool late);
  void give_up_asks(Asker& asker, bool ask_again);
  void on_lost(Asker& asker, bool late);
  void forget_member(Asker& asker);
  void drop_asks(Asker& asker);
  void on_timer(TimePoint now) override;
  void on_tick(Asker& asker, TimePoint now);
  void on_tick(Session& session, TimePoint now);
  void arm();

  net::Host& host_;
  store::BlockStore& blocks_;
  store::Jobs& jobs_;
  ChunkPool& chunks_;
  const BitswapLimits& limits_;
  BitswapStat& stat_;
  ClientListener& listener_;
  bool stopped_ = false;
  RoomWaiter read_waiter_{*this};
  RoomWaiter write_waiter_{*this};
  TimePoint next_tick_{};
  std::size_t held_peers_ = 0;
  SlabPool<ClientWant> wants_;
  SlabPool<Cid> long_cids_;
  SlabPool<Ask> asks_;
  IntrusiveList<Ask, InSpare> missed_;      // the peer does not have it; oldest first
  IntrusiveList<Ask, InSpare> unanswered_;  // it was asked whether it has; oldest first
  SlabRuns session_runs_;
  SlabPool<LocalJob> local_jobs_;
  SlabPool<StoreJob> store_jobs_;
  IntrusiveList<store::Job> unposted_;  // StoreJobs
  net::HashIndex<ClientWant> index_;
  IntrusiveList<Asker> askers_;
  IntrusiveList<Session> sessions_;
  IntrusiveList<Session, InDeferred> deferred_;  // have outcomes to tell
};

}  // namespace masu::bitswap
