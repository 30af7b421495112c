// FakeNode: what commands that read and write content need of a node, over a store in memory, or one on disk
// where pins and collection matter, and jobs that run when the test says so. No network, no threads, no time
// that passes by itself; a repo in a temporary directory.
#pragma once

#include "alloc/check.hpp"
#include "core/node.hpp"
#include "core/node/memory_history.hpp"
#include "core/repo.hpp"
#include "multiformats/digest.hpp"
#include "net/random.hpp"
#include "store/collector.hpp"
#include "store/disk_store.hpp"
#include "store/local_source.hpp"
#include "store/memory_store.hpp"
#include "store/pin_set.hpp"
#include "tests/store/sim_jobs.hpp"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace masu::core::test {

class FakeNode final : public Node {
 public:
  enum class Blocks : std::uint8_t { in_memory, on_disk };

  explicit FakeNode(Blocks blocks = Blocks::in_memory) {
    std::string pattern = (std::filesystem::temp_directory_path() / "masu-node-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    const std::string path = directory_ + "/repo";
    MASU_CHECK(Repo::init(path, Config::defaults()), "a repo is made");
    auto opened = Repo::open(path);
    MASU_CHECK(opened, "a repo is opened");
    repo_ = std::move(*opened);
    if (blocks == Blocks::on_disk) open_disk();
    reads_ = std::make_unique<store::LocalReads>(any_store(), jobs_, chunks_, entries_);
  }
  ~FakeNode() {
    jobs_.run_all();
    reads_.reset();
    collector_.reset();
    pins_.reset();
    disk_.reset();
    repo_.reset();
    std::filesystem::remove_all(directory_);
  }

  const CapacityPlan& plan() const override { return plan_; }
  Budget& budget() override { return budget_; }
  ChunkPool& chunks() override { return chunks_; }
  Account& block_account() override { return blocks_; }
  Account& upload_account() override { return uploads_; }
  SlotGroup& upload_slots() override { return upload_slots_; }
  Account& import_account() override { return imports_; }
  MemoryReport memory_report() override { return report; }
  void set_api_sockets(const SocketHolder*) override {}
  const MemoryHistory& memory_history() override { return history; }
  std::expected<void, std::string> set_budget(std::size_t) override { return std::unexpected("not here"); }
  bool check_memory() override { return true; }
  void before_large_work() override { ++looks; }

  boost::asio::io_context& context() override { return absent<boost::asio::io_context>(); }
  const net::Clock& clock() const override { return clock_; }
  net::TimerQueue& timers() override { return timers_; }
  net::RandomSource& random() override { return random_; }
  store::Jobs& jobs() override { return jobs_; }

  Config& config() override { return repo_->config(); }
  Repo& repo() override { return *repo_; }
  store::DiskStore& blocks() override { return present(disk_); }
  store::PinSet& pins() override { return present(pins_); }
  store::Collector& collector() override { return present(collector_); }

  net::Swarm* swarm() override { return nullptr; }
  net::Ping* ping() override { return nullptr; }
  bitswap::Bitswap* bitswap() override { return exchange; }
  std::unique_ptr<store::BlockSource> open_source(bool) override {
    return std::make_unique<store::LocalSource>(*reads_);
  }
  void shut_down() override { stopping_ = true; }
  bool stopping() const override { return stopping_; }

  // --- For tests. ---
  MemoryReport report;
  int looks = 0;  // before large work
  bitswap::Bitswap* exchange = nullptr;
  Budget history_budget{"history", 1 << 20};
  Account history_account{history_budget, "memory.history", Lifetime::process, 1024};
  MemoryHistory history{history_account, 4};
  store::test::SimJobs& sim_jobs() { return jobs_; }
  store::MemoryStore& memory_store() { return store_; }
  store::CollectableStore& any_store() {
    if (disk_) return *disk_;
    return store_;
  }
  // Lets time pass: what is due, and the jobs that come of it.
  void advance(Duration time) {
    clock_.time += time;
    timers_.advance(clock_.time);
  }
  Cid put(Codec codec, std::string_view bytes) {
    const Multihash hash = *multihash_of(HashCode::sha2_256, as_bytes(bytes));
    MASU_CHECK(any_store().put(hash, as_bytes(bytes)), "a test's store takes a block");
    const bool v0 = codec == Codec::dag_pb && Cid::may_be_v0(codec, hash);
    return v0 ? Cid::v0(hash) : Cid::v1(codec, hash);
  }

 private:
  class Random final : public net::RandomSource {
   public:
    void fill(MutableBytes out) override {
      for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(++last_ * 37);
    }

   private:
    unsigned last_ = 0;
  };
  struct StoodClock final : net::Clock {
    TimePoint now() const override { return time; }
    TimePoint time{};
  };
  void open_disk() {
    store::DiskStoreOptions options;
    options.directory = directory_ + "/store";
    std::filesystem::create_directory(options.directory);
    auto opened = store::DiskStore::open(options, budget_);
    MASU_CHECK(opened, "a store is made");
    disk_ = std::move(*opened);
    pins_ = std::make_unique<store::PinSet>(disk_->records());
    collector_ = std::make_unique<store::Collector>(
        store::Collector::Parts{.store = *disk_,
                                .pins = *pins_,
                                .jobs = jobs_,
                                .chunks = chunks_,
                                .blocks = blocks_,
                                .memory = collections_,
                                .memory_bytes = store::Collector::memory_bytes_min,
                                .spill_directory = directory_});
  }
  template <class Part>
  static Part& present(const std::unique_ptr<Part>& part) {
    MASU_CHECK(part != nullptr, "a fake node with its blocks in memory has no such part");
    return *part;
  }
  template <class Part>
  static Part& absent() {
    MASU_CHECK(false, "a fake node has no such part");
    return *static_cast<Part*>(nullptr);
  }

  std::string directory_;
  std::unique_ptr<Repo> repo_;
  CapacityPlan plan_;
  Budget budget_{"node", 256 << 20};
  Account pages_{budget_, "chunks", Lifetime::process, 64 << 20};
  Account blocks_{budget_, "block", Lifetime::block, 16 << 20};
  Account uploads_{budget_, "upload", Lifetime::block, 8 << 20};
  SlotGroup upload_slots_{"upload", 1};
  Account imports_{budget_, "import", Lifetime::request, 1536 * 1024};
  Account entries_{budget_, "reads", Lifetime::process, 1 << 20};
  Account collections_{budget_, "collect", Lifetime::process, store::Collector::memory_bytes_min};
  ChunkPool chunks_{pages_, 2048};
  store::MemoryStore store_;
  store::test::SimJobs jobs_;
  StoodClock clock_;
  net::TimerQueue timers_;
  std::unique_ptr<store::DiskStore> disk_;
  std::unique_ptr<store::PinSet> pins_;
  std::unique_ptr<store::Collector> collector_;
  std::unique_ptr<store::LocalReads> reads_;
  Random random_;
  bool stopping_ = false;
};

}  // namespace masu::core::test
