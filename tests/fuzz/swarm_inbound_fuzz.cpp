// Streams of an established peer to what a swarm serves by itself (identify, its push, ping): any bytes, in
// any order, with ends and pauses. The swarm stays within its accounts, serves on, and gives everything back.
#include "net/identify/identify_limits.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/sim/sim_network.hpp"

#include <array>
#include <cstdlib>
#include <deque>

using namespace masu;
using namespace masu::net;
using namespace masu::sim;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// Of what goes with connections, streams and requests; who a peer was is remembered for a while.
std::size_t live_bytes(const SimNode& node) {
  std::size_t bytes = 0;
  node.budget.for_each_account([&](const Account& account) {
    if (account.lifetime() != Lifetime::peer) bytes += account.live_bytes();
  });
  return bytes;
}

constexpr std::array<std::string_view, 4> protocols = {identify_protocol, identify_push_protocol,
                                                       ping_protocol, "/no/such/1.0.0"};

void step(FuzzInput& input, SimNetwork& network, SimNode& from, const SimNode& to,
          std::deque<TestHandler>& handlers) {
  const std::uint8_t what = input.byte();
  TestHandler* handler = handlers.empty() ? nullptr : &handlers[input.byte() % handlers.size()];
  switch (what % 8) {
    case 0:
    case 1:
      if (handlers.size() < 40) {
        from.swarm->open_stream(to.id(), std::span(protocols).subspan(what / 8 % 4, 1),
                                handlers.emplace_back());
      }
      break;
    case 2:
    case 3:
    case 4:
      if (handler != nullptr && !handler->closing()) handler->send(as_text(input.take(input.byte() * 16u)));
      break;
    case 5:
      if (handler != nullptr) handler->close_when_sent();
      break;
    case 6:
      if (handler != nullptr && handler->stream != nullptr) std::exchange(handler->stream, nullptr)->reset();
      break;
    default: network.run_for(std::chrono::milliseconds(input.byte() * 8));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  SimNetwork network(1);
  std::deque<TestHandler> handlers;
  SimNode victim(network, 1);
  const std::size_t at_first = live_bytes(victim);
  {
    SimNode attacker(network, 2);
    attacker.connect(victim);
    require(network.run_until([&] { return attacker.connected(victim); }, 10s));
    for (int steps = 0; !input.empty() && steps < 300; ++steps)
      step(input, network, attacker, victim, handlers);
    network.run_for(1s);
    victim.budget.for_each_account(
        [](const Account& account) { require(account.live_bytes() <= account.quota_bytes()); });
  }
  network.run_for(20s);
  require(victim.swarm->connections() == 0 && victim.chunks.stats().used == 0);
  require(live_bytes(victim) == at_first);
  SimNode honest(network, 3);
  honest.connect(victim);
  require(network.run_until([&] { return honest.identified(victim); }, 10s));
  return 0;
}
