// What a node hears of peers, connections that come and go and time that passes, in any order, in a small
// store: the caps hold, connected peers and what they were connected for stay, what was taken is believed,
// and all memory comes back when nobody is known any more.
#include "net/peerstore/peerstore.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/net/peers.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

using namespace masu;
using namespace masu::net;
using namespace std::chrono_literals;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::uint32_t peers = 16, addresses = 40;
constexpr PeerstoreLimits limits{.peers = 8,
                                 .addresses = 24,
                                 .addresses_per_peer = 6,
                                 .addresses_per_connected_peer = 2,
                                 .addresses_kept_at_disconnect = 2,
                                 .protocols_per_peer = 20,
                                 .texts = 24,
                                 .protocol_blocks = 4,
                                 .key_bytes = 512,
                                 .metadata_kept = 60s};

class World {
 public:
  void step(FuzzInput& input) {
    const std::uint8_t what = input.byte();
    const std::uint32_t number = what / 16u;
    const PeerId peer = peer_number(number);
    const bool connected = connected_.contains(number);
    switch (what % 16) {
      case 0:
      case 1:
      case 2: return add(peer, input);
      case 3:
      case 4: return connect(number);
      case 5:
        if (connected_.erase(number) > 0) store_.on_disconnected(peer, now_);
        return;
      case 6:
        if (connected) tell_own(peer, input);
        return;
      case 7: return store_.forget_address(peer, address_number(input.byte() % addresses).view());
      case 8: return store_.set_agent(peer, text(input.byte()));
      case 9:
      case 10: return set_protocols(peer, input);
      case 11: {
        const std::uint32_t key = input.byte() % 4u;
        return store_.set_key(peer, key_number(key).public_key());
      }
      case 12: {
        const std::uint64_t sequence = input.byte();
        if (store_.accept_record(peer, sequence + 1)) require(!store_.accept_record(peer, sequence));
        return;
      }
      case 13: return store_.forget_unconnected();
      default: pass(input.word() * 50ms);
    }
  }
  void check() {
    require(store_.peers() <= limits.peers && store_.addresses() <= limits.addresses);
    require(store_.texts().size() <= limits.texts);
    for (const std::uint32_t number : connected_) require(store_.contains(peer_number(number)));
    std::size_t in_all = 0;
    for (std::uint32_t number = 0; number < peers; ++number) {
      std::size_t count = 0, protocols = 0;
      store_.for_each_address(peer_number(number), now_, [&](const MultiaddrView&, AddressTtl) { ++count; });
      store_.for_each_protocol(peer_number(number), [&](std::string_view) { ++protocols; });
      require(count <= std::max(limits.addresses_per_peer, limits.addresses_per_connected_peer));
      require(protocols <= limits.protocols_per_peer);
      in_all += count;
    }
    require(in_all <= store_.addresses());
    std::set<PeerId> seen;
    store_.for_each_peer(now_, [&](const PeerId& peer) { require(seen.insert(peer).second); });
    require(seen.size() <= store_.peers() && seen.size() >= connected_.size());
    memory_.budget.for_each_account(
        [](const Account& account) { require(account.live_bytes() <= account.quota_bytes()); });
  }
  void end() {
    for (const std::uint32_t number : connected_) store_.on_disconnected(peer_number(number), now_);
    connected_.clear();
    for (std::uint32_t number = 0; number < peers; ++number) {
      for (std::uint32_t address = 0; address < addresses; ++address)
        store_.forget_address(peer_number(number), address_number(address).view());
    }
    pass(25h);
    require(!store_.next_deadline());
    store_.forget_unconnected();
    require(store_.peers() == 0 && store_.addresses() == 0 && store_.texts().size() == 0);
    require(live_bytes() == at_first_);
  }

 private:
  static std::string text(std::uint8_t number) { return "/text/" + std::to_string(number % 40); }
  std::size_t live_bytes() const {
    std::size_t bytes = 0;
    memory_.budget.for_each_account([&](const Account& account) { bytes += account.live_bytes(); });
    return bytes;
  }
  bool believes(const PeerId& peer, const Multiaddr& address) {
    bool found = false;
    store_.for_each_address(peer, now_,
                            [&](const MultiaddrView& one, AddressTtl) { found |= one == address.view(); });
    return found;
  }
  void add(const PeerId& peer, FuzzInput& input) {
    const Multiaddr address = address_number(input.byte() % addresses);
    auto ttl = static_cast<AddressTtl>(input.byte() % 6);
    if (ttl == AddressTtl::connected) ttl = AddressTtl::address;
    if (store_.add_address(peer, address.view(), ttl, now_)) require(believes(peer, address));
  }
  void connect(std::uint32_t number) {
    if (connected_.contains(number)) return;
    if (store_.on_connected(peer_number(number))) {
      connected_.insert(number);
    } else {
      require(connected_.size() == limits.peers);  // only they may fill it
    }
  }
  void tell_own(const PeerId& peer, FuzzInput& input) {
    std::vector<Multiaddr> own;
    for (std::size_t count = input.byte() % 5u; count > 0; --count)
      own.push_back(address_number(input.byte() % addresses));
    const std::vector<MultiaddrView> views(own.begin(), own.end());
    store_.set_own_addresses(peer, views, now_);
  }
  void set_protocols(const PeerId& peer, FuzzInput& input) {
    std::vector<TextRef> refs;
    for (std::size_t count = input.byte() % 24u; count > 0; --count)
      refs.push_back(store_.texts().intern(text(input.byte())));
    const bool too_many = refs.size() > limits.protocols_per_peer;
    if (store_.set_protocols(peer, refs)) require(!too_many);
  }
  void pass(Duration time) {
    now_ += time;
    store_.expire(now_);
    const auto deadline = store_.next_deadline();
    require(!deadline || *deadline > now_);
  }

  TestMemory memory_;
  TimePoint now_{1000s};
  std::set<std::uint32_t> connected_;
  Peerstore store_{memory_.budget, memory_.secret, limits};
  const std::size_t at_first_ = live_bytes();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  World world;
  for (int steps = 0; !input.empty() && steps < 400; ++steps) {
    world.step(input);
    world.check();
  }
  world.end();
  return 0;
}
