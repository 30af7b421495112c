// ServingNode: what the RPC server needs of a node: a loop, timers, chunks, a configuration, and a source of
// blocks that has none and answers only when the test says so.
#pragma once

#include "alloc/check.hpp"
#include "core/config.hpp"
#include "core/node.hpp"
#include "core/node/memory_history.hpp"

#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace masu::core::test {

// Never answers by itself.
class StuckSource final : public store::BlockSource {
 public:
  explicit StuckSource(std::vector<store::BlockRequest*>& waiting) : waiting_(waiting) {}
  void get(const Cid&, Account&, store::BlockRequest& request) override { waiting_.push_back(&request); }
  void forget(store::BlockRequest& request) noexcept override { std::erase(waiting_, &request); }
  void prefetch(std::span<const Cid>) override {}

 private:
  std::vector<store::BlockRequest*>& waiting_;
};

class ServingNode final : public Node, public net::Clock {
 public:
  explicit ServingNode(const std::string& config_text = "{}") : config_(Config::parse(config_text).value()) {
    plan_.rpc_requests = 8;
    plan_.rpc_backlog = 24;
    plan_.rpc_socket_bytes = 16 * 1024;
    plan_.waiting_rpc_socket_bytes = 4 * 1024;
  }

  const CapacityPlan& plan() const override { return plan_; }
  Budget& budget() override { return budget_; }
  ChunkPool& chunks() override { return chunks_; }
  Account& block_account() override { return blocks_; }
  Account& upload_account() override { return blocks_; }
  SlotGroup& upload_slots() override { return absent<SlotGroup>(); }
  Account& import_account() override { return blocks_; }
  MemoryReport memory_report() override {
    MemoryReport now = report;
    if (api_sockets != nullptr) now.kernel_sockets += api_sockets->parked_bytes();
    return now;
  }
  void set_api_sockets(const SocketHolder* sockets) override { api_sockets = sockets; }
  const MemoryHistory& memory_history() override { return absent<MemoryHistory>(); }
  std::expected<void, std::string> set_budget(std::size_t) override { return std::unexpected("not here"); }
  bool check_memory() override { return true; }
  void before_large_work() override {}
  boost::asio::io_context& context() override { return context_; }
  const net::Clock& clock() const override { return *this; }
  net::TimerQueue& timers() override { return timers_; }
  net::RandomSource& random() override { return absent<net::RandomSource>(); }
  store::Jobs& jobs() override { return absent<store::Jobs>(); }
  Config& config() override { return config_; }
  Repo& repo() override { return absent<Repo>(); }
  store::DiskStore& blocks() override { return absent<store::DiskStore>(); }
  store::PinSet& pins() override { return absent<store::PinSet>(); }
  store::Collector& collector() override { return absent<store::Collector>(); }
  net::Swarm* swarm() override { return nullptr; }
  net::Ping* ping() override { return nullptr; }
  bitswap::Bitswap* bitswap() override { return nullptr; }
  std::unique_ptr<store::BlockSource> open_source(bool) override {
    return std::make_unique<StuckSource>(waiting);
  }
  void shut_down() override { stopping_ = true; }
  bool stopping() const override { return stopping_; }

  TimePoint now() const override { return now_; }
  void advance(Duration duration) {
    now_ += duration;
    timers_.advance(now_);
  }

 private:
  Budget budget_{"node", std::size_t{64} << 20};

 public:
  Account requests{budget_, "http.request", Lifetime::request, std::size_t{1} << 20};
  std::vector<store::BlockRequest*> waiting;
  MemoryReport report;
  const SocketHolder* api_sockets = nullptr;

 private:
  template <class Part>
  static Part& absent() {
    MASU_CHECK(false, "a serving node has no such part");
    return *static_cast<Part*>(nullptr);
  }

  boost::asio::io_context context_{1};
  net::TimerQueue timers_;
  TimePoint now_{1000s};
  CapacityPlan plan_;
  Account pages_{budget_, "chunks", Lifetime::block, 0};
  Account blocks_{budget_, "block", Lifetime::block, std::size_t{8} << 20};
  ChunkPool chunks_{pages_, 256};
  Config config_;
  bool stopping_ = false;
};

}  // namespace masu::core::test
