// DagWalk: all blocks below some roots, one after another, in bounded memory whatever the DAG's shape.
//
//     DagWalk walk({.source = *source, .jobs = jobs, .blocks = block_account, .memory = import_account,
//                   .spill = std::make_unique<SpillFile>(directory), .secret = random}, options);
//     walk.add_root(cid);
//     WalkVisit visit;
//     while (true) {
//       StoreResult<bool> more = co_await walk.next(memory, visit);
//       if (!more || !*more) break;      // a disk or a budget said no; the end
//       ... visit.cid, visit.block ...   // move the block out, or leave it
//     }
//
// With `under_way` 1 blocks come in the order of the DAG: a node before what it links to, links in their
// order, each where it is met first (the order of CAR exports and of `refs`). The next block is asked for
// while the caller has this one, and the source is told what follows. With more, so many blocks are asked for
// at a time and come as they arrive (`pin add`). What a budget refuses while others are under way is asked
// for again later.
//
// A block that is missing, or is not what its codec says, is a visit with an error, and the walk can go on
// beside it. Which CIDs were met is known exactly (store/sort/seen_set.hpp), what is still to be visited lies
// on a stack (store/sort/spill_stack.hpp); both go to the spill space above `memory_bytes`, and then a worker
// does that part, as it does for blocks with many links. No length that a block claims is trusted.
//
// Loop thread, owned by one task. May be destroyed while next() is suspended, behind the task of that; after
// such an end it is of no more use. `blocks` and `memory` outlive the jobs: accounts of the node, not of the
// request.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/task.hpp"
#include "multiformats/cid.hpp"
#include "store/block_source.hpp"
#include "store/jobs.hpp"
#include "store/sort/seen_set.hpp"
#include "store/sort/spill_file.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>

namespace masu::store {

struct WalkOptions {
  enum class Again : std::uint8_t {
    never,   // each CID once
    higher,  // again when it is met nearer to a root: for walks of a limited depth
    always,  // each link, as often as it is met; exponential in DAGs that are made so
  };

  std::size_t under_way = 1;
  std::optional<std::uint32_t> depth_max;  // of what is visited; roots have depth 0
  Again again = Again::never;
  bool roots_count_as_seen = true;  // false: a link to a root is visited too
  bool fetch_leaves = true;         // false: blocks of codecs without links are visited empty, and not read
  bool links = false;               // tell who linked, and by which name
  std::size_t memory_bytes = 192 * 1024;
};

// Links whose names are longer are an error of their block.
inline constexpr std::size_t walk_name_bytes_max = 4096;

struct WalkVisit {
  Cid cid;
  std::uint32_t depth = 0;
  bool again = false;     // it was visited before, farther from a root (Again::higher)
  Cid parent;             // with WalkOptions::links, for all but roots
  std::string link_name;  // likewise
  StoreResult<ChunkChain> block;
};

class DagWalk {
 public:
  struct Parts {
    BlockSource& source;
    Jobs& jobs;
    Account& blocks;  // what blocks on their way are charged to
    Account& memory;  // everything else: memory_bytes and some KiB
    std::unique_ptr<SpillSpace> spill;
    SeenSet::Secret secret;
  };

  // Throws std::bad_alloc when `parts.memory` refuses.
  DagWalk(Parts parts, const WalkOptions& options);
  ~DagWalk();
  DagWalk(const DagWalk&) = delete;
  DagWalk& operator=(const DagWalk&) = delete;

  // Before the first next(), or when next() said false: then what was seen stays seen. Of roots that are
  // added together the last one is visited first. An error of the disk comes out of next().
  void add_root(const Cid& root);
  // The next block; false at the end. After an error the walk is over.
  Task<StoreResult<bool>> next(TaskMemory memory, WalkVisit& visit);

  std::uint64_t visited() const { return visited_; }
  std::uint64_t visited_bytes() const { return visited_bytes_; }

 private:
  struct Entry;
  struct State;
  class Fetch;

  Task<StoreResult<bool>> take(TaskMemory memory, Entry& entry);
  Task<StoreResult<void>> expand(TaskMemory memory, Fetch& fetch);
  Task<StoreResult<void>> ask_for_more(TaskMemory memory);
  void ask(Fetch& fetch);
  void on_arrival(Fetch& fetch);
  void hint();

  BlockSource& source_;
  Jobs& jobs_;
  Account& blocks_;
  Account& memory_;
  const WalkOptions options_;
  std::shared_ptr<State> state_;  // shared with a job that the walk left behind when it went away
  std::pmr::list<Fetch> fetches_;
  IntrusiveList<Fetch> free_, arrived_, refused_;  // the others are under way
  std::size_t under_way_ = 0;
  std::size_t under_way_max_;            // less than asked for when a budget says so
  Completion<bool>* arrival_ = nullptr;  // of the task that waits in next()
  bool visiting_ = false;                // the caller has a block of ours
  std::size_t taken_since_hint_ = 0;
  std::optional<StoreError> failed_;
  std::uint64_t visited_ = 0;
  std::uint64_t visited_bytes_ = 0;
};

}  // namespace masu::store
