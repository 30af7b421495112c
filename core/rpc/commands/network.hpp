// What the commands about the network share: what they say without one, peers and addresses as users write
// them, and waiting for dials, names and time. Loop thread only.
#pragma once

#include "alloc/completion.hpp"
#include "core/rpc/command.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/dns/resolver.hpp"
#include "net/host.hpp"
#include "net/swarm/swarm.hpp"
#include "net/timers.hpp"

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace masu::core::rpc::commands {

// Kubo's texts, by which scripts know them.
inline constexpr std::string_view action_offline =
    "this action must be run in online mode, try running 'ipfs daemon' first";
inline constexpr std::string_view command_offline =
    "this command must be run in online mode. Try running 'ipfs daemon' first";

// The errors are Kubo's.
std::expected<PeerId, std::string> parse_peer(std::string_view text);
std::expected<Multiaddr, std::string> parse_address(std::string_view text);
// A peer id, or an address that ends with one.
struct PeerAtAddress {
  PeerId peer;
  Multiaddr address;  // without the peer; may be empty
};
std::expected<PeerAtAddress, std::string> parse_peer_or_address(std::string_view text);

// Waits until then. Ends early when the call is stopped.
class Pause final : private net::Timer {
 public:
  Pause(Call& call, TimePoint until);
  auto operator co_await() noexcept { return done_.operator co_await(); }

 private:
  void on_timer(TimePoint now) override;
  Call& call_;
  const TimePoint until_;
  Completion<bool> done_;
};

// A dial: the text is empty when the peer is connected. Ends early when the call is stopped.
class AwaitedDial final : private net::DialHandler, private net::Timer {
 public:
  AwaitedDial(Call& call, const PeerId& peer, std::span<const Multiaddr> addresses);
  ~AwaitedDial() override;
  auto operator co_await() noexcept { return done_.operator co_await(); }

 private:
  void on_dialled(const PeerId& peer, std::string_view error) override;
  void on_timer(TimePoint now) override;
  Call& call_;
  Completion<std::string> done_;
};

// Connects to a peer as the user wants it: addresses that failed lately are tried again. The error is Kubo's.
Task<CommandResult> connect_to(TaskMemory memory, Call& call, PeerId peer, std::vector<Multiaddr> addresses);

// The peers that addresses of the user lead to, in order, each with its addresses. An address without a peer
// is looked up, if it has a name. Errors are Kubo's.
struct NamedPeer {
  PeerId peer;
  std::vector<Multiaddr> addresses;  // without the peer
};
Task<std::expected<std::vector<NamedPeer>, CommandError>> named_peers(TaskMemory memory, Call& call);

}  // namespace masu::core::rpc::commands
