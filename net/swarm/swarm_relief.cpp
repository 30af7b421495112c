// What the upper rungs of the ladder ask of a swarm: to give up connections and streams, those that cost most
// for the least use first.
#include "net/swarm/swarm_core.hpp"

#include <algorithm>

namespace masu::net {
namespace {

// What an exchange holds in passing: a large frame on its way in with what handlers have not taken of the one
// before, and what the writer has for the link.
constexpr std::size_t passing_bytes = std::size_t{256} * 1024;

}  // namespace

void SwarmCore::trim_strangers(std::size_t count) {
  manager_.trim_strangers(
      count, [this](ManagedConnection& connection) { give_up(static_cast<SwarmConnection&>(connection)); });
}

// Bytes that it is worth to give up. A peer of use counts with what is above an ordinary exchange, for each
// point of its value: on this rung it goes on trading.
std::size_t SwarmCore::weight_of(const SwarmConnection& connection) const {
  const ConnectionStats stats = connection.connection().stats();
  const std::size_t held = stats.received_held_bytes + stats.output_held_bytes;
  if (!connection.is_peer_of_use()) return held;
  if (manager_.is_protected(connection.peer()->id) || held <= passing_bytes) return 0;
  const int value = std::max(manager_.value(connection.peer()->id), 1);
  return std::max<std::size_t>((held - passing_bytes) / static_cast<std::size_t>(value), 1);
}

bool SwarmCore::give_up_heaviest() {
  SwarmConnection* heaviest = nullptr;
  std::size_t most = 0;
  bool of_use = true;
  for (SwarmConnection& connection : all_) {
    if (connection.closing()) continue;
    const std::size_t weight = weight_of(connection);
    const bool useful = connection.is_peer_of_use();
    if (weight == 0 || (useful && !of_use) || (useful == of_use && weight <= most)) continue;
    most = weight;
    of_use = useful;
    heaviest = &connection;
  }
  if (heaviest == nullptr) return false;
  // What handlers have not taken goes with its stream. Frames that are being gathered, and what the link does
  // not take, belong to no stream any more: they go with the connection.
  const ConnectionStats stats = heaviest->connection().stats();
  const std::size_t of_no_stream =
      stats.received_held_bytes - stats.streams_held_bytes + stats.output_held_bytes;
  if (stats.streams_held_bytes >= of_no_stream && heaviest->connection().reset_heaviest_stream()) return true;
  give_up(*heaviest);
  return true;
}

}  // namespace masu::net
