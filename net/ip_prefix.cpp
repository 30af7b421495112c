#include "net/ip_prefix.hpp"

#include <algorithm>
#include <array>

namespace masu::net {
namespace {

IpAddress one_form(const IpAddress& address) {
  static constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const Bytes bytes = address.bytes();
  if (address.is_v4() || !equal(bytes.first(mapped.size()), mapped)) return address;
  return *IpAddress::from_bytes(bytes.last(4));
}

IpAddress masked(const IpAddress& address, unsigned bits) {
  IpAddress::V6 bytes{};
  const Bytes whole = address.bytes();
  for (std::size_t at = 0; at * 8 < bits; ++at) {
    const unsigned kept = std::min(bits - static_cast<unsigned>(at) * 8, 8u);
    bytes[at] = static_cast<std::uint8_t>(whole[at] & (0xff00u >> kept));
  }
  return *IpAddress::from_bytes(Bytes(bytes).first(whole.size()));
}

unsigned address_bits(const IpAddress& address) { return address.is_v4() ? 32 : 128; }

}  // namespace

IpPrefix::IpPrefix(const IpAddress& address, unsigned bits) {
  const IpAddress form = one_form(address);
  // The mapped form has 96 bits in front of the IPv4 address.
  if (form.is_v4() && !address.is_v4()) bits = bits < 96 ? 0 : bits - 96;
  bits_ = static_cast<std::uint8_t>(std::min(bits, address_bits(form)));
  address_ = masked(form, bits_);
}

std::optional<IpPrefix> IpPrefix::from_multiaddr(const MultiaddrView& address) {
  const std::optional<IpAddress> ip = address.ip();
  const std::optional<AddressComponent> mask = address.find(AddressProtocol::ipcidr);
  if (!ip || !mask || mask->value.size() != 1 || mask->value[0] > address_bits(*ip)) return std::nullopt;
  return IpPrefix(*ip, mask->value[0]);
}

bool IpPrefix::contains(const IpAddress& address) const {
  const IpAddress form = one_form(address);
  return form.is_v4() == address_.is_v4() && masked(form, bits_) == address_;
}

IpPrefix host_of(const IpAddress& address) {
  const IpAddress form = one_form(address);
  return IpPrefix(form, form.is_v4() ? 32 : 56);
}

IpPrefix network_of(const IpAddress& address) {
  const IpAddress form = one_form(address);
  return IpPrefix(form, form.is_v4() ? 24 : 48);
}

}  // namespace masu::net
