// Swarm: a node's connections: the Host that protocols see, over any number of Transports.
//
// It listens, accepts, dials and upgrades links, keeps a connection (or, after dials from both sides, a few)
// for each peer, finds the handlers of inbound streams, identifies whom it is connected to, and gives up what
// is worth least. Owned by core (by each node of the simulator); loop thread only; the same over TCP and over
// virtual links, since all time comes from Clock and TimerQueue, and all turns from a TurnHook.
//
// Limits, all from SwarmOptions: connections lie in a slab of a fixed count (net.connection). When the slab
// is full the least valued connection that is past its grace makes room, and accepting pauses until there is
// some; a part is kept for dials. Handshakes, connections of one host and of one peer, dials, peers being
// dialled, identifies under way and streams of each protocol have their own caps. Peers are known by the
// Peerstore, which is bounded itself.
//
// Upcalls (handlers, observers) come from links, timers and turns, never from inside a call on the swarm.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/clock.hpp"
#include "multiformats/key.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/bandwidth.hpp"
#include "net/clock.hpp"
#include "net/connection_resources.hpp"
#include "net/host.hpp"
#include "net/link.hpp"
#include "net/peerstore/peerstore.hpp"
#include "net/random.hpp"
#include "net/swarm/swarm_options.hpp"
#include "net/timers.hpp"
#include "net/turns.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace masu::net {

class AddressResolver;
class SwarmCore;

// A connection, as commands show it.
struct ConnectionInfo {
  PeerId peer;
  Multiaddr remote;  // without /p2p
  Multiaddr local;
  bool inbound = false;
  TimePoint opened{};
  std::optional<Duration> latency;
  std::size_t streams = 0;
  std::string_view security;
  std::string_view muxer;
};

class Swarm final : public Host {
 public:
  // `identity` is the node's key, the one that `resources` was made with. All must outlive the swarm. Throws
  // std::bad_alloc when `budget` has no room for its tables.
  Swarm(Budget& budget, ConnectionResources& resources, const PrivateKey& identity, TimerQueue& timers,
        const Clock& clock, RandomSource& random, TurnHook& turns, const SwarmOptions& options);
  ~Swarm();  // Requires: closed().
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  // --- Setting up. ---

  // Before listen() and connect().
  void add_transport(Transport& transport);
  // Without one, addresses with names are not dialled.
  void set_resolver(AddressResolver& resolver);
  // The address really bound, or an error text that names it.
  std::expected<Multiaddr, std::string> listen(const MultiaddrView& address);
  // Ends everything in order: peers are told, what does not end within close_timeout is cut. Then closed().
  void close();
  bool closed() const;

  // --- As Host. ---

  const PeerId& self() const override;
  TimePoint now() const override;
  TimerQueue& timers() override;
  void serve(std::string_view protocol, ProtocolHandler& handler, ProtocolLimits limits) override;
  void observe(PeerObserver& observer) override;
  void open_stream(const PeerId& peer, std::span<const std::string_view> protocols,
                   StreamHandler& handler) override;
  void connect(const PeerId& peer, std::span<const Multiaddr> addresses, DialHandler* handler) override;
  void forget(DialHandler& handler) override;
  void disconnect(const PeerId& peer) override;
  bool connected(const PeerId& peer) const override;
  bool supports(const PeerId& peer, std::string_view protocol) const override;
  bool is_local(const PeerId& peer) const override;
  std::optional<Duration> latency(const PeerId& peer) const override;
  void tag(const PeerId& peer, std::string_view tag, int value) override;
  void set_of_use(const PeerId& peer, bool of_use) override;
  void expect_bytes(const PeerId& peer) override;
  void protect(const PeerId& peer, std::string_view tag) override;
  void unprotect(const PeerId& peer, std::string_view tag) override;
  bool has_tag(const PeerId& peer, std::string_view tag) const override;

  // --- For commands. ---

  // The user asks for the peer: addresses that failed lately are dialled again.
  void clear_backoff(const PeerId& peer);
  AddressResolver* resolver() const;  // null: none was set
  // The connection to `peer` at `remote`; nothing: there is none.
  std::optional<ConnectionInfo> find_connection(const PeerId& peer, const MultiaddrView& remote) const;
  // Closes it. False: there is none.
  bool close_connection(const PeerId& peer, const MultiaddrView& remote);
  // `visit(const ConnectionInfo&)` for each established connection; it changes nothing here.
  template <class Visitor>
  void for_each_connection(Visitor&& visit) const;
  // `visit(std::string_view protocol)` for each stream of the connection to `peer` at `remote`; an empty text
  // for one that is being negotiated.
  template <class Visitor>
  void for_each_stream(const PeerId& peer, const MultiaddrView& remote, Visitor&& visit) const;
  // Where it listens; an unspecified address as those of this machine.
  std::vector<Multiaddr> listen_addresses() const;
  // Where others are told to find it: the same, and what enough of them observed, by the announce rules.
  std::vector<Multiaddr> announce_addresses() const;
  // What it serves, in order.
  std::vector<std::string_view> protocols() const;
  std::string_view agent() const;
  Peerstore& peerstore();
  const Peerstore& peerstore() const;
  // Bytes of streams, as Kubo counts: of all, of one peer (while it is connected), of one protocol.
  Bandwidth bandwidth() const;
  Bandwidth bandwidth(const PeerId& peer) const;
  Bandwidth bandwidth_of_protocol(std::string_view protocol) const;
  std::size_t connections() const;  // established
  std::size_t connected_peers() const;

  std::span<const IpPrefix> filters() const;
  // Connections from there are closed.
  void add_filter(const IpPrefix& prefix);
  void remove_filter(const IpPrefix& prefix);

  // --- Under pressure. ---

  ConnectionMarks marks() const;
  void set_marks(const ConnectionMarks& marks);
  // Gives up to `count` connections to peers of no use, the least valued first.
  void trim_strangers(std::size_t count);
  // Takes no new inbound connections, and dials nobody, until told otherwise.
  void set_accepting(bool accepting);
  void set_dialling(bool dialling);
  // Other bounds of connections, handshakes and marks, as the plan of another budget says; connections above
  // them are given up. Requires: not above those at the start.
  void set_bounds(const SwarmOptions& options);
  // Gives up what holds most chunks for the least use: the heaviest stream where streams are what costs, else
  // the connection. Strangers first, then peers of use that hold more than an exchange does in passing;
  // protected ones never. False: there is nothing to give up.
  bool give_up_heaviest();
  // What the kernel holds for all links now; a system call for each.
  std::size_t parked_bytes() const;

 private:
  using VisitConnection = void (*)(void* visitor, const ConnectionInfo& connection);
  using VisitStream = void (*)(void* visitor, std::string_view protocol);
  void visit_connections(void* visitor, VisitConnection visit) const;
  void visit_streams(const PeerId& peer, const MultiaddrView& remote, void* visitor, VisitStream visit) const;

  std::unique_ptr<SwarmCore> core_;
};

template <class Visitor>
void Swarm::for_each_connection(Visitor&& visit) const {
  using Bare = std::remove_reference_t<Visitor>;
  visit_connections(&visit, [](void* visitor, const ConnectionInfo& connection) {
    (*static_cast<Bare*>(visitor))(connection);
  });
}

template <class Visitor>
void Swarm::for_each_stream(const PeerId& peer, const MultiaddrView& remote, Visitor&& visit) const {
  using Bare = std::remove_reference_t<Visitor>;
  visit_streams(peer, remote, &visit,
                [](void* visitor, std::string_view protocol) { (*static_cast<Bare*>(visitor))(protocol); });
}

}  // namespace masu::net
