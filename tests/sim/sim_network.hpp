// Fixture: many nodes in one process on virtual time, joined by virtual links with latency, bandwidth, losses
// and stalls. Everything is drawn from one seed, which is printed, and taken from the environment (SEED=…).
//
// A SimNetwork has the clock, the events and the links; a SimTransport is one host's place in it; a SimNode
// is a whole node (memory of its own, keys, Swarm, Ping). The swarm and all below it are those of the daemon.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "multiformats/key.hpp"
#include "net/clock.hpp"
#include "net/connection_resources.hpp"
#include "net/link.hpp"
#include "net/ping.hpp"
#include "net/swarm/swarm.hpp"
#include "net/timers.hpp"
#include "net/turns.hpp"
#include "tests/net/connection_pair.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace masu::sim {

class SimLink;
class SimNetwork;
class SimNode;

// How a link behaves; drawn when it is made.
struct LinkQuality {
  Duration latency = 20ms;  // one way
  Duration jitter = 5ms;    // at most that much more, for the whole link
  double bytes_per_second = 10e6;
  std::size_t buffer_bytes = 64 * 1024;  // in the kernels and on the way, each direction
};

// One host: an IP address at which its listeners are found.
class SimTransport final : public net::Transport {
 public:
  SimTransport(SimNetwork& network, const IpAddress& ip) : network_(network), ip_(ip) {}
  ~SimTransport() override;

  bool can_dial(const MultiaddrView& address) const override;
  net::LinkDialHandle dial(const MultiaddrView& address, Duration timeout,
                           net::LinkDialHandler& handler) override;
  bool can_listen(const MultiaddrView& address) const override { return can_dial(address) || address.ip(); }
  std::expected<Multiaddr, std::string> listen(const MultiaddrView& address,
                                               net::LinkAcceptor& acceptor) override;
  std::vector<Multiaddr> reachable_at(const Multiaddr& bound) const override { return {bound}; }
  void pause_accepting(bool paused) override;
  void close() override;
  bool closed() const override { return closed_ && links_ == 0; }

  const IpAddress& ip() const { return ip_; }
  bool reachable = true;  // false: what is sent to it is lost
  std::size_t links_max = 4096;

 private:
  friend class SimLink;
  friend class SimNetwork;
  static constexpr std::size_t backlog = 16;

  SimNetwork& network_;
  const IpAddress ip_;
  std::map<std::uint16_t, net::LinkAcceptor*> listeners_;
  std::deque<std::function<void()>> waiting_;  // connections while it is paused
  bool paused_ = false;
  bool closed_ = false;
  std::size_t links_ = 0;
  std::shared_ptr<void> alive_ = std::make_shared<int>();  // events look whether it is still there
};

// One end of a link.
class SimLink final : public net::Link {
 public:
  SimLink(SimNetwork& network, SimTransport& host, std::uint64_t id, const Multiaddr& local,
          const Multiaddr& remote, const LinkQuality& quality)
      : network_(network), host_(host), id_(id), local_(local), remote_(remote), quality_(quality) {
    ++host.links_;
  }
  ~SimLink() { --host_.links_; }

  void destroy() noexcept override;
  void start(net::LinkUser& user) override;
  void want_write() override;
  void resume_reading() override;
  const Multiaddr& remote_address() const override { return remote_; }
  const Multiaddr& local_address() const override { return local_; }
  bool set_busy(bool) override { return true; }
  bool expect_bytes() override { return true; }
  // Unread at this end, and at the other.
  std::size_t parked_bytes() override;

 private:
  friend class SimNetwork;
  struct Segment {
    TimePoint at;
    std::string bytes;
  };

  void read();
  void write();
  void end(std::string_view why);

  SimNetwork& network_;
  SimTransport& host_;
  const std::uint64_t id_;
  std::uint64_t other_ = 0;
  const Multiaddr local_;
  const Multiaddr remote_;
  const LinkQuality quality_;
  net::LinkUser* user_ = nullptr;
  std::deque<Segment> arriving_;  // to this end
  std::size_t arriving_bytes_ = 0;
  TimePoint line_free_{};  // of what this end sends
  bool other_closed_ = false;
  bool destroyed_ = false;
  bool reading_planned_ = false;
  bool writing_planned_ = false;
  bool stopped_ = false;  // no chunk
  bool waits_room_ = false;
  bool stalled = false;  // nothing arrives any more
};

class SimNetwork final : public net::Clock {
 public:
  explicit SimNetwork(std::uint64_t seed);
  SimNetwork();  // with SEED of the environment, or 1
  ~SimNetwork();

  TimePoint now() const override { return now_; }
  std::uint64_t seed() const { return seed_; }
  std::mt19937_64& random() { return random_; }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  // Lets time pass, event by event.
  void run_for(Duration duration);
  // Until `done()`; false: that took longer than `limit`.
  bool run_until(const std::function<bool()>& done, Duration limit);

  void at(TimePoint when, std::function<void()> what);
  void add_timers(net::TimerQueue& timers) { timers_.push_back(&timers); }
  void remove_timers(net::TimerQueue& timers) { std::erase(timers_, &timers); }

  // Ends a part of the links that are there, as a router that is switched off does. 1: all.
  void drop_links(double part);
  // One of them, both ends: they count in the order of their making. Requires: it is there.
  void drop_connection(std::size_t number);
  // Nothing arrives any more on a part of the links; nobody is told.
  void stall_links(double part);
  std::size_t links() const { return links_.size(); }

  LinkQuality quality;  // of links made from now on

 private:
  friend class SimLink;
  friend class SimTransport;
  struct Event {
    TimePoint at;
    std::uint64_t number;
    std::function<void()> what;
    bool operator>(const Event& other) const {
      return at != other.at ? at > other.at : number > other.number;
    }
  };

  SimLink* find(std::uint64_t id);
  SimTransport* host_at(const IpAddress& ip);
  void connect(SimTransport& from, const Multiaddr& to, std::uint64_t dial);
  void fail_dial(std::uint64_t dial, std::string_view why);
  bool step(TimePoint until);
  void drop(std::uint64_t one, std::uint64_t other);
  void sweep();

  struct Dial;
  const std::uint64_t seed_;
  std::mt19937_64 random_;
  TimePoint now_{1000s};
  std::uint64_t numbers_ = 0;
  std::vector<Event> events_;  // a heap
  std::vector<net::TimerQueue*> timers_;
  std::map<std::uint64_t, std::unique_ptr<SimLink>> links_;
  std::map<std::uint64_t, std::unique_ptr<Dial>> dials_;
  std::vector<std::uint64_t> dead_links_;
  std::map<IpAddress, std::vector<SimTransport*>> hosts_;
};

class SimTurns final : public net::TurnHook {
 public:
  explicit SimTurns(SimNetwork& network) : network_(network) {}

 private:
  void schedule() override {
    network_.at(network_.now(), [this] { run(); });
  }
  SimNetwork& network_;
};

struct SimNodeOptions {
  std::optional<IpAddress> ip;            // else one of its own, public
  std::optional<std::uint64_t> key_seed;  // of its identity; else one of its own
  std::size_t chunks = 256;
  std::size_t budget_bytes = 16 * 1024 * 1024;
  net::ConnectionLimits connections;
  net::SwarmOptions swarm;
  // The node is small: what one of 37M or so would have.
  SimNodeOptions();
};

class SimNode {
 public:
  SimNode(SimNetwork& network, std::uint32_t number, const SimNodeOptions& options = {});
  ~SimNode();  // Closes its swarm, in virtual time.

  const PeerId& id() const { return swarm->self(); }
  const Multiaddr& address() const { return address_; }
  void connect(const SimNode& other, net::DialHandler* handler = nullptr);
  bool connected(const SimNode& other) const { return swarm->connected(other.id()); }
  bool identified(const SimNode& other) const;

  SimNetwork& network;
  Budget budget;
  Account pool_account;
  ChunkPool chunks;
  SeededRandom random;
  PrivateKey key;
  net::ConnectionResources resources;
  net::TimerQueue timers;
  SimTurns turns;
  SimTransport transport;
  std::unique_ptr<net::Swarm> swarm;
  Account ping_account;
  std::unique_ptr<net::Ping> ping;

 private:
  Multiaddr address_;
};

}  // namespace masu::sim
