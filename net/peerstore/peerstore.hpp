// Peerstore: what the node knows of other peers: addresses with their times to live, protocols, agent, key.
//
// In memory only. Loop thread only. Owned by the swarm. Bounded by counts from the capacity plan: peers,
// addresses in all and per peer, protocols per peer, shared texts, bytes of keys. Its rows: net.peerstore and
// net.peerkey.
//
// Who stays when it is full: connected peers and their addresses always. Of the others, addresses go by the
// nearest expiry; peers that were only heard of go before peers that were connected once, each by the longest
// time since they were told of. Protocols, agent and key of a peer go a minute after its last connection.
//
// An address is the encoded multiaddr without its /p2p part, of at most address_bytes_max bytes; longer ones
// are not kept: no transport of ours dials them. Socket addresses of inbound connections are never put here
// by anyone: they are ports that nobody listens on.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/clock.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/resource.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/key.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/hash_index.hpp"
#include "net/text_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

// How long an address is believed, from the shortest.
enum class AddressTtl : std::uint8_t {
  temporary,           // 2 minutes: gossip
  recently_connected,  // 15 minutes: it worked, or the peer told us while it was connected
  address,             // 1 hour
  provider,            // 24 hours
  connected,           // while the peer is connected
  permanent,           // the user's own
};
inline constexpr std::size_t expiring_ttls = 4;
Duration duration_of(AddressTtl ttl);  // Requires: one that expires.

struct PeerstoreLimits {
  std::size_t peers = 2048;
  std::size_t addresses = 8192;
  std::size_t addresses_per_peer = 64;            // while it is not connected
  std::size_t addresses_per_connected_peer = 64;  // times connections: well below `addresses`
  std::size_t addresses_kept_at_disconnect = 20;
  std::size_t protocols_per_peer = 128;
  std::size_t texts = 512;            // protocol ids and agents, all peers together
  std::size_t protocol_blocks = 512;  // of 15 protocols, all peers together
  std::size_t key_bytes = 64 * 1024;
  Duration metadata_kept = 60s;
};

class Peerstore {
 public:
  static constexpr std::size_t address_bytes_max = 50;
  static constexpr std::size_t agent_bytes_max = TextTable::text_bytes_max;

  Peerstore(Budget& budget, const HashSecret& secret, const PeerstoreLimits& limits);
  ~Peerstore();
  Peerstore(const Peerstore&) = delete;
  Peerstore& operator=(const Peerstore&) = delete;

  // --- Addresses. ---

  // Adds it, or prolongs it when it is there with less; never shortens. False: it was not kept.
  bool add_address(const PeerId& peer, const MultiaddrView& address, AddressTtl ttl, TimePoint now);
  // What a connected peer said of itself: replaces what it said before, and everything of less than
  // `permanent` that others said of it. Those that do not fit are left out. Requires: connected.
  void set_own_addresses(const PeerId& peer, std::span<const MultiaddrView> addresses, TimePoint now);
  void forget_address(const PeerId& peer, const MultiaddrView& address);
  // `visit(const MultiaddrView&, AddressTtl)` for each that is still believed. `visit` changes nothing here.
  template <class Visitor>
  void for_each_address(const PeerId& peer, TimePoint now, Visitor&& visit) const;

  // --- Connections. ---

  // A peer whose first connection is there. False: the store is full of connected peers.
  bool on_connected(const PeerId& peer);
  // Its last connection is gone: a few addresses are kept for a while, the rest goes.
  void on_disconnected(const PeerId& peer, TimePoint now);

  // --- What identify said. Nothing happens for a peer that is not known. ---

  void set_agent(const PeerId& peer, std::string_view agent);
  std::string_view agent(const PeerId& peer) const;
  // The refs are of texts(), and are taken out of the span. A list of more than protocols_per_peer is refused
  // as a whole, and what was known stays. Under floods of invented protocols some may be left out, but never
  // those of pin_protocol().
  bool set_protocols(const PeerId& peer, std::span<TextRef> protocols);
  bool supports(const PeerId& peer, std::string_view protocol) const;
  template <class Visitor>
  void for_each_protocol(const PeerId& peer, Visitor&& visit) const;  // visit(std::string_view)
  // Kept only when the peer's id does not contain the key itself.
  void set_key(const PeerId& peer, const PublicKey& key);
  std::optional<PublicKey> key(const PeerId& peer) const;
  // Not older than the record seen before; then it is remembered.
  bool accept_record(const PeerId& peer, std::uint64_t sequence);

  // A protocol that this node asks peers for: who supports it is known without memory, whatever peers fill
  // the tables with. At most pinned_max, for as long as the store.
  static constexpr std::size_t pinned_max = 64;
  void pin_protocol(std::string_view protocol);
  TextTable& texts() { return texts_; }

  // --- As a whole. ---

  bool contains(const PeerId& peer) const { return find(peer) != nullptr; }
  // Those with an address that is believed or a connection. `visit(const PeerId&)` changes nothing here.
  template <class Visitor>
  void for_each_peer(TimePoint now, Visitor&& visit) const;
  std::size_t peers() const { return peers_.used(); }
  std::size_t addresses() const { return addresses_.used(); }

  // Removes what has expired. To be called at next_deadline(), or now and then.
  void expire(TimePoint now);
  std::optional<TimePoint> next_deadline() const;
  // Gives memory back under pressure: everything about peers that are not connected.
  void forget_unconnected();

 private:
  struct Peer;
  struct AgeTag;
  struct FadeTag;

  // Entries of a peer lie in its own list; those that expire lie also in the list of their ttl, which is in
  // the order of expiry because all of one ttl get the same time.
  struct Address : IntrusiveListNode<Address> {
    Peer* peer = nullptr;
    Address* next = nullptr;      // of the same peer
    std::uint32_t expires_s = 0;  // on the boot clock; 0: held
    AddressTtl ttl = AddressTtl::temporary;
    std::uint8_t size = 0;
    std::array<std::uint8_t, address_bytes_max> data;
    Bytes bytes() const { return {data.data(), size}; }
    MultiaddrView view() const { return MultiaddrView::of_valid(bytes()); }
  };

  struct ProtocolBlock {
    static constexpr std::size_t refs_max = 15;
    ProtocolBlock* next = nullptr;
    std::array<TextRef, refs_max> refs;
  };

  struct Peer : HashIndexNode<Peer>, IntrusiveListNode<Peer, AgeTag>, IntrusiveListNode<Peer, FadeTag> {
    explicit Peer(const PeerId& peer_id) : id(peer_id) {}
    Bytes hash_key() const { return id.bytes(); }

    PeerId id;
    Address* addresses = nullptr;
    ProtocolBlock* protocols = nullptr;
    TextRef agent;
    Bytes key;  // as protobuf, in net.peerkey
    TimePoint fades_at{};
    std::uint64_t record_sequence = 0;
    std::uint64_t pinned = 0;  // bits: which of pinned_ it supports
    std::uint16_t address_count = 0;
    bool connected = false;
    bool was_connected = false;
    bool has_permanent = false;
  };

  Peer* find(const PeerId& peer) const { return index_.find(peer.bytes()); }
  Peer* find_or_make(const PeerId& peer, bool connected);
  bool evict_peer(bool for_connected);
  void drop_if_empty(Peer& peer);
  void remove(Peer& peer);
  void clear_metadata(Peer& peer);
  void clear_protocols(Peer& peer);
  void clear_key(Peer& peer);

  static Address* find(const Peer& peer, const MultiaddrView& address);
  Address* make_address(Peer& peer, const MultiaddrView& address);
  bool evict_nearest_of(Peer& peer);
  bool evict_nearest_of_all(const Peer& spared);
  void file(Address& address, AddressTtl ttl, TimePoint now);
  void remove(Address& address);
  static bool believed(const Address& address, TimePoint now);

  const PeerstoreLimits limits_;
  Account account_;
  Account key_account_;
  AccountResource memory_;
  AccountResource key_memory_;
  TextTable texts_;
  SlabPool<Peer> peers_;
  SlabPool<Address> addresses_;
  SlabPool<ProtocolBlock> blocks_;
  HashIndex<Peer> index_;
  std::array<IntrusiveList<Address>, expiring_ttls> expiring_;
  IntrusiveList<Peer, AgeTag> heard_of_;  // never connected, the oldest news first
  IntrusiveList<Peer, AgeTag> known_;     // connected once, not now
  IntrusiveList<Peer, FadeTag> fading_;   // metadata to be removed, the earliest first
  std::array<TextRef, pinned_max> pinned_;
  std::size_t pinned_count_ = 0;
};

template <class Visitor>
void Peerstore::for_each_address(const PeerId& id, TimePoint now, Visitor&& visit) const {
  const Peer* peer = find(id);
  if (peer == nullptr) return;
  for (const Address* address = peer->addresses; address != nullptr; address = address->next) {
    if (believed(*address, now)) visit(address->view(), address->ttl);
  }
}

template <class Visitor>
void Peerstore::for_each_protocol(const PeerId& id, Visitor&& visit) const {
  const Peer* peer = find(id);
  if (peer == nullptr) return;
  for (std::size_t at = 0; at < pinned_count_; ++at) {
    if (peer->pinned >> at & 1) visit(pinned_[at].text());
  }
  for (const ProtocolBlock* block = peer->protocols; block != nullptr; block = block->next) {
    for (const TextRef& ref : block->refs) {
      if (ref) visit(ref.text());
    }
  }
}

template <class Visitor>
void Peerstore::for_each_peer(TimePoint now, Visitor&& visit) const {
  index_.for_each([&](const Peer& peer) {
    bool alive = peer.connected;
    for (const Address* address = peer.addresses; address != nullptr && !alive; address = address->next) {
      alive = believed(*address, now);
    }
    if (alive) visit(peer.id);
  });
}

}  // namespace masu::net
