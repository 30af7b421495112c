// Connection: one secured, multiplexed connection to a peer, without IO: multistream-select, Noise,
// early muxer selection, yamux and the stream negotiations put together.
//
// Bytes from the link come in as chunks, bytes for the link are polled out; deadlines are polled too. Owned
// by the swarm (one slab entry each), loop thread. Its law: after each input, the owner drains events, then asks
// bytes_to_send(), then arms next_deadline().
//
// Memory: an idle connection holds this object and nothing else: no chunk, no cipher object (one cipher context
// is shared by the thread, keys lie here). Handshake state lives in the handshake account and dies at
// `established`. Received chunks are charged to net.receive, output chunks to net.send; a Noise frame of more
// than one chunk needs a frame slot. Streams come from the stream slab: at its cap an inbound stream is reset.
// When memory is short, wants_read() is false, nothing is lost, and reading goes on later.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "alloc/chunk_pool.hpp"
#include "alloc/clock.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/key.hpp"
#include "multiformats/peer_id.hpp"
#include "net/stream.hpp"

namespace masu::net {

struct ConnectionResources;  // net/connection_resources.hpp: pools, accounts, slots, keys, the random source

enum class ConnectionEnd : std::uint8_t {
  closed_by_us,
  closed_by_peer,     // GoAway or the link's end
  handshake_failed,   // what is in the error text
  wrong_peer,         // dialled one peer, another answered
  protocol_error,     // Noise or yamux rules broken
  timed_out,          // handshake, keep-alive or write deadline
  out_of_memory,
};
std::string_view name_of(ConnectionEnd);

// What the connection asks of its owner (the swarm).
class ConnectionOwner {
 public:
  // The handshake is over: who it is. False closes it (gater, duplicate, cap).
  virtual bool on_established(const PeerId& peer, const PublicKey& key) = 0;
  // The protocol handler for an inbound stream that asks for `protocol`: an id this node serves. Null: `na`.
  // Returns the id's permanent text in `served`.
  virtual StreamHandler* on_inbound_stream(const PeerId& peer, std::string_view protocol, std::string_view& served) = 0;
  // Does the node serve it (for negotiation, before on_inbound_stream).
  virtual void on_stream_gone(const PeerId& peer, std::string_view protocol, bool inbound) = 0;
  virtual void on_connection_ended(ConnectionEnd end, std::string_view detail) = 0;

 protected:
  ~ConnectionOwner() = default;
};

}  // namespace masu::net
