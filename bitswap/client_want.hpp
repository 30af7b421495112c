// ClientWant, Ask: what we want, and whom we told.
//
// A ClientWant is a block that one session wants, for one request or (prefetched) for none. The first of a
// multihash is found by it in an index and does the asking; others of the same block follow it, and one of
// them takes over when it goes. An Ask is a want told, or to be told, to one peer; it outlives its want as
// the cancel that is owed. Entries of slabs, bounded by BitswapLimits; loop thread.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/clock.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/plan.hpp"
#include "bitswap/protocol.hpp"
#include "bitswap/stored_cid.hpp"
#include "net/hash_index.hpp"
#include "store/block_source.hpp"

#include <cstddef>
#include <cstdint>

namespace masu::bitswap {

class Asker;
class LocalJob;
class Session;
struct ClientWant;

enum class AskState : std::uint8_t {
  have_unsent,   // to be told as a want-have
  block_unsent,  // as a want-block
  have_sent,     // no answer yet
  block_sent,
  has,        // the peer said HAVE
  dont_have,  // it said so, or did not answer in time
  cancel,     // to be taken back
};

struct InSpare;  // the list of asks that give way in a full table

struct Ask : IntrusiveListNode<Ask>, IntrusiveListNode<Ask, InSpare> {
  Ask(ClientWant& want_, Asker& asker_) : want(&want_), asker(asker_) {}

  // Links of its asker's list; the other is the client's.
  IntrusiveListNode<Ask>& place() { return *this; }
  IntrusiveListNode<Ask, InSpare>& spare() { return *this; }
  bool for_block() const { return state == AskState::block_unsent || state == AskState::block_sent; }

  ClientWant* want;
  Asker& asker;
  Ask* next = nullptr;  // of the same want
  TimePoint sent_at{};
  AskState state = AskState::have_unsent;
  bool told = false;  // the peer may hold it in its list
  bool late = false;  // it was asked for the block, which did not come, and has said nothing since
};

enum class ClientWantState : std::uint8_t {
  looking,    // whether it is in the store: a job is to be made
  reading,    // which is under way
  urgent,     // to be asked for, before those that are
  queued,     // to be asked for
  broadcast,  // peers were asked who has it
  asked,      // one was asked for the block
  storing,    // it came, and is being written
  following,  // another want of the same block does all that
  starved,    // its block is here, and there is no memory for it now
  settled,    // its outcome is known, and to be told
  over,       // lives on for its cancels
};
inline constexpr std::size_t client_want_lists = 10;  // `over` has none

// Who is asked for a want that is searched for.
enum class Circle : std::uint8_t {
  proven,  // those that have sent blocks
  likely,  // those that the broadcast control lets in
  all,
};

struct ClientWant : net::HashIndexNode<ClientWant>, IntrusiveListNode<ClientWant> {
  ClientWant(Session& session_, const Cid& cid_, StoredCid::LongPool& long_cids)
      : cid(cid_, long_cids), session(&session_) {}
  Bytes hash_key() const { return cid.hash_bytes(); }

  StoredCid cid;
  Session* session;
  ClientWant* next_same = nullptr;  // a follower, and its next
  Ask* asks = nullptr;
  Ask* block_ask = nullptr;                // of `asked`
  store::BlockRequest* request = nullptr;  // null: prefetched
  Account* holder = nullptr;               // of the request
  LocalJob* job = nullptr;                 // of `reading`
  TimePoint told_at{};                     // of `broadcast`: the last time
  std::int32_t priority = 0;
  ClientWantState state = ClientWantState::looking;
  store::StoreErrorCode error{};   // of `settled`, but for identity CIDs
  bool leads = false;              // is in the index
  bool here = false;               // of `looking`: it was found in the store
  Circle circle = Circle::proven;  // of `broadcast`
  std::uint8_t place = 0;          // in its job
  std::uint8_t again = 0;          // times that those who were late were asked again
  // Of `broadcast`: so long after told_at they are again; 0: nobody was late. Of `starved`: it has waited so
  // long.
  std::uint16_t again_ticks = 0;
};
static_assert(sizeof(ClientWant) + sizeof(Ask) / 2 <= plan_entry::client_want_bytes);

}  // namespace masu::bitswap
