#include "core/node/node_memory.hpp"

#include "alloc/fixed.hpp"
#include "alloc/heap.hpp"
#include "alloc/page_box.hpp"
#include "core/config.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace masu::core {
namespace {

// A block of 2 MiB that begins anywhere in a chunk.
constexpr std::size_t max_block_chunks = (std::size_t{2} << 20) / chunk_bytes + 1;
constexpr std::uint64_t default_budget = std::uint64_t{64} << 20;
constexpr unsigned quiet_seconds_for_code = 10;

// What this build costs: its code at full size, as the loader mapped it.
FixedCosts fixed_costs() {
  FixedCosts costs;
  if (const auto fixed = measure_fixed(process_box())) costs.code_bytes = fixed->code_mapped;
  return costs;
}

// Time that this process has worked, in microseconds.
std::uint64_t work_done() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto microseconds = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
  };
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

// Less than this in a second is rest: timers, a ping.
constexpr std::uint64_t resting_microseconds = 20'000;

static_assert(MemoryHistory::entry_bytes <= plan_entry::history_bytes);
// Sockets that are there, and those that are being dialled.
std::size_t link_bytes(const CapacityPlan& plan) {
  return (plan.connections + plan.handshakes) * plan_entry::link_bytes;
}

std::size_t give_chunks_back(void* context, std::size_t) { return static_cast<ChunkPool*>(context)->trim(0); }

}  // namespace

std::expected<CapacityPlan, std::string> choose_plan(const std::string& budget_text,
                                                     const std::string& configured) {
  std::uint64_t budget = default_budget;
  const std::string& text = budget_text.empty() ? configured : budget_text;
  if (!text.empty()) {
    const auto parsed = parse_budget(text);
    if (!parsed) {
      return std::unexpected("the memory budget \"" + text + "\" is no size: give one like 64M, 96MiB or 1G");
    }
    budget = *parsed;
  }
  auto plan = derive_plan(budget, fixed_costs());
  if (!plan) return std::unexpected(plan.error().reason + "\n" + format_plan(plan.error().plan));
  return std::move(*plan);
}

std::expected<std::unique_ptr<NodeMemory>, std::string> NodeMemory::enter(const CapacityPlan& plan) {
  if (const auto heap = verify_heap(); !heap) {
    return std::unexpected("the option " + std::string(heap.error().option) + " of the memory allocator is " +
                           heap.error().found + " and must be " + heap.error().wanted +
                           ": look at MALLOC_CONF and /etc/malloc.conf");
  }
  enter_plan(plan);
  return std::unique_ptr<NodeMemory>(new NodeMemory(plan));
}

NodeMemory::NodeMemory(const CapacityPlan& plan)
    : plan_(plan),
      budget_("node", plan.ours_bytes),
      chunk_account_(budget_, "chunks", Lifetime::process, plan.chunks * chunk_bytes + plan.chunks * 64),
      chunks_(chunk_account_, plan.chunks),
      blocks_(budget_, "request.block", Lifetime::block, plan.block_bytes),
      imports_(budget_, "unixfs.import", Lifetime::request, plan.import_bytes),
      requests_(budget_, "http.request", Lifetime::request, plan.rpc_requests * plan_entry::request_bytes),
      links_(budget_, "net.link", Lifetime::connection, link_bytes(plan)),
      reads_(budget_, "store.read", Lifetime::request, std::size_t{64} * 1024),
      collections_(budget_, "store.collect", Lifetime::request, plan.collect_bytes),
      collect_blocks_(budget_, "store.collect.block", Lifetime::block, max_block_chunks * chunk_bytes),
      history_account_(budget_, "memory.history", Lifetime::process,
                       plan.history_samples * plan_entry::history_bytes),
      history_(history_account_, plan.history_samples) {
  add_reclaimer(give_chunks_back, &chunks_);
}

NodeMemory::~NodeMemory() { remove_reclaimer(&chunks_); }

MemoryReport NodeMemory::report() const { return gather_report(plan_.budget_bytes, budget_, &chunks_); }

void NodeMemory::note_history(TimePoint now) {
  MemorySample sample;
  sample.rss = read_process_rss().value_or(ProcessRss()).now;
  const PageBox& box = process_box();
  sample.committed = box.count(Door::ours).charged_bytes + box.count(Door::library).charged_bytes;
  sample.live = count_heap()[static_cast<std::size_t>(HeapArena::library)].allocated;
  budget_.for_each_account([&](const Account& account) { sample.live += account.live_bytes(); });
  history_.note(now, sample);
}

void NodeMemory::rest() {
  const std::uint64_t work = work_done();
  const bool quiet = work - work_seen_ < resting_microseconds;
  work_seen_ = work;
  quiet_seconds_ = quiet ? quiet_seconds_ + 1 : 0;
  if (quiet_seconds_ == 1) {
    chunks_.trim(0);
    purge_heap();
  }
  if (quiet_seconds_ == quiet_seconds_for_code) {
    chunks_.trim(0);
    purge_heap();
    drop_clean_code_pages();
  }
  // This call itself is work.
  work_seen_ = work_done();
}

}  // namespace masu::core
