// NodeMemory: the memory of a process that has a repo open: the plan, the root budget, the chunk pool, and
// the accounts of what is no part's own.
//
// Made first, destroyed last, once in a process (it puts the process under the plan); every row of the plan
// that belongs to `ours` has its account below its budget. Loop thread, but for the reclaimer that the heap
// calls when the library door runs dry.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/fixed.hpp"
#include "alloc/lending.hpp"
#include "alloc/plan.hpp"
#include "alloc/report.hpp"
#include "alloc/resource.hpp"
#include "core/node/memory_history.hpp"

#include <cstddef>
#include <expected>
#include <memory>
#include <string>

namespace masu::core {

// `budget_text` as on the command line, else `configured`, else 64M. Errors name what was asked, and for a
// budget that is too small show the sum.
std::expected<CapacityPlan, std::string> choose_plan(const std::string& budget_text,
                                                     const std::string& configured);

// What this build costs: its code at full size, as the loader mapped it.
FixedCosts fixed_costs();
// The plan of a budget for this build. The error shows the sum that was tried.
std::expected<CapacityPlan, std::string> plan_of_budget(std::size_t budget_bytes);

class NodeMemory {
 public:
  // Requires: a plan of choose_plan(). The error: options of the heap are not as compiled in.
  static std::expected<std::unique_ptr<NodeMemory>, std::string> enter(const CapacityPlan& plan);
  ~NodeMemory();
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;

  const CapacityPlan& plan() const { return plan_; }
  Budget& budget() { return budget_; }
  ChunkPool& chunks() { return chunks_; }
  Account& blocks() { return blocks_; }
  Account& uploads() { return uploads_; }
  SlotGroup& upload_slots() { return upload_slots_; }
  Account& imports() { return imports_; }
  Account& requests() { return requests_; }
  Account& links() { return links_; }
  Account& reads() { return reads_; }
  Account& collections() { return collections_; }
  Account& collect_blocks() { return collect_blocks_; }
  const CleanCode& code() const { return code_; }
  MemoryReport report() const;
  const MemoryHistory& history() const { return history_; }
  // Notes the memory of this moment in the history.
  void note_history(TimePoint now);

  // The plan of a smaller budget, or back to a larger one up to that of the start: doors, quotas and the
  // chunk pool follow at once; what is held above them comes back when it comes back. Who has sized tables by
  // the plan is told by the caller.
  void set_plan(const CapacityPlan& plan);
  // Chunks are lent to the pool or come back: `plan` is the same with another number of them.
  void set_chunks(const CapacityPlan& plan);
  // What the lending of chunks goes by.
  LendingSample lending_sample() const;
  // After set_plan(), now and then: our door closes as what is held above it comes back, and an import that
  // had begun before keeps the quota that it began with, until it is over.
  void settle();
  std::size_t start_budget_bytes() const { return start_budget_bytes_; }

 private:
  void set_door(std::size_t bytes);
  explicit NodeMemory(const CapacityPlan& plan);

  const CleanCode code_;
  CapacityPlan plan_;
  const std::size_t start_budget_bytes_;
  std::size_t door_bytes_;  // the limit of our door: the plan's, or above it for a while
  Budget budget_;
  Account chunk_account_;
  ChunkPool chunks_;
  Account blocks_;    // blocks that requests read, walk and export
  Account uploads_;   // what clients send, until it is stored
  Account imports_;   // directories, sorting
  Account requests_;  // HTTP connections and what their handlers hold
  Account links_;     // sockets
  Account reads_;     // jobs that read blocks
  Account collections_;
  Account collect_blocks_;  // the one that is being marked
  Account history_account_;
  MemoryHistory history_;
  SlotGroup upload_slots_;
};

}  // namespace masu::core
