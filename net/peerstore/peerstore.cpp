#include "net/peerstore/peerstore.hpp"

#include "alloc/check.hpp"
#include "alloc/plan.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace masu::net {
namespace {

std::uint32_t seconds_of(TimePoint time) {
  return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(time.time_since_epoch()).count());
}

bool keepable(const MultiaddrView& address) {
  return !address.empty() && address.bytes().size() <= Peerstore::address_bytes_max;
}

}  // namespace

Duration duration_of(AddressTtl ttl) {
  switch (ttl) {
    case AddressTtl::temporary: return 2min;
    case AddressTtl::recently_connected: return 15min;
    case AddressTtl::address: return 1h;
    case AddressTtl::provider: return 24h;
    case AddressTtl::connected:
    case AddressTtl::permanent: break;
  }
  MASU_CHECK(false, "an address that is held has no duration");
}

Peerstore::Peerstore(Budget& budget, const HashSecret& secret, const PeerstoreLimits& limits)
    : limits_(limits),
      account_(budget, "net.peerstore", Lifetime::peer,
               limits.peers * (sizeof(Peer) + 4 * sizeof(Peer*)) + limits.addresses * sizeof(Address) +
                   limits.protocol_blocks * sizeof(ProtocolBlock) +
                   limits.texts * (TextTable::text_entry_bytes + 4 * sizeof(void*))),
      key_account_(budget, "net.peerkey", Lifetime::peer, limits.key_bytes),
      memory_(account_),
      key_memory_(key_account_),
      texts_(account_, memory_, secret, limits.texts),
      peers_(account_, limits.peers),
      addresses_(account_, limits.addresses),
      blocks_(account_, limits.protocol_blocks),
      index_(memory_, secret, limits.peers) {
  static_assert(sizeof(Peer) <= plan_entry::peer_bytes);
  static_assert(sizeof(Address) <= plan_entry::address_bytes);
  static_assert(sizeof(ProtocolBlock) <= plan_entry::protocol_block_bytes);
  static_assert(TextTable::text_entry_bytes + 4 * sizeof(void*) <= plan_entry::text_bytes);
}

Peerstore::~Peerstore() {
  index_.for_each([this](Peer& peer) { remove(peer); });
}

// --- Addresses. ---

bool Peerstore::believed(const Address& address, TimePoint now) {
  return address.expires_s == 0 || seconds_of(now) < address.expires_s;
}

Peerstore::Address* Peerstore::find(const Peer& peer, const MultiaddrView& view) {
  Address* address = peer.addresses;
  while (address != nullptr && !equal(address->bytes(), view.bytes())) address = address->next;
  return address;
}

bool Peerstore::add_address(const PeerId& id, const MultiaddrView& view, AddressTtl ttl, TimePoint now) {
  MASU_CHECK(ttl != AddressTtl::connected, "only set_own_addresses() binds an address to a connection");
  if (!keepable(view)) return false;
  Peer* peer = find_or_make(id, false);
  if (peer == nullptr) return false;
  Address* address = find(*peer, view);
  if (address == nullptr) {
    address = make_address(*peer, view);
    if (address == nullptr) {
      drop_if_empty(*peer);
      return false;
    }
    file(*address, ttl, now);
    return true;
  }
  if (address->expires_s == 0) {  // held: by the connection, or as permanent
    address->ttl = std::max(address->ttl, ttl);
    if (ttl == AddressTtl::permanent) file(*address, ttl, now);
    return true;
  }
  if (ttl == AddressTtl::permanent || seconds_of(now + duration_of(ttl)) >= address->expires_s) {
    file(*address, ttl, now);
  }
  return true;
}

// Gives it the time of `ttl` from now. While its peer is connected nothing expires.
void Peerstore::file(Address& address, AddressTtl ttl, TimePoint now) {
  Peer& peer = *address.peer;
  address.unlink();
  address.ttl = ttl;
  address.expires_s = 0;
  if (ttl == AddressTtl::permanent) {
    // The user's own: the peer is never evicted.
    peer.has_permanent = true;
    static_cast<IntrusiveListNode<Peer, AgeTag>&>(peer).unlink();
    return;
  }
  if (peer.connected) return;
  address.expires_s = seconds_of(now + duration_of(ttl));
  expiring_[static_cast<std::size_t>(ttl)].push_back(address);
}

Peerstore::Address* Peerstore::make_address(Peer& peer, const MultiaddrView& view) {
  const std::size_t most = peer.connected ? limits_.addresses_per_connected_peer : limits_.addresses_per_peer;
  if (peer.address_count >= most && !evict_nearest_of(peer)) return nullptr;
  Address* address = addresses_.create();
  if (address == nullptr && evict_nearest_of_all(peer)) address = addresses_.create();
  if (address == nullptr) return nullptr;
  address->size = static_cast<std::uint8_t>(view.bytes().size());
  std::memcpy(address->data.data(), view.bytes().data(), view.bytes().size());
  address->peer = &peer;
  address->next = peer.addresses;
  peer.addresses = address;
  ++peer.address_count;
  return address;
}

bool Peerstore::evict_nearest_of(Peer& peer) {
  Address* nearest = nullptr;
  for (Address* address = peer.addresses; address != nullptr; address = address->next) {
    if (address->expires_s == 0) continue;
    if (nearest == nullptr || address->expires_s < nearest->expires_s) nearest = address;
  }
  if (nearest == nullptr) return false;
  remove(*nearest);
  return true;
}

bool Peerstore::evict_nearest_of_all(const Peer& spared) {
  Address* nearest = nullptr;
  for (IntrusiveList<Address>& list : expiring_) {
    if (list.empty()) continue;
    if (nearest == nullptr || list.front().expires_s < nearest->expires_s) nearest = &list.front();
  }
  if (nearest == nullptr) return false;
  Peer& peer = *nearest->peer;
  remove(*nearest);
  if (&peer != &spared) drop_if_empty(peer);
  return true;
}

void Peerstore::remove(Address& address) {
  Peer& peer = *address.peer;
  Address** place = &peer.addresses;
  while (*place != &address) place = &(*place)->next;
  *place = address.next;
  --peer.address_count;
  addresses_.destroy(&address);
}

void Peerstore::forget_address(const PeerId& id, const MultiaddrView& view) {
  Peer* peer = find(id);
  if (peer == nullptr) return;
  if (Address* address = find(*peer, view)) remove(*address);
  drop_if_empty(*peer);
}

void Peerstore::set_own_addresses(const PeerId& id, std::span<const MultiaddrView> addresses, TimePoint now) {
  Peer* peer = find(id);
  MASU_CHECK(peer != nullptr && peer->connected, "own addresses are those of a connected peer");
  for (Address* address = peer->addresses; address != nullptr;) {
    Address* next = address->next;
    const bool said = std::any_of(addresses.begin(), addresses.end(), [&](const MultiaddrView& view) {
      return equal(view.bytes(), address->bytes());
    });
    if (address->ttl != AddressTtl::permanent) {
      if (said) {
        address->ttl = AddressTtl::connected;
      } else {
        remove(*address);
      }
    }
    address = next;
  }
  for (const MultiaddrView& view : addresses) {
    if (!keepable(view) || find(*peer, view) != nullptr) continue;
    Address* address = make_address(*peer, view);
    if (address == nullptr) return;
    file(*address, AddressTtl::connected, now);
  }
}

// --- Peers. ---

Peerstore::Peer* Peerstore::find_or_make(const PeerId& id, bool connected) {
  if (Peer* peer = find(id)) {
    // News of a peer that was only heard of keep it; a known one is as old as its last connection.
    IntrusiveListNode<Peer, AgeTag>& age = *peer;
    if (age.linked() && !peer->was_connected) {
      age.unlink();
      heard_of_.push_back(*peer);
    }
    return peer;
  }
  Peer* peer = peers_.create(id);
  if (peer == nullptr && evict_peer(connected)) peer = peers_.create(id);
  if (peer == nullptr) return nullptr;
  index_.insert(*peer);
  heard_of_.push_back(*peer);
  return peer;
}

// Peers that were once connected may fill three quarters of the store against gossip, all of it against
// nothing; a peer that is connected now goes before both.
bool Peerstore::evict_peer(bool for_connected) {
  const bool spare_known = for_connected || heard_of_.size() > limits_.peers / 4;
  IntrusiveList<Peer, AgeTag>& first = spare_known ? heard_of_ : known_;
  IntrusiveList<Peer, AgeTag>& second = spare_known ? known_ : heard_of_;
  if (first.empty() && second.empty()) return false;
  remove(first.empty() ? second.front() : first.front());
  return true;
}

void Peerstore::drop_if_empty(Peer& peer) {
  if (peer.connected || peer.addresses != nullptr) return;
  if (static_cast<IntrusiveListNode<Peer, FadeTag>&>(peer).linked()) return;
  remove(peer);
}

void Peerstore::remove(Peer& peer) {
  while (peer.addresses != nullptr) remove(*peer.addresses);
  clear_metadata(peer);
  index_.remove(peer);
  peers_.destroy(&peer);
}

bool Peerstore::on_connected(const PeerId& id) {
  Peer* peer = find_or_make(id, true);
  if (peer == nullptr) return false;
  peer->connected = true;
  peer->was_connected = true;
  static_cast<IntrusiveListNode<Peer, AgeTag>&>(*peer).unlink();
  static_cast<IntrusiveListNode<Peer, FadeTag>&>(*peer).unlink();
  for (Address* address = peer->addresses; address != nullptr; address = address->next) {
    address->unlink();
    address->expires_s = 0;
  }
  return true;
}

void Peerstore::on_disconnected(const PeerId& id, TimePoint now) {
  Peer* peer = find(id);
  if (peer == nullptr || !peer->connected) return;
  peer->connected = false;
  peer->fades_at = now + limits_.metadata_kept;
  fading_.push_back(*peer);
  if (!peer->has_permanent) known_.push_back(*peer);
  // What the peer said itself is kept before what others said of it.
  std::size_t kept = 0;
  for (const bool own : {true, false}) {
    for (Address* address = peer->addresses; address != nullptr;) {
      Address* next = address->next;
      if (address->expires_s == 0 && address->ttl != AddressTtl::permanent &&
          (address->ttl == AddressTtl::connected) == own) {
        if (kept < limits_.addresses_kept_at_disconnect) {
          ++kept;
          file(*address, AddressTtl::recently_connected, now);
        } else {
          remove(*address);
        }
      }
      address = next;
    }
  }
}

// --- What identify said. ---

void Peerstore::set_agent(const PeerId& id, std::string_view agent) {
  Peer* peer = find(id);
  if (peer != nullptr) peer->agent = texts_.intern(agent.substr(0, agent_bytes_max));
}

std::string_view Peerstore::agent(const PeerId& id) const {
  const Peer* peer = find(id);
  return peer != nullptr ? peer->agent.text() : std::string_view();
}

void Peerstore::pin_protocol(std::string_view protocol) {
  TextRef text = texts_.intern(protocol);
  MASU_CHECK(text && pinned_count_ < pinned_max, "a node pins few protocols, when it starts");
  const auto end = pinned_.begin() + static_cast<std::ptrdiff_t>(pinned_count_);
  if (std::find(pinned_.begin(), end, text) != end) return;
  const std::uint64_t bit = std::uint64_t{1} << pinned_count_;
  index_.for_each([&](Peer& peer) {
    for (ProtocolBlock* block = peer.protocols; block != nullptr; block = block->next) {
      for (TextRef& ref : block->refs) {
        if (ref != text) continue;
        peer.pinned |= bit;
        ref.reset();
      }
    }
  });
  pinned_[pinned_count_++] = std::move(text);
}

bool Peerstore::set_protocols(const PeerId& id, std::span<TextRef> protocols) {
  Peer* peer = find(id);
  if (peer == nullptr || protocols.size() > limits_.protocols_per_peer) return false;
  clear_protocols(*peer);
  std::size_t used = ProtocolBlock::refs_max;  // of the first block
  for (TextRef& protocol : protocols) {
    if (!protocol) continue;
    const auto end = pinned_.begin() + static_cast<std::ptrdiff_t>(pinned_count_);
    const auto pinned = std::find(pinned_.begin(), end, protocol);
    if (pinned != end) {
      peer->pinned |= std::uint64_t{1} << (pinned - pinned_.begin());
      continue;
    }
    if (used == ProtocolBlock::refs_max) {
      ProtocolBlock* block = blocks_.create();
      if (block == nullptr) continue;
      block->next = peer->protocols;
      peer->protocols = block;
      used = 0;
    }
    peer->protocols->refs[used++] = std::move(protocol);
  }
  return true;
}

bool Peerstore::supports(const PeerId& id, std::string_view protocol) const {
  const Peer* peer = find(id);
  if (peer == nullptr) return false;
  for (std::size_t at = 0; at < pinned_count_; ++at) {
    if (pinned_[at].text() == protocol) return peer->pinned >> at & 1;
  }
  for (const ProtocolBlock* block = peer->protocols; block != nullptr; block = block->next) {
    for (const TextRef& ref : block->refs) {
      if (ref && ref.text() == protocol) return true;
    }
  }
  return false;
}

void Peerstore::set_key(const PeerId& id, const PublicKey& key) {
  Peer* peer = find(id);
  if (peer == nullptr || id.public_key()) return;
  const auto encoded = key.to_protobuf();
  if (equal(peer->key, encoded)) return;
  clear_key(*peer);
  try {
    auto* place = static_cast<std::uint8_t*>(key_memory_.allocate(encoded.size(), 1));
    std::memcpy(place, encoded.data(), encoded.size());
    peer->key = {place, encoded.size()};
  } catch (const std::bad_alloc&) {
    // Keys have a cap of their own; whoever needs this one asks the connection.
  }
}

std::optional<PublicKey> Peerstore::key(const PeerId& id) const {
  if (std::optional<PublicKey> inlined = id.public_key()) return inlined;
  const Peer* peer = find(id);
  if (peer == nullptr || peer->key.empty()) return std::nullopt;
  auto key = PublicKey::from_protobuf(peer->key);
  if (!key) return std::nullopt;
  return *key;
}

bool Peerstore::accept_record(const PeerId& id, std::uint64_t sequence) {
  Peer* peer = find(id);
  if (peer == nullptr || sequence < peer->record_sequence) return false;
  peer->record_sequence = sequence;
  return true;
}

void Peerstore::clear_protocols(Peer& peer) {
  peer.pinned = 0;
  while (peer.protocols != nullptr) {
    ProtocolBlock* block = peer.protocols;
    peer.protocols = block->next;
    blocks_.destroy(block);
  }
}

void Peerstore::clear_key(Peer& peer) {
  if (peer.key.empty()) return;
  key_memory_.deallocate(const_cast<std::uint8_t*>(peer.key.data()), peer.key.size(), 1);
  peer.key = {};
}

void Peerstore::clear_metadata(Peer& peer) {
  static_cast<IntrusiveListNode<Peer, FadeTag>&>(peer).unlink();
  clear_protocols(peer);
  clear_key(peer);
  peer.agent.reset();
}

// --- As a whole. ---

void Peerstore::expire(TimePoint now) {
  for (IntrusiveList<Address>& list : expiring_) {
    while (!list.empty() && !believed(list.front(), now)) {
      Address& address = list.front();
      Peer& peer = *address.peer;
      remove(address);
      drop_if_empty(peer);
    }
  }
  while (!fading_.empty() && fading_.front().fades_at <= now) {
    Peer& peer = fading_.front();
    clear_metadata(peer);
    drop_if_empty(peer);
  }
}

std::optional<TimePoint> Peerstore::next_deadline() const {
  TimePoint next = TimePoint::max();
  for (const IntrusiveList<Address>& list : expiring_) {
    if (!list.empty()) next = std::min(next, TimePoint(std::chrono::seconds(list.begin()->expires_s)));
  }
  if (!fading_.empty()) next = std::min(next, fading_.begin()->fades_at);
  if (next == TimePoint::max()) return std::nullopt;
  return next;
}

void Peerstore::forget_unconnected() {
  index_.for_each([this](Peer& peer) {
    if (!peer.connected && !peer.has_permanent) remove(peer);
  });
}

}  // namespace masu::net
