// NodeMemory: the memory of a process that has a repo open: the plan, the root budget, the chunk pool, and
// the accounts of what is no part's own.
//
// Made first, destroyed last, once in a process (it puts the process under the plan); every row of the plan
// that belongs to `ours` has its account below its budget. While the node rests it gives back what a burst
// left behind. Loop thread, but for the reclaimer that the heap calls when the library door runs dry.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
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
  Account& imports() { return imports_; }
  Account& requests() { return requests_; }
  Account& links() { return links_; }
  Account& reads() { return reads_; }
  Account& collections() { return collections_; }
  Account& collect_blocks() { return collect_blocks_; }
  MemoryReport report() const;
  const MemoryHistory& history() const { return history_; }
  // Notes the memory of this moment in the history.
  void note_history(TimePoint now);

  // Called about once a second: after a second without work, free chunks and free pages of the heap go back
  // to the kernel; after ten, pages of code too.
  void rest();

 private:
  explicit NodeMemory(const CapacityPlan& plan);

  const CapacityPlan plan_;
  Budget budget_;
  Account chunk_account_;
  ChunkPool chunks_;
  Account blocks_;    // blocks that requests read, walk and export
  Account imports_;   // directories, sorting
  Account requests_;  // HTTP connections and what their handlers hold
  Account links_;     // sockets
  Account reads_;     // jobs that read blocks
  Account collections_;
  Account collect_blocks_;  // the one that is being marked
  Account history_account_;
  MemoryHistory history_;
  std::uint64_t work_seen_ = 0;
  unsigned quiet_seconds_ = 0;
};

}  // namespace masu::core
