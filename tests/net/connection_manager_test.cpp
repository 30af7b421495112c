#include "net/swarm/connection_manager.hpp"

#include "tests/net/peers.hpp"

#include <list>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

struct TestConnection final : ManagedConnection {
  explicit TestConnection(const PeerId& its_peer) : peer(its_peer) {}
  const PeerId& managed_peer() const override { return peer; }
  std::size_t open_streams() const override { return streams; }
  bool is_peer_of_use() const override { return of_use; }
  PeerId peer;
  std::size_t streams = 0;
  bool of_use = false;
};

class ConnectionManagerTest : public testing::Test {
 protected:
  TestConnection& connect(std::uint32_t peer) {
    TestConnection& connection = connections_.emplace_back(peer_number(peer));
    manager_.add(connection, now_);
    return connection;
  }
  // The peers whose connections are given up.
  std::vector<PeerId> trim() {
    std::vector<PeerId> closed;
    manager_.trim(now_, [&](ManagedConnection& connection) {
      closed.push_back(connection.managed_peer());
      manager_.remove(connection);
    });
    return closed;
  }
  void TearDown() override {
    for (TestConnection& connection : connections_) manager_.remove(connection);
  }

  TestMemory memory_;
  ConnectionManager manager_{memory_.account, memory_.resource, memory_.secret, {4, 8, 20s, 10s}, 32};
  std::list<TestConnection> connections_;
  TimePoint now_{1000s};
};

TEST_F(ConnectionManagerTest, AboveTheHighMarkItGoesDownToTheLow) {
  for (std::uint32_t n = 0; n < 8; ++n) connect(n);
  now_ += 1min;
  EXPECT_EQ(manager_.next_deadline(), std::nullopt);
  EXPECT_TRUE(trim().empty()) << "at the mark";
  connect(8);
  EXPECT_TRUE(manager_.next_deadline());
  EXPECT_EQ(trim().size(), 4u) << "of the eight that are past their grace";
  EXPECT_EQ(manager_.connections(), 5u) << "four, and the new one";
}

TEST_F(ConnectionManagerTest, StrangersGoByValueAndPeersOfUseStay) {
  for (std::uint32_t n = 0; n < 4; ++n) connect(n);
  connections_.front().of_use = true;  // of no value, as who has just begun to trade
  manager_.tag(peer_number(1), "wants", 10);
  std::vector<PeerId> closed;
  const auto close = [&](ManagedConnection& connection) {
    closed.push_back(connection.managed_peer());
    manager_.remove(connection);
  };
  manager_.trim_strangers(2, close);
  EXPECT_EQ(closed, (std::vector<PeerId>{peer_number(2), peer_number(3)})) << "at once, whatever the marks";
  manager_.trim_strangers(9, close);
  EXPECT_EQ(closed.size(), 3u);
  EXPECT_EQ(manager_.connections(), 1u);
}

TEST_F(ConnectionManagerTest, ATagIsThereAsAValueOrAsAProtection) {
  const PeerId one = peer_number(1);
  EXPECT_FALSE(manager_.has_tag(one, "a"));
  manager_.tag(one, "a", 5);
  EXPECT_TRUE(manager_.has_tag(one, "a"));
  EXPECT_FALSE(manager_.has_tag(one, "b"));
  manager_.protect(one, "b");
  EXPECT_TRUE(manager_.has_tag(one, "b"));
  manager_.tag(one, "a", 0);
  manager_.unprotect(one, "b");
  EXPECT_FALSE(manager_.has_tag(one, "a") || manager_.has_tag(one, "b"));
}

TEST_F(ConnectionManagerTest, TheLowestValueGoesFirst) {
  for (std::uint32_t n = 0; n < 9; ++n) {
    connect(n);
    manager_.tag(peer_number(n), "worth", static_cast<int>(n) - 4);
  }
  manager_.tag(peer_number(0), "other", 100);
  now_ += 1min;
  EXPECT_EQ(trim(), (std::vector<PeerId>{peer_number(1), peer_number(2), peer_number(3), peer_number(4),
                                         peer_number(5)}));
}

TEST_F(ConnectionManagerTest, AmongEqualsThoseWithoutStreamsGoFirst) {
  for (std::uint32_t n = 0; n < 9; ++n) connect(n).streams = n < 5 ? 1 : 0;
  now_ += 1min;
  EXPECT_EQ(trim(), (std::vector<PeerId>{peer_number(5), peer_number(6), peer_number(7), peer_number(8),
                                         peer_number(0)}));
}

TEST_F(ConnectionManagerTest, ProtectedPeersAndNewConnectionsStay) {
  for (std::uint32_t n = 0; n < 9; ++n) {
    connect(n);
    manager_.protect(peer_number(n), "mine");
  }
  now_ += 1min;
  for (std::uint32_t n = 9; n < 20; ++n) connect(n);
  EXPECT_TRUE(trim().empty());
  manager_.protect(peer_number(0), "yours");
  manager_.unprotect(peer_number(0), "mine");
  EXPECT_TRUE(manager_.is_protected(peer_number(0)));
  manager_.unprotect(peer_number(0), "yours");
  EXPECT_FALSE(manager_.is_protected(peer_number(0)));
  now_ += 10s;
  EXPECT_TRUE(trim().empty()) << "one candidate is below the low mark";
  now_ += 20s;
  EXPECT_EQ(trim().size(), 8u) << "twelve are unprotected and past their grace";
}

TEST_F(ConnectionManagerTest, ItIsSilentBetweenTwoTrims) {
  for (std::uint32_t n = 0; n < 9; ++n) connect(n);
  now_ += 1min;
  EXPECT_EQ(trim().size(), 5u);
  for (std::uint32_t n = 20; n < 40; ++n) connect(n);
  now_ += 9s;
  EXPECT_TRUE(trim().empty());
  now_ += 20s;
  EXPECT_EQ(trim().size(), 20u);
}

TEST_F(ConnectionManagerTest, ANewcomerTakesThePlaceOfOneThatNobodyValues) {
  std::vector<PeerId> gone;
  const auto make_room = [&] {
    manager_.make_room(now_, [&](ManagedConnection& connection) {
      gone.push_back(connection.managed_peer());
      manager_.remove(connection);
    });
  };
  connect(0);
  manager_.tag(peer_number(0), "worth", 1);
  now_ += 10s;
  connect(1);
  make_room();
  EXPECT_TRUE(gone.empty()) << "one has only come, the other is worth something";
  now_ += 2s;
  connect(2);
  make_room();
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone.back(), peer_number(1)) << "strangers make room for strangers";
  now_ += 10s;
  connect(3);
  make_room();
  ASSERT_EQ(gone.size(), 2u);
  EXPECT_EQ(gone.back(), peer_number(2)) << "who has had his time goes first";
  make_room();
  EXPECT_EQ(gone.size(), 2u);
  now_ += 1min;
  manager_.tag(peer_number(3), "worth", 2);
  make_room();
  ASSERT_EQ(gone.size(), 3u);
  EXPECT_EQ(gone.back(), peer_number(0)) << "in the long run the least valued";
}

TEST_F(ConnectionManagerTest, SomeAreGivenUpOnRequest) {
  for (std::uint32_t n = 0; n < 5; ++n) connect(n);
  manager_.tag(peer_number(0), "worth", 1);
  manager_.protect(peer_number(1), "mine");
  now_ += 1min;
  std::size_t closed = 0;
  manager_.trim(now_, 10, manager_.marks().grace, [&](ManagedConnection& connection) {
    ++closed;
    manager_.remove(connection);
  });
  EXPECT_EQ(closed, 4u);
}

TEST_F(ConnectionManagerTest, ATagOfZeroIsGone) {
  manager_.tag(peer_number(1), "a", 5);
  manager_.tag(peer_number(1), "b", -2);
  EXPECT_EQ(manager_.value(peer_number(1)), 3);
  manager_.tag(peer_number(1), "a", 0);
  manager_.tag(peer_number(1), "b", 0);
  manager_.tag(peer_number(2), "a", 0);
  EXPECT_EQ(manager_.value(peer_number(1)), 0);
}

TEST_F(ConnectionManagerTest, APeerHasEightTagsAndTheyAreTheWeightiest) {
  for (int n = 1; n <= 8; ++n) manager_.tag(peer_number(1), std::string_view("abcdefgh").substr(n - 1, 1), n);
  manager_.tag(peer_number(1), "tiny", 1);
  EXPECT_EQ(manager_.value(peer_number(1)), 36);
  manager_.tag(peer_number(1), "heavy", 100);
  EXPECT_EQ(manager_.value(peer_number(1)), 135);
}

TEST_F(ConnectionManagerTest, AFloodOfTaggedPeersSparesConnectedAndProtectedOnes) {
  connect(1);
  manager_.tag(peer_number(1), "worth", 7);
  manager_.protect(peer_number(2), "mine");
  for (std::uint32_t n = 0; n < 100000; ++n) manager_.tag(peer_number(100 + n), "worth", 1);
  EXPECT_EQ(manager_.value(peer_number(1)), 7);
  EXPECT_TRUE(manager_.is_protected(peer_number(2)));
  EXPECT_EQ(manager_.value(peer_number(100099)), 1) << "the newest";
  EXPECT_EQ(manager_.value(peer_number(100)), 0);
}

}  // namespace
}  // namespace masu::net
