#include "net/swarm/swarm_options.hpp"

#include <algorithm>

namespace masu::net {

ConnectionLimits connection_limits_of(const CapacityPlan& plan) {
  ConnectionLimits limits;
  limits.handshakes = plan.handshakes;
  limits.streams = plan.streams;
  limits.partial_lines = std::max<std::size_t>(plan.handshakes, 8);
  limits.frame_slots = plan.frame_slots;
  limits.receive_bytes = plan.receive_bytes;
  limits.send_bytes = plan.send_bytes;
  limits.window_bytes = plan.window_bytes;
  limits.inbound_streams_each = plan.inbound_streams_per_connection;
  return limits;
}

SwarmOptions swarm_options_of(const CapacityPlan& plan) {
  SwarmOptions options;
  options.connections = plan.connections;
  options.outbound_reserve = std::clamp<std::size_t>(plan.connections / 8, 2, 64);
  options.inbound_handshakes = plan.handshakes - plan.handshakes / 2;
  options.inbound_handshakes_per_host = std::max<std::size_t>(options.inbound_handshakes / 4, 1);
  // Kubo's 96 and 32 where there is room for them. Beyond, connections cost what others could use: more are
  // kept when the configuration says so (600 and 900 at 64M, as of old).
  options.marks.high = std::min<std::size_t>(plan.connections * 3 / 4, 96);
  options.marks.low = std::min<std::size_t>(plan.connections / 4, 32);
  options.parked_bytes = plan.parked_bytes;
  // A dial that has its socket needs a handshake.
  options.dials = std::max<std::size_t>(plan.handshakes / 2, 1);
  options.dials_per_peer = std::min<std::size_t>(options.dials, 4);
  options.dialled_peers = plan.dialled_peers;
  options.dial_bytes = plan.dialled_peers * 4096;
  options.dial_waiters = std::clamp<std::size_t>(plan.dialled_peers * 4, 32, 256);
  options.backoff_entries = plan.backoff_entries;
  options.identify_asks = std::clamp<std::size_t>(plan.connections / 8, 4, 32);
  options.identify_pushes_in = std::clamp<std::size_t>(plan.connections / 16, 2, 16);
  options.identify_pushes_out = std::clamp<std::size_t>(plan.connections / 4, 4, 32);
  options.identify_sends = options.identify_pushes_out + std::clamp<std::size_t>(plan.connections / 8, 4, 32);
  options.peerstore.peers = plan.peers;
  options.peerstore.addresses = plan.addresses;
  options.peerstore.addresses_per_connected_peer =
      std::clamp<std::size_t>(plan.addresses / 2 / plan.connections, 4, 64);
  options.peerstore.texts = plan.texts;
  options.peerstore.key_bytes = plan.peer_key_bytes;
  options.peerstore.protocol_blocks = plan.protocol_blocks;
  return options;
}

TcpOptions tcp_options_of(const CapacityPlan& plan) {
  TcpOptions options;
  options.links_max = plan.connections;
  options.dials_max = std::max<std::size_t>(plan.handshakes / 2, 1);
  options.receive_buffer_bytes = plan.socket_receive_bytes;
  options.send_buffer_bytes = plan.socket_send_bytes;
  options.busy_links_max = plan.busy_connections;
  options.busy_send_bytes = plan.busy_socket_bytes;
  options.busy_receive_bytes = plan.busy_receive_bytes;
  options.wide_links_max = plan.wide_connections;
  options.wide_receive_bytes = plan.wide_receive_bytes;
  return options;
}

}  // namespace masu::net
