// ConnectionResources: what all connections of a node share: the pools and accounts that hold their bytes,
// the slots for large frames, the node's keys, the cipher context of the thread, and the limits.
//
// Made once by whoever puts the node together; outlives all connections. Loop thread only. The accounts it
// makes are rows of the budget: net.receive, net.send, net.window, net.handshake, net.stream.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/clock.hpp"
#include "multiformats/key.hpp"
#include "net/random.hpp"

#include <cstddef>
#include <cstdint>

namespace masu::net {

// From the capacity plan. Every field bounds something a peer could make grow.
struct ConnectionLimits {
  // For all connections together.
  std::size_t handshakes = 32;                  // under way at once; beyond: refused
  std::size_t streams = 1024;                   // open or negotiating
  std::size_t partial_lines = 32;               // stream negotiations that hold an unfinished line
  std::size_t frame_slots = 16;                 // Noise frames above one chunk that are being gathered
  std::size_t receive_bytes = 8 * 1024 * 1024;  // quota of net.receive
  std::size_t send_bytes = 4 * 1024 * 1024;     // quota of net.send
  std::size_t window_bytes = 8 * 1024 * 1024;   // quota of net.window: receive windows above 256 KiB
  // For each connection.
  std::size_t inbound_streams_each = 64;
  std::size_t outbound_streams_each = 128;
  std::size_t output_bytes_each = 80 * 1024;     // sealed and not yet taken by the link
  std::size_t received_bytes_each = 512 * 1024;  // kept for slow handlers before reading stops
  std::size_t window_bytes_each = 4 * 1024 * 1024;
  // Times.
  Duration handshake_timeout = 15s;
  Duration inbound_negotiation_timeout = 10s;
  Duration outbound_negotiation_timeout = 15s;
  Duration write_timeout = 10s;  // the link takes nothing for so long
  Duration keepalive_interval = 30s;
  Duration keepalive_timeout = 10s;  // for the answer; then the connection is lost
};

class ConnectionResources {
 public:
  // `identity` signs the Noise key here, once; it is not kept. `chunks` and `random` must outlive this.
  ConnectionResources(Budget& budget, ChunkPool& chunks, RandomSource& random, const PrivateKey& identity,
                      const ConnectionLimits& limits);
  ~ConnectionResources();
  ConnectionResources(const ConnectionResources&) = delete;
  ConnectionResources& operator=(const ConnectionResources&) = delete;
};

}  // namespace masu::net
