// Dials by peer and address, to nodes that answer, vanish, hang up or are somebody else, with time, refusals
// and changes of mind in any order: who asked is told exactly once, the tables keep their caps, and all that
// went with dials comes back.
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/net/peers.hpp"
#include "tests/sim/sim_network.hpp"

#include <array>
#include <cstdlib>
#include <list>
#include <vector>

using namespace masu;
using namespace masu::net;
using namespace masu::sim;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Asker final : DialHandler {
  void on_dialled(const PeerId& peer, std::string_view error) override {
    require(waits && peer == asked);
    require(!error.empty() || swarm->connected(peer));
    waits = false;
  }
  PeerId asked;
  const Swarm* swarm = nullptr;
  bool waits = true;
};

SimNodeOptions small() {
  SimNodeOptions options;
  options.swarm.dials = 3;
  options.swarm.dials_per_peer = 2;
  options.swarm.dialled_peers = 4;
  options.swarm.dial_waiters = 6;
  options.swarm.backoff_entries = 8;
  return options;
}

std::size_t dial_bytes(const SimNode& node) {
  std::size_t bytes = 0;
  node.budget.for_each_account([&](const Account& account) {
    if (account.name() == "net.dial") bytes += account.live_bytes();
  });
  return bytes;
}

class World {
 public:
  void step(FuzzInput& input) {
    const std::uint8_t what = input.byte();
    const std::size_t who = what / 16 % ids_.size();
    switch (what % 16) {
      case 0:
      case 1:
      case 2:
      case 3: return connect(ids_[who], input);
      case 4: return forget(input.byte());
      case 5: return node_.swarm->disconnect(ids_[who]);
      case 6: return node_.swarm->clear_backoff(ids_[who]);
      case 7: nodes_[who % nodes_.size()]->transport.reachable ^= true; return;
      case 8: return network_.drop_links(input.byte() / 255.0);
      case 9: return network_.stall_links(input.byte() / 512.0);
      case 10: return node_.swarm->set_dialling(what / 16 % 4 != 0);
      case 11: nodes_[who % nodes_.size()]->swarm->set_accepting(what / 128 != 0); return;
      default: network_.run_for(std::chrono::milliseconds(input.byte() * (what / 16 + 1)));
    }
  }
  void check() {
    node_.budget.for_each_account(
        [](const Account& account) { require(account.live_bytes() <= account.quota_bytes()); });
    std::erase_if(askers_, [](const Asker& asker) { return !asker.waits; });
  }
  void end() {
    for (SimNode* node : nodes_) node->transport.reachable = true;
    network_.run_for(5min);
    check();
    require(askers_.empty());
    for (const PeerId& id : ids_) {
      node_.swarm->disconnect(id);
      node_.swarm->clear_backoff(id);
    }
    network_.run_for(60s);
    require(node_.swarm->connections() == 0 && dial_bytes(node_) == at_first_);
    // It dials on.
    node_.swarm->set_dialling(true);
    one_.swarm->set_accepting(true);
    node_.connect(one_);
    require(network_.run_until([&] { return node_.connected(one_); }, 60s));
  }

 private:
  void connect(const PeerId& peer, FuzzInput& input) {
    if (askers_.size() > 30) return;
    std::vector<Multiaddr> addresses;
    for (std::size_t count = input.byte() % 4u; count > 0; --count)
      addresses.push_back(addresses_[input.byte() % addresses_.size()]);
    const bool anonymous = input.byte() % 4 == 0;
    if (anonymous) return node_.swarm->connect(peer, addresses, nullptr);
    Asker& asker = askers_.emplace_back();
    asker.asked = peer;
    asker.swarm = node_.swarm.get();
    node_.swarm->connect(peer, addresses, &asker);
  }
  void forget(std::size_t number) {
    if (askers_.empty()) return;
    auto it = askers_.begin();
    std::advance(it, number % askers_.size());
    node_.swarm->forget(*it);
    askers_.erase(it);
  }

  std::list<Asker> askers_;
  SimNetwork network_{1};
  SimNode node_{network_, 1, small()};
  SimNode one_{network_, 2}, two_{network_, 3}, three_{network_, 4};
  const std::array<SimNode*, 3> nodes_{&one_, &two_, &three_};
  // The last two are nobody, and the node itself.
  const std::array<PeerId, 6> ids_{one_.id(),      two_.id(),      three_.id(),
                                   peer_number(1), peer_number(2), node_.id()};
  const std::array<Multiaddr, 6> addresses_{one_.address(),    two_.address(),    three_.address(),
                                            address_number(1), address_number(2), node_.address()};
  const std::size_t at_first_ = dial_bytes(node_);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  World world;
  for (int steps = 0; !input.empty() && steps < 200; ++steps) {
    world.step(input);
    world.check();
  }
  world.end();
  return 0;
}
