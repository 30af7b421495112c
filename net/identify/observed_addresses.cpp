#include "net/identify/observed_addresses.hpp"

#include <algorithm>
#include <array>

namespace masu::net {

std::optional<IpPort> IpPort::of(const MultiaddrView& address) {
  const std::optional<IpAddress> ip = address.ip();
  const std::optional<std::uint16_t> port = address.tcp_port();
  if (!ip || !port) return std::nullopt;
  return IpPort{*ip, *port};
}

void ObservedAddresses::observe(Observation& observation, const MultiaddrView& observed,
                                const MultiaddrView& local, const MultiaddrView& remote) {
  observation.unlink();
  const auto external = IpPort::of(observed);
  const auto socket = IpPort::of(local);
  const auto observer = remote.ip();
  if (!external || !socket || !observer) return;
  if (external->ip.is_loopback() || external->ip.is_unspecified() || external->port == 0) return;
  if (external->ip.is_v4() != socket->ip.is_v4()) return;
  observation.external_ = *external;
  observation.local_ = *socket;
  observation.observer_ = host_of(*observer);
  observations_.push_back(observation);
}

std::vector<Multiaddr> ObservedAddresses::confirmed(const MultiaddrView& listener) const {
  const auto at = IpPort::of(listener);
  if (!at) return {};
  struct Seen {
    IpPort external;
    IpPrefix observer;
    auto operator<=>(const Seen&) const = default;
  };
  // As many as connections at most; sorted, so that observers of one address follow one another, each once.
  std::vector<Seen> seen;
  for (const Observation& observation : observations_) {
    const IpPort& local = observation.local_;
    if (local.port != at->port || (local.ip != at->ip && !at->ip.is_unspecified())) continue;
    if (local.ip.is_v4() != at->ip.is_v4()) continue;
    seen.push_back({observation.external_, observation.observer_});
  }
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());

  struct Counted {
    std::size_t observers;
    IpPort external;
  };
  std::vector<Counted> counted;
  for (auto first = seen.begin(); first != seen.end();) {
    const auto last =
        std::find_if(first, seen.end(), [&](const Seen& other) { return other.external != first->external; });
    const auto observers = static_cast<std::size_t>(last - first);
    if (observers >= observers_needed) counted.push_back({observers, first->external});
    first = last;
  }
  std::sort(counted.begin(), counted.end(), [](const Counted& a, const Counted& b) {
    return a.observers != b.observers ? a.observers > b.observers : a.external < b.external;
  });
  std::vector<Multiaddr> addresses;
  for (const Counted& entry : counted) {
    if (addresses.size() == addresses_per_listener_max) break;
    addresses.push_back(entry.external.to_multiaddr());
  }
  return addresses;
}

}  // namespace masu::net
