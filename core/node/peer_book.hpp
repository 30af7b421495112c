// PeerBook: the peers that are worth finding again after a restart: those that sent us blocks, and those that
// were connected for long, with a few addresses each.
//
// A table without IO, kept in step with records (record_table::peer, the peer's id) by whoever owns it: what
// has changed is taken with take_change(), what lies in the store is given back with load(). Loop thread.
//
// Bounds: peers_max, four TCP addresses each. When it is full, one that is not connected makes room, the one
// seen longest ago: first of those that gave nothing; who gave blocks goes only for one who does. A peer that
// cannot be reached failures_max times is dropped, and so is one not seen for kept_for. Times are wall time,
// which may not be set (1970): then nothing expires, and a peer's time begins when there is one.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/bytes.hpp"
#include "alloc/clock.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/plan.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/hash_index.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>

namespace masu::core {

// Seconds since 1970, of a clock that may not be set.
using WallSeconds = std::uint64_t;

// What a record says of a peer.
struct PeerNote {
  static constexpr std::size_t addresses_max = 4;
  static constexpr std::size_t address_bytes_max = 20;  // /ip6/…/tcp/…

  struct Address {
    std::uint8_t size = 0;
    std::array<std::uint8_t, address_bytes_max> data;
    Bytes bytes() const { return Bytes(data).first(size); }
  };
  std::span<const Address> all_addresses() const { return std::span(addresses).first(address_count); }

  PeerId id;
  std::uint64_t order = 0;  // higher: seen later
  WallSeconds seen_at = 0;  // 0: while no time was set
  std::array<Address, addresses_max> addresses;
  std::uint8_t address_count = 0;
  std::uint8_t failures = 0;  // since it was seen
  bool gave = false;          // blocks that were wanted
};

struct BookedPeer : PeerNote, net::HashIndexNode<BookedPeer>, IntrusiveListNode<BookedPeer> {
  explicit BookedPeer(const PeerId& peer) { id = peer; }
  Bytes hash_key() const { return id.bytes(); }

  TimePoint next_try{};  // of this run
  bool connected = false;
  bool changed = false;  // its record is to be written
  bool dropped = false;  // and deleted
};
static_assert(sizeof(BookedPeer) <= plan_entry::known_peer_bytes);

// A record on its way to the store.
struct PeerRecord {
  static constexpr std::size_t key_bytes_max = 1 + PeerId::bytes_max;
  static constexpr std::size_t value_bytes_max =
      20 + PeerNote::addresses_max * (1 + PeerNote::address_bytes_max);

  Bytes key() const { return Bytes(key_data).first(key_size); }
  Bytes value() const { return Bytes(value_data).first(value_size); }
  bool deleted() const { return value_size == 0; }

  std::array<std::uint8_t, key_bytes_max> key_data;
  std::array<std::uint8_t, value_bytes_max> value_data;
  std::uint8_t key_size = 0;
  std::uint8_t value_size = 0;
};

class PeerBook {
 public:
  static constexpr WallSeconds kept_for = 30 * 24 * 3600;
  static constexpr std::uint8_t failures_max = 5;
  // Earlier than this program: the clock is not set.
  static constexpr WallSeconds set_since = 1'750'000'000;

  // Room for `peers_max`, and for an eighth more whose records are to be deleted.
  PeerBook(Account& account, std::pmr::memory_resource& memory, const net::HashSecret& secret,
           std::size_t peers_max);
  ~PeerBook();
  PeerBook(const PeerBook&) = delete;
  PeerBook& operator=(const PeerBook&) = delete;

  // Whether an address is of a kind that is kept.
  static bool keeps(const MultiaddrView& address);

  // A connected peer that has shown its worth. Without addresses nothing happens. False: it is not kept.
  bool note(const PeerId& peer, bool gave, std::span<const Multiaddr> addresses, WallSeconds now);
  // A peer of the book came or left.
  void set_connected(const PeerId& peer, bool connected, WallSeconds now);
  // It could not be reached, though others can.
  void note_failure(const PeerId& peer);
  // Null: it is not in the book.
  const BookedPeer* find(const PeerId& peer) const;
  std::size_t size() const { return index_.size() - dropped_; }
  // `visit(const BookedPeer&)`, the one seen longest ago first.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (const BookedPeer& peer : by_order_) {
      if (!peer.dropped) visit(peer);
    }
  }
  // Whom to call first of those that are not connected and may be tried: who gave blocks, then who was seen
  // last. It is not tried again for `again_after`.
  const BookedPeer* next_to_try(TimePoint now, Duration again_after);

  // --- Records. ---

  // False: the record is none, too old, or there is no room: it may be deleted.
  bool load(Bytes key, Bytes value, WallSeconds now);
  // The next record to be written; false: the store has all.
  bool take_change(PeerRecord& record);

 private:
  BookedPeer* make(const PeerId& peer, bool gave);
  BookedPeer* victim_for(bool giver);
  void drop(BookedPeer& peer);
  void remove(BookedPeer& peer);
  void file(BookedPeer& peer);
  void touch(BookedPeer& peer, WallSeconds now);

  const std::size_t peers_max_;
  SlabPool<BookedPeer> peers_;
  net::HashIndex<BookedPeer> index_;
  IntrusiveList<BookedPeer> by_order_;
  std::uint64_t last_order_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace masu::core
