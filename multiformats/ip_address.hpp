// IpAddress: an IPv4 or IPv6 address, its text, and what kind of network it belongs to.
//
// The classes are go-multiaddr's (manet), which decide what Kubo announces and dials. An IPv4 address mapped
// into IPv6 is judged as the IPv4 address, but is never public.
#pragma once

#include "alloc/bytes.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace masu {

class IpAddress {
 public:
  using V4 = std::array<std::uint8_t, 4>;
  using V6 = std::array<std::uint8_t, 16>;

  // 0.0.0.0
  IpAddress() = default;
  explicit IpAddress(const V4& bytes);
  explicit IpAddress(const V6& bytes) : is_v4_(false), bytes_(bytes) {}
  // 4 or 16 bytes in network order; nothing for another number.
  static std::optional<IpAddress> from_bytes(Bytes bytes);
  static std::optional<IpAddress> parse_v4(std::string_view text);
  static std::optional<IpAddress> parse_v6(std::string_view text);

  bool is_v4() const { return is_v4_; }
  Bytes bytes() const { return Bytes(bytes_).first(is_v4_ ? 4 : 16); }
  // IPv6 as RFC 5952 writes it.
  std::string to_string() const;

  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_link_local() const;
  // Not to be reached from outside its network: loopback, link-local, RFC 1918, carrier-grade NAT, ULA.
  bool is_private() const;
  // Globally routed unicast, or an IPv6 name of an IPv4 address behind NAT64.
  bool is_public() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend std::strong_ordering operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  // The IPv4 address in it: its own, or the one mapped into IPv6.
  std::optional<std::uint32_t> as_v4() const;

  bool is_v4_ = true;
  V6 bytes_{};  // an IPv4 address lies in front
};

}  // namespace masu
