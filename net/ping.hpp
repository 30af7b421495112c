// Ping: 32 bytes there and back, on a stream that stays open. Answers peers, and measures round trips for
// whoever asks (the `ping` command, bitswap).
//
// A protocol over net/host.hpp: no IO of its own. Owned by core; loop thread only; outlives the host's
// streams. Bounds: two inbound streams a peer and as many in all as the limits say, each 32 bytes of state;
// outbound pings from a slab. Spec: libp2p/specs ping/ping.md.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/clock.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/peer_id.hpp"
#include "net/host.hpp"
#include "net/random.hpp"

#include <cstddef>
#include <string_view>

namespace masu::net {

inline constexpr std::string_view ping_protocol = "/ipfs/ping/1.0.0";

struct PingLimits {
  std::size_t inbound_streams = 128;
  std::size_t inbound_streams_per_peer = 2;
  std::size_t outbound = 32;
  Duration idle_timeout = 10s;    // an inbound stream without a ping
  Duration answer_timeout = 10s;  // of ours
};

class PingHandler {
 public:
  virtual void on_pong(const PeerId& peer, Duration round_trip) = 0;
  // The last call: the stream could not be opened, the answer was wrong or late, or the peer is gone.
  virtual void on_ping_failed(const PeerId& peer, std::string_view why) = 0;

 protected:
  ~PingHandler() = default;
};

class Ping final : private ProtocolHandler {
 public:
  // Registers itself.
  Ping(Host& host, RandomSource& random, Account& account, const PingLimits& limits);
  ~Ping();  // Requires: all streams have ended (the host's connections are closed).
  Ping(const Ping&) = delete;
  Ping& operator=(const Ping&) = delete;

  // Sends one ping to a connected peer; each later call with the same handler and peer uses the stream that
  // is open. False: as many as can be are under way, or one of this handler is.
  [[nodiscard]] bool ping(const PeerId& peer, PingHandler& handler);
  // No more calls to `handler`, and its streams are closed.
  void forget(PingHandler& handler);

 private:
  class Responder;
  class Initiator;

  StreamHandler* on_inbound(const PeerId& peer, std::string_view protocol) override;

  Host& host_;
  RandomSource& random_;
  const PingLimits limits_;
  std::unique_ptr<SlabPool<Responder>> responders_;
  std::unique_ptr<SlabPool<Initiator>> initiators_;
  IntrusiveList<Initiator> under_way_;
};

}  // namespace masu::net
