#include "core/rpc/commands/peer_value.hpp"

#include "core/rpc/commands/go_text.hpp"
#include "multiformats/multibase.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

namespace masu::core::rpc::commands {
namespace {

boost::json::value list_value(const std::vector<std::string>& texts) {
  if (texts.empty()) return nullptr;
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

}  // namespace

PeerDescription describe_peer(net::Swarm& swarm, const PeerId& peer) {
  PeerDescription description;
  const net::Peerstore& store = swarm.peerstore();
  description.key = store.key(peer);
  if (!description.key && store.contains(peer)) description.key = peer.public_key();
  store.for_each_address(peer, swarm.now(), [&](const MultiaddrView& address, net::AddressTtl) {
    if (const auto whole = Multiaddr(address).with_p2p(peer))
      description.addresses.push_back(whole->to_string());
  });
  description.agent = clean_text(store.agent(peer));
  store.for_each_protocol(
      peer, [&](std::string_view protocol) { description.protocols.push_back(clean_text(protocol)); });
  std::ranges::sort(description.addresses);
  std::ranges::sort(description.protocols);
  return description;
}

boost::json::object peer_value(std::string_view id, const PeerDescription& peer) {
  const std::string key =
      peer.key ? encode_base(Multibase::base64pad, peer.key->to_protobuf()) : std::string();
  return {{"ID", id},
          {"PublicKey", key},
          {"Addresses", list_value(peer.addresses)},
          {"AgentVersion", peer.agent},
          {"Protocols", list_value(peer.protocols)}};
}

}  // namespace masu::core::rpc::commands
