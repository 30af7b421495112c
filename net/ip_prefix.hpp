// IpPrefix: a range of IP addresses, as filters, per-host caps and rate limits use it. A plain value, any
// thread.
//
// IPv4 addresses mapped into IPv6 are taken as IPv4, so that one host has one form in every table and no
// filter is passed by the other spelling.
#pragma once

#include "multiformats/ip_address.hpp"
#include "multiformats/multiaddr.hpp"

#include <compare>
#include <cstdint>
#include <optional>

namespace masu::net {

class IpPrefix {
 public:
  // 0.0.0.0/0
  IpPrefix() = default;
  // `bits` above the address' own count as all of them.
  IpPrefix(const IpAddress& address, unsigned bits);
  // From /ip4/10.0.0.0/ipcidr/8, as `Swarm.AddrFilters` has them; nothing for any other form.
  static std::optional<IpPrefix> from_multiaddr(const MultiaddrView& address);

  bool contains(const IpAddress& address) const;
  const IpAddress& address() const { return address_; }
  unsigned bits() const { return bits_; }

  friend bool operator==(const IpPrefix&, const IpPrefix&) = default;
  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;

 private:
  IpAddress address_;
  std::uint8_t bits_ = 0;
};

// What counts as one host: an IPv4 address, or the /56 that an IPv6 customer is given.
IpPrefix host_of(const IpAddress& address);
// What counts as one network: an IPv4 /24, an IPv6 /48.
IpPrefix network_of(const IpAddress& address);

}  // namespace masu::net
