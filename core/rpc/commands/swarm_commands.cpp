// `swarm …`: connections to peers, and addresses.

#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/go_text.hpp"
#include "core/rpc/commands/network.hpp"
#include "core/rpc/commands/peer_value.hpp"

#include <algorithm>
#include <array>
#include <memory_resource>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

// {"Strings":[…]}, or a line each.
boost::json::value strings_value(const std::vector<std::string>& texts) {
  if (texts.empty()) return boost::json::object{{"Strings", nullptr}};
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return boost::json::object{{"Strings", std::move(list)}};
}

void strings_text(const boost::json::value& value, const Call&, std::string& out) {
  const boost::json::value& list = value.as_object().at("Strings");
  if (!list.is_array()) return;
  for (const boost::json::value& text : list.as_array()) out.append(text.as_string()).append("\n");
}

std::vector<std::string> sorted_texts(const std::vector<Multiaddr>& addresses) {
  std::vector<std::string> texts;
  for (const Multiaddr& address : addresses) texts.push_back(address.to_string());
  std::ranges::sort(texts);
  return texts;
}

// --- peers ---

constexpr auto peers_options = std::to_array<OptionSpec>({
    {"verbose", "v", OptionType::boolean, "", "display all extra information"},
    {"streams", "", OptionType::boolean, "", "Also list information about open streams for each peer"},
    {"latency", "", OptionType::boolean, "", "Also list information about latency to each peer"},
    {"direction", "", OptionType::boolean, "", "Also list information about the direction of connection"},
    {"identify", "", OptionType::boolean, "", "Also list information about peers identify"},
});

// A connection by what names it, so that the list is small.
struct ListedConnection {
  Multiaddr remote;
  PeerId peer;
};

struct PeersShown {
  explicit PeersShown(const Call& call) {
    const bool all = call.flag("verbose");
    latency = all || call.flag("latency");
    direction = all || call.flag("direction");
    streams = all || call.flag("streams");
    identify = all || call.flag("identify");
  }
  bool latency, direction, streams, identify;
};

boost::json::array stream_values(net::Swarm& swarm, const ListedConnection& listed) {
  std::vector<std::string> protocols;
  swarm.for_each_stream(listed.peer, listed.remote,
                        [&](std::string_view protocol) { protocols.push_back(clean_text(protocol)); });
  std::ranges::sort(protocols);
  boost::json::array streams;
  for (const std::string& protocol : protocols)
    streams.push_back(boost::json::object{{"Protocol", protocol}});
  return streams;
}

boost::json::object connection_value(net::Swarm& swarm, const ListedConnection& listed,
                                     const net::ConnectionInfo& info, const PeersShown& shown) {
  boost::json::object value{{"Addr", listed.remote.to_string()}, {"Peer", listed.peer.to_string()}};
  if (shown.latency) value["Latency"] = info.latency ? go_duration(*info.latency) : "n/a";
  if (shown.direction) value["Direction"] = info.inbound ? 1 : 2;
  if (shown.streams) {
    boost::json::array streams = stream_values(swarm, listed);
    if (!streams.empty()) value["Streams"] = std::move(streams);
  }
  value["Identify"] = shown.identify ? peer_value(listed.peer.to_string(), describe_peer(swarm, listed.peer))
                                     : peer_value("", PeerDescription());
  return value;
}

void append_connection_text(std::string& out, const boost::json::object& value) {
  out.append(value.at("Addr").as_string()).append("/p2p/").append(value.at("Peer").as_string());
  if (const auto* latency = value.if_contains("Latency")) out.append(" ").append(latency->as_string());
  if (const auto* direction = value.if_contains("Direction")) {
    out.append(direction->as_int64() == 1 ? " inbound" : " outbound");
  }
  out += '\n';
  const auto* streams = value.if_contains("Streams");
  if (streams == nullptr) return;
  for (const boost::json::value& stream : streams->as_array()) {
    const std::string_view protocol = stream.as_object().at("Protocol").as_string();
    out.append("  ").append(protocol.empty() ? "<no protocol name>" : protocol).append("\n");
  }
}

// The answer is one object, written connection by connection.
Task<CommandResult> run_swarm_peers(TaskMemory memory, Call& call) {
  net::Swarm* swarm = call.node().swarm();
  if (swarm == nullptr) co_return fail(std::string(action_offline));
  const PeersShown shown(call);
  std::pmr::vector<ListedConnection> all(&call.memory());
  all.reserve(swarm->connections());
  swarm->for_each_connection(
      [&](const net::ConnectionInfo& connection) { all.push_back({connection.remote, connection.peer}); });
  std::ranges::sort(all, {}, [](const ListedConnection& listed) { return listed.remote.to_string(); });

  const bool text = call.text_encoding();
  call.set_single_value();
  if (!text) call.set_content_type("application/json");
  std::string out = text ? "" : all.empty() ? "{\"Peers\":null}\n" : "{\"Peers\":[";
  bool first = true;
  for (const ListedConnection& listed : all) {
    // It may have ended meanwhile.
    const auto info = swarm->find_connection(listed.peer, listed.remote);
    if (!info) continue;
    const boost::json::object value = connection_value(*swarm, listed, *info, shown);
    if (text) {
      append_connection_text(out, value);
    } else {
      if (!std::exchange(first, false)) out += ',';
      append_json(out, value);
    }
    if (out.size() < 8192) continue;
    const bool listening = co_await call.write(memory, as_bytes(out));
    if (!listening) co_return CommandResult();
    out.clear();
  }
  if (!text && !all.empty()) out += "]}\n";
  co_await call.write(memory, as_bytes(out));
  co_return CommandResult();
}

// --- addrs ---

constexpr std::size_t peers_at_once = 128;

// The next peers after `last` in the order of their texts, at most peers_at_once.
std::vector<std::string> next_peers(net::Swarm& swarm, const std::string& last) {
  std::vector<std::string> next;  // a heap, the greatest first
  const auto add = [&](const PeerId& peer) {
    std::string text = peer.to_string();
    if (text <= last || (next.size() == peers_at_once && text >= next.front())) return;
    if (next.size() == peers_at_once) {
      std::ranges::pop_heap(next);
      next.pop_back();
    }
    next.push_back(std::move(text));
    std::ranges::push_heap(next);
  };
  swarm.peerstore().for_each_peer(swarm.now(), add);
  add(swarm.self());
  std::ranges::sort_heap(next);
  return next;
}

std::vector<std::string> known_addresses(net::Swarm& swarm, const PeerId& peer) {
  if (peer == swarm.self()) return sorted_texts(swarm.listen_addresses());
  std::vector<std::string> texts;
  swarm.peerstore().for_each_address(peer, swarm.now(), [&](const MultiaddrView& address, net::AddressTtl) {
    texts.push_back(address.to_string());
  });
  std::ranges::sort(texts);
  return texts;
}

void append_addresses(std::string& out, const std::string& peer, const std::vector<std::string>& addresses,
                      bool text, bool first) {
  if (text) {
    out.append(peer).append(" (").append(std::to_string(addresses.size())).append(")\n");
    for (const std::string& address : addresses) out.append("\t").append(address).append("\n");
    return;
  }
  out.append(first ? "" : ",").append("\"").append(peer).append("\":[");
  for (std::size_t at = 0; at < addresses.size(); ++at) {
    out += at == 0 ? "" : ",";
    append_json_string(out, addresses[at]);
  }
  out += ']';
}

Task<CommandResult> run_swarm_addrs(TaskMemory memory, Call& call) {
  net::Swarm* swarm = call.node().swarm();
  if (swarm == nullptr) co_return fail(std::string(action_offline));
  const bool text = call.text_encoding();
  call.set_single_value();
  if (!text) call.set_content_type("application/json");
  std::string out = text ? "" : "{\"Addrs\":{";
  std::string last;
  bool first = true;
  while (!call.stopped()) {
    const std::vector<std::string> peers = next_peers(*swarm, last);
    for (const std::string& peer : peers) {
      const std::vector<std::string> addresses = known_addresses(*swarm, *PeerId::parse(peer));
      if (!addresses.empty()) append_addresses(out, peer, addresses, text, std::exchange(first, false));
    }
    if (peers.size() < peers_at_once) break;
    last = peers.back();
    const bool listening = co_await call.write(memory, as_bytes(out));
    if (!listening) co_return CommandResult();
    out.clear();
  }
  if (!text) out += "}}\n";
  co_await call.write(memory, as_bytes(out));
  co_return CommandResult();
}

constexpr auto local_options = std::to_array<OptionSpec>({
    {"id", "", OptionType::boolean, "", "Show peer ID in addresses."},
});

Task<CommandResult> run_swarm_addrs_local(TaskMemory memory, Call& call) {
  net::Swarm* swarm = call.node().swarm();
  if (swarm == nullptr) co_return fail(std::string(action_offline));
  std::vector<std::string> texts = sorted_texts(swarm->announce_addresses());
  if (call.flag("id")) {
    for (std::string& text : texts) text.append("/p2p/").append(swarm->self().to_string());
  }
  const boost::json::value value = strings_value(texts);
  call.set_single_value();
  co_await call.emit(memory, value);
  co_return CommandResult();
}

Task<CommandResult> run_swarm_addrs_listen(TaskMemory memory, Call& call) {
  net::Swarm* swarm = call.node().swarm();
  if (swarm == nullptr) co_return fail(std::string(action_offline));
  const boost::json::value value = strings_value(sorted_texts(swarm->listen_addresses()));
  call.set_single_value();
  co_await call.emit(memory, value);
  co_return CommandResult();
}

// --- connect and disconnect ---

constexpr auto connect_arguments = std::to_array<ArgumentSpec>({
    {.name = "address",
     .required = true,
     .variadic = true,
     .accepts_stdin = true,
     .help = "Address of peer to connect to."},
});

constexpr auto disconnect_arguments = std::to_array<ArgumentSpec>({
    {.name = "address",
     .required = true,
     .variadic = true,
     .accepts_stdin = true,
     .help = "Address of peer to disconnect from."},
});

constexpr int user_tag_value = 100;

Task<CommandResult> run_swarm_connect(TaskMemory memory, Call& call) {
  auto named = co_await named_peers(memory, call);
  if (!named) co_return std::unexpected(named.error());
  net::Swarm* swarm = call.node().swarm();
  std::vector<std::string> done;
  for (NamedPeer& one : *named) {
    const std::string what = "connect " + one.peer.to_string();
    if (swarm == nullptr) co_return fail(what + " failure: " + std::string(action_offline));
    const CommandResult connected = co_await connect_to(memory, call, one.peer, std::move(one.addresses));
    if (!connected) co_return fail(what + " failure: " + connected.error().message);
    swarm->tag(one.peer, net::peer_tag::user_connect, user_tag_value);
    done.push_back(what + " success");
  }
  const boost::json::value value = strings_value(done);
  call.set_single_value();
  co_await call.emit(memory, value);
  co_return CommandResult();
}

// Empty: it was closed, or is being closed.
std::string_view disconnect(net::Swarm* swarm, const PeerId& peer, const Multiaddr* address) {
  if (swarm == nullptr) return action_offline;
  if (address != nullptr) return swarm->close_connection(peer, *address) ? "" : "conn not found";
  if (!swarm->connected(peer)) return "not connected";
  swarm->disconnect(peer);
  return {};
}

Task<CommandResult> run_swarm_disconnect(TaskMemory memory, Call& call) {
  auto named = co_await named_peers(memory, call);
  if (!named) co_return std::unexpected(named.error());
  std::vector<std::string> done;
  const auto note = [&](const PeerId& peer, std::string_view failure) {
    std::string line = "disconnect " + peer.to_string();
    done.push_back(failure.empty() ? line + " success" : line + " failure: " + std::string(failure));
  };
  for (const NamedPeer& one : *named) {
    if (one.addresses.empty()) note(one.peer, disconnect(call.node().swarm(), one.peer, nullptr));
    for (const Multiaddr& address : one.addresses) {
      note(one.peer, disconnect(call.node().swarm(), one.peer, &address));
    }
  }
  const boost::json::value value = strings_value(done);
  call.set_single_value();
  co_await call.emit(memory, value);
  co_return CommandResult();
}

}  // namespace

constexpr CommandSpec swarm_addrs{
    .path = "swarm addrs",
    .tagline = "List known addresses. Useful for debugging.",
    .description = "'masu swarm addrs' lists all addresses this node is aware of.",
    .run = run_swarm_addrs};

constexpr CommandSpec swarm_addrs_listen{
    .path = "swarm addrs listen",
    .tagline = "List interface listening addresses.",
    .description = "'masu swarm addrs listen' lists all interface addresses the node is listening on.",
    .run = run_swarm_addrs_listen,
    .text = strings_text};

constexpr CommandSpec swarm_addrs_local{
    .path = "swarm addrs local",
    .tagline = "List local addresses.",
    .description = "'masu swarm addrs local' lists all local listening addresses announced to the network.",
    .options = local_options,
    .run = run_swarm_addrs_local,
    .text = strings_text};

constexpr CommandSpec swarm_connect{
    .path = "swarm connect",
    .tagline = "Open connection to a given peer.",
    .description =
        R"('masu swarm connect' attempts to ensure a connection to a given peer.

Multiaddresses given are advisory, for example the node may already be aware of other addresses for a given peer or may already have an established connection to the peer.

The address format is a libp2p multiaddr:

masu swarm connect /ip4/192.0.2.1/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ
)",
    .arguments = connect_arguments,
    .run = run_swarm_connect,
    .text = strings_text};

constexpr CommandSpec swarm_disconnect{
    .path = "swarm disconnect",
    .tagline = "Close connection to a given address.",
    .description =
        R"('masu swarm disconnect' closes a connection to a peer address. The address format is an IPFS multiaddr:

masu swarm disconnect /ip4/192.0.2.1/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ

The disconnect is not permanent; if masu needs to talk to that address later, it will reconnect.
)",
    .arguments = disconnect_arguments,
    .run = run_swarm_disconnect,
    .text = strings_text};

constexpr CommandSpec swarm_peers{
    .path = "swarm peers",
    .tagline = "List peers with open connections.",
    .description = "'masu swarm peers' lists the set of peers this node is connected to.",
    .options = peers_options,
    .run = run_swarm_peers};

}  // namespace masu::core::rpc::commands
