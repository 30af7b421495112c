// A node that wants and has blocks, and a peer that says anything on any number of streams: the caps hold, an
// honest peer is served in the end, and everything is given back.
#include "tests/bitswap/raw_peer.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <cstdlib>

using namespace masu;
using namespace masu::bitswap;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

const std::vector<TestBlock>& blocks() {
  static const std::vector<TestBlock> all = [] {
    std::vector<TestBlock> made;
    for (unsigned i = 0; i < 8; ++i) made.push_back(numbered_block(i, 10 + 5000 * i));
    return made;
  }();
  return all;
}

// Of all accounts: the tables that are there from the start, and what peers, wants and blocks add.
std::size_t live_bytes(const TestMemory& memory) {
  std::size_t bytes = 0;
  memory.budget.for_each_account([&](const Account& account) { bytes += account.live_bytes(); });
  return bytes;
}

// A message that is nearly right, so that the fuzzer need not find blocks and CIDs by itself.
std::string message(FuzzInput& input) {
  const TestBlock& block = blocks()[input.byte() % 8];
  const std::uint8_t kind = input.byte();
  switch (kind & 7) {
    case 0: return std::string(as_text(input.take(input.byte())));
    case 1: return payload(block.cid, block.bytes);
    case 2: return payload(block.cid, as_text(input.take(input.byte())));
    case 3: return presence(block.cid, (kind & 8) != 0 ? Presence::have : Presence::dont_have);
    case 4: return bytes_field(field::blocks, block.bytes);
    default: {
      std::vector<WantText> wants;
      for (int i = 0; i <= kind >> 6; ++i) {
        const TestBlock& other = blocks()[input.byte() % 8];
        wants.push_back({text_of(other.cid), static_cast<std::int8_t>(input.byte()), (kind & 8) != 0,
                         (kind & 16) != 0 ? WantType::have : WantType::block, (kind & 32) != 0});
      }
      return wantlist(wants, (kind & 7) == 7);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  FakeNetwork network(input.byte());
  network.window_bytes = 1000 + input.word();
  BitswapLimits limits;
  limits.wants = 8;
  limits.wants_per_peer = 4;
  limits.client_wants = 6;
  limits.asks = 8;
  limits.inbound_streams = 6;
  limits.block_bytes = std::size_t{2} << 20;
  TestNode node(network, limits, 256), honest(network, limits, 256);
  const std::size_t node_at_first = live_bytes(node.memory), honest_at_first = live_bytes(honest.memory);
  for (unsigned i = 0; i < 4; ++i) node.put(blocks()[i]);
  for (unsigned i = 4; i < 8; ++i) honest.put(blocks()[i]);
  auto session = node.bitswap.open_session();
  std::vector<std::unique_ptr<Wanted>> wanted;
  {
    RawPeer peer(network, node);
    std::vector<RawPeer::Out*> streams;
    while (!input.empty()) {
      switch (input.byte() % 8) {
        case 0: network.advance(std::chrono::milliseconds(input.byte() * 50)); break;
        case 1: peer.host.deaf = !peer.host.deaf; break;
        case 2:
          if (streams.size() < 12) streams.push_back(&peer.open());
          break;
        case 3:
          if (wanted.size() < 16) {
            const Cid& cid = blocks()[input.byte() % 8].cid;
            wanted.push_back(std::make_unique<Wanted>(*session, cid, node.memory.holder));
          }
          break;
        case 4:
          if (!wanted.empty()) wanted.erase(wanted.begin() + input.byte() % static_cast<int>(wanted.size()));
          break;
        default: {
          const std::string bytes = framed(message(input));
          if (streams.empty()) break;
          RawPeer::Out& out = *streams[input.byte() % streams.size()];
          const std::uint8_t cut = input.byte();
          if (!out.end) out.send(std::string_view(bytes).substr(0, cut < 240 ? bytes.size() : cut));
        }
      }
      require(network.run());
      const BitswapStat stat = node.bitswap.stat();
      require(stat.server_wants <= limits.wants);
      require(stat.wants <= limits.client_wants);
    }
  }
  network.connect(node.host, honest.host);
  network.advance(90s);
  for (const auto& one : wanted) require(one->done());
  wanted.clear();
  session.reset();
  require(node.memory.chunks.stats().used == 0);
  network.disconnect_all();
  network.advance(90s);
  require(live_bytes(node.memory) == node_at_first && live_bytes(honest.memory) == honest_at_first);
  return 0;
}
