// Names for tests: peers and addresses by number, and the memory they are kept in.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/resource.hpp"
#include "multiformats/key.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/hash_index.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace masu::net {

// Some peer's id; the same number is the same peer. Nobody has its key.
inline PeerId peer_number(std::uint32_t number) {
  std::array<std::uint8_t, 34> hash{0x12, 0x20};
  for (std::size_t at = 0; at < 4; ++at) hash[2 + at] = static_cast<std::uint8_t>(number >> (8 * at));
  return *PeerId::decode(hash);
}

inline PrivateKey key_number(std::uint32_t number) {
  std::array<std::uint8_t, PrivateKey::seed_bytes> seed{};
  for (std::size_t at = 0; at < 4; ++at) seed[at] = static_cast<std::uint8_t>(number >> (8 * at));
  return PrivateKey::from_seed(seed);
}

inline Multiaddr address(const std::string& text) { return Multiaddr::parse(text).value(); }

// Public TCP addresses, all different.
inline Multiaddr address_number(std::uint32_t number) {
  const IpAddress::V4 ip = {8, static_cast<std::uint8_t>(number >> 16),
                            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return Multiaddr::tcp(IpAddress(ip), 4001);
}

struct TestMemory {
  Budget budget{"test", std::size_t{64} << 20};
  Account account{budget, "test", Lifetime::peer, std::size_t{64} << 20};
  AccountResource resource{account};
  HashSecret secret{std::array<std::uint8_t, HashSecret::bytes_max>{1, 2, 3}};
};

}  // namespace masu::net
