// `id`: who this node, or another one, is.

#include "core/config.hpp"
#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/go_text.hpp"
#include "core/rpc/commands/network.hpp"
#include "core/rpc/commands/peer_value.hpp"
#include "core/version.hpp"
#include "multiformats/key.hpp"
#include "multiformats/multibase.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

constexpr std::string_view offline_peer =
    "'ipfs id' cannot query information on remote peers without a running daemon; if you only want to "
    "convert "
    "--peerid-base, pass --offline option";

constexpr auto id_options = std::to_array<OptionSpec>({
    {"format", "f", OptionType::text, "", "Optional output format."},
    {"peerid-base", "", OptionType::text, "b58mh",
     "Encoding used for peer IDs: Can either be a multibase encoded CID or a base58btc encoded multihash. "
     "Takes "
     "{b58mh|base36|k|base32|b...}."},
});

constexpr auto id_arguments = std::to_array<ArgumentSpec>({
    {.name = "peerid", .help = "Peer.ID of node to look up."},
});

constexpr std::string_view id_description =
    R"(Prints out information about the specified peer.
If no peer is specified, prints out information for local peers.

'masu id' supports the format option for output with the following keys:
<id> : The peers id.
<aver>: Agent version.
<pver>: Protocol version.
<pubkey>: Public key.
<addrs>: Addresses (newline delimited).
<protocols>: Libp2p Protocol registrations (newline delimited).

EXAMPLE:

    masu id Qmece2RkXhsKe5CRooNisBTh4SK119KrXXGmoK6V3kb8aH -f="<addrs>\n"
)";

// How ids are shown: nothing is base58.
std::expected<std::optional<Multibase>, std::string> base_of(std::string_view label) {
  if (label == "b58mh" || label == "v0") return std::nullopt;
  auto base = multibase_from_name(label);
  if (!base && label.size() == 1) base = multibase_from_prefix(label.front());
  if (base) return base;
  return std::unexpected("unsupported multibase encoding: " + std::string(label));
}

std::string show(const PeerId& peer, std::optional<Multibase> base) {
  return base ? encode_multibase(*base, peer.to_cid().bytes()) : peer.to_base58();
}

// The key in the configuration; an id of Ed25519 has it inside.
std::optional<PublicKey> own_key(const Config& config, const PeerId& self) {
  if (auto inlined = self.public_key()) return inlined;
  const auto text = config.text("Identity.PrivKey");
  std::array<std::uint8_t, 8192> bytes;
  const auto size =
      text ? decode_base(Multibase::base64pad, *text, bytes) : std::unexpected(MultibaseError::empty);
  if (!size) return std::nullopt;
  const auto key = PrivateKey::from_protobuf(Bytes(bytes).first(*size));
  if (!key) return std::nullopt;
  return key->public_key();
}

PeerDescription describe_self(Call& call, const PeerId& self) {
  PeerDescription own;
  own.key = own_key(call.node().config(), self);
  own.agent = "masu/" + std::string(version_number);
  const net::Swarm* swarm = call.node().swarm();
  if (swarm == nullptr) return own;
  own.agent = swarm->agent();
  for (const Multiaddr& address : swarm->announce_addresses()) {
    if (const auto with_peer = address.with_p2p(self)) own.addresses.push_back(with_peer->to_string());
  }
  for (const std::string_view protocol : swarm->protocols()) own.protocols.emplace_back(protocol);
  std::ranges::sort(own.addresses);
  return own;
}

Task<CommandResult> run_id(TaskMemory memory, Call& call) {
  const auto base = base_of(call.text("peerid-base"));
  if (!base) co_return fail(base.error());
  net::Swarm* swarm = call.node().swarm();
  const auto configured = call.node().config().text("Identity.PeerID");
  const auto self = PeerId::parse(configured.value_or(""));
  if (!self) co_return fail("the configuration has no Identity.PeerID");

  PeerId peer = *self;
  if (!call.arguments().empty()) {
    const auto wanted = PeerId::parse(call.arguments()[0]);
    if (!wanted) co_return fail("invalid peer id");
    peer = *wanted;
  }
  PeerDescription description;
  if (peer == *self) {
    description = describe_self(call, peer);
  } else {
    if (!call.offline() && swarm == nullptr) co_return fail(std::string(offline_peer));
    if (!call.offline()) {
      std::vector<Multiaddr> none;
      const CommandResult connected = co_await connect_to(memory, call, peer, std::move(none));
      if (!connected) co_return connected;
    }
    if (swarm != nullptr) description = describe_peer(*swarm, peer);
    if (!description.key) description.key = peer.public_key();
  }
  const boost::json::value value = peer_value(show(peer, *base), description);
  call.set_single_value();
  co_await call.emit(memory, value);
  co_return CommandResult();
}

std::string joined(const boost::json::value& list) {
  std::string text;
  if (!list.is_array()) return text;
  for (const boost::json::value& item : list.as_array()) {
    if (!text.empty()) text += '\n';
    text += std::string_view(item.as_string());
  }
  return text;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

void append_list(std::string& out, std::string_view name, const boost::json::value& list) {
  out.append("\t").append(json_string(name)).append(": ");
  if (!list.is_array()) {
    out += "null";
    return;
  }
  out += '[';
  for (std::size_t at = 0; at < list.as_array().size(); ++at) {
    out += at == 0 ? "\n\t\t" : ",\n\t\t";
    append_json_string(out, list.as_array()[at].as_string());
  }
  out += "\n\t]";
}

void id_text(const boost::json::value& value, const Call& call, std::string& out) {
  const boost::json::object& id = value.as_object();
  if (call.given("format")) {
    std::string text(call.text("format"));
    replace_all(text, "<id>", id.at("ID").as_string());
    replace_all(text, "<aver>", id.at("AgentVersion").as_string());
    replace_all(text, "<pubkey>", id.at("PublicKey").as_string());
    replace_all(text, "<addrs>", joined(id.at("Addresses")));
    replace_all(text, "<protocols>", joined(id.at("Protocols")));
    replace_all(text, "\\n", "\n");
    replace_all(text, "\\t", "\t");
    out += text;
    return;
  }
  out += "{\n\t\"ID\": ";
  append_json_string(out, id.at("ID").as_string());
  out += ",\n\t\"PublicKey\": ";
  append_json_string(out, id.at("PublicKey").as_string());
  out += ",\n";
  append_list(out, "Addresses", id.at("Addresses"));
  out += ",\n\t\"AgentVersion\": ";
  append_json_string(out, id.at("AgentVersion").as_string());
  out += ",\n";
  append_list(out, "Protocols", id.at("Protocols"));
  out += "\n}\n\n";
}

}  // namespace

constexpr CommandSpec id{.path = "id",
                         .tagline = "Show IPFS node id info.",
                         .description = id_description,
                         .options = id_options,
                         .arguments = id_arguments,
                         .run = run_id,
                         .text = id_text};

}  // namespace masu::core::rpc::commands
