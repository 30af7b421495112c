#include "net/peerstore/peerstore.hpp"

#include "tests/net/peers.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

class PeerstoreTest : public testing::Test {
 protected:
  void use(const PeerstoreLimits& limits) { store_.emplace(memory_.budget, memory_.secret, limits); }
  Peerstore& store() {
    if (!store_) use({});
    return *store_;
  }

  bool add(const PeerId& peer, const Multiaddr& what, AddressTtl ttl = AddressTtl::temporary) {
    return store().add_address(peer, what, ttl, now_);
  }
  std::vector<std::string> addresses(const PeerId& peer) {
    std::vector<std::string> all;
    store().for_each_address(peer, now_,
                             [&](const MultiaddrView& view, AddressTtl) { all.push_back(view.to_string()); });
    std::sort(all.begin(), all.end());
    return all;
  }
  std::vector<std::string> protocols(const PeerId& peer) {
    std::vector<std::string> all;
    store().for_each_protocol(peer, [&](std::string_view text) { all.emplace_back(text); });
    std::sort(all.begin(), all.end());
    return all;
  }
  bool set_protocols(const PeerId& peer, const std::vector<std::string>& texts) {
    std::vector<TextRef> refs;
    for (const std::string& text : texts) refs.push_back(store().texts().intern(text));
    return store().set_protocols(peer, refs);
  }
  void set_own(const PeerId& peer, const std::vector<Multiaddr>& list) {
    const std::vector<MultiaddrView> views(list.begin(), list.end());
    store().set_own_addresses(peer, views, now_);
  }
  void advance(Duration duration) {
    now_ += duration;
    store().expire(now_);
  }

  TestMemory memory_;
  std::optional<Peerstore> store_;
  TimePoint now_{1000s};
};

TEST_F(PeerstoreTest, AddressesAreBelievedForTheirTime) {
  add(peer_number(1), address_number(1), AddressTtl::temporary);
  add(peer_number(1), address_number(2), AddressTtl::address);
  add(peer_number(1), address_number(3), AddressTtl::permanent);
  EXPECT_EQ(addresses(peer_number(1)).size(), 3u);
  now_ += 2min;
  EXPECT_EQ(addresses(peer_number(1)).size(), 2u) << "also before anybody expires it";
  advance(0s);
  EXPECT_EQ(store().addresses(), 2u);
  advance(1h);
  EXPECT_EQ(addresses(peer_number(1)), (std::vector<std::string>{"/ip4/8.0.0.3/tcp/4001"}));
}

TEST_F(PeerstoreTest, ItIsProlongedAndNeverShortened) {
  add(peer_number(1), address_number(1), AddressTtl::address);
  add(peer_number(1), address_number(1), AddressTtl::temporary);
  advance(30min);
  EXPECT_EQ(addresses(peer_number(1)).size(), 1u);
  add(peer_number(1), address_number(1), AddressTtl::address);
  advance(45min);
  EXPECT_EQ(addresses(peer_number(1)).size(), 1u);
  EXPECT_EQ(store().addresses(), 1u);
}

TEST_F(PeerstoreTest, APeerWithoutAddressesIsForgotten) {
  add(peer_number(1), address_number(1));
  EXPECT_EQ(store().next_deadline(), std::optional<TimePoint>(now_ + 2min));
  advance(2min);
  EXPECT_EQ(store().peers(), 0u);
  EXPECT_EQ(store().next_deadline(), std::nullopt);
}

TEST_F(PeerstoreTest, AFloodOfAddressesForOnePeerKeepsTheOnesThatLastLongest) {
  add(peer_number(1), address_number(1), AddressTtl::recently_connected);
  for (std::uint32_t n = 0; n < 10000; ++n) {
    now_ += 1ms;
    add(peer_number(1), address_number(100 + n));
  }
  EXPECT_EQ(store().addresses(), PeerstoreLimits().addresses_per_peer);
  const auto all = addresses(peer_number(1));
  EXPECT_NE(std::find(all.begin(), all.end(), "/ip4/8.0.0.1/tcp/4001"), all.end());
}

TEST_F(PeerstoreTest, AFloodOfGossipSparesConnectedAndKnownPeers) {
  PeerstoreLimits limits;
  limits.peers = 64;
  limits.addresses = 128;
  use(limits);
  add(peer_number(1), address_number(1));
  store().on_connected(peer_number(1));
  set_own(peer_number(1), {address_number(1), address_number(2)});
  store().on_connected(peer_number(2));
  set_own(peer_number(2), {address_number(3)});
  store().on_disconnected(peer_number(2), now_);
  add(peer_number(3), address_number(4), AddressTtl::permanent);

  for (std::uint32_t n = 0; n < 100000; ++n) add(peer_number(1000 + n), address_number(1000 + n));
  EXPECT_EQ(store().peers(), limits.peers);
  EXPECT_LE(store().addresses(), limits.addresses);
  EXPECT_EQ(addresses(peer_number(1)).size(), 2u);
  EXPECT_EQ(addresses(peer_number(2)).size(), 1u) << "connected a moment ago";
  EXPECT_EQ(addresses(peer_number(3)).size(), 1u) << "the user's own";
  EXPECT_FALSE(addresses(peer_number(100999)).empty()) << "the newest gossip";
}

TEST_F(PeerstoreTest, AddressesOfAllPeersTogetherAreCapped) {
  PeerstoreLimits limits;
  limits.peers = 64;
  limits.addresses = 100;
  use(limits);
  add(peer_number(0), address_number(0), AddressTtl::address);
  for (std::uint32_t n = 0; n < 1000; ++n) {
    now_ += 1s;
    add(peer_number(n % 50), address_number(n));
  }
  EXPECT_EQ(store().addresses(), limits.addresses);
  EXPECT_FALSE(addresses(peer_number(0)).empty()) << "the nearest expiry goes first";
}

TEST_F(PeerstoreTest, PeersThatWereConnectedDoNotKeepAllGossipOut) {
  PeerstoreLimits limits;
  limits.peers = 64;
  use(limits);
  for (std::uint32_t n = 0; n < 200; ++n) {
    store().on_connected(peer_number(n));
    set_own(peer_number(n), {address_number(n)});
    store().on_disconnected(peer_number(n), now_);
  }
  for (std::uint32_t n = 0; n < 200; ++n) EXPECT_TRUE(add(peer_number(1000 + n), address_number(1000 + n)));
  std::size_t known = 0;
  for (std::uint32_t n = 0; n < 200; ++n) known += store().contains(peer_number(n));
  EXPECT_GE(known, 32u);
  EXPECT_LE(known, 48u);
}

TEST_F(PeerstoreTest, AStoreFullOfConnectedPeersRefuses) {
  PeerstoreLimits limits;
  limits.peers = 8;
  use(limits);
  for (std::uint32_t n = 0; n < 8; ++n) EXPECT_TRUE(store().on_connected(peer_number(n)));
  EXPECT_FALSE(store().on_connected(peer_number(8)));
  EXPECT_FALSE(add(peer_number(9), address_number(9)));
  store().on_disconnected(peer_number(0), now_);
  EXPECT_TRUE(store().on_connected(peer_number(8)));
}

TEST_F(PeerstoreTest, AConnectedPeersAddressesStayAndAreCutAtTheEnd) {
  PeerstoreLimits limits;
  limits.addresses_kept_at_disconnect = 3;
  use(limits);
  add(peer_number(1), address_number(99), AddressTtl::temporary);
  store().on_connected(peer_number(1));
  set_own(peer_number(1), {address_number(1), address_number(2), address_number(3), address_number(4)});
  advance(24h);
  EXPECT_EQ(addresses(peer_number(1)).size(), 4u) << "gossip is replaced by what the peer says";
  set_own(peer_number(1), {address_number(3), address_number(4), address_number(5), address_number(6)});
  EXPECT_EQ(addresses(peer_number(1)).size(), 4u);
  store().on_disconnected(peer_number(1), now_);
  EXPECT_EQ(addresses(peer_number(1)).size(), 3u);
  advance(14min);
  EXPECT_EQ(addresses(peer_number(1)).size(), 3u);
  advance(1min);
  EXPECT_EQ(store().peers(), 0u);
}

TEST_F(PeerstoreTest, AConnectedPeerHasItsOwnCap) {
  PeerstoreLimits limits;
  limits.addresses_per_connected_peer = 5;
  use(limits);
  store().on_connected(peer_number(1));
  std::vector<Multiaddr> many;
  for (std::uint32_t n = 0; n < 100; ++n) many.push_back(address_number(n));
  set_own(peer_number(1), many);
  EXPECT_EQ(addresses(peer_number(1)).size(), 5u);
}

TEST_F(PeerstoreTest, TooLongAddressesAreNotKept) {
  const std::string host(60, 'a');
  EXPECT_FALSE(add(peer_number(1), address("/dns4/" + host + "/tcp/4001")));
  EXPECT_EQ(store().peers(), 0u);
}

TEST_F(PeerstoreTest, MetadataGoesAMinuteAfterTheConnection) {
  store().pin_protocol("/ours/1.0.0");
  store().on_connected(peer_number(1));
  set_own(peer_number(1), {address_number(1)});
  store().set_agent(peer_number(1), "kubo/0.42.0");
  EXPECT_TRUE(set_protocols(peer_number(1), {"/ours/1.0.0", "/theirs/1.0.0"}));
  EXPECT_TRUE(store().supports(peer_number(1), "/ours/1.0.0"));
  EXPECT_TRUE(store().supports(peer_number(1), "/theirs/1.0.0"));
  EXPECT_FALSE(store().supports(peer_number(1), "/nobodys/1.0.0"));
  store().on_disconnected(peer_number(1), now_);
  advance(59s);
  EXPECT_EQ(store().agent(peer_number(1)), "kubo/0.42.0");
  EXPECT_EQ(protocols(peer_number(1)), (std::vector<std::string>{"/ours/1.0.0", "/theirs/1.0.0"}));
  advance(1s);
  EXPECT_EQ(store().agent(peer_number(1)), "");
  EXPECT_FALSE(store().supports(peer_number(1), "/ours/1.0.0"));
  EXPECT_EQ(store().texts().size(), 1u) << "only the pinned one";
  EXPECT_EQ(addresses(peer_number(1)).size(), 1u);
}

TEST_F(PeerstoreTest, AReconnectionKeepsTheMetadata) {
  store().on_connected(peer_number(1));
  store().set_agent(peer_number(1), "a");
  store().on_disconnected(peer_number(1), now_);
  advance(30s);
  store().on_connected(peer_number(1));
  advance(10min);
  EXPECT_EQ(store().agent(peer_number(1)), "a");
}

TEST_F(PeerstoreTest, TooManyProtocolsAreRefusedAsAWhole) {
  store().on_connected(peer_number(1));
  ASSERT_TRUE(set_protocols(peer_number(1), {"/a/1"}));
  std::vector<std::string> many;
  for (int n = 0; n < 129; ++n) many.push_back("/p/" + std::to_string(n));
  EXPECT_FALSE(set_protocols(peer_number(1), many));
  EXPECT_EQ(protocols(peer_number(1)), (std::vector<std::string>{"/a/1"}));
}

TEST_F(PeerstoreTest, AFloodOfInventedProtocolsHidesNoneThatWeKnow) {
  store().pin_protocol("/ours/1.0.0");
  for (std::uint32_t peer = 0; peer < 200; ++peer) {
    ASSERT_TRUE(store().on_connected(peer_number(peer)));
    std::vector<std::string> invented;
    for (int n = 0; n < 128; ++n) invented.push_back("/" + std::to_string(peer) + "/" + std::to_string(n));
    set_protocols(peer_number(peer), invented);
  }
  EXPECT_EQ(store().texts().size(), PeerstoreLimits().texts);
  store().on_connected(peer_number(1000));
  EXPECT_TRUE(set_protocols(peer_number(1000), {"/ours/1.0.0", "/new/1.0.0"}));
  EXPECT_TRUE(store().supports(peer_number(1000), "/ours/1.0.0"));
  EXPECT_FALSE(store().supports(peer_number(0), "/ours/1.0.0"));
}

TEST_F(PeerstoreTest, AProtocolPinnedLateCountsForThoseWhoNamedItBefore) {
  store().on_connected(peer_number(1));
  set_protocols(peer_number(1), {"/late/1.0.0"});
  store().pin_protocol("/late/1.0.0");
  EXPECT_TRUE(store().supports(peer_number(1), "/late/1.0.0"));
  EXPECT_EQ(protocols(peer_number(1)), (std::vector<std::string>{"/late/1.0.0"}));
}

TEST_F(PeerstoreTest, OldRecordsAreNotAccepted) {
  store().on_connected(peer_number(1));
  EXPECT_TRUE(store().accept_record(peer_number(1), 7));
  EXPECT_TRUE(store().accept_record(peer_number(1), 7)) << "the same record over another connection";
  EXPECT_FALSE(store().accept_record(peer_number(1), 6));
  EXPECT_FALSE(store().accept_record(peer_number(2), 6)) << "a stranger";
}

TEST_F(PeerstoreTest, KeysInTheIdTakeNoMemory) {
  const PrivateKey key = key_number(1);
  const PeerId peer = PeerId::of(key.public_key());
  store().on_connected(peer);
  store().set_key(peer, key.public_key());
  EXPECT_EQ(store().key(peer), std::optional(key.public_key()));
  EXPECT_EQ(store().key(peer_number(1)), std::nullopt);
}

TEST_F(PeerstoreTest, KeysThatAreNotInTheIdAreKeptAndGoWithTheMetadata) {
  const auto key = PrivateKey::generate(KeyType::rsa, 2048);
  ASSERT_TRUE(key);
  const PeerId peer = PeerId::of(key->public_key());
  store().on_connected(peer);
  store().set_key(peer, key->public_key());
  EXPECT_EQ(store().key(peer), std::optional(key->public_key()));
  store().on_disconnected(peer, now_);
  advance(1min);
  EXPECT_EQ(store().key(peer), std::nullopt);
}

TEST_F(PeerstoreTest, UnderPressureOnlyConnectedAndPermanentPeersStay) {
  add(peer_number(1), address_number(1), AddressTtl::provider);
  add(peer_number(2), address_number(2), AddressTtl::permanent);
  store().on_connected(peer_number(3));
  store().forget_unconnected();
  EXPECT_FALSE(store().contains(peer_number(1)));
  EXPECT_TRUE(store().contains(peer_number(2)));
  EXPECT_TRUE(store().contains(peer_number(3)));
}

TEST_F(PeerstoreTest, EveryByteIsBackAtTheEnd) {
  for (std::uint32_t n = 0; n < 3000; ++n) add(peer_number(n), address_number(n));
  store().on_connected(peer_number(1));
  set_protocols(peer_number(1), {"/a", "/b"});
  store_.reset();
  EXPECT_EQ(memory_.budget.committed_bytes(), 0u);
}

}  // namespace
}  // namespace masu::net
