// Host: what a protocol may ask of the network. The swarm implements it over TCP, the simulator over
// virtual links with the same swarm below; protocols (identify, ping, bitswap, the DHT) see only this.
//
// Loop thread only. Limits: each protocol has a cap of inbound streams per peer and in all; observers
// and protocols are registered once at start.
#pragma once

#include "alloc/clock.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/stream.hpp"
#include "net/timers.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

// Tags of the connection manager that more than one part knows.
namespace peer_tag {
inline constexpr std::string_view user_connect = "user-connect";  // `swarm connect`
inline constexpr std::string_view peering = "peering";            // `Peering.Peers`
inline constexpr std::string_view giver = "giver";                // sent blocks in an earlier connection
}  // namespace peer_tag

// The inbound side of a protocol.
class ProtocolHandler {
 public:
  // A handler for a new inbound stream of `peer`, or nullptr to refuse it (it is then reset).
  virtual StreamHandler* on_inbound(const PeerId& peer, std::string_view protocol) = 0;
  // Who is of no use has all the streams of this protocol that it may have, and `peer` has none yet: whether
  // one of another such peer was ended, so that there is room for it.
  virtual bool make_room_for(const PeerId&) { return false; }

 protected:
  ~ProtocolHandler() = default;
};

// Of all streams, the last eighth is for peers of use (Host::set_of_use, and those that are protected), and
// for half of it for the first ones of others.
struct ProtocolLimits {
  std::size_t inbound_streams_max = 64;
  std::size_t inbound_streams_per_peer_max = 4;
};

// Told of peers as a whole: a peer is connected while it has at least one connection.
class PeerObserver {
 public:
  // After identify: its protocols are known to Host::supports(). Again whenever it told of a change.
  virtual void on_peer_identified(const PeerId& peer) = 0;
  // Its last connection is gone. All streams have been closed before.
  virtual void on_peer_disconnected(const PeerId& peer) = 0;

 protected:
  ~PeerObserver() = default;
};

class DialHandler {
 public:
  // `error` is empty when the peer is connected, and identified unless it did not say in time who it is; else
  // it says why not, with a line for each address that was tried.
  virtual void on_dialled(const PeerId& peer, std::string_view error) = 0;

 protected:
  ~DialHandler() = default;
};

class Host {
 public:
  virtual const PeerId& self() const = 0;
  virtual TimePoint now() const = 0;
  virtual TimerQueue& timers() = 0;

  // `protocol` must outlive the host. Announced by identify.
  virtual void serve(std::string_view protocol, ProtocolHandler& handler, ProtocolLimits limits) = 0;
  virtual void observe(PeerObserver& observer) = 0;

  // Opens a stream to a connected peer with the first of `protocols` (most wanted first) that it knows. The
  // outcome comes later as on_open() or on_closed(nullptr, …). The texts must outlive the host.
  virtual void open_stream(const PeerId& peer, std::span<const std::string_view> protocols,
                           StreamHandler& handler) = 0;
  // Connects to `peer` at its known addresses and at `addresses`. `handler` may be null; it is told once,
  // later. (Only when too many wait for dials, it is told of that from inside the call.)
  virtual void connect(const PeerId& peer, std::span<const Multiaddr> addresses, DialHandler* handler) = 0;
  // No more calls to `handler`; the dials go on.
  virtual void forget(DialHandler& handler) = 0;
  virtual void disconnect(const PeerId& peer) = 0;

  virtual bool connected(const PeerId& peer) const = 0;
  // What identify said; false before it.
  virtual bool supports(const PeerId& peer, std::string_view protocol) const = 0;
  // Whether a connection of it comes from the networks of this machine: loopback, link-local, private
  // addresses.
  virtual bool is_local(const PeerId& peer) const = 0;
  // Round-trip time, smoothed, from ping and yamux; nullopt before the first.
  virtual std::optional<Duration> latency(const PeerId& peer) const = 0;

  // Connection manager. `tag` must outlive the host; a tag's value 0 removes it. Protected peers are not
  // trimmed.
  virtual void tag(const PeerId& peer, std::string_view tag, int value) = 0;
  // While it is connected: whether it has been of use, and is served before strangers when memory is short.
  // Not so who is merely owed something: to ask for much is no merit.
  virtual void set_of_use(const PeerId&, bool) {}
  // It was asked for much: what it sends should find room in the kernel from its first segment on.
  virtual void expect_bytes(const PeerId&) {}
  virtual void protect(const PeerId& peer, std::string_view tag) = 0;
  virtual void unprotect(const PeerId& peer, std::string_view tag) = 0;
  // Whether the peer has this tag, or is protected by it.
  virtual bool has_tag(const PeerId& peer, std::string_view tag) const = 0;

 protected:
  ~Host() = default;
};

}  // namespace masu::net
