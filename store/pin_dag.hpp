// PinDag: pins a DAG and all that makes the pin worth something: every block of it is fetched, held against
// collections that go on meanwhile, synced, and only then is the pin written.
//
// Blocks are asked for many at a time and come as they arrive. Each is touched (store/collectable_store.hpp)
// once it is here; a touch that comes too late fetches it again. One object serves one request; its WriteHold
// lasts as long as it, or as the job that it left behind when it went away. One pin at a time; loop thread.
#pragma once

#include "alloc/resource.hpp"
#include "alloc/task.hpp"
#include "store/block_source.hpp"
#include "store/collectable_store.hpp"
#include "store/dag_walk.hpp"
#include "store/jobs.hpp"
#include "store/pin_set.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace masu::store {

class PinDag {
 public:
  static constexpr std::size_t under_way = 32;
  static constexpr std::size_t touched_at_a_time = 64;

  struct Parts {
    BlockSource& source;
    Jobs& jobs;
    CollectableStore& store;
    PinSet& pins;
    Account& blocks;  // what blocks on their way are charged to
    Account& memory;  // the walk, some 200 KiB
    std::string spill_directory;
    SeenSet::Secret secret;
  };
  struct Progress {
    std::uint64_t nodes = 0;
    std::uint64_t bytes = 0;
  };

  // Throws std::bad_alloc when `parts.memory` refuses, as pin() does.
  explicit PinDag(Parts parts);

  // Durable when it says so. Errors are the source's, the store's and those of PinSet::pin().
  Task<StoreResult<void>> pin(TaskMemory memory, Cid cid, PinMode mode, std::string name);
  // Of the pin that is under way, or was last.
  const Progress& progress() const { return progress_; }
  void reset_progress() { progress_ = {}; }

 private:
  using Batch = std::vector<Cid, AccountAllocator<Cid>>;

  Task<StoreResult<void>> fetch(TaskMemory memory, Cid root, PinMode mode);
  Task<StoreResult<void>> touch(TaskMemory memory, Batch batch);

  Parts parts_;
  std::shared_ptr<WriteHold> hold_;  // shared with jobs, which may outlive this
  Progress progress_;
};

}  // namespace masu::store
