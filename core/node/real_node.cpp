#include "core/node/real_node.hpp"

#include "core/version.hpp"
#include "multiformats/cid.hpp"
#include "multiformats/digest.hpp"

#include <array>

namespace masu::core {
namespace {

// For jobs, peers and requests to end; then the process ends without them.
constexpr Duration close_timeout = 10s;

store::DiskStoreOptions store_options(const Repo& repo, const CapacityPlan& plan) {
  store::DiskStoreOptions options;
  options.directory = repo.path();
  options.memtable_bytes = plan.memtable_bytes;
  options.block_cache_bytes = plan.block_cache_bytes;
  options.open_files = plan.open_files;
  options.memory_bytes = plan.store_bytes;
  options.commit_thread = true;
  return options;
}

}  // namespace

std::expected<std::unique_ptr<RealNode>, std::string> RealNode::open(Repo& repo, NodeMemory& memory,
                                                                     EventLoop& loop) {
  auto blocks = store::DiskStore::open(store_options(repo, memory.plan()), memory.budget());
  if (!blocks) return std::unexpected(blocks.error().detail);
  auto node = std::unique_ptr<RealNode>(new RealNode(repo, memory, loop, std::move(*blocks)));
  return node;
}

RealNode::RealNode(Repo& repo, NodeMemory& memory, EventLoop& loop, std::unique_ptr<store::DiskStore> blocks)
    : repo_(repo), memory_(memory), loop_(loop), governor_(memory, loop), blocks_(std::move(blocks)) {
  pins_ = std::make_unique<store::PinSet>(blocks_->records());
  workers_ = std::make_unique<Workers>(loop.context(), memory.plan().worker_threads);
  reads_ = std::make_unique<store::LocalReads>(*blocks_, *workers_, memory.chunks(), memory.reads(),
                                               memory.plan().store_reads);
  collector_ =
      std::make_unique<store::Collector>(store::Collector::Parts{.store = *blocks_,
                                                                 .pins = *pins_,
                                                                 .jobs = *workers_,
                                                                 .chunks = memory.chunks(),
                                                                 .blocks = memory.collect_blocks(),
                                                                 .memory = memory.collections(),
                                                                 .memory_bytes = memory.plan().collect_bytes,
                                                                 .spill_directory = repo.path()});
  governor_.set_hooks({.set = [this](Rung rung, bool active) { set_rung(rung, active); },
                       .relieve =
                           [this](Rung rung) {
                             if (network_) network_->relieve(rung);
                           },
                       .chunks_changed =
                           [this] {
                             if (network_) network_->follow_chunks(memory_.plan());
                           }});
}

RealNode::~RealNode() = default;

// --- Memory. ---

MemoryReport RealNode::memory_report() {
  MemoryReport report = memory_.report();
  report.rungs = governor_.ladder().rows();
  if (network_) report.kernel_sockets += network_->swarm().parked_bytes();
  if (api_sockets_ != nullptr) report.kernel_sockets += api_sockets_->parked_bytes();
  return report;
}

void RealNode::set_rung(Rung rung, bool active) {
  if (rung == Rung::shrink_caches) size_caches(active);
  if (network_) network_->set_rung(rung, active);
}

void RealNode::size_caches(bool shrunk) {
  blocks_->set_cache_bytes(memory_.plan().block_cache_bytes / (shrunk ? 4 : 1));
}

std::expected<void, std::string> RealNode::set_budget(std::size_t bytes) {
  if (bytes > memory_.start_budget_bytes()) {
    return std::unexpected("this node was started with a budget of " +
                           format_bytes(memory_.start_budget_bytes()) +
                           ", and its tables were made for it: for more, start it anew");
  }
  const auto plan = plan_of_budget(bytes);
  if (!plan) return std::unexpected(plan.error());
  memory_.set_plan(*plan);
  governor_.follow_plan();
  if (network_) network_->follow_plan(repo_.config(), *plan);
  size_caches(governor_.ladder().active(Rung::shrink_caches));
  memtables_.start(plan->memtable_bytes);
  governor_.check();
  return {};
}

void RealNode::MemtableJob::start(std::size_t bytes) {
  wanted_ = bytes;
  if (running_) return;
  bytes_ = wanted_;
  running_ = node_.workers_->post(*this, store::JobClass::write);
  if (!running_) node_.loop_.timers().arm(*this, node_.loop_.clock().now() + retry_interval);
}

void RealNode::MemtableJob::run() noexcept {
  // What fails (a full disk) leaves the buffers as they are; the next change tries again.
  [[maybe_unused]] const auto set = node_.blocks_->set_memtable_bytes(bytes_);
}

void RealNode::MemtableJob::finish() noexcept {
  running_ = false;
  if (wanted_ != bytes_) start(wanted_);
}

const MemoryHistory& RealNode::memory_history() {
  // It ends with what is, however long nobody was awake.
  memory_.note_history(loop_.clock().now());
  return memory_.history();
}

std::expected<void, std::string> RealNode::add_empty_directory() {
  // dag-pb with the UnixFS message of a directory: QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn.
  static constexpr std::array<std::uint8_t, 4> block = {0x0a, 0x02, 0x08, 0x01};
  const Multihash hash = *multihash_of(HashCode::sha2_256, block);
  if (auto put = blocks_->put(hash, Bytes(block)); !put) return std::unexpected(put.error().detail);
  if (auto synced = blocks_->sync(); !synced) return std::unexpected(synced.error().detail);
  const Cid cid = Cid::v0(hash);
  if (auto pinned = pins_->pin(cid, store::PinMode::recursive, ""); !pinned) {
    return std::unexpected(pinned.error().detail);
  }
  return {};
}

std::expected<void, std::string> RealNode::go_online(const std::string& agent_suffix) {
  std::string agent = std::string("masu/") + std::string(version_number);
  if (!agent_suffix.empty()) agent += "/" + agent_suffix;
  auto network = NodeNetwork::start(repo_.config(), memory_, loop_, random_, *blocks_, blocks_->records(),
                                    *workers_, agent);
  if (!network) return std::unexpected(network.error());
  network_ = std::move(*network);
  return {};
}

std::expected<void, std::string> RealNode::keep_storage() {
  const auto limits = StorageLimits::from(repo_.config());
  if (!limits) return std::unexpected(limits.error());
  const StorageKeeper::Parts parts{.timers = loop_.timers(),
                                   .clock = loop_.clock(),
                                   .jobs = *workers_,
                                   .blocks = *blocks_,
                                   .collector = *collector_,
                                   .random = random_,
                                   .account = import_account()};
  storage_.emplace(parts, *limits);
  return {};
}

std::unique_ptr<store::BlockSource> RealNode::open_source(bool offline) {
  if (bitswap::Bitswap* const from = offline ? nullptr : bitswap()) {
    if (auto session = from->open_session()) return session;
  }
  return std::make_unique<store::LocalSource>(*reads_);
}

void RealNode::shut_down() {
  if (std::exchange(stopping_, true)) return;
  if (on_shut_down_) on_shut_down_();
}

void RealNode::close() {
  stopping_ = true;
  storage_.reset();
  const TimePoint deadline = loop_.clock().now() + close_timeout;
  if (network_) {
    network_->close();
    loop_.run_until([this] { return network_->closed(); }, deadline);
  }
  loop_.run_until([this] { return workers_->under_way() == 0; }, deadline);
  // Turns that were posted lie in the network.
  loop_.context().poll();
  network_.reset();
  [[maybe_unused]] const auto synced = blocks_->sync();
}

}  // namespace masu::core
