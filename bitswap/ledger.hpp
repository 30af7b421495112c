// ServerWant, Ledger, ServerWants: what peers want of us.
//
// A ServerWant is one entry of a peer's wantlist, in a slab that all peers share; a Ledger holds those of one
// peer, by what is to be done with them. ServerWants finds them: by peer and CID, and by multihash when a
// block arrives. Parts of the Engine; loop thread.
//
// Caps: wants_per_peer, and `wants` in all. At a cap a want that cannot be served (its block is absent) makes
// room for a new one, the oldest first: first one of the same peer, at the cap of all one of whoever holds
// most. Where none is absent, the new one waits in its stream, unless another peer holds more.
#pragma once

#include "alloc/intrusive_list.hpp"
#include "alloc/slab_pool.hpp"
#include "bitswap/message_reader.hpp"
#include "bitswap/stored_cid.hpp"
#include "net/hash_index.hpp"

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace masu::bitswap {

class Ledger;
class LookupJob;
class Responder;
class ServerWants;

enum class WantState : std::uint8_t {
  unknown,  // whether the block is here
  looking,  // being looked up
  absent,   // waits until it is stored
  answer,   // a presence is owed
  ready,    // the block is to be sent
  reading,  // the block is being read for the next message
  sending,  // it is in the message that is being sent
};
inline constexpr std::size_t want_state_count = 7;

struct ServerWant : IntrusiveListNode<ServerWant> {
  ServerWant(Ledger& ledger_, const Cid& cid_, StoredCid::LongPool& long_cids)
      : ledger(ledger_), cid(cid_, long_cids) {}

  Ledger& ledger;
  ServerWant* next_of_key = nullptr;   // in the bucket
  ServerWant* next_of_hash = nullptr;  // in the other one
  ServerWant** link_of_hash = nullptr;
  LookupJob* job = nullptr;  // that looks it up
  StoredCid cid;
  std::uint32_t bytes = 0;  // of the block, when it was found
  std::int32_t priority = 0;
  std::uint32_t message = 0;  // that named it last
  WantState state = WantState::unknown;
  WantType type = WantType::block;
  Presence presence = Presence::have;
  bool send_dont_have = false;
  bool look_again = false;  // stored while it was being looked up
  std::uint8_t lookup = 0;  // its place in the job
};

// The list of one peer's wants for each state.
class Ledger {
 public:
  explicit Ledger(Responder& responder) : responder_(responder) {}
  Responder& responder() { return responder_; }
  std::size_t size() const { return size_; }
  IntrusiveList<ServerWant>& list(WantState state) { return lists_[static_cast<std::size_t>(state)]; }
  bool has(WantState state) const { return !lists_[static_cast<std::size_t>(state)].empty(); }
  std::size_t count(WantState state) const { return lists_[static_cast<std::size_t>(state)].size(); }
  void move(ServerWant& want, WantState state);
  // The one of highest priority that is ready; the first of equals. Requires: has(ready).
  ServerWant& best_ready();
  // For the entries of one message.
  std::uint32_t next_message() { return ++messages_; }
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (IntrusiveList<ServerWant>& list : lists_) {
      for (auto at = list.begin(); at != list.end();) visit(*at++);
    }
  }

 private:
  friend class ServerWants;
  Responder& responder_;
  std::array<IntrusiveList<ServerWant>, want_state_count> lists_;
  std::uint32_t number_ = 0;  // tells ledgers apart in the index
  std::uint32_t messages_ = 0;
  std::size_t size_ = 0;
  bool ready_is_sorted_ = true;
};

class ServerWants {
 public:
  ServerWants(Account& account, std::pmr::memory_resource& memory, const net::HashSecret& secret,
              std::size_t capacity);
  ServerWants(const ServerWants&) = delete;
  ServerWants& operator=(const ServerWants&) = delete;

  void open(Ledger& ledger) { ledger.number_ = ++ledgers_; }
  ServerWant* find(const Ledger& ledger, Bytes cid) const;
  // A new one, `unknown`; null: the table is full. Requires: it is not there.
  ServerWant* add(Ledger& ledger, const Cid& cid);
  void remove(ServerWant& want);
  // `visit` may move the want it is given, but not remove it.
  template <class Visitor>
  void for_each_of_hash(Bytes hash, Visitor&& visit) {
    for (ServerWant* want = by_hash_[secret_.hash(hash) & mask()]; want != nullptr;) {
      ServerWant* const next = want->next_of_hash;
      if (equal(want->cid.hash_bytes(), hash)) visit(*want);
      want = next;
    }
  }
  std::size_t size() const { return wants_.used(); }

 private:
  std::size_t mask() const { return by_key_.size() - 1; }
  ServerWant*& key_bucket(const Ledger& ledger, Bytes cid);

  const net::HashSecret& secret_;
  SlabPool<ServerWant> wants_;
  SlabPool<Cid> long_cids_;
  std::pmr::vector<ServerWant*> by_key_;
  std::pmr::vector<ServerWant*> by_hash_;
  std::uint32_t ledgers_ = 0;
};

}  // namespace masu::bitswap
