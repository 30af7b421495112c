#include "multiformats/ip_address.hpp"

#include <string_view>

#include <gtest/gtest.h>

namespace masu {
namespace {

IpAddress ip(std::string_view text) {
  const auto address =
      text.find(':') == std::string_view::npos ? IpAddress::parse_v4(text) : IpAddress::parse_v6(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress());
}

TEST(IpAddressTest, WritesWhatItRead) {
  for (const std::string_view text :
       {"0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "1::", "2001:db8::1", "fe80::1:0:0:1",
        "1:2:3:4:5:6:7:8", "::ffff:127.0.0.1", "64:ff9b::102:304", "2601:9:4f81:9700:803e:ca65:66e8:c21",
        "::102:304", "1:0:2::"}) {
    EXPECT_EQ(ip(text).to_string(), text);
  }
}

TEST(IpAddressTest, ShortensIpv6AsRfc5952Says) {
  EXPECT_EQ(ip("2001:0DB8:0:0:1:0:0:1").to_string(), "2001:db8::1:0:0:1") << "the first of two equal runs";
  EXPECT_EQ(ip("1:0:0:2:0:0:0:3").to_string(), "1:0:0:2::3") << "the longest run";
  EXPECT_EQ(ip("1:0:2:3:4:5:6:7").to_string(), "1:0:2:3:4:5:6:7") << "not a single zero";
}

TEST(IpAddressTest, RefusesOtherText) {
  for (const std::string_view text :
       {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "::1", "localhost", " 1.2.3.4"}) {
    EXPECT_FALSE(IpAddress::parse_v4(text)) << text;
  }
  for (const std::string_view text :
       {"", "1.2.3.4", ":", ":::", "1:2:3:4:5:6:7", "fe80::1%eth0", "12345::", "g::"}) {
    EXPECT_FALSE(IpAddress::parse_v6(text)) << text;
  }
  using namespace std::string_view_literals;
  EXPECT_FALSE(IpAddress::parse_v4("1.2.3.4\0"sv));
}

TEST(IpAddressTest, KnowsPrivateNetworks) {
  for (const std::string_view text :
       {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "100.127.255.255", "127.0.0.1", "169.254.1.1", "::1", "fe80::1", "febf::1", "fc00::1", "fdff::1",
        "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(ip(text).is_private()) << text;
    EXPECT_FALSE(ip(text).is_public()) << text;
  }
}

TEST(IpAddressTest, KnowsPublicAddresses) {
  for (const std::string_view text :
       {"1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.0", "192.0.0.64",
        "2606:4700::1", "2001:db7::1", "64:ff9b::102:304", "64:ff9b:1::1"}) {
    EXPECT_TRUE(ip(text).is_public()) << text;
    EXPECT_FALSE(ip(text).is_private()) << text;
  }
}

TEST(IpAddressTest, KnowsWhatIsNeither) {
  for (const std::string_view text :
       {"0.0.0.0", "0.1.2.3", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::", "ff02::1", "2001:db8::1", "4000::1", "::ffff:8.8.8.8"}) {
    EXPECT_FALSE(ip(text).is_public()) << text;
    EXPECT_FALSE(ip(text).is_private()) << text;
  }
}

TEST(IpAddressTest, KnowsLoopbackAndTheUnspecified) {
  for (const std::string_view text : {"127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(ip(text).is_loopback()) << text;
  }
  EXPECT_FALSE(ip("128.0.0.1").is_loopback());
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(ip("::1").is_unspecified());
  EXPECT_TRUE(ip("169.254.0.1").is_link_local());
  EXPECT_TRUE(ip("fe80::1").is_link_local());
  EXPECT_FALSE(ip("fec0::1").is_link_local());
}

}  // namespace
}  // namespace masu
