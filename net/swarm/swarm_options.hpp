// SwarmOptions: the counts, times and rules of a swarm, and how they follow from the capacity plan. Plain
// values.
#pragma once

#include "alloc/clock.hpp"
#include "alloc/plan.hpp"
#include "multiformats/multiaddr.hpp"
#include "net/connection_resources.hpp"
#include "net/ip_prefix.hpp"
#include "net/peerstore/peerstore.hpp"
#include "net/swarm/connection_manager.hpp"
#include "net/transport/tcp_transport.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace masu::net {

// What a node says of its own addresses: Kubo's `Addresses.Announce`, `AppendAnnounce` and `NoAnnounce`.
struct AnnounceRules {
  std::vector<Multiaddr> announce;  // in place of where it listens, when there are any
  std::vector<Multiaddr> append_announce;
  std::vector<Multiaddr> no_announce;          // exactly these
  std::vector<IpPrefix> no_announce_prefixes;  // /ip4/10.0.0.0/ipcidr/8
};

struct SwarmOptions {
  std::string agent = "masu";  // as identify sends it

  std::size_t connections = 128;        // hard cap, with those that are being made
  std::size_t outbound_reserve = 16;    // of them, never taken by inbound ones
  std::size_t inbound_handshakes = 18;  // under way; the rest of the handshakes is for dials
  std::size_t inbound_handshakes_per_host = 4;
  std::size_t connections_per_peer = 4;       // beyond: the oldest is given up
  std::size_t connections_per_host = 8;       // an IPv4 address or an IPv6 /56; loopback is not limited
  std::size_t connections_per_network6 = 64;  // an IPv6 /48
  ConnectionMarks marks;
  Duration handshake_timeout_full = 3s;  // of an inbound one, while as many as may be are under way

  std::size_t dials = 16;  // sockets under way
  std::size_t dials_per_peer = 4;
  std::size_t dialled_peers = 64;       // peers that are being dialled, or wait for it
  std::size_t dial_waiters = 256;       // who wait to be told
  std::size_t dial_bytes = 256 * 1024;  // general memory of dials: addresses and their errors
  Duration dial_timeout = 5s;           // for a socket to connect
  Duration peer_timeout = 60s;          // for all addresses of a peer
  std::size_t backoff_entries = 512;

  std::size_t identify_asks = 16;  // answers that are being read
  std::size_t identify_pushes_in = 8;
  std::size_t identify_sends = 48;       // messages of ours that are being sent
  std::size_t identify_pushes_out = 32;  // of them
  // The number of the first signed record of addresses; it must be above that of any run before, as the time
  // in nanoseconds is. None: no records are sent.
  std::optional<std::uint64_t> record_sequence;

  Duration close_timeout = 2s;
  // More than this in a second makes a connection a busy one, which may have large socket buffers.
  std::size_t busy_bytes = 256 * 1024;
  // What the kernel may hold for all links that are not busy ones (Link::parked_bytes()); looked at each
  // second while any bytes move or wait.
  std::size_t parked_bytes = std::size_t{3} * 1024 * 1024;

  PeerstoreLimits peerstore;
  AnnounceRules announce;
  std::vector<IpPrefix> filters;  // `Swarm.AddrFilters`: neither dialled nor accepted
};

ConnectionLimits connection_limits_of(const CapacityPlan& plan);
SwarmOptions swarm_options_of(const CapacityPlan& plan);
TcpOptions tcp_options_of(const CapacityPlan& plan);

}  // namespace masu::net
