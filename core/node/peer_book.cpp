#include "core/node/peer_book.hpp"

#include "store/record_store.hpp"

#include <algorithm>
#include <cstring>

namespace masu::core {
namespace {

constexpr std::uint8_t record_version = 1;
// Version, flags, failures, order, time, number of addresses.
constexpr std::size_t head_bytes = 3 + 2 * sizeof(std::uint64_t) + 1;
static_assert(head_bytes <= 20);

void write_number(std::uint8_t*& at, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) *at++ = static_cast<std::uint8_t>(number >> shift);
}
std::uint64_t read_number(const std::uint8_t* at) {
  std::uint64_t number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | at[i];
  return number;
}

WallSeconds known_time(WallSeconds now) { return now < PeerBook::set_since ? 0 : now; }

bool set_address(PeerNote::Address& to, const MultiaddrView& address) {
  if (!PeerBook::keeps(address)) return false;
  to.size = static_cast<std::uint8_t>(address.bytes().size());
  std::ranges::copy(address.bytes(), to.data.begin());
  return true;
}

bool read_addresses(PeerNote& peer, Bytes rest, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (rest.empty() || rest.size() < std::size_t{1} + rest[0]) return false;
    const auto address = MultiaddrView::decode(rest.subspan(1, rest[0]));
    if (!address || !set_address(peer.addresses[i], *address)) return false;
    rest = rest.subspan(std::size_t{1} + rest[0]);
  }
  peer.address_count = static_cast<std::uint8_t>(count);
  return rest.empty();
}

// Nothing: it is no record of a peer.
std::optional<PeerNote> read_record(Bytes key, Bytes value) {
  if (key.empty() || key[0] != store::record_table::peer || value.size() < head_bytes) return std::nullopt;
  const auto id = PeerId::decode(key.subspan(1));
  if (!id || value[0] != record_version || value[1] > 1) return std::nullopt;
  PeerNote peer;
  peer.id = *id;
  peer.gave = value[1] == 1;
  peer.failures = value[2];
  peer.order = read_number(&value[3]);
  peer.seen_at = read_number(&value[11]);
  const std::size_t count = value[19];
  if (count == 0 || count > PeerNote::addresses_max) return std::nullopt;
  if (peer.order == 0 || peer.order >> 56 != 0) return std::nullopt;
  if (!read_addresses(peer, value.subspan(head_bytes), count)) return std::nullopt;
  return peer;
}

}  // namespace

PeerBook::PeerBook(Account& account, std::pmr::memory_resource& memory, const net::HashSecret& secret,
                   std::size_t peers_max)
    : peers_max_(std::max<std::size_t>(peers_max * 8 / 9, 1)),
      peers_(account, peers_max),
      index_(memory, secret, peers_max) {}

PeerBook::~PeerBook() {
  while (BookedPeer* const peer = by_order_.pop_front()) peers_.destroy(peer);
}

bool PeerBook::keeps(const MultiaddrView& address) {
  const auto ip = address.ip();
  const auto port = address.tcp_port();
  return ip && port && *port != 0 && !ip->is_unspecified() && Multiaddr::tcp(*ip, *port).view() == address;
}

// --- What is seen. ---

bool PeerBook::note(const PeerId& id, bool gave, std::span<const Multiaddr> addresses, WallSeconds now) {
  const bool known = find(id) != nullptr;
  if (!known && std::ranges::none_of(addresses, [](const Multiaddr& one) { return keeps(one); }))
    return false;
  BookedPeer* const peer = make(id, gave);
  if (peer == nullptr) return false;
  peer->gave = peer->gave || gave;
  peer->connected = true;
  std::size_t count = 0;
  for (const Multiaddr& address : addresses) {
    if (count == PeerNote::addresses_max) break;
    if (set_address(peer->addresses[count], address)) ++count;
  }
  // With none the old ones stay: they worked.
  if (count > 0) peer->address_count = static_cast<std::uint8_t>(count);
  touch(*peer, now);
  return true;
}

void PeerBook::set_connected(const PeerId& id, bool connected, WallSeconds now) {
  BookedPeer* const peer = index_.find(id.bytes());
  if (peer == nullptr || peer->dropped) return;
  peer->connected = connected;
  touch(*peer, now);
}

void PeerBook::note_failure(const PeerId& id) {
  BookedPeer* const peer = index_.find(id.bytes());
  if (peer == nullptr || peer->dropped || peer->connected) return;
  peer->changed = true;
  if (++peer->failures >= failures_max) drop(*peer);
}

const BookedPeer* PeerBook::find(const PeerId& id) const {
  const BookedPeer* const peer = index_.find(id.bytes());
  return peer != nullptr && !peer->dropped ? peer : nullptr;
}

const BookedPeer* PeerBook::next_to_try(TimePoint now, Duration again_after) {
  BookedPeer* best = nullptr;
  for (BookedPeer& peer : by_order_) {
    if (peer.dropped || peer.connected || now < peer.next_try) continue;
    if (best == nullptr || peer.gave >= best->gave) best = &peer;
  }
  if (best != nullptr) best->next_try = now + again_after;
  return best;
}

void PeerBook::touch(BookedPeer& peer, WallSeconds now) {
  peer.failures = 0;
  peer.changed = true;
  peer.order = ++last_order_;
  if (known_time(now) != 0) peer.seen_at = now;
  file(peer);
}

// --- Room. ---

// The one that is there, also if it was to be deleted; else a new one. Null: there is no room for it.
BookedPeer* PeerBook::make(const PeerId& id, bool gave) {
  BookedPeer* peer = index_.find(id.bytes());
  if (peer != nullptr && !peer->dropped) return peer;
  if (peer == nullptr && peers_.full()) return nullptr;  // of those whose records are to be deleted
  if (size() >= peers_max_) {
    BookedPeer* const victim = victim_for(gave);
    if (victim == nullptr) return nullptr;
    drop(*victim);
  }
  if (peer != nullptr) {
    peer->dropped = peer->gave = false;
    --dropped_;
    return peer;
  }
  peer = peers_.create(id);
  if (peer == nullptr) return nullptr;
  index_.insert(*peer);
  by_order_.push_back(*peer);
  return peer;
}

// Who makes room; null: nobody.
BookedPeer* PeerBook::victim_for(bool giver) {
  BookedPeer* victim = nullptr;
  for (BookedPeer& peer : by_order_) {
    if (peer.dropped || peer.connected || (peer.gave && !giver)) continue;
    if (victim == nullptr || peer.gave < victim->gave) victim = &peer;
  }
  return victim;
}

void PeerBook::drop(BookedPeer& peer) {
  peer.dropped = peer.changed = true;
  ++dropped_;
}

void PeerBook::remove(BookedPeer& peer) {
  if (peer.dropped) --dropped_;
  index_.remove(peer);
  peers_.destroy(&peer);
}

// By its order. New ones are the last, those from the store come in any order.
void PeerBook::file(BookedPeer& peer) {
  peer.unlink();
  IntrusiveList<BookedPeer> later;
  while (!by_order_.empty() && by_order_.back().order > peer.order) {
    BookedPeer& last = by_order_.back();
    last.unlink();
    later.push_front(last);
  }
  by_order_.push_back(peer);
  while (BookedPeer* const one = later.pop_front()) by_order_.push_back(*one);
}

// --- Records. ---

bool PeerBook::load(Bytes key, Bytes value, WallSeconds now) {
  std::optional<PeerNote> read = read_record(key, value);
  if (!read) return false;
  const WallSeconds time = known_time(now);
  // A clock that was ahead once says nothing now.
  const bool restamped = time != 0 && (read->seen_at == 0 || read->seen_at > time);
  if (restamped) read->seen_at = time;
  if (time != 0 && time - read->seen_at > kept_for) return false;
  if (read->failures >= failures_max) return false;
  if (find(read->id) != nullptr) return true;  // seen again already
  // The store has more than fit when the budget was larger: their records stay until they are too old.
  BookedPeer* const victim = size() >= peers_max_ ? victim_for(read->gave) : nullptr;
  if (victim != nullptr) remove(*victim);
  BookedPeer* const peer = make(read->id, read->gave);
  if (peer == nullptr) return false;
  static_cast<PeerNote&>(*peer) = *read;
  peer->changed = restamped;
  last_order_ = std::max(last_order_, peer->order);
  file(*peer);
  return true;
}

bool PeerBook::take_change(PeerRecord& record) {
  for (BookedPeer& peer : by_order_) {
    if (!peer.changed) continue;
    record.key_data[0] = store::record_table::peer;
    std::ranges::copy(peer.id.bytes(), record.key_data.begin() + 1);
    record.key_size = static_cast<std::uint8_t>(1 + peer.id.bytes().size());
    record.value_size = 0;
    if (peer.dropped) {
      remove(peer);
      return true;
    }
    peer.changed = false;
    std::uint8_t* at = record.value_data.data();
    *at++ = record_version;
    *at++ = peer.gave ? 1 : 0;
    *at++ = peer.failures;
    write_number(at, peer.order);
    write_number(at, peer.seen_at);
    *at++ = peer.address_count;
    for (const PeerNote::Address& address : peer.all_addresses()) {
      *at++ = address.size;
      at = std::ranges::copy(address.bytes(), at).out;
    }
    record.value_size = static_cast<std::uint8_t>(at - record.value_data.data());
    return true;
  }
  return false;
}

}  // namespace masu::core
