// TradingNode: a simulated node with Bitswap and a store in memory; SimJobs: jobs in virtual time.
#pragma once

#include "bitswap/bitswap.hpp"
#include "tests/bitswap/node.hpp"
#include "tests/sim/sim_network.hpp"

namespace masu::sim {

// Jobs that are done a moment later.
class SimJobs final : public store::Jobs {
 public:
  explicit SimJobs(SimNetwork& network) : network_(network) {}
  bool post(store::Job& job, store::JobClass) override {
    network_.at(network_.now() + 100us, [&job] {
      job.run();
      job.finish();
    });
    return true;
  }
  void wait_for_room(store::JobRoomWaiter&, store::JobClass) override {}

 private:
  SimNetwork& network_;
};

struct TradingNode {
  TradingNode(SimNetwork& network_, std::uint32_t number, const SimNodeOptions& options = {},
              const bitswap::BitswapLimits& limits = {}, std::size_t chunk_count = 2048)
      : network(network_),
        node(network_, number, options),
        memory(chunk_count),
        jobs(network_),
        bitswap(*node.swarm, store, jobs, memory.chunks, memory.budget, node.random, limits) {}
  ~TradingNode() {
    bitswap.stop();
    node.swarm->close();
    network.run_until([&] { return node.swarm->closed() && bitswap.idle(); }, 20s);
  }
  void put(const bitswap::TestBlock& block) { (void)store.put(block.cid.hash(), as_bytes(block.bytes)); }

  SimNetwork& network;
  SimNode node;
  bitswap::TestMemory memory;
  store::MemoryStore store;
  SimJobs jobs;
  bitswap::Bitswap bitswap;
};

}  // namespace masu::sim
