// PeerScore: what a peer's connection is worth to Bitswap, as the connection manager is told: a tag for what
// was exchanged lately and over time (0 to 25, Kubo's measure), and one while something is owed to the peer.
//
// A machine without IO, part of the Peer; the Bitswap looks at all of them once in look_interval. Loop
// thread.
#pragma once

#include "alloc/clock.hpp"

#include <cstdint>

namespace masu::net {
class Host;
}
namespace masu {
class PeerId;
}

namespace masu::bitswap {

struct PeerExchange {
  std::uint64_t received = 0;  // bytes of blocks that were wanted
  std::uint64_t sent = 0;
  bool queued = false;  // a want of it is to be answered
};

class PeerScore {
 public:
  static constexpr Duration look_interval = 1s;
  static constexpr std::uint32_t looks_in_short_term = 10;
  static constexpr std::uint32_t looks_in_long_term = 100;

  // The `number`th look: tags what has changed.
  void look(net::Host& host, const PeerId& peer, const PeerExchange& exchange, std::uint32_t number);
  // The peer is gone.
  void untag(net::Host& host, const PeerId& peer);
  int value() const { return value_; }

 private:
  void set_queued(net::Host& host, const PeerId& peer, bool queued);
  void set_value(net::Host& host, const PeerId& peer, int value);

  float short_term_ = 0;
  float long_term_ = 0;
  // Low parts of the sum at the last look: only whether it has changed counts.
  std::uint32_t seen_short_ = 0;
  std::uint32_t seen_long_ = 0;
  std::uint8_t value_ = 0;
  bool queued_ = false;
};

}  // namespace masu::bitswap
