// RealNode: the Node of this process: a repo, its store, and (for the daemon) the network.
//
// Made on the loop thread, which is the thread that made its EventLoop. close() ends everything in order: no
// new work, peers told, jobs back, the store synced; it runs the loop meanwhile.
#pragma once

#include "core/loop/boot_clock.hpp"
#include "core/loop/event_loop.hpp"
#include "core/loop/workers.hpp"
#include "core/node.hpp"
#include "core/node/node_governor.hpp"
#include "core/node/node_memory.hpp"
#include "core/node/node_network.hpp"
#include "core/node/storage_keeper.hpp"
#include "core/repo.hpp"
#include "store/collector.hpp"
#include "store/disk_store.hpp"
#include "store/local_source.hpp"
#include "store/pin_set.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <string>

namespace masu::core {

class RealNode final : public Node {
 public:
  // Opens the store of `repo`. All must outlive the node.
  static std::expected<std::unique_ptr<RealNode>, std::string> open(Repo& repo, NodeMemory& memory,
                                                                    EventLoop& loop);
  ~RealNode();

  // Kubo pins the empty directory in a fresh repo; so do we.
  std::expected<void, std::string> add_empty_directory();
  // Starts the network as the configuration says. The error names what could not be listened on.
  std::expected<void, std::string> go_online(const std::string& agent_suffix);
  // Collects garbage by itself from now on, as `Datastore` says. The error names a setting.
  std::expected<void, std::string> keep_storage();
  // What shut_down() calls, once.
  void on_shut_down(std::function<void()> listener) { on_shut_down_ = std::move(listener); }
  // For tests of the ladder.
  NodeGovernor& governor() { return governor_; }
  // Runs the loop until all has ended. Requires: the RPC server is closed.
  void close();

  const CapacityPlan& plan() const override { return memory_.plan(); }
  Budget& budget() override { return memory_.budget(); }
  ChunkPool& chunks() override { return memory_.chunks(); }
  Account& block_account() override { return memory_.blocks(); }
  Account& upload_account() override { return memory_.uploads(); }
  SlotGroup& upload_slots() override { return memory_.upload_slots(); }
  Account& import_account() override { return memory_.imports(); }
  const MemoryHistory& memory_history() override;
  MemoryReport memory_report() override;
  void set_api_sockets(const SocketHolder* sockets) override { api_sockets_ = sockets; }
  std::expected<void, std::string> set_budget(std::size_t bytes) override;
  bool check_memory() override { return governor_.check(); }
  void before_large_work() override { governor_.look_unless_just_done(); }

  boost::asio::io_context& context() override { return loop_.context(); }
  const net::Clock& clock() const override { return loop_.clock(); }
  net::TimerQueue& timers() override { return loop_.timers(); }
  net::RandomSource& random() override { return random_; }
  store::Jobs& jobs() override { return *workers_; }

  Config& config() override { return repo_.config(); }
  Repo& repo() override { return repo_; }
  store::DiskStore& blocks() override { return *blocks_; }
  store::PinSet& pins() override { return *pins_; }
  store::Collector& collector() override { return *collector_; }

  net::Swarm* swarm() override { return network_ ? &network_->swarm() : nullptr; }
  net::Ping* ping() override { return network_ ? &network_->ping() : nullptr; }
  bitswap::Bitswap* bitswap() override { return network_ ? network_->bitswap() : nullptr; }

  std::unique_ptr<store::BlockSource> open_source(bool offline) override;

  void shut_down() override;
  bool stopping() const override { return stopping_; }

 private:
  RealNode(Repo& repo, NodeMemory& memory, EventLoop& loop, std::unique_ptr<store::DiskStore> blocks);
  // Write buffers of the store follow the plan on a worker, as soon as it has a place.
  class MemtableJob final : public store::Job, private net::Timer {
   public:
    explicit MemtableJob(RealNode& node) : node_(node) {}
    void start(std::size_t bytes);

   private:
    void run() noexcept override;
    void finish() noexcept override;
    void on_timer(TimePoint) override { start(wanted_); }
    static constexpr Duration retry_interval = std::chrono::milliseconds(100);
    RealNode& node_;
    bool running_ = false;
    std::size_t bytes_ = 0;  // being set
    std::size_t wanted_ = 0;
  };
  void set_rung(Rung rung, bool active);
  void size_caches(bool shrunk);

  Repo& repo_;
  NodeMemory& memory_;
  EventLoop& loop_;
  NodeGovernor governor_;
  RealRandom random_;
  std::unique_ptr<store::DiskStore> blocks_;
  std::unique_ptr<store::PinSet> pins_;
  std::unique_ptr<store::Collector> collector_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<store::LocalReads> reads_;
  std::optional<StorageKeeper> storage_;
  std::unique_ptr<NodeNetwork> network_;
  MemtableJob memtables_{*this};
  std::function<void()> on_shut_down_;
  const SocketHolder* api_sockets_ = nullptr;
  bool stopping_ = false;
};

}  // namespace masu::core
