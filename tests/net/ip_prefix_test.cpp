#include "net/ip_prefix.hpp"

#include "tests/net/peers.hpp"

#include <gtest/gtest.h>

namespace masu::net {
namespace {

IpAddress ip(const std::string& text) {
  return text.find(':') == std::string::npos ? IpAddress::parse_v4(text).value()
                                             : IpAddress::parse_v6(text).value();
}

TEST(IpPrefixTest, ContainsWhatBeginsWithItsBits) {
  const auto prefix = IpPrefix::from_multiaddr(address("/ip4/10.1.0.0/ipcidr/12"));
  ASSERT_TRUE(prefix);
  EXPECT_TRUE(prefix->contains(ip("10.15.255.255")));
  EXPECT_FALSE(prefix->contains(ip("10.16.0.0")));
  EXPECT_FALSE(prefix->contains(ip("::")));
  const auto v6 = IpPrefix::from_multiaddr(address("/ip6/fc00::/ipcidr/7"));
  ASSERT_TRUE(v6);
  EXPECT_TRUE(v6->contains(ip("fdff::1")));
  EXPECT_FALSE(v6->contains(ip("fe00::1")));
}

TEST(IpPrefixTest, AMappedAddressIsItsIpv4Address) {
  const IpPrefix prefix(ip("10.0.0.0"), 8);
  EXPECT_TRUE(prefix.contains(ip("::ffff:10.1.2.3")));
  EXPECT_TRUE(IpPrefix(ip("::ffff:10.0.0.0"), 104).contains(ip("10.1.2.3")));
  EXPECT_EQ(host_of(ip("::ffff:10.1.2.3")), host_of(ip("10.1.2.3")));
}

TEST(IpPrefixTest, OnlyMasksAreFilters) {
  EXPECT_FALSE(IpPrefix::from_multiaddr(address("/ip4/10.0.0.0")));
  EXPECT_FALSE(IpPrefix::from_multiaddr(address("/ip4/10.0.0.0/ipcidr/33")));
  EXPECT_FALSE(IpPrefix::from_multiaddr(address("/dns4/a.example/tcp/1")));
}

TEST(IpPrefixTest, AnIpv6CustomerIsOneHost) {
  EXPECT_EQ(host_of(ip("2001:db8:1:100::1")), host_of(ip("2001:db8:1:1ff::2")));
  EXPECT_NE(host_of(ip("2001:db8:1:100::1")), host_of(ip("2001:db8:1:200::1")));
  EXPECT_NE(host_of(ip("1.2.3.4")), host_of(ip("1.2.3.5")));
  EXPECT_EQ(network_of(ip("1.2.3.4")), network_of(ip("1.2.3.5")));
}

}  // namespace
}  // namespace masu::net
