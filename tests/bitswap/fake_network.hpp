// FakeNetwork: hosts in one process, joined by streams with small windows, under a virtual clock; and jobs
// that run when they are told to. All choices come from a seed.
#pragma once

#include "net/host.hpp"
#include "store/jobs.hpp"
#include "tests/seeded_random.hpp"

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace masu::bitswap {

inline PeerId peer_number(unsigned number) {
  std::array<std::uint8_t, 38> bytes{0, 36, 8, 1, 18, 32};
  bytes[6] = static_cast<std::uint8_t>(number);
  bytes[7] = static_cast<std::uint8_t>(number >> 8);
  return *PeerId::decode(bytes);
}

// Jobs with a bounded queue; work() runs what is queued.
class FakeJobs final : public store::Jobs {
 public:
  std::size_t queue_max = 64;
  bool post(store::Job& job, store::JobClass kind) override;
  void wait_for_room(store::JobRoomWaiter& waiter, store::JobClass kind) override;
  // One job of each class, run and finished. False: there was none.
  bool work();
  std::size_t posted() const { return posted_; }

 private:
  std::size_t posted_ = 0;
  std::array<IntrusiveList<store::Job>, 3> queues_;
  std::array<IntrusiveList<store::JobRoomWaiter>, 3> waiters_;
};

class FakeNetwork;
class FakeHost;

// One end of a stream.
class FakeStream final : public net::Stream {
 public:
  FakeStream(FakeHost& host_, FakeHost& remote_, std::string_view protocol, bool inbound)
      : host(host_), remote(remote_), protocol_(protocol), inbound_(inbound) {}

  const PeerId& peer() const override;
  std::string_view protocol() const override { return protocol_; }
  bool inbound() const override { return inbound_; }
  std::size_t write(Bytes bytes) override;
  void want_write() override { wants_write = true; }
  void close_write() override { closed_write = true; }
  void reset() override;
  void release() override;
  void resume_reading() override { paused = false; }

  FakeHost& host;
  FakeHost& remote;
  FakeStream* other = nullptr;
  net::StreamHandler* handler = nullptr;
  std::string received;  // not taken by the handler yet
  bool open_owed = false;
  bool wants_write = false;
  bool paused = false;
  bool closed_write = false;
  bool remote_close_told = false;
  bool over = false;
  bool released = false;
  std::optional<net::StreamEnd> end;  // to be told

 private:
  const std::string_view protocol_;
  const bool inbound_;
};

class FakeHost final : public net::Host {
 public:
  FakeHost(FakeNetwork& network, const PeerId& id) : network_(network), self_(id) {}

  const PeerId& self() const override { return self_; }
  TimePoint now() const override;
  net::TimerQueue& timers() override;
  void serve(std::string_view protocol, net::ProtocolHandler& handler, net::ProtocolLimits limits) override;
  void observe(net::PeerObserver& observer) override { observers.push_back(&observer); }
  void open_stream(const PeerId& peer, std::span<const std::string_view> protocols,
                   net::StreamHandler& handler) override;
  void connect(const PeerId&, std::span<const Multiaddr>, net::DialHandler*) override {}
  void forget(net::DialHandler&) override {}
  void disconnect(const PeerId& peer) override;
  bool connected(const PeerId& peer) const override { return peers.contains(peer.to_base58()); }
  bool supports(const PeerId& peer, std::string_view protocol) const override;
  bool is_local(const PeerId& peer) const override { return !far.contains(peer.to_base58()); }
  std::optional<Duration> latency(const PeerId&) const override { return round_trip; }
  void tag(const PeerId& peer, std::string_view tag, int value) override;
  void expect_bytes(const PeerId& peer) override { ++expected[peer.to_base58()]; }
  void protect(const PeerId& peer, std::string_view tag) override;
  void unprotect(const PeerId& peer, std::string_view tag) override;

  bool has_tag(const PeerId& peer, std::string_view tag) const override;

  int tag_of(const FakeHost& peer, std::string_view tag) const;
  bool protects(const FakeHost& peer) const { return protections.contains(peer.self().to_base58()); }

  std::map<std::string_view, std::pair<net::ProtocolHandler*, net::ProtocolLimits>> protocols_served;
  std::vector<net::PeerObserver*> observers;
  std::map<std::string, FakeHost*> peers;
  std::set<std::string> far;  // peers outside of its own networks
  std::map<std::string, std::map<std::string_view, int>> tags;
  std::map<std::string, std::set<std::string_view>> protections;
  std::map<std::string, int> expected;  // how often bytes of a peer were
  std::optional<Duration> round_trip;   // to any peer, as pings have measured it
  // Reads nothing of its streams, as a peer that is stuck.
  bool deaf = false;
  // Or so many bytes more.
  std::optional<std::size_t> reads_bytes;

 private:
  friend class FakeNetwork;
  friend class FakeStream;
  FakeNetwork& network_;
  const PeerId self_;
};

class FakeNetwork {
 public:
  explicit FakeNetwork(unsigned seed = 1) : random(seed) {}
  ~FakeNetwork();

  FakeHost& add_host();
  void connect(FakeHost& a, FakeHost& b);
  void disconnect(FakeHost& a, FakeHost& b);
  void disconnect_all();
  // Until nothing happens any more; time stands still. False: it did not come to an end.
  bool run(std::size_t turns_max = 2'000'000);
  // Runs for so long, timers included.
  void advance(Duration time);
  std::size_t streams() const { return streams_.size(); }

  TimePoint now{std::chrono::hours(1)};
  net::TimerQueue timers;
  FakeJobs jobs;
  std::mt19937 random;
  std::size_t window_bytes = 64 * 1024;
  std::size_t turn_bytes = 16 * 1024;  // that a write takes at most

 private:
  friend class FakeHost;
  friend class FakeStream;
  struct FailedOpen {
    net::StreamHandler* handler;
    net::StreamEnd end;
  };

  bool turn();
  bool serve(FakeStream& stream);
  void sweep();

  std::list<std::unique_ptr<FakeHost>> hosts_;
  std::list<std::unique_ptr<FakeStream>> streams_;
  std::deque<FailedOpen> failed_;
};

}  // namespace masu::bitswap
