// Multiaddrs, from bytes and from text: what is read survives both forms, and its helpers agree with its
// components.
#include "multiformats/multiaddr.hpp"

#include <cstdlib>

namespace {

using namespace masu;

void check(bool good) {
  if (!good) std::abort();
}

void check_address(const Multiaddr& address) {
  check(!address.empty() && address.bytes().size() <= multiaddr_bytes_max);
  check(Multiaddr::decode(address.bytes()) == address);
  check(Multiaddr::parse(address.to_string()) == address);
  std::size_t bytes = 0;
  for (const AddressComponent component : address) bytes += component.bytes.size();
  check(bytes == address.bytes().size());
  static_cast<void>(address.is_public() || address.is_private() || address.is_loopback());
  static_cast<void>(address.tcp_port());
  const Multiaddr before = address.without_p2p();
  const auto peer = address.peer_id();
  check(peer.has_value() == (before != address));
  if (peer)
    check(before.encapsulate(*Multiaddr().with_p2p(*peer)) == address && address.with_p2p(*peer) == address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes all(data, size);
  if (const auto address = Multiaddr::decode(all)) {
    check_address(*address);
    check(equal(address->bytes(), all));
  }
  if (const auto address = Multiaddr::parse(as_text(all))) check_address(*address);
  return 0;
}
