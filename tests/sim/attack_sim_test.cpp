// Peers that keep no rules, against one node, while honest peers want to be served: the node's memory stays
// at its caps, the honest are served within seconds, and afterwards everything is given back.
#include "tests/sim/sim_network.hpp"

#include <gtest/gtest.h>

namespace masu::sim {
namespace {

// One connection of an attacker, over a link of its own.
class AttackLink final : public net::LinkUser, public net::LinkDialHandler {
 public:
  enum class Way : std::uint8_t {
    silent,       // connects, and says nothing
    half_spoken,  // the first line of the handshake, a byte a second
    streams,      // opens streams without end, and sends what will never be a protocol
    never_reads,  // asks for answers, and takes none
    stays,        // shakes hands, and says nothing more
  };

  AttackLink(SimNetwork& network, SimTransport& host, const SimNode& victim, Way way)
      : way_(way), network_(network), victim_(victim.id()), memory_(network.random()(), {}, 512) {
    dial_ = host.dial(victim.address(), 15s, *this);
  }
  ~AttackLink() {
    dial_.reset();
    link_.reset();
  }

  bool accepted() const { return accepted_; }
  bool closed() const { return closed_; }
  bool established() const { return end_ && end_->connection->established(); }
  std::size_t opened() const { return opened_; }

  // A step of the attack.
  void act() {
    if (link_ == nullptr) return;
    if (way_ == Way::half_spoken) {
      link_->want_write();
    } else if (established() && (way_ == Way::streams || way_ == Way::never_reads)) {
      static constexpr std::array<std::string_view, 1> nothing = {"/no/such/protocol"};
      static constexpr std::array<std::string_view, 1> ping = {net::ping_protocol};
      std::erase_if(handlers_, [](const auto& handler) { return handler->end.has_value(); });
      while (handlers_.size() < 200) {
        auto handler = std::make_unique<net::TestHandler>();
        if (way_ == Way::never_reads) handler->send(std::string(4096, 'x'));
        const bool lazy = way_ == Way::never_reads || opened_ % 2 == 0;
        if (!end_->connection->open_stream(opened_ % 3 == 0 ? nothing : ping, *handler, lazy)) break;
        ++opened_;
        handlers_.push_back(std::move(handler));
      }
    }
    turn();
  }

  void on_link(net::LinkHandle link) override {
    dial_.reset();
    accepted_ = true;
    link_ = std::move(link);
    if (way_ == Way::streams || way_ == Way::never_reads || way_ == Way::stays) {
      end_ = std::make_unique<net::TestEnd>(memory_, net::ConnectionRole::dialer, victim_, network_.now());
    }
    link_->start(*this);
    link_->want_write();
  }
  void on_link_failed(std::string_view) override { closed_ = true; }

  Chunk chunk_for_reading() override {
    const bool deaf = way_ == Way::never_reads && established();
    if (deaf) return Chunk();
    if (end_) return end_->connection->chunk_for_reading();
    return memory_.chunks.take(memory_.pool_account);
  }
  std::size_t chunks_behind(std::span<Chunk>) override { return 0; }
  void on_bytes(Chunk chunk) override {
    if (end_) end_->connection->on_bytes(std::move(chunk), network_.now());
    turn();
  }
  std::size_t bytes_behind(std::span<Bytes>) const override { return 0; }
  Bytes bytes_to_send() override {
    if (end_) return end_->connection->bytes_to_send(network_.now());
    if (way_ == Way::silent || said_ == line.size()) return {};
    return as_bytes(line).subspan(said_, 1);
  }
  void on_sent(std::size_t bytes) override {
    if (end_) end_->connection->on_sent(bytes, network_.now());
    said_ += bytes;
  }
  void on_link_closed(std::string_view) override {
    closed_ = true;
    link_.reset();
  }

 private:
  static constexpr std::string_view line = "\x13/multistream/1.0.0\n\x07/noise\n";

  void turn() {
    if (!end_ || link_ == nullptr) return;
    if (std::exchange(end_->turn_wanted, false)) end_->connection->turn(network_.now());
    if (end_->connection->ended()) return link_.reset();
    if (end_->connection->wants_read()) link_->resume_reading();
    if (end_->connection->wants_write()) link_->want_write();
  }

  const Way way_;
  SimNetwork& network_;
  const PeerId victim_;
  net::TestNode memory_;  // an identity of its own
  net::LinkDialHandle dial_;
  net::LinkHandle link_;
  std::vector<std::unique_ptr<net::TestHandler>> handlers_;
  std::unique_ptr<net::TestEnd> end_;
  std::size_t opened_ = 0;
  std::size_t said_ = 0;
  bool accepted_ = false;
  bool closed_ = false;
};

class AttackSimTest : public ::testing::Test {
 protected:
  // Attackers have their connections from so many addresses.
  AttackLink& attack(AttackLink::Way way, std::size_t addresses) {
    const std::size_t host = made_++ % addresses;
    while (hosts_.size() <= host) {
      const IpAddress::V4 ip = {9, static_cast<std::uint8_t>(hosts_.size() >> 8),
                                static_cast<std::uint8_t>(hosts_.size()), 1};
      hosts_.push_back(std::make_unique<SimTransport>(network_, IpAddress(ip)));
    }
    links_.push_back(std::make_unique<AttackLink>(network_, *hosts_[host], victim_, way));
    return *links_.back();
  }
  void drop_closed() {
    std::erase_if(links_, [](const auto& link) { return link->closed(); });
  }
  void expect_within_caps() {
    EXPECT_LE(victim_.budget.committed_bytes(), victim_.budget.limit_bytes());
    victim_.budget.for_each_account([](const Account& account) {
      EXPECT_LE(account.live_bytes(), account.quota_bytes()) << account.name();
    });
    most_committed_ = std::max(most_committed_, victim_.budget.committed_bytes());
  }
  // An honest peer connects, identifies and pings within that time, dialling again as long as it is refused.
  bool serves_honest(Duration limit) {
    SimNode honest(network_, 5000 + ++honest_);
    const TimePoint until = network_.now() + limit;
    while (!honest.connected(victim_) && network_.now() < until) {
      honest.swarm->clear_backoff(victim_.id());
      honest.connect(victim_);
      network_.run_until([&] { return honest.identified(victim_); }, 1s);
      act();
    }
    if (!honest.identified(victim_)) return false;
    struct Pongs final : net::PingHandler {
      void on_pong(const PeerId&, Duration) override { ++pongs; }
      void on_ping_failed(const PeerId&, std::string_view) override {}
      int pongs = 0;
    } pongs;
    if (!honest.ping->ping(victim_.id(), pongs)) return false;
    const bool answered = network_.run_until([&] { return pongs.pongs == 1; }, until - network_.now());
    honest.ping->forget(pongs);
    return answered;
  }
  void act() {
    for (const auto& link : links_) link->act();
  }
  // All attackers are gone: nothing is left of them.
  void expect_base_again() {
    links_.clear();
    network_.run_for(30s);
    EXPECT_EQ(victim_.swarm->connections(), 0u);
    EXPECT_EQ(victim_.chunks.stats().used, 0u);
    EXPECT_EQ(victim_.resources.streams().used(), 0u);
    EXPECT_EQ(victim_.resources.upgrades().used(), 0u);
    EXPECT_EQ(victim_.resources.frame_slots().used(), 0u);
  }

  SimNetwork network_;
  SimNode victim_{network_, 1};
  std::vector<std::unique_ptr<SimTransport>> hosts_;
  std::vector<std::unique_ptr<AttackLink>> links_;
  std::size_t made_ = 0;
  std::uint32_t honest_ = 0;
  std::size_t most_committed_ = 0;
};

TEST_F(AttackSimTest, TenThousandStreamsOfOnePeer) {
  AttackLink& attacker = attack(AttackLink::Way::streams, 1);
  ASSERT_TRUE(network_.run_until([&] { return attacker.established(); }, 10s));
  std::size_t most_streams = 0;
  for (int step = 0; step < 2000 && attacker.opened() < 10000 && !attacker.closed(); ++step) {
    act();
    network_.run_for(20ms);
    expect_within_caps();
    most_streams = std::max(most_streams, victim_.resources.streams().used());
  }
  EXPECT_TRUE(attacker.opened() >= 10000 || attacker.closed()) << attacker.opened();
  EXPECT_LE(most_streams, 40u) << "32 of the attacker, and a few of our own";
  EXPECT_TRUE(serves_honest(5s));
  expect_base_again();
}

TEST_F(AttackSimTest, ACrowdOfStrangersDoesNotDisplaceAPeerThatIsOfUse) {
  SimNode useful(network_, 4000);
  useful.connect(victim_);
  ASSERT_TRUE(network_.run_until([&] { return useful.identified(victim_); }, 10s));
  victim_.swarm->tag(useful.id(), "useful", 5);
  network_.run_for(10s);
  for (int round = 0; round < 200; ++round) {
    for (int n = 0; n < 5; ++n) attack(AttackLink::Way::stays, 1000);
    network_.run_for(100ms);
    act();
    drop_closed();
    expect_within_caps();
    ASSERT_TRUE(useful.connected(victim_)) << round;
  }
  EXPECT_TRUE(serves_honest(60s)) << "and another finds a place among the strangers";
  victim_.swarm->disconnect(useful.id());
  expect_base_again();
}

TEST_F(AttackSimTest, SilentConnectionsFromManyAddresses) {
  for (int round = 0; round < 200; ++round) {
    for (int n = 0; n < 10; ++n) attack(AttackLink::Way::silent, 500);
    network_.run_for(100ms);
    drop_closed();
    expect_within_caps();
  }
  EXPECT_TRUE(serves_honest(60s));
  expect_base_again();
}

TEST_F(AttackSimTest, HandshakesByteByByteFromOneAddressCostNobodyElseHisPlace) {
  for (int round = 0; round < 100; ++round) {
    for (int n = 0; n < 10; ++n) attack(AttackLink::Way::half_spoken, 1);
    act();
    network_.run_for(100ms);
    drop_closed();
    expect_within_caps();
  }
  EXPECT_TRUE(serves_honest(3s));
  expect_base_again();
}

TEST_F(AttackSimTest, ThoseWhoNeverReadAreLost) {
  for (int n = 0; n < 24; ++n) attack(AttackLink::Way::never_reads, 24);
  network_.run_for(10s);
  EXPECT_GE(victim_.swarm->connections(), 16u);
  for (int step = 0; step < 100; ++step) {
    act();
    network_.run_for(50ms);
    expect_within_caps();
  }
  EXPECT_TRUE(serves_honest(5s));
  network_.run_for(60s);
  EXPECT_EQ(victim_.swarm->connections(), 0u) << "what takes no answers is not kept";
  expect_base_again();
}

// The buffers of 24 such links hold 1.5 MiB.
TEST_F(AttackSimTest, WhatWaitsInTheKernelIsBoundedForAllTogether) {
  net::SwarmOptions bounds = SimNodeOptions().swarm;
  bounds.parked_bytes = 256 * 1024;
  victim_.swarm->set_bounds(bounds);
  SimNode useful(network_, 4000);
  useful.connect(victim_);
  ASSERT_TRUE(network_.run_until([&] { return useful.identified(victim_); }, 10s));
  for (int n = 0; n < 24; ++n) attack(AttackLink::Way::never_reads, 24);
  int above = 0;
  std::size_t most = 0;
  for (int step = 0; step < 200; ++step) {
    act();
    network_.run_for(50ms);
    const std::size_t parked = victim_.swarm->parked_bytes();
    most = std::max(most, parked);
    // Three seconds until a busy link is one no more, a look each second, and a second to close.
    above = parked > bounds.parked_bytes ? above + 1 : 0;
    EXPECT_LE(above, 110) << parked << " bytes wait";
  }
  network_.run_for(2s);
  EXPECT_LE(victim_.swarm->parked_bytes(), bounds.parked_bytes);
  EXPECT_GT(most, bounds.parked_bytes) << "or nothing was tried";
  EXPECT_TRUE(useful.connected(victim_)) << "for whom nothing waits";
  victim_.swarm->disconnect(useful.id());
  expect_base_again();
}

}  // namespace
}  // namespace masu::sim
