// ObservedAddresses: where the world sees our listeners, as connected peers tell it.
//
// One observation lies in each connection, and goes with it: there is no table to fill. An address counts
// when four observers in different networks agree on it; at most three count for one listener, those with the
// most observers. Owned by identify; loop thread only.
#pragma once

#include "alloc/intrusive_list.hpp"
#include "multiformats/ip_address.hpp"
#include "multiformats/multiaddr.hpp"
#include "net/ip_prefix.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace masu::net {

struct IpPort {
  IpAddress ip;
  std::uint16_t port = 0;

  // Of an address that begins with IP and TCP.
  static std::optional<IpPort> of(const MultiaddrView& address);
  Multiaddr to_multiaddr() const { return Multiaddr::tcp(ip, port); }
  friend bool operator==(const IpPort&, const IpPort&) = default;
  friend auto operator<=>(const IpPort&, const IpPort&) = default;
};

// Part of a connection.
class Observation : public IntrusiveListNode<Observation> {
 private:
  friend class ObservedAddresses;
  IpPort external_;  // what the peer sees
  IpPort local_;     // of our socket
  IpPrefix observer_;
};

class ObservedAddresses {
 public:
  static constexpr std::size_t observers_needed = 4;
  static constexpr std::size_t addresses_per_listener_max = 3;

  // A peer at `remote` says that it sees `observed`, over our socket bound to `local`. Replaces what was
  // observed before on this connection. Loopback and unspecified addresses say nothing.
  void observe(Observation& observation, const MultiaddrView& observed, const MultiaddrView& local,
               const MultiaddrView& remote);
  // The connection has ended.
  static void forget(Observation& observation) { observation.unlink(); }

  // The addresses that count for a listener, the best first. A socket dialled from the listener's port counts
  // for a listener on all addresses too.
  std::vector<Multiaddr> confirmed(const MultiaddrView& listener) const;

 private:
  IntrusiveList<Observation> observations_;  // one a connection
};

}  // namespace masu::net
