// Connections that come and go, tags and protections in any order, and trims: nobody is given up who is
// protected or new, the least valued go first, what protocols say of protected and connected peers is not
// forgotten, and all memory comes back.
#include "net/swarm/connection_manager.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/net/peers.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <list>
#include <map>
#include <set>

using namespace masu;
using namespace masu::net;
using namespace std::chrono_literals;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::array<std::string_view, 10> tags = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
constexpr std::array<std::string_view, 6> guards = {"A", "B", "C", "D", "E", "F"};
constexpr std::uint32_t peers = 24;
constexpr std::size_t peers_max = 8;  // with tags

struct TestConnection final : ManagedConnection {
  const PeerId& managed_peer() const override { return peer; }
  std::size_t open_streams() const override { return streams; }
  bool is_peer_of_use() const override { return of_use; }
  PeerId peer;
  std::size_t streams = 0;
  bool of_use = false;
  TimePoint opened_at{};
};

class World {
 public:
  void step(FuzzInput& input) {
    const std::uint8_t what = input.byte();
    const PeerId peer = peer_number(input.byte() % peers);
    const std::string_view guard = guards[what / 16 % guards.size()];
    switch (what % 16) {
      case 0:
      case 1:
      case 2: return connect(peer, input.byte());
      case 3: return disconnect(input.byte());
      case 4:
      case 5: return tag(peer, tags[what / 16 % tags.size()], static_cast<std::int8_t>(input.byte()));
      case 6: return protect(peer, guard);
      case 7: return unprotect(peer, guard);
      case 8: return trim();
      case 9: return trim(input.byte() % 8, input.byte() * 1s);
      case 10: return trim_strangers(input.byte() % 8);
      case 11: return make_room();
      case 12:
        manager_.set_marks({input.byte() % 8u, 8u + input.byte() % 8u, input.byte() * 500ms, 10s});
        return;
      default: now_ += input.byte() * 200ms;
    }
  }
  void check() {
    require(manager_.connections() == connections_.size());
    require(manager_.next_deadline().has_value() == (connections_.size() > manager_.marks().high));
    for (const auto& [peer, all] : protections_) {
      require(manager_.is_protected(peer) == !all.empty());
      for (const std::string_view guard : all) require(manager_.has_tag(peer, guard));
    }
    for (const TestConnection& connection : connections_) {
      const auto told = values_.find(connection.peer);
      require(told == values_.end() || manager_.value(connection.peer) == told->second);
    }
  }
  void end() {
    while (!connections_.empty()) disconnect(0);
    for (std::uint32_t peer = 0; peer < peers; ++peer) {
      for (const std::string_view guard : guards) manager_.unprotect(peer_number(peer), guard);
      for (const std::string_view tag : tags) manager_.tag(peer_number(peer), tag, 0);
      require(manager_.value(peer_number(peer)) == 0 && !manager_.is_protected(peer_number(peer)));
    }
    require(memory_.account.live_bytes() == with_manager_);
  }

 private:
  void connect(const PeerId& peer, std::uint8_t how) {
    if (connections_.size() == 40) return;
    TestConnection& connection = connections_.emplace_back();
    connection.peer = peer;
    connection.streams = how % 4;
    connection.of_use = how / 4 % 2 == 1;
    connection.opened_at = now_;
    manager_.add(connection, now_);
    values_[peer] = manager_.value(peer);
  }
  void disconnect(std::size_t number) {
    if (connections_.empty()) return;
    auto it = connections_.begin();
    std::advance(it, number % connections_.size());
    drop(*it);
  }
  void drop(ManagedConnection& connection) {
    manager_.remove(connection);
    std::erase_if(connections_, [&](const TestConnection& one) { return &one == &connection; });
  }
  void tag(const PeerId& peer, std::string_view name, int value) {
    manager_.tag(peer, name, value);
    values_[peer] = manager_.value(peer);
  }
  void protect(const PeerId& peer, std::string_view guard) {
    manager_.protect(peer, guard);
    if (manager_.has_tag(peer, guard)) protections_[peer].insert(guard);
    require(protections_[peer].size() <= 4);
  }
  void unprotect(const PeerId& peer, std::string_view guard) {
    manager_.unprotect(peer, guard);
    protections_[peer].erase(guard);
    require(!manager_.has_tag(peer, guard));
  }

  // Each one given up must be one of those that may be, and none of them may be worth less.
  template <class May>
  void given_up(ManagedConnection& given, const May& may) {
    auto& one = static_cast<TestConnection&>(given);
    require(may(one));
    const int value = manager_.value(one.peer);
    for (const TestConnection& other : connections_)
      require(!may(other) || manager_.value(other.peer) >= value);
    drop(given);
  }
  auto there_for(Duration grace) {
    return [this, grace](const TestConnection& one) {
      return now_ >= one.opened_at + grace && !manager_.is_protected(one.peer);
    };
  }
  void trim() {
    const std::size_t before = connections_.size();
    const auto may = there_for(manager_.marks().grace);
    const auto left = [&] { return static_cast<std::size_t>(std::ranges::count_if(connections_, may)); };
    manager_.trim(now_, [&](ManagedConnection& one) { given_up(one, may); });
    const bool trimmed = connections_.size() < before;
    require(!trimmed || (before > manager_.marks().high && left() == manager_.marks().low));
  }
  void trim(std::size_t count, Duration grace) {
    const std::size_t before = connections_.size();
    const auto may = there_for(grace);
    manager_.trim(now_, count, grace, [&](ManagedConnection& one) { given_up(one, may); });
    require(before - connections_.size() <= count);
    require(before - connections_.size() == count || std::ranges::none_of(connections_, may));
  }
  void trim_strangers(std::size_t count) {
    const std::size_t before = connections_.size();
    const auto may = [](const TestConnection& one) { return !one.of_use; };
    manager_.trim_strangers(count, [&](ManagedConnection& one) { given_up(one, may); });
    require(before - connections_.size() == count || std::ranges::none_of(connections_, may));
  }
  void make_room() {
    const std::size_t before = connections_.size();
    const auto may = there_for(manager_.marks().grace_of_newcomers);
    manager_.make_room(now_, [&](ManagedConnection& given) {
      const auto& one = static_cast<TestConnection&>(given);
      require(may(one));
      if (manager_.value(one.peer) > 0) require(there_for(manager_.marks().grace_of_valued)(one));
      drop(given);
    });
    require(before - connections_.size() <= 1);
    if (before == connections_.size())
      require(std::ranges::none_of(connections_, there_for(manager_.marks().grace_of_valued)));
  }

  TestMemory memory_;
  std::list<TestConnection> connections_;
  std::map<PeerId, std::set<std::string_view>> protections_;  // that were taken
  std::map<PeerId, int> values_;                              // when it was last told of, or connected
  TimePoint now_{1000s};
  ConnectionManager manager_{memory_.account, memory_.resource, memory_.secret, {4, 8, 20s, 10s}, peers_max};
  const std::size_t with_manager_ = memory_.account.live_bytes();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  World world;
  for (int steps = 0; !input.empty() && steps < 500; ++steps) {
    world.step(input);
    world.check();
  }
  world.end();
  return 0;
}
