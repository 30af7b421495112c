// In which order the addresses of a peer are dialled, and how long each waits: as go-libp2p's ranker does for
// TCP, so that a good address is not drowned in dials to bad ones. A plain function; any thread.
#pragma once

#include "alloc/clock.hpp"
#include "multiformats/multiaddr.hpp"

#include <span>

namespace masu::net {

struct RankedAddress {
  MultiaddrView address;
  Duration delay{};  // after the first
};

// Sorts them, and sets their delays. Private and public addresses are two groups, dialled side by side. In
// each, IPv6 comes first, then one of IPv4 (250 ms later; 30 ms in private networks), then as much later the
// rest; low ports first, which are more likely those of listeners.
void rank_addresses(std::span<RankedAddress> addresses);

}  // namespace masu::net
