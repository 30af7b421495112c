#include "net/swarm/connection_manager.hpp"

#include "alloc/check.hpp"

#include <algorithm>

namespace masu::net {

ConnectionManager::ConnectionManager(Account& account, AccountResource& memory, const HashSecret& secret,
                                     const ConnectionMarks& marks, std::size_t peers_max)
    : marks_(marks), peers_(account, peers_max), index_(memory, secret, peers_max) {}

ConnectionManager::~ConnectionManager() {
  MASU_CHECK(connections_.empty(), "connections end before their manager");
  index_.for_each([this](Peer& peer) {
    index_.remove(peer);
    peers_.destroy(&peer);
  });
}

// --- What protocols say. ---

void ConnectionManager::tag(const PeerId& id, std::string_view name, int value) {
  Peer* peer = value != 0 ? find_or_make(id) : index_.find(id.bytes());
  if (peer == nullptr) return;
  const auto named = [&](const Tag& tag) { return tag.name == name; };
  auto tag = std::find_if(peer->tags.begin(), peer->tags.end(), named);
  if (tag == peer->tags.end()) {
    // A free one, or the one that says least.
    const auto weight = [](const Tag& other) { return other.value < 0 ? -other.value : other.value; };
    tag = std::min_element(peer->tags.begin(), peer->tags.end(),
                           [&](const Tag& a, const Tag& b) { return weight(a) < weight(b); });
    if (weight(*tag) >= weight({name, value})) return drop_if_empty(*peer);
  }
  *tag = value != 0 ? Tag{name, value} : Tag{};
  drop_if_empty(*peer);
}

void ConnectionManager::protect(const PeerId& id, std::string_view name) {
  Peer* peer = find_or_make(id);
  if (peer == nullptr) return;
  auto& all = peer->protections;
  if (std::find(all.begin(), all.end(), name) != all.end()) return;
  const auto free = std::find(all.begin(), all.end(), std::string_view());
  if (free != all.end()) *free = name;
}

void ConnectionManager::unprotect(const PeerId& id, std::string_view name) {
  Peer* peer = index_.find(id.bytes());
  if (peer == nullptr) return;
  auto& all = peer->protections;
  const auto rest = std::remove(all.begin(), all.end(), name);
  std::fill(rest, all.end(), std::string_view());
  drop_if_empty(*peer);
}

bool ConnectionManager::is_protected(const PeerId& id) const {
  const Peer* peer = index_.find(id.bytes());
  return peer != nullptr && peer->is_protected();
}

bool ConnectionManager::has_tag(const PeerId& id, std::string_view name) const {
  const Peer* peer = index_.find(id.bytes());
  if (peer == nullptr) return false;
  const auto named = [&](const Tag& tag) { return tag.value != 0 && tag.name == name; };
  return std::ranges::any_of(peer->tags, named) || std::ranges::count(peer->protections, name) > 0;
}

int ConnectionManager::value(const PeerId& id) const {
  const Peer* peer = index_.find(id.bytes());
  if (peer == nullptr) return 0;
  int sum = 0;
  for (const Tag& tag : peer->tags) sum += tag.value;
  return sum;
}

ConnectionManager::Peer* ConnectionManager::find_or_make(const PeerId& id) {
  Peer* peer = index_.find(id.bytes());
  if (peer != nullptr) {
    peer->unlink();
  } else {
    peer = peers_.create(id);
    if (peer == nullptr && evict()) peer = peers_.create(id);
    if (peer == nullptr) return nullptr;
    index_.insert(*peer);
  }
  by_age_.push_back(*peer);
  return peer;
}

// Gives up what is known of the peer that is longest untouched, if it is neither protected nor connected.
bool ConnectionManager::evict() {
  const auto connected = [this](const Peer& peer) {
    return std::any_of(connections_.begin(), connections_.end(), [&](const ManagedConnection& connection) {
      return connection.managed_peer() == peer.id;
    });
  };
  for (Peer& peer : by_age_) {
    if (peer.is_protected() || connected(peer)) continue;
    index_.remove(peer);
    peers_.destroy(&peer);
    return true;
  }
  return false;
}

void ConnectionManager::drop_if_empty(Peer& peer) {
  if (peer.is_protected()) return;
  if (std::any_of(peer.tags.begin(), peer.tags.end(), [](const Tag& tag) { return tag.value != 0; })) return;
  index_.remove(peer);
  peers_.destroy(&peer);
}

// --- Connections. ---

void ConnectionManager::add(ManagedConnection& connection, TimePoint now) {
  connection.opened_at_ = now;
  connections_.push_back(connection);
}

std::optional<TimePoint> ConnectionManager::next_deadline() const {
  if (connections_.size() <= marks_.high) return std::nullopt;
  // Those within their grace become candidates in time; once a silence is often enough to look.
  return silent_until_;
}

void ConnectionManager::choose(TimePoint now, Duration grace) {
  for (ManagedConnection& connection : connections_) {
    connection.candidate_ = false;
    if (now < connection.opened_at_ + grace) continue;
    const Peer* peer = index_.find(connection.managed_peer().bytes());
    if (peer != nullptr && peer->is_protected()) continue;
    connection.candidate_ = true;
    connection.value_ = value(connection.managed_peer());
  }
}

void ConnectionManager::choose_strangers() {
  for (ManagedConnection& connection : connections_) {
    connection.candidate_ = !connection.is_peer_of_use();
    connection.value_ = value(connection.managed_peer());
  }
}

std::size_t ConnectionManager::candidates() const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [](const ManagedConnection& connection) { return connection.candidate_; }));
}

// By value, then by the fewest open streams, then the oldest. It is no candidate afterwards.
ManagedConnection* ConnectionManager::least_of_candidates() {
  ManagedConnection* least = nullptr;
  for (ManagedConnection& connection : connections_) {
    if (!connection.candidate_) continue;
    if (least == nullptr || connection.value_ < least->value_ ||
        (connection.value_ == least->value_ && connection.open_streams() < least->open_streams())) {
      least = &connection;
    }
  }
  if (least != nullptr) least->candidate_ = false;
  return least;
}

}  // namespace masu::net
