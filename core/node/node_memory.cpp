#include "core/node/node_memory.hpp"

#include "alloc/check.hpp"
#include "alloc/fixed.hpp"
#include "alloc/heap.hpp"
#include "alloc/page_box.hpp"
#include "core/config.hpp"
#include "http/server.hpp"

#include <algorithm>

namespace masu::core {
namespace {

// A block of 2 MiB that begins anywhere in a chunk.
constexpr std::size_t max_block_chunks = (std::size_t{2} << 20) / chunk_bytes + 1;
// While a smaller budget waits for what is held above it: else nothing could be had until all of that is
// back.
constexpr std::size_t door_slack_bytes = std::size_t{512} * 1024;
// The rest of what the plan has for a request is its connection's.
constexpr std::size_t request_bytes = plan_entry::request_bytes - http::connection_memory_bytes;
constexpr std::size_t code_piece_bytes = std::size_t{16} * 1024;
constexpr std::uint64_t default_budget = std::uint64_t{64} << 20;

static_assert(MemoryHistory::entry_bytes <= plan_entry::history_bytes);
// Sockets that are there, and those that are being dialled.
std::size_t link_bytes(const CapacityPlan& plan) {
  return (plan.connections + plan.handshakes) * plan_entry::link_bytes;
}

// With the pool's table.
std::size_t pool_bytes(std::size_t chunks) { return chunks * (chunk_bytes + plan_entry::chunk_table_bytes); }

std::size_t give_chunks_back(void* context, std::size_t) { return static_cast<ChunkPool*>(context)->trim(0); }

}  // namespace

FixedCosts fixed_costs() {
  FixedCosts costs;
  if (const auto fixed = measure_fixed(process_box())) costs.code_bytes = fixed->code_mapped;
  return costs;
}

std::expected<CapacityPlan, std::string> plan_of_budget(std::size_t budget_bytes) {
  auto plan = derive_plan(budget_bytes, fixed_costs());
  if (!plan) return std::unexpected(plan.error().reason + "\n" + format_plan(plan.error().plan));
  return std::move(*plan);
}

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
  return plan_of_budget(budget);
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
      start_budget_bytes_(plan.budget_bytes),
      door_bytes_(plan.ours_bytes),
      budget_("node", plan.ours_bytes),
      chunk_account_(budget_, "chunks", Lifetime::process, pool_bytes(Lending::chunks_max(plan))),
      chunks_(chunk_account_, Lending::chunks_max(plan)),
      blocks_(budget_, "request.block", Lifetime::block, plan.block_bytes),
      uploads_(budget_, "request.upload", Lifetime::block, plan.upload_bytes),
      imports_(budget_, "unixfs.import", Lifetime::request, plan.import_bytes),
      requests_(budget_, "http.request", Lifetime::request, plan.rpc_requests * request_bytes),
      links_(budget_, "net.link", Lifetime::connection, link_bytes(plan)),
      reads_(budget_, "store.read", Lifetime::request, plan.store_reads * plan_entry::read_bytes),
      collections_(budget_, "store.collect", Lifetime::request, plan.collect_bytes),
      collect_blocks_(budget_, "store.collect.block", Lifetime::block, max_block_chunks * chunk_bytes),
      history_account_(budget_, "memory.history", Lifetime::process,
                       plan.history_samples * plan_entry::history_bytes),
      history_(history_account_, plan.history_samples),
      upload_slots_("request.upload", plan.upload_slots) {
  set_chunks(plan);
  add_reclaimer(give_chunks_back, &chunks_);
  code_.cut(code_piece_bytes);
  code_.drop();  // what has come in so far came in large pieces
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

void NodeMemory::settle() {
  if (door_bytes_ > plan_.ours_bytes) {
    const std::size_t charged = process_box().count(Door::ours).charged_bytes;
    set_door(std::max(plan_.ours_bytes, std::min(door_bytes_, charged + door_slack_bytes)));
  }
  const bool idle = imports_.live_bytes() == 0;
  if (idle || plan_.import_bytes > imports_.quota_bytes()) imports_.set_quota(plan_.import_bytes);
}

void NodeMemory::set_door(std::size_t bytes) {
  door_bytes_ = bytes;
  process_box().set_limits(bytes, plan_.library_bytes);
  budget_.set_limit(bytes);
}

void NodeMemory::set_plan(const CapacityPlan& plan) {
  MASU_CHECK(plan.budget_bytes <= start_budget_bytes_, "tables were made for the budget of the start");
  plan_ = plan;
  set_door(std::max(plan.ours_bytes, door_bytes_));
  set_chunks(plan);
  // Work that has begun goes on: it is over sooner or later, and one more request (to set the budget) finds
  // room.
  settle();
  requests_.set_quota(std::max(plan.rpc_requests * request_bytes, requests_.live_bytes() + request_bytes));
  links_.set_quota(link_bytes(plan));
}

void NodeMemory::set_chunks(const CapacityPlan& plan) {
  plan_ = plan;
  if (plan.chunks < chunks_.stats().capacity) chunks_.trim(0);
  chunks_.set_capacity(plan.chunks);
  chunk_account_.set_quota(std::max(pool_bytes(plan.chunks), chunk_account_.committed_bytes()));
  blocks_.set_quota(plan.block_bytes);
  uploads_.set_quota(plan.upload_bytes);
  upload_slots_.set_slots(plan.upload_slots);
}

LendingSample NodeMemory::lending_sample() const {
  const ChunkPoolStats chunks = chunks_.stats();
  return {process_box().count(Door::ours).charged_bytes, chunk_account_.committed_bytes(), chunks.used,
          chunks.refusals};
}

}  // namespace masu::core
