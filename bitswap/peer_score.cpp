#include "bitswap/peer_score.hpp"

#include "net/host.hpp"

#include <string_view>
#include <utility>

namespace masu::bitswap {
namespace {

constexpr std::string_view useful_tag = "bitswap-useful";
constexpr std::string_view queued_tag = "bitswap-queued";
constexpr int queued_value = 10;
constexpr float term_value = 10;     // of each term
constexpr float short_weight = 0.5;  // of the newest sample
constexpr float long_weight = 0.05f;

void move_towards(float& average, bool exchanged, float weight) {
  average += weight * ((exchanged ? term_value : 0) - average);
}

// From 0.75 for who only takes to 1.25 for who only gives.
float debt_factor(const PeerExchange& exchange) {
  if (exchange.received == 0) return 0.75f;
  const auto received = static_cast<float>(exchange.received);
  return 0.75f + received / (received + static_cast<float>(exchange.sent)) / 2;
}

}  // namespace

void PeerScore::look(net::Host& host, const PeerId& peer, const PeerExchange& exchange,
                     std::uint32_t number) {
  set_queued(host, peer, exchange.queued);
  const auto sum = static_cast<std::uint32_t>(exchange.received + exchange.sent);
  if (number % looks_in_short_term == 0) {
    move_towards(short_term_, std::exchange(seen_short_, sum) != sum, short_weight);
    if (number % looks_in_long_term == 0) {
      move_towards(long_term_, std::exchange(seen_long_, sum) != sum, long_weight);
    }
    set_value(host, peer, static_cast<int>((short_term_ + long_term_) * debt_factor(exchange)));
  } else if (value_ == 0 && seen_short_ != sum) {
    set_value(host, peer, 1);  // a crowd of strangers would displace it before its first term is over
  }
}

void PeerScore::untag(net::Host& host, const PeerId& peer) {
  set_queued(host, peer, false);
  set_value(host, peer, 0);
}

void PeerScore::set_queued(net::Host& host, const PeerId& peer, bool queued) {
  if (std::exchange(queued_, queued) != queued) host.tag(peer, queued_tag, queued ? queued_value : 0);
}

void PeerScore::set_value(net::Host& host, const PeerId& peer, int value) {
  const auto kept = static_cast<std::uint8_t>(value);
  if (std::exchange(value_, kept) == kept) return;
  host.tag(peer, useful_tag, value);
  host.set_of_use(peer, kept > 0);
}

}  // namespace masu::bitswap
