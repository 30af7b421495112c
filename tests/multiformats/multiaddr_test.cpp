// Vectors: github.com/multiformats/go-multiaddr, multiaddr_test.go and net/private_test.go.
#include "multiformats/multiaddr.hpp"

#include "tests/multiformats/address_vectors.hpp"
#include "tests/multiformats/hex.hpp"

#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

using test::from_hex;
using test::to_hex;

constexpr std::string_view peer_text = "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV";
constexpr std::string_view relay_text = "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC";

Multiaddr address(std::string_view text) {
  const auto parsed = Multiaddr::parse(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : name_of(parsed.error()));
  return parsed.value_or(Multiaddr());
}
MultiaddrError error_of(std::string_view text) {
  const auto parsed = Multiaddr::parse(text);
  EXPECT_FALSE(parsed) << text;
  return parsed ? MultiaddrError::empty : parsed.error();
}
MultiaddrError decode_error_of(std::string_view hex) {
  const auto decoded = Multiaddr::decode(from_hex(hex));
  EXPECT_FALSE(decoded) << hex;
  return decoded ? MultiaddrError::no_slash : decoded.error();
}

TEST(MultiaddrTest, TurnsTextIntoBytesAndBack) {
  for (const test::AddressVector& vector : test::address_vectors) {
    EXPECT_EQ(to_hex(address(vector.text).bytes()), vector.hex);
    const auto decoded = Multiaddr::decode(from_hex(vector.hex));
    ASSERT_TRUE(decoded) << vector.text;
    EXPECT_EQ(decoded->to_string(), vector.text);
  }
}

TEST(MultiaddrTest, ReadsGoodAddresses) {
  for (const std::string_view text : test::good_addresses) {
    const Multiaddr parsed = address(text);
    EXPECT_EQ(Multiaddr::parse(parsed.to_string()), parsed) << text;
    EXPECT_EQ(Multiaddr::decode(parsed.bytes()), parsed) << text;
  }
}

TEST(MultiaddrTest, RefusesBadAddresses) {
  for (const std::string_view text : test::bad_addresses) EXPECT_FALSE(Multiaddr::parse(text)) << text;
}

TEST(MultiaddrTest, WritesTheUsualForm) {
  for (const std::string_view text :
       {"/unix/a/b/c/d", "/ip6/::ffff:127.0.0.1/tcp/111", "/ip4/127.0.0.1/udp/123/ip6/::",
        "/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash/"
        "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g",
        "/p2p/QmbHVEEepCi7rn7VL7Exxpd2Ci9NNB6ifvqwhsrbRMgQFP/unix/a/b/c", "/http-path/tmp%2Fbar",
        "/dns4/example.com/tcp/443/tls/sni/example.com/ws", "/dnsaddr/bootstrap.libp2p.io",
        "/ip4/1.2.3.4/udp/4001/webrtc-direct/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g"}) {
    EXPECT_EQ(address(text).to_string(), text);
  }
  EXPECT_EQ(address("/ip4/127.0.0.1/tcp/1234/").to_string(), "/ip4/127.0.0.1/tcp/1234");
  EXPECT_EQ(address("/ipfs/" + std::string(relay_text)).to_string(), "/p2p/" + std::string(relay_text));
  EXPECT_EQ(address("/p2p/k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl7").to_string().substr(0, 7),
            "/p2p/Qm");
  EXPECT_EQ(address("/http-path/a%20b+c%2f").to_string(), "/http-path/a+b+c%2F");
}

TEST(MultiaddrTest, SaysWhyItRefusesText) {
  EXPECT_EQ(error_of(""), MultiaddrError::empty);
  EXPECT_EQ(error_of("//"), MultiaddrError::empty);
  EXPECT_EQ(error_of("ip4/1.2.3.4"), MultiaddrError::no_slash);
  EXPECT_EQ(error_of("/ip5/1.2.3.4"), MultiaddrError::unknown_protocol);
  EXPECT_EQ(error_of("/ip4/1.2.3.4//tcp/1"), MultiaddrError::unknown_protocol);
  EXPECT_EQ(error_of("/ip4/1.2.3.4/tcp"), MultiaddrError::missing_value);
  EXPECT_EQ(error_of("/ip4/1.2.3.4/tcp/65536"), MultiaddrError::bad_value);
  EXPECT_EQ(error_of("/ip4/1.2.3.4/tcp/+1"), MultiaddrError::bad_value);
  EXPECT_EQ(error_of("/http-path/%f"), MultiaddrError::bad_value);
  EXPECT_EQ(error_of("/dns/" + std::string(600, 'a')), MultiaddrError::bad_value);
  EXPECT_EQ(error_of("/dns/" + std::string(300, 'a') + "/dns/" + std::string(300, 'a')),
            MultiaddrError::too_long);
}

TEST(MultiaddrTest, SaysWhyItRefusesBytes) {
  EXPECT_EQ(decode_error_of(""), MultiaddrError::empty);
  EXPECT_EQ(decode_error_of("047f0000"), MultiaddrError::too_short);
  EXPECT_EQ(decode_error_of("91"), MultiaddrError::too_short);
  EXPECT_EQ(decode_error_of("8400"), MultiaddrError::bad_varint);
  EXPECT_EQ(decode_error_of("05"), MultiaddrError::unknown_protocol);
  EXPECT_EQ(decode_error_of("35ffffffff7f"), MultiaddrError::too_short);
  EXPECT_EQ(decode_error_of("3500"), MultiaddrError::bad_value) << "an empty name";
  EXPECT_EQ(decode_error_of("35022f61"), MultiaddrError::bad_value) << "a slash in a name";
  EXPECT_EQ(decode_error_of("9003032f612f"), MultiaddrError::bad_value) << "a path that ends with a slash";
  EXPECT_EQ(decode_error_of("9003022f61047f000001"), MultiaddrError::after_path);
  EXPECT_EQ(decode_error_of("a503221221c05877cbae039d70a5e600ea02c6f9f2942439285c9e344e26f8d280c850fad6"),
            MultiaddrError::bad_value);
  EXPECT_EQ(decode_error_of(std::string(2 * 516, '0')), MultiaddrError::too_long);
}

TEST(MultiaddrTest, WalksItsComponents) {
  const Multiaddr parsed = address("/ip4/1.2.3.4/tcp/4001/ws/p2p/" + std::string(relay_text));
  std::vector<std::string> values;
  std::size_t bytes = 0;
  for (const AddressComponent component : parsed) {
    values.push_back(component.value_text());
    bytes += component.bytes.size();
  }
  EXPECT_EQ(values, (std::vector<std::string>{"1.2.3.4", "4001", "", std::string(relay_text)}));
  EXPECT_EQ(bytes, parsed.bytes().size());
  EXPECT_TRUE(parsed.has(AddressProtocol::ws));
  EXPECT_FALSE(parsed.has(AddressProtocol::udp));
  EXPECT_EQ(parsed.ip(), IpAddress::parse_v4("1.2.3.4"));
  EXPECT_EQ(parsed.tcp_port(), 4001);
  EXPECT_FALSE(parsed.udp_port());
  EXPECT_TRUE(Multiaddr().empty());
  EXPECT_EQ(Multiaddr().begin(), Multiaddr().end());
  EXPECT_FALSE(Multiaddr().peer_id());
  EXPECT_FALSE(Multiaddr().ip());
  EXPECT_FALSE(Multiaddr().is_public());
}

TEST(MultiaddrTest, KnowsWhomItLeadsTo) {
  const PeerId peer = *PeerId::parse(peer_text);
  const std::string relay = "/ip4/1.2.3.4/tcp/4001/p2p/" + std::string(relay_text) + "/p2p-circuit";
  EXPECT_FALSE(address(relay).peer_id()) << "a relay is not where it leads";
  EXPECT_TRUE(address(relay).is_relayed());
  const auto full = address(relay).with_p2p(peer);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->to_string(), relay + "/p2p/" + std::string(peer_text));
  EXPECT_EQ(full->peer_id(), peer);
  EXPECT_EQ(full->without_p2p().to_string(), relay);
  EXPECT_EQ(full->with_p2p(*PeerId::parse(relay_text))->peer_id(), PeerId::parse(relay_text)) << "replaced";
  EXPECT_EQ(address("/p2p/" + std::string(peer_text)).without_p2p(), Multiaddr());
  EXPECT_EQ(Multiaddr().with_p2p(peer)->to_string(), "/p2p/" + std::string(peer_text));
  EXPECT_FALSE(address("/unix/a").with_p2p(peer));
  EXPECT_FALSE(address(relay).with_p2p(PeerId()));
}

TEST(MultiaddrTest, Encapsulates) {
  const Multiaddr ip = address("/ip4/1.2.3.4");
  EXPECT_EQ(ip.encapsulate(address("/tcp/80/ws"))->to_string(), "/ip4/1.2.3.4/tcp/80/ws");
  EXPECT_EQ(ip.encapsulate(MultiaddrView()), ip);
  EXPECT_EQ(Multiaddr().encapsulate(ip), ip);
  EXPECT_EQ(address("/unix/a").encapsulate(ip).error(), MultiaddrError::after_path);
  const Multiaddr name = address("/dns/" + std::string(300, 'a'));
  EXPECT_EQ(name.encapsulate(name).error(), MultiaddrError::too_long);
  EXPECT_EQ(Multiaddr::tcp(*IpAddress::parse_v6("::1"), 4001).to_string(), "/ip6/::1/tcp/4001");
  EXPECT_EQ(Multiaddr::tcp(*IpAddress::parse_v4("1.2.3.4"), 1).to_string(), "/ip4/1.2.3.4/tcp/1");
}

TEST(MultiaddrTest, SortsAddressesByNetwork) {
  struct Case {
    std::string_view text;
    bool is_public, is_private, is_loopback;
  };
  for (const Case& c : {
           Case{"/ip4/192.168.0.1/tcp/80", false, true, false},
           Case{"/ip4/127.0.0.1/tcp/80", false, true, true},
           Case{"/ip6/::1/tcp/80", false, true, true},
           Case{"/ip4/1.1.1.1/tcp/80", true, false, false},
           Case{"/ip4/0.0.0.0/tcp/80", false, false, false},
           Case{"/ip6zone/eth0/ip6/fe80::1", false, true, false},
           Case{"/ip6zone/eth0/ip4/1.1.1.1", true, false, false},
           Case{"/tcp/80/ip4/1.1.1.1", false, false, false},
           Case{"/ip4/1.1.1.1/tcp/80/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC/p2p-circuit", true,
                false, false},
           Case{"/dns/node.libp2p.io/udp/1/quic-v1", true, false, false},
           Case{"/dnsaddr/libp2p.io", true, false, false},
           Case{"/dns/localhost/tcp/80", false, true, false},
           Case{"/dns4/a.localhost/tcp/80", false, true, false},
           Case{"/dns/printer.local/tcp/80", false, false, false},
           Case{"/dns/notlocal/tcp/80", true, false, false},
           Case{"/dns/1.0.0.127.in-addr.arpa", false, false, false},
           Case{"/dns/x.home.arpa", false, false, false},
           Case{"/unix/a", false, false, false},
       }) {
    const Multiaddr parsed = address(c.text);
    EXPECT_EQ(parsed.is_public(), c.is_public) << c.text;
    EXPECT_EQ(parsed.is_private(), c.is_private) << c.text;
    EXPECT_EQ(parsed.is_loopback(), c.is_loopback) << c.text;
  }
}

TEST(MultiaddrTest, CopiesAndMovesShortAndLongOnes) {
  const Multiaddr small = address("/ip4/1.2.3.4/tcp/4001");
  const Multiaddr large = address("/ip4/1.2.3.4/tcp/4001/p2p/" + std::string(relay_text) +
                                  "/p2p-circuit/p2p/" + std::string(peer_text));
  EXPECT_GT(large.bytes().size(), Multiaddr::inline_bytes);
  for (const Multiaddr* from : {&small, &large}) {
    for (const Multiaddr* to : {&small, &large}) {
      Multiaddr copy = *to;
      copy = *from;
      EXPECT_EQ(copy, *from);
      Multiaddr moved = std::move(copy);
      EXPECT_EQ(moved, *from);
      EXPECT_TRUE(copy.empty());  // NOLINT(bugprone-use-after-move): a moved-from address is empty
      copy = *to;
      copy = std::move(moved);
      EXPECT_EQ(copy, *from);
      copy = copy.without_p2p();
      EXPECT_FALSE(copy.peer_id());
    }
  }
  EXPECT_EQ((std::unordered_set<Multiaddr>{small, large, small}).size(), 2u);
}

TEST(MultiaddrTest, ReadsAddressesThatLieElsewhere) {
  const auto bytes = from_hex("047f0000010610e1");
  const auto view = MultiaddrView::decode(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->bytes().data(), bytes.data());
  EXPECT_EQ(view->to_string(), "/ip4/127.0.0.1/tcp/4321");
  EXPECT_EQ(Multiaddr(*view), address("/ip4/127.0.0.1/tcp/4321"));
  EXPECT_EQ(MultiaddrView::of_valid(view->bytes()), *view);
}

}  // namespace
}  // namespace masu
