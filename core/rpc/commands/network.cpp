#include "core/rpc/commands/network.hpp"

#include "core/node.hpp"
#include "core/rpc/commands/go_text.hpp"
#include "multiformats/multibase.hpp"

#include <algorithm>
#include <cctype>

namespace masu::core::rpc::commands {
namespace {

// How often somebody who waits looks whether the call is stopped.
constexpr Duration look_interval = 250ms;

// Which component of `text` is at fault: the last one of the shortest part that has the same error.
std::vector<std::string_view> words_until_error(std::string_view text, MultiaddrError error) {
  std::vector<std::string_view> words;
  std::size_t begin = 1;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    const auto part = Multiaddr::parse(text.substr(0, end));
    if (!part && part.error() == error) break;
    begin = end + 1;
  }
  return words;
}

std::string address_error(std::string_view text, MultiaddrError error) {
  switch (error) {
    case MultiaddrError::empty: return "empty multiaddr";
    case MultiaddrError::no_slash: return "must begin with /";
    case MultiaddrError::missing_value: return "unexpected end of multiaddr";
    case MultiaddrError::unknown_protocol: {
      const auto words = words_until_error(text, error);
      return "unknown protocol " + std::string(words.empty() ? std::string_view() : words.back());
    }
    case MultiaddrError::bad_value: {
      const auto words = words_until_error(text, error);
      if (words.size() < 2) break;
      return "invalid value " + json_string(words.back()) + " for protocol " +
             std::string(words[words.size() - 2]);
    }
    default: break;
  }
  return std::string(name_of(error));
}

std::string peer_error(std::string_view text, PeerIdError error) {
  std::string message = "failed to parse peer ID: ";
  if (text.starts_with("Qm") || text.starts_with('1')) return message + std::string(name_of(error));
  if (error == PeerIdError::bad_codec) {
    const auto cid = Cid::parse(text);
    if (cid) return "can't convert CID of type \"" + std::string(name_of(cid->codec())) + "\" to a peer ID";
  }
  if (text.size() < 2) return message + "invalid cid: cid too short";
  if (!multibase_from_prefix(text.front())) return message + "invalid cid: selected encoding not supported";
  return message + "invalid cid: " + std::string(name_of(error));
}

// A name, looked up for the user.
class AwaitedNames final : private net::ResolveRequest {
 public:
  struct Answer {
    std::vector<Multiaddr> addresses;
    std::string error;
  };
  AwaitedNames(net::AddressResolver& resolver, const Multiaddr& address) { resolver.resolve(address, *this); }
  auto operator co_await() noexcept { return done_.operator co_await(); }

 private:
  void on_resolved(std::span<const Multiaddr> addresses, std::string_view error) override {
    done_.complete({{addresses.begin(), addresses.end()}, std::string(error)});
  }
  Completion<Answer> done_;
};

void add_named(std::vector<NamedPeer>& peers, const Multiaddr& address) {
  const PeerId peer = *address.peer_id();
  auto named = std::ranges::find(peers, peer, &NamedPeer::peer);
  if (named == peers.end()) named = peers.insert(peers.end(), {peer, {}});
  const Multiaddr bare = address.without_p2p();
  if (!bare.empty()) named->addresses.push_back(bare);
}

}  // namespace

std::expected<PeerId, std::string> parse_peer(std::string_view text) {
  const auto peer = PeerId::parse(text);
  if (!peer) return std::unexpected(peer_error(text, peer.error()));
  return *peer;
}

std::expected<Multiaddr, std::string> parse_address(std::string_view text) {
  auto address = Multiaddr::parse(text);
  if (address) return std::move(*address);
  return std::unexpected("failed to parse multiaddr " + json_string(text) + ": " +
                         address_error(text, address.error()));
}

std::expected<PeerAtAddress, std::string> parse_peer_or_address(std::string_view text) {
  if (!text.starts_with('/')) {
    const auto peer = parse_peer(text);
    if (!peer) return std::unexpected(peer.error());
    return PeerAtAddress{*peer, Multiaddr()};
  }
  const auto address = parse_address(text);
  if (!address) return std::unexpected(address.error());
  const auto peer = address->peer_id();
  if (!peer) return std::unexpected("invalid p2p multiaddr");
  return PeerAtAddress{*peer, address->without_p2p()};
}

// --- Pause ---

Pause::Pause(Call& call, TimePoint until) : call_(call), until_(until) {
  Node& node = call.node();
  node.timers().arm(*this, std::min(until, node.clock().now() + look_interval));
}

void Pause::on_timer(TimePoint now) {
  if (now >= until_ || call_.stopped()) return done_.complete(true);
  call_.node().timers().arm(*this, std::min(until_, now + look_interval));
}

// --- AwaitedDial ---

AwaitedDial::AwaitedDial(Call& call, const PeerId& peer, std::span<const Multiaddr> addresses) : call_(call) {
  Node& node = call.node();
  node.timers().arm(*this, node.clock().now() + look_interval);
  node.swarm()->connect(peer, addresses, this);
}

AwaitedDial::~AwaitedDial() {
  if (!done_.completed()) call_.node().swarm()->forget(*this);
}

void AwaitedDial::on_dialled(const PeerId&, std::string_view error) {
  cancel();
  done_.complete(std::string(error));
}

void AwaitedDial::on_timer(TimePoint now) {
  if (!call_.stopped()) return call_.node().timers().arm(*this, now + look_interval);
  call_.node().swarm()->forget(*this);
  done_.complete("context canceled");
}

Task<CommandResult> connect_to(TaskMemory, Call& call, PeerId peer, std::vector<Multiaddr> addresses) {
  net::Swarm& swarm = *call.node().swarm();
  bool known = !addresses.empty() || peer == swarm.self() || swarm.connected(peer);
  swarm.peerstore().for_each_address(peer, swarm.now(),
                                     [&](const MultiaddrView&, net::AddressTtl) { known = true; });
  // There is no routing that would find it.
  if (!known) co_return fail("routing: not found");
  swarm.clear_backoff(peer);
  AwaitedDial dial(call, peer, addresses);
  const std::string error = co_await dial;
  if (!error.empty()) co_return fail("failed to dial: " + error);
  co_return CommandResult();
}

Task<std::expected<std::vector<NamedPeer>, CommandError>> named_peers(TaskMemory, Call& call) {
  std::vector<NamedPeer> peers;
  for (const std::string& text : call.arguments()) {
    const auto address = parse_address(text);
    if (!address) co_return fail(address.error());
    if (address->peer_id()) {
      add_named(peers, *address);
      continue;
    }
    bool found = false;
    net::Swarm* swarm = call.node().swarm();
    if (address->is_dns() && swarm != nullptr && swarm->resolver() != nullptr) {
      AwaitedNames names(*swarm->resolver(), *address);
      const AwaitedNames::Answer answer = co_await names;
      if (!answer.error.empty()) co_return fail(answer.error);
      for (const Multiaddr& one : answer.addresses) {
        if (!one.peer_id()) continue;
        add_named(peers, one);
        found = true;
      }
    }
    if (!found) co_return fail("found no ipfs peers at " + address->to_string());
  }
  co_return std::move(peers);
}

}  // namespace masu::core::rpc::commands
