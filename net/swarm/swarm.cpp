#include "net/swarm/swarm.hpp"

#include "net/swarm/swarm_core.hpp"
#include "net/upgrade.hpp"

#include <algorithm>

namespace masu::net {
namespace {

ConnectionInfo info_of(const SwarmConnection& connection) {
  const ConnectionStats stats = connection.connection().stats();
  return {connection.peer()->id,
          connection.remote_address(),
          connection.local_address(),
          connection.inbound(),
          connection.opened_at(),
          stats.round_trip,
          stats.streams_inbound + stats.streams_outbound,
          noise_protocol,
          muxer_protocol};
}

}  // namespace

Swarm::Swarm(Budget& budget, ConnectionResources& resources, const PrivateKey& identity, TimerQueue& timers,
             const Clock& clock, RandomSource& random, TurnHook& turns, const SwarmOptions& options)
    : core_(std::make_unique<SwarmCore>(budget, resources, identity, timers, clock, random, turns, options)) {
}

Swarm::~Swarm() = default;

void Swarm::add_transport(Transport& transport) { core_->add_transport(transport); }
void Swarm::set_resolver(AddressResolver& resolver) { core_->set_resolver(resolver); }
std::expected<Multiaddr, std::string> Swarm::listen(const MultiaddrView& address) {
  return core_->listen(address);
}
void Swarm::close() { core_->close(); }
bool Swarm::closed() const { return core_->closed(); }

// --- As Host. ---

const PeerId& Swarm::self() const { return core_->self(); }
TimePoint Swarm::now() const { return core_->now(); }
TimerQueue& Swarm::timers() { return core_->timers(); }
void Swarm::serve(std::string_view protocol, ProtocolHandler& handler, ProtocolLimits limits) {
  core_->serve(protocol, handler, limits);
}
void Swarm::observe(PeerObserver& observer) { core_->observe(observer); }
void Swarm::open_stream(const PeerId& peer, std::span<const std::string_view> protocols,
                        StreamHandler& handler) {
  core_->open_stream(peer, protocols, handler);
}
void Swarm::connect(const PeerId& peer, std::span<const Multiaddr> addresses, DialHandler* handler) {
  core_->connect(peer, addresses, handler);
}
void Swarm::forget(DialHandler& handler) { core_->dialer().forget(handler); }
void Swarm::disconnect(const PeerId& peer) { core_->disconnect(peer); }

bool Swarm::connected(const PeerId& id) const {
  SwarmPeer* peer = core_->find(id);
  return peer != nullptr && peer->in_use() != nullptr;
}

bool Swarm::supports(const PeerId& peer, std::string_view protocol) const {
  return peerstore().supports(peer, protocol);
}

bool Swarm::is_local(const PeerId& id) const {
  const SwarmPeer* peer = core_->find(id);
  return peer != nullptr && std::ranges::any_of(peer->connections, [](const SwarmConnection& connection) {
           return connection.remote_address().is_private();
         });
}

std::optional<Duration> Swarm::latency(const PeerId& id) const {
  SwarmPeer* peer = core_->find(id);
  const SwarmConnection* connection = peer != nullptr ? peer->in_use() : nullptr;
  return connection != nullptr ? connection->connection().stats().round_trip : std::nullopt;
}

void Swarm::tag(const PeerId& peer, std::string_view tag, int value) {
  core_->manager().tag(peer, tag, value);
}
void Swarm::set_of_use(const PeerId& id, bool of_use) {
  if (SwarmPeer* peer = core_->find(id)) peer->of_use = of_use;
}
void Swarm::expect_bytes(const PeerId& id) {
  SwarmPeer* const peer = core_->find(id);
  SwarmConnection* const connection = peer != nullptr ? peer->in_use() : nullptr;
  if (connection != nullptr) connection->expect_bytes();
}
void Swarm::protect(const PeerId& peer, std::string_view tag) { core_->manager().protect(peer, tag); }
void Swarm::unprotect(const PeerId& peer, std::string_view tag) { core_->manager().unprotect(peer, tag); }
bool Swarm::has_tag(const PeerId& peer, std::string_view tag) const {
  return core_->manager().has_tag(peer, tag);
}

// --- For commands. ---

void Swarm::clear_backoff(const PeerId& peer) { core_->dialer().clear_backoff(peer); }
bool Swarm::close_connection(const PeerId& peer, const MultiaddrView& remote) {
  return core_->close_connection(peer, remote);
}

AddressResolver* Swarm::resolver() const { return core_->address_resolver(); }

std::optional<ConnectionInfo> Swarm::find_connection(const PeerId& peer, const MultiaddrView& remote) const {
  const SwarmConnection* connection = core_->find_connection(peer, remote);
  return connection != nullptr ? std::optional(info_of(*connection)) : std::nullopt;
}

void Swarm::visit_connections(void* visitor, VisitConnection visit) const {
  for (const SwarmConnection& connection : core_->all()) {
    if (connection.usable()) visit(visitor, info_of(connection));
  }
}

void Swarm::visit_streams(const PeerId& id, const MultiaddrView& remote, void* visitor,
                          VisitStream visit) const {
  const SwarmConnection* connection = core_->find_connection(id, remote);
  if (connection == nullptr) return;
  connection->connection().for_each_stream(
      [&](std::string_view protocol, bool) { visit(visitor, protocol); });
}

std::vector<Multiaddr> Swarm::listen_addresses() const { return core_->listen_addresses(); }
std::vector<Multiaddr> Swarm::announce_addresses() const { return core_->announce_addresses(); }
std::vector<std::string_view> Swarm::protocols() const { return core_->protocols(); }
std::string_view Swarm::agent() const { return core_->options().agent; }
Peerstore& Swarm::peerstore() { return core_->peerstore(); }
const Peerstore& Swarm::peerstore() const { return core_->peerstore(); }
Bandwidth Swarm::bandwidth() const { return core_->bandwidth(); }

Bandwidth Swarm::bandwidth(const PeerId& id) const {
  const SwarmPeer* peer = core_->find(id);
  return peer != nullptr ? peer->bandwidth.read(now()) : Bandwidth();
}

Bandwidth Swarm::bandwidth_of_protocol(std::string_view protocol) const {
  const auto index = core_->table().find(protocol);
  return index ? core_->table()[*index].bandwidth.read(now()) : Bandwidth();
}

std::size_t Swarm::connections() const { return core_->manager().connections(); }
std::size_t Swarm::connected_peers() const { return core_->connected_peers(); }
std::span<const IpPrefix> Swarm::filters() const { return core_->options().filters; }
void Swarm::add_filter(const IpPrefix& prefix) { core_->add_filter(prefix); }
void Swarm::remove_filter(const IpPrefix& prefix) { core_->remove_filter(prefix); }

// --- Under pressure. ---

ConnectionMarks Swarm::marks() const { return core_->manager().marks(); }
void Swarm::set_marks(const ConnectionMarks& marks) { core_->manager().set_marks(marks); }
void Swarm::trim_strangers(std::size_t count) { core_->trim_strangers(count); }
void Swarm::set_accepting(bool accepting) { core_->set_accepting(accepting); }
void Swarm::set_dialling(bool dialling) { core_->set_dialling(dialling); }
void Swarm::set_bounds(const SwarmOptions& options) { core_->set_bounds(options); }
bool Swarm::give_up_heaviest() { return core_->give_up_heaviest(); }
std::size_t Swarm::parked_bytes() const { return core_->measure_parked(); }

}  // namespace masu::net
