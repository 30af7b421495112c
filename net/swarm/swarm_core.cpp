#include "net/swarm/swarm_core.hpp"

#include "alloc/check.hpp"
#include "net/identify/identify_writer.hpp"

#include <algorithm>
#include <array>

namespace masu::net {
namespace {

HashSecret fresh_secret(RandomSource& random) {
  std::array<std::uint8_t, HashSecret::bytes_max> bytes;
  random.fill(bytes);
  return HashSecret(bytes);
}

IdentifyOptions identify_options(const PrivateKey& identity, const SwarmOptions& options) {
  return {&identity,
          options.agent,
          options.identify_asks,
          options.identify_pushes_in,
          options.identify_sends,
          options.identify_pushes_out,
          options.record_sequence};
}

constexpr Duration tick_interval = 1s;
constexpr std::size_t tagged_peers_each = 2;  // for each connection
constexpr std::size_t tagged_peer_bytes = 448;
// Of a connection, with its place in the tables.
constexpr std::size_t entry_bytes =
    sizeof(SwarmConnection) + sizeof(SwarmPeer) + tagged_peers_each * tagged_peer_bytes + 128;
static_assert(entry_bytes <= plan_entry::connection_bytes);

}  // namespace

SwarmCore::SwarmCore(Budget& budget, ConnectionResources& resources, const PrivateKey& identity,
                     TimerQueue& timers, const Clock& clock, RandomSource& random, TurnHook& turns,
                     const SwarmOptions& options)
    : resources_(resources),
      timers_(timers),
      clock_(clock),
      turns_(turns),
      options_(options),
      self_(PeerId::of(identity.public_key())),
      secret_(fresh_secret(random)),
      account_(budget, "net.connection", Lifetime::connection, options.connections * entry_bytes),
      memory_(account_),
      peerstore_(budget, secret_, options.peerstore),
      manager_(account_, memory_, secret_, options.marks, options.connections * tagged_peers_each),
      pool_(account_, options.connections),
      peer_pool_(account_, options.connections),
      peers_(memory_, secret_, options.connections),
      dialer_(*this, budget, secret_, options_),
      identify_(*this, budget, resources.chunks(), identify_options(identity, options)) {}

SwarmCore::~SwarmCore() { MASU_CHECK(closed(), "a swarm is closed before it goes"); }

// --- Listening and accepting. ---

Transport* SwarmCore::transport_for(const MultiaddrView& address) const {
  for (Transport* transport : transports_) {
    if (transport->can_dial(address)) return transport;
  }
  return nullptr;
}

std::expected<Multiaddr, std::string> SwarmCore::listen(const MultiaddrView& address) {
  for (Transport* transport : transports_) {
    if (!transport->can_listen(address)) continue;
    auto bound = transport->listen(address, *this);
    if (bound) {
      listeners_.emplace_back(*bound, transport);
      identify_.refresh_soon();
    }
    return bound;
  }
  return std::unexpected("listen on " + address.to_string() + ": no transport for protocol");
}

bool SwarmCore::filtered(const MultiaddrView& address) const {
  const auto ip = address.ip();
  return ip && std::any_of(options_.filters.begin(), options_.filters.end(),
                           [&](const IpPrefix& prefix) { return prefix.contains(*ip); });
}

// Hosts and networks have their share, but for this machine itself.
bool SwarmCore::host_is_full(const Multiaddr& remote) const {
  const auto ip = remote.ip();
  if (!ip || ip->is_loopback()) return false;
  const IpPrefix host = host_of(*ip);
  const IpPrefix network = network_of(*ip);
  std::size_t of_host = 0, of_network = 0, handshakes = 0;
  for (const SwarmConnection& connection : all_) {
    if (!connection.inbound() || connection.from_loopback()) continue;
    if (connection.remote_host() == host) {
      ++of_host;
      if (!connection.established()) ++handshakes;
    }
    if (!ip->is_v4() && network.contains(connection.remote_host().address())) ++of_network;
  }
  return of_host >= options_.connections_per_host || handshakes >= options_.inbound_handshakes_per_host ||
         of_network >= options_.connections_per_network6;
}

std::size_t SwarmCore::inbound_handshakes() const {
  return static_cast<std::size_t>(std::count_if(
      all_.begin(), all_.end(),
      [](const SwarmConnection& connection) { return connection.inbound() && !connection.established(); }));
}

void SwarmCore::on_accepted(LinkHandle link) {
  if (closing_ || !accepting_) return;
  const Multiaddr& remote = link->remote_address();
  if (filtered(remote) || host_is_full(remote)) return;
  const bool room = pool_.used() + options_.outbound_reserve < options_.connections &&
                    inbound_handshakes() < options_.inbound_handshakes;
  if (room) {
    SwarmConnection* connection =
        pool_.create(*this, std::move(link), ConnectionRole::listener, std::nullopt);
    if (connection != nullptr) {
      all_.push_back(*connection);
      connection->start();
    }
  }
  update_accepting();
}

// The least valued connection is given up when all places are taken; accepting pauses until one is free.
void SwarmCore::update_accepting() {
  const bool connections_full = pool_.used() + options_.outbound_reserve >= options_.connections;
  if (connections_full) make_room();
  const bool handshakes_full = inbound_handshakes() >= options_.inbound_handshakes;
  if (handshakes_full) end_slow_handshakes();
  const bool paused = closing_ || !accepting_ || connections_full || handshakes_full;
  if (paused == paused_) return;
  paused_ = paused;
  for (Transport* transport : transports_) transport->pause_accepting(paused);
  // Those within their grace are candidates later.
  if (paused && (connections_full || handshakes_full)) tick_by(now() + tick_interval);
}

// Whoever takes long over a handshake gives its place to those who wait.
void SwarmCore::end_slow_handshakes() {
  const TimePoint late = now() - options_.handshake_timeout_full;
  for (SwarmConnection& connection : all_) {
    if (connection.inbound() && !connection.established() && connection.opened_at() <= late)
      give_up(connection);
  }
}

void SwarmCore::make_room() {
  if (ending_ > 0) return;  // there is going to be some
  manager_.make_room(
      now(), [this](ManagedConnection& connection) { give_up(static_cast<SwarmConnection&>(connection)); });
}

void SwarmCore::set_accepting(bool accepting) {
  accepting_ = accepting;
  update_accepting();
}

// --- Connections. ---

bool SwarmCore::admit(SwarmConnection& connection, const PeerId& id, const PublicKey& key) {
  if (closing_ || id == self_ || filtered(connection.remote_address())) return false;
  SwarmPeer* peer = find(id);
  const bool first = peer == nullptr;
  if (first) {
    if (!peerstore_.on_connected(id)) return false;
    peer = peer_pool_.create(id);
    if (peer == nullptr) {
      peerstore_.on_disconnected(id, now());
      return false;
    }
    peers_.insert(*peer);
  }
  peer->connections.push_back(connection);
  connection.set_peer(*peer, now());
  manager_.add(connection, now());
  peerstore_.set_key(id, key);
  return true;
}

void SwarmCore::on_new_connection(SwarmConnection& connection) {
  SwarmPeer& peer = *connection.peer();
  connection.set_attempt(nullptr);
  if (!connection.inbound()) {
    peerstore_.add_address(peer.id, connection.remote_address(), AddressTtl::recently_connected, now());
  }
  dialer_.on_connected(peer.id, connection);
  // A peer that was started anew does not know of the connections it had: the newest stays.
  if (peer.connections.size() > options_.connections_per_peer) {
    if (SwarmConnection* oldest = peer.in_use()) give_up(*oldest);
  }
  identify_.ask(connection);
  const auto close = [this](ManagedConnection& least) { give_up(static_cast<SwarmConnection&>(least)); };
  manager_.trim(now(), close);
  if (const auto at = manager_.next_deadline()) tick_by(std::max(*at, now() + tick_interval));
  update_accepting();
}

void SwarmCore::give_up(SwarmConnection& connection) {
  connection.set_attempt(nullptr);
  if (connection.closing()) return;
  ++ending_;
  manager_.remove(connection);
  connection.close();
}

void SwarmCore::on_connection_ending(SwarmConnection& connection, ConnectionEnd end,
                                     std::string_view detail) {
  if (DialAttempt* attempt = connection.attempt(); attempt != nullptr && !connection.established()) {
    dialer_.note_failure(*attempt, end, detail, connection.connection().answered());
  }
}

void SwarmCore::on_connection_gone(SwarmConnection& connection) {
  SwarmPeer* peer = connection.peer();
  DialAttempt* attempt = connection.attempt();
  if (connection.given_up()) --ending_;
  pool_.destroy(&connection);
  if (attempt != nullptr) dialer_.on_attempt_gone(*attempt);
  if (peer != nullptr && peer->connections.empty()) drop_peer(*peer);
  dialer_.on_room();
  update_accepting();
}

void SwarmCore::drop_peer(SwarmPeer& peer) {
  const PeerId id = peer.id;
  peers_.remove(peer);
  peer_pool_.destroy(&peer);
  peerstore_.on_disconnected(id, now());
  dialer_.on_disconnected(id);
  for (PeerObserver* observer : observers_) observer->on_peer_disconnected(id);
  if (const auto at = peerstore_.next_deadline()) tick_by(*at);
}

void SwarmCore::disconnect(const PeerId& id) {
  SwarmPeer* peer = find(id);
  if (peer == nullptr) return;
  for (SwarmConnection& connection : peer->connections) give_up(connection);
}

SwarmConnection* SwarmCore::find_connection(const PeerId& id, const MultiaddrView& remote) const {
  SwarmPeer* peer = find(id);
  if (peer == nullptr) return nullptr;
  for (SwarmConnection& connection : peer->connections) {
    if (connection.usable() && connection.remote_address().view() == remote) return &connection;
  }
  return nullptr;
}

bool SwarmCore::close_connection(const PeerId& id, const MultiaddrView& remote) {
  SwarmConnection* connection = find_connection(id, remote);
  if (connection == nullptr) return false;
  give_up(*connection);
  return true;
}

void SwarmCore::set_bounds(const SwarmOptions& options) {
  options_.connections = options.connections;
  options_.outbound_reserve = options.outbound_reserve;
  options_.inbound_handshakes = options.inbound_handshakes;
  options_.parked_bytes = options.parked_bytes;
  manager_.set_marks(options.marks);
  const std::size_t most = options.connections - options.outbound_reserve;
  if (manager_.connections() > most) {
    manager_.trim(now(), manager_.connections() - most, Duration{},
                  [this](ManagedConnection& least) { give_up(static_cast<SwarmConnection&>(least)); });
  }
  update_accepting();
}

void SwarmCore::add_filter(const IpPrefix& prefix) {
  auto& filters = options_.filters;
  if (std::find(filters.begin(), filters.end(), prefix) == filters.end()) filters.push_back(prefix);
  for (SwarmConnection& connection : all_) {
    if (filtered(connection.remote_address())) give_up(connection);
  }
}

void SwarmCore::remove_filter(const IpPrefix& prefix) { std::erase(options_.filters, prefix); }

// --- Dials. ---

void SwarmCore::connect(const PeerId& peer, std::span<const Multiaddr> addresses, DialHandler* handler) {
  dialer_.connect(self_, peer, addresses, handler);
}

std::string_view SwarmCore::why_not_dial(const MultiaddrView& address) const {
  if (closing_ || !dialling_) return "dialling is off";
  if (address.is_dns()) {
    if (resolver_ == nullptr) return "no transport for protocol";
    if ((*address.begin()).protocol == AddressProtocol::dnsaddr) return {};
    // What it could become is known before DNS is asked.
    const auto port = address.tcp_port();
    const bool plain = port && std::distance(address.begin(), address.end()) == 2;
    if (!plain || !transport_for(Multiaddr::tcp(IpAddress(IpAddress::V4{1, 1, 1, 1}), *port))) {
      return "no transport for protocol";
    }
    return {};
  }
  if (transport_for(address) == nullptr) return "no transport for protocol";
  if (filtered(address)) return "gater disallows connection to peer";
  for (const auto& [bound, transport] : listeners_) {
    if (bound.view() == address) return "dial to self attempted";
  }
  return {};
}

LinkDialHandle SwarmCore::start_dial(const MultiaddrView& address, LinkDialHandler& handler) {
  if (pool_.full()) {
    make_room();
    return nullptr;
  }
  return transport_for(address)->dial(address, options_.dial_timeout, handler);
}

SwarmConnection* SwarmCore::upgrade(LinkHandle link, const PeerId& peer, DialAttempt& attempt) {
  SwarmConnection* connection = pool_.create(*this, std::move(link), ConnectionRole::dialer, peer);
  if (connection == nullptr) return nullptr;
  all_.push_back(*connection);
  connection->set_attempt(&attempt);
  connection->start();
  return connection;
}

DialHost::PeerState SwarmCore::state_of(const PeerId& id) const {
  SwarmPeer* peer = find(id);
  if (peer == nullptr || peer->in_use() == nullptr) return PeerState::not_connected;
  return peer->identified == SwarmPeer::Identified::not_yet ? PeerState::connected : PeerState::identified;
}

// --- Identify. ---

void SwarmCore::on_identified(IdentifiedConnection& identified, bool answered) {
  SwarmPeer& peer = *static_cast<SwarmConnection&>(identified).peer();
  if (answered) {
    peer.identified = SwarmPeer::Identified::yes;
    for (PeerObserver* observer : observers_) observer->on_peer_identified(peer.id);
  } else if (peer.identified == SwarmPeer::Identified::not_yet) {
    peer.identified = SwarmPeer::Identified::silent;
  }
  dialer_.on_identified(peer.id);
}

void SwarmCore::push_to_peers() {
  for (SwarmConnection& connection : all_) {
    if (connection.usable() && connection.peer()->in_use() == &connection) identify_.push(connection);
  }
}

std::vector<std::string_view> SwarmCore::protocols() const {
  std::vector<std::string_view> served;
  for (const ProtocolTable::Entry& entry : protocols_.entries()) {
    if (entry.handler != nullptr) served.push_back(entry.name);
  }
  std::sort(served.begin(), served.end());
  return served;
}

std::vector<Multiaddr> SwarmCore::listen_addresses() const {
  std::vector<Multiaddr> all;
  for (const auto& [bound, transport] : listeners_) {
    for (Multiaddr& address : transport->reachable_at(bound)) {
      if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(std::move(address));
    }
  }
  return all;
}

bool SwarmCore::announced(const Multiaddr& address) const {
  const AnnounceRules& rules = options_.announce;
  const auto ip = address.ip();
  return std::find(rules.no_announce.begin(), rules.no_announce.end(), address) == rules.no_announce.end() &&
         std::none_of(rules.no_announce_prefixes.begin(), rules.no_announce_prefixes.end(),
                      [&](const IpPrefix& prefix) { return ip && prefix.contains(*ip); });
}

std::vector<Multiaddr> SwarmCore::announce_addresses() const {
  std::vector<Multiaddr> all = options_.announce.announce;
  const auto add = [&](const Multiaddr& address) {
    if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
  };
  if (all.empty()) {
    for (const Multiaddr& address : listen_addresses()) add(address);
    for (const auto& [bound, transport] : listeners_) {
      for (const Multiaddr& address : identify_.observed().confirmed(bound)) add(address);
    }
  }
  for (const Multiaddr& address : options_.announce.append_announce) add(address);
  std::erase_if(all, [this](const Multiaddr& address) { return !announced(address); });
  sort_for_announcement(all);
  return all;
}

// --- Streams. ---

void SwarmCore::serve(std::string_view protocol, ProtocolHandler& handler, const ProtocolLimits& limits) {
  protocols_.serve(protocol, handler, limits);
  peerstore_.pin_protocol(protocol);
  if (!listeners_.empty()) identify_.refresh_soon();
}

void SwarmCore::open_stream(const PeerId& id, std::span<const std::string_view> protocols,
                            StreamHandler& handler) {
  for (const std::string_view protocol : protocols) {
    protocols_.speak(protocol);
  }
  SwarmPeer* peer = find(id);
  if (peer == nullptr) return fail_later(handler, StreamEnd::no_connection);
  const auto known = std::find_if(protocols.begin(), protocols.end(), [&](std::string_view protocol) {
    return peerstore_.supports(id, protocol);
  });
  const bool lazy = known != protocols.end();
  const auto chosen = lazy ? std::span(known, 1) : protocols;
  StreamEnd end = StreamEnd::no_connection;
  for (SwarmConnection& connection : peer->connections) {
    if (!connection.usable()) continue;
    const auto begun = connection.connection().open_stream(chosen, handler, lazy);
    if (begun) return;
    end = begun.error();
  }
  fail_later(handler, end);
}

void SwarmCore::fail_later(StreamHandler& handler, StreamEnd end) {
  failed_opens_[static_cast<std::size_t>(end)].push_back(handler);
  turns_.post(*this);
}

std::string_view SwarmCore::find_protocol(std::string_view protocol) const {
  const auto index = protocols_.find(protocol);
  if (!index) return {};
  const ProtocolTable::Entry& entry = protocols_.entries()[*index];
  return entry.handler != nullptr ? entry.name : std::string_view();
}

StreamHandler* SwarmCore::on_inbound_stream(SwarmConnection& connection, std::string_view protocol) {
  const auto index = protocols_.find(protocol);
  if (!index) return nullptr;
  ProtocolTable::Entry& entry = protocols_[*index];
  SwarmPeer& peer = *connection.peer();
  std::uint16_t& of_peer = peer.inbound_streams[*index];
  const std::size_t most = entry.limits.inbound_streams_max;
  if (entry.inbound_streams >= most || of_peer >= entry.limits.inbound_streams_per_peer_max) return nullptr;
  // The last eighth is for peers of use: strangers with two each could have all there are.
  if (entry.inbound_streams + most / 8 >= most && !connection.is_peer_of_use() &&
      (of_peer > 0 || !entry.handler->make_room_for(peer.id))) {
    return nullptr;
  }
  arriving_ = &connection;
  StreamHandler* handler = entry.handler->on_inbound(peer.id, entry.name);
  arriving_ = nullptr;
  if (handler == nullptr) return nullptr;
  ++entry.inbound_streams;
  ++of_peer;
  return handler;
}

void SwarmCore::on_inbound_stream_gone(SwarmConnection& connection, std::string_view protocol) {
  const auto index = protocols_.find(protocol);
  MASU_CHECK(index && connection.peer() != nullptr, "what came in was counted");
  --protocols_[*index].inbound_streams;
  --connection.peer()->inbound_streams[*index];
}

void SwarmCore::on_stream_bytes(SwarmConnection& connection, std::string_view protocol, std::size_t in,
                                std::size_t out) {
  const TimePoint at = now();
  bandwidth_.add(in, out, at);
  if (SwarmPeer* peer = connection.peer()) peer->bandwidth.add(in, out, at);
  if (protocol.empty()) return;
  if (const auto index = protocols_.find(protocol)) protocols_[*index].bandwidth.add(in, out, at);
}

// --- Turns and time. ---

void SwarmCore::want_turn(SwarmConnection& connection) {
  if (!connection.IntrusiveListNode<SwarmConnection, WantsTurnTag>::linked())
    wants_turn_.push_back(connection);
  turns_.post(*this);
}

void SwarmCore::on_turn() {
  for (std::size_t left = wants_turn_.size(); left > 0 && !wants_turn_.empty(); --left) {
    wants_turn_.pop_front()->run_turn();
  }
  for (std::size_t end = 0; end < stream_ends; ++end) {
    auto& failed = failed_opens_[end];
    for (std::size_t left = failed.size(); left > 0 && !failed.empty(); --left) {
      failed.pop_front()->on_closed(nullptr, static_cast<StreamEnd>(end));
    }
  }
  dialer_.run();
}

void SwarmCore::on_bytes_move(SwarmConnection& connection) {
  if (!connection.IntrusiveListNode<SwarmConnection, MovesBytesTag>::linked()) moving_.push_back(connection);
  tick_by(now() + tick_interval);
}

void SwarmCore::tick_by(TimePoint at) {
  if (!tick_timer_.armed() || at < tick_timer_.deadline()) timers_.arm(tick_timer_, at);
}

void SwarmCore::tick() {
  const TimePoint at = now();
  std::size_t parked = 0;
  for (auto next = moving_.begin(); next != moving_.end();) {
    SwarmConnection& connection = *next++;
    if (!connection.tick()) connection.IntrusiveListNode<SwarmConnection, MovesBytesTag>::unlink();
    if (!connection.closing()) parked += connection.parked_bytes();
  }
  if (parked > options_.parked_bytes) limit_parked(parked);
  manager_.trim(at, [this](ManagedConnection& least) { give_up(static_cast<SwarmConnection&>(least)); });
  peerstore_.expire(at);
  update_accepting();
  if (!moving_.empty() || paused_) tick_by(at + tick_interval);
  if (const auto next = manager_.next_deadline()) tick_by(std::max(*next, at + tick_interval));
  if (const auto next = peerstore_.next_deadline()) tick_by(std::max(*next, at + tick_interval));
}

// Of those for which the kernel holds most, who is worth least goes first.
void SwarmCore::limit_parked(std::size_t parked) {
  while (parked > options_.parked_bytes) {
    std::size_t most = 0;
    for (const SwarmConnection& connection : moving_) {
      if (!connection.closing()) most = std::max(most, connection.parked_bytes());
    }
    SwarmConnection* least = nullptr;
    int least_value = 0;
    for (SwarmConnection& connection : moving_) {
      if (connection.closing() || connection.parked_bytes() == 0 || connection.parked_bytes() < most / 2)
        continue;
      const int value = connection.established() ? manager_.value(connection.identified_peer()) : -1;
      if (least != nullptr && least_value <= value) continue;
      least = &connection;
      least_value = value;
    }
    if (least == nullptr) return;
    parked -= std::min(parked, least->parked_bytes());
    give_up(*least);
  }
}

std::size_t SwarmCore::measure_parked() const {
  std::size_t bytes = 0;
  for (const SwarmConnection& connection : all_) bytes += connection.measure_parked();
  return bytes;
}

// --- The end. ---

void SwarmCore::close() {
  if (std::exchange(closing_, true)) return;
  for (Transport* transport : transports_) transport->close();
  dialer_.cancel_all("the node is stopping");
  for (SwarmConnection& connection : all_) give_up(connection);
  timers_.arm(close_timer_, now() + options_.close_timeout);
}

void SwarmCore::cut_all() {
  while (!all_.empty()) on_connection_gone(all_.front());
}

bool SwarmCore::closed() const {
  return closing_ && all_.empty() && dialer_.idle() &&
         std::all_of(failed_opens_.begin(), failed_opens_.end(),
                     [](const auto& waiting) { return waiting.empty(); }) &&
         std::all_of(transports_.begin(), transports_.end(),
                     [](const Transport* transport) { return transport->closed(); });
}

}  // namespace masu::net
