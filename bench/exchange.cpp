// exchange: net, store and Bitswap over real sockets, without the rest of a node: fetches a DAG from peers,
// or serves what it fetched. For comparing with other implementations on loopback.
//     exchange DIRECTORY SECONDS_TO_SERVE ROOT_CID ADDRESS…
#include "alloc/plan.hpp"
#include "alloc/resource.hpp"
#include "bitswap/bitswap.hpp"
#include "core/loop/event_loop.hpp"
#include "core/loop/workers.hpp"
#include "net/swarm/swarm.hpp"
#include "net/transport/asio_turns.hpp"
#include "net/transport/tcp_transport.hpp"
#include "store/disk_store.hpp"
#include "store/links.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <list>
#include <set>
#include <string>

namespace masu {
namespace {

// Walks a DAG as a walker would: a few requests at a time, the next ones announced.
class Walk {
 public:
  Walk(bitswap::Bitswap& bitswap, Account& holder, const Cid& root)
      : source_(bitswap.open_session()), holder_(holder) {
    queue_.push_back(root);
    seen_.insert(root);
  }
  void step() {
    announce();
    while (!queue_.empty() && under_way_.size() < 16) {
      Request& request = under_way_.emplace_back(*this, queue_.front());
      queue_.pop_front();
      if (announced_ > 0) --announced_;
      source_->get(request.cid, holder_, request);
    }
  }
  bool done() const { return queue_.empty() && under_way_.empty(); }
  std::size_t blocks = 0, bytes = 0, failed = 0;

 private:
  struct Request final : store::BlockRequest {
    Request(Walk& walk_, const Cid& cid_) : walk(walk_), cid(cid_) {}
    void on_block(store::StoreResult<ChunkChain> block) override { walk.take(*this, std::move(block)); }
    Walk& walk;
    Cid cid;
  };
  void announce() {
    std::vector<Cid> next;
    while (announced_ < queue_.size() && announced_ < 256) next.push_back(queue_[announced_++]);
    if (!next.empty()) source_->prefetch(next);
  }
  void take(Request& request, store::StoreResult<ChunkChain> block) {
    const Cid cid = request.cid;
    under_way_.remove_if([&](const Request& one) { return &one == &request; });
    if (!block) {
      ++failed;
      std::fprintf(stderr, "%s\n", block.error().detail.c_str());
    } else {
      ++blocks;
      bytes += block->size();
      (void)store::for_each_link(cid.codec(), Rope(*block), [&](const Cid& link) {
        if (seen_.insert(link).second) queue_.push_back(link);
        return true;
      });
    }
    step();
  }

  std::unique_ptr<store::BlockSource> source_;
  Account& holder_;
  std::deque<Cid> queue_;
  std::size_t announced_ = 0;
  std::set<Cid> seen_;
  std::list<Request> under_way_;
};

int run(int argc, char** argv) {
  const std::string directory = argv[1];
  const auto seconds = std::chrono::seconds(std::atoi(argv[2]));
  const Cid root = *Cid::parse(argv[3]);
  const CapacityPlan plan = *derive_plan(std::size_t{64} << 20);
  Budget budget("exchange", plan.ours_bytes);
  core::EventLoop loop;
  core::RealRandom random;
  core::Workers workers(loop.context(), plan.worker_threads);
  Account pool_account(budget, "chunks", Lifetime::process, ~std::size_t{0} / 2);
  ChunkPool chunks(pool_account, plan.chunks);
  std::filesystem::create_directories(directory);
  store::DiskStoreOptions store_options;
  store_options.directory = directory;
  auto store = store::DiskStore::open(store_options, budget);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().detail.c_str());
    return 1;
  }
  std::array<std::uint8_t, PrivateKey::seed_bytes> seed;
  random.fill(seed);
  const PrivateKey identity = PrivateKey::from_seed(seed);
  net::ConnectionResources resources(budget, chunks, random, identity, net::connection_limits_of(plan));
  Account tcp_account(budget, "net.tcp", Lifetime::connection, std::size_t{4} << 20);
  Account holder(budget, "request", Lifetime::request, plan.chunks / 4 * chunk_bytes);
  net::AsioTurns turns(loop.context());
  net::TcpTransport transport(loop.context(), loop.clock(), loop.timers(), tcp_account,
                              net::tcp_options_of(plan));
  net::Swarm swarm(budget, resources, identity, loop.timers(), loop.clock(), random, turns,
                   net::swarm_options_of(plan));
  swarm.add_transport(transport);
  bitswap::Bitswap bitswap(swarm, **store, workers, chunks, budget, random,
                           bitswap::BitswapLimits::from(plan));
  const auto bound = swarm.listen(*Multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
  std::printf("%s/p2p/%s\n", bound->to_string().c_str(), swarm.self().to_string().c_str());
  std::fflush(stdout);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 4; i < argc; ++i) {
    const std::string text = argv[i];
    const PeerId peer = *PeerId::parse(text.substr(text.find("/p2p/") + 5));
    const Multiaddr address = *Multiaddr::parse(text.substr(0, text.find("/p2p/")));
    swarm.connect(peer, {&address, 1}, nullptr);
  }
  {
    Walk walk(bitswap, holder, root);
    walk.step();
    loop.run_until([&] { return walk.done(); }, loop.clock().now() + 10min);
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const bitswap::BitswapStat stat = bitswap.stat();
    std::printf("%zu blocks, %zu bytes, %zu failed, %.3f s, %.1f MiB/s, %llu duplicates, %zu slots\n",
                walk.blocks, walk.bytes, walk.failed, took,
                static_cast<double>(walk.bytes) / took / (1 << 20),
                static_cast<unsigned long long>(stat.duplicate_blocks_received), plan.block_slots);
    std::fflush(stdout);
    loop.run_until([] { return false; }, loop.clock().now() + seconds);
  }
  const bitswap::BitswapStat stat = bitswap.stat();
  std::printf("sent %llu blocks, %llu bytes; peak of %zu chunks in %zu\n",
              static_cast<unsigned long long>(stat.blocks_sent),
              static_cast<unsigned long long>(stat.data_sent), chunks.stats().peak, chunks.stats().capacity);
  bitswap.stop();
  swarm.close();
  loop.run_until([&] { return swarm.closed() && bitswap.idle() && workers.under_way() == 0; },
                 loop.clock().now() + 10s);
  return 0;
}

}  // namespace
}  // namespace masu

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  return masu::run(argc, argv);
}
