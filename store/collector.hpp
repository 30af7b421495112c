// Collector: takes away the blocks that nothing keeps, in bounded memory and beside everything else that goes
// on.
//
// A Collection is one run: it marks what recursive pins and the given roots reach, and what is pinned
// directly; then it goes through the store's keys in their order beside the sorted marks, and removes what is
// in the one and not in the other. What was written or touched since the oldest WriteHold that was there when
// it began is spared (store/collectable_store.hpp), so that nobody waits for it. Last it gives the disk space
// back. It works in steps, each a job of JobClass::long_ of some milliseconds; at the end of each it can be
// left.
//
// Marking goes in the order of links, depth first: the order in which blocks were written, so that disks read
// ahead. Which inner nodes were met is known exactly (store/sort/seen_set.hpp); what is to come lies on a
// stack (store/sort/spill_stack.hpp); marks are multihashes in sorted runs (store/sort/record_sorter.hpp).
// All of it is on disk but for windows: `memory_bytes` whatever the size of the store. Tried and left:
// breadth first over sorted frontiers, merged with what was seen a level at a time. It has no random reads of
// its own, but a chain of n blocks is n levels, each a pass over all that was seen, and blocks are read in
// the order of their hashes.
//
// A pinned block that is missing or malformed is an error in Kubo's words, and then nothing is removed,
// because what hangs below it is unknown. Below the roots that are given (the files API) a missing block is
// no error. A crash at any moment leaves a store without some of the garbage.
//
// The Collector lives as long as the node; one collection works at a time, others wait for their turn. Loop
// thread.
#pragma once

#include "alloc/completion.hpp"
#include "alloc/resource.hpp"
#include "alloc/task.hpp"
#include "store/collectable_store.hpp"
#include "store/jobs.hpp"
#include "store/pin_set.hpp"
#include "store/sort/seen_set.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace masu::store {

class Collection;

class Collector {
 public:
  // The least that a collection can work with.
  static constexpr std::size_t memory_bytes_min = 256 * 1024;

  struct Parts {
    CollectableStore& store;
    PinSet& pins;
    Jobs& jobs;
    ChunkPool& chunks;
    Account& blocks;           // one block at a time, while marking
    Account& memory;           // everything else
    std::size_t memory_bytes;  // plan().collect_bytes, which is the quota of `memory`
    std::string spill_directory;
  };

  // Requires: memory_bytes >= memory_bytes_min.
  explicit Collector(Parts parts);
  ~Collector();  // Requires: nothing under way.
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  bool running() const { return running_; }

 private:
  friend class Collection;

  void end_turn() noexcept;

  const Parts parts_;
  bool running_ = false;
  IntrusiveList<Collection> waiting_;
};

// What a step has to tell.
struct CollectStep {
  using Removed = std::vector<Multihash, AccountAllocator<Multihash>>;
  static constexpr std::size_t removed_max = 128;
  static constexpr std::size_t errors_max = 32;

  Removed removed;
  std::uint64_t removed_bytes = 0;
  std::vector<std::string> errors;  // in the words of `ipfs repo gc`
};

class Collection : public IntrusiveListNode<Collection> {
 public:
  // `roots` beside the pins, best effort.
  Collection(Collector& collector, std::span<const Cid> roots, const SeenSet::Secret& secret);
  ~Collection();  // Leaves it where it is.
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  // Works until there is something to tell; false at the end. What refuses memory or the disk is an error to
  // be told, and the end. Who asks late makes nobody wait but other collections.
  Task<bool> next(TaskMemory memory, CollectStep& step);
  // An error was told.
  bool failed() const { return failed_; }

 private:
  friend class Collector;
  class State;
  struct StepResult;

  Task<void> begin(TaskMemory memory);

  Collector& collector_;
  const std::vector<Cid> roots_;
  const SeenSet::Secret secret_;
  std::shared_ptr<State> state_;      // shared with the job of a step, which may outlive this
  Completion<bool>* turn_ = nullptr;  // of the task that waits in next()
  bool ended_ = false;
  bool failed_ = false;
};

}  // namespace masu::store
