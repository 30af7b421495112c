// What is known of a peer, as `id` and `swarm peers` show it. Values.
#pragma once

#include "multiformats/key.hpp"
#include "multiformats/peer_id.hpp"
#include "net/swarm/swarm.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {

struct PeerDescription {
  std::optional<PublicKey> key;
  std::vector<std::string> addresses;  // with /p2p, sorted
  std::string agent;
  std::vector<std::string> protocols;  // sorted
};

// What the peerstore has; texts of peers are made fit to be shown.
PeerDescription describe_peer(net::Swarm& swarm, const PeerId& peer);
// {"ID","PublicKey","Addresses","AgentVersion","Protocols"}; empty lists are null.
boost::json::object peer_value(std::string_view id, const PeerDescription& peer);

}  // namespace masu::core::rpc::commands
