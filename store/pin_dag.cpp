#include "store/pin_dag.hpp"

#include "store/awaited_job.hpp"

#include <utility>

namespace masu::store {
namespace {

// How often a block that a collection took away is fetched again.
constexpr int fetches_max = 4;

// Touches the blocks, and leaves in `batch` those that are not here.
template <class Batch>
StoreResult<Batch> keep_missing(CollectableStore& store, Batch batch) {
  std::array<Multihash, PinDag::touched_at_a_time> hashes;
  std::array<bool, PinDag::touched_at_a_time> here{};
  for (std::size_t i = 0; i < batch.size(); ++i) hashes[i] = batch[i].hash();
  if (auto touched = store.touch(std::span(hashes).first(batch.size()), std::span(here).first(batch.size()));
      !touched) {
    return std::unexpected(std::move(touched.error()));
  }
  std::size_t missing = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!here[i]) batch[missing++] = batch[i];
  }
  batch.resize(missing);
  return batch;
}

}  // namespace

PinDag::PinDag(Parts parts)
    : parts_(std::move(parts)),
      hold_(std::allocate_shared<WriteHold>(AccountAllocator<WriteHold>(parts_.memory), parts_.store)) {}

Task<StoreResult<void>> PinDag::touch(TaskMemory, Batch batch) {
  for (int fetches = 0; fetches < fetches_max; ++fetches) {
    AwaitedJob<StoreResult<Batch>> job(
        parts_.jobs, JobClass::write, parts_.memory,
        [hold = hold_, &store = parts_.store, batch = std::move(batch)]() mutable {
          return keep_missing(store, std::move(batch));
        });
    auto missing = co_await job;
    if (!missing) co_return std::unexpected(std::move(missing.error()));
    if (missing->empty()) co_return StoreResult<void>();
    batch = std::move(*missing);
    for (const Cid& cid : batch) {
      AwaitedBlock wait(parts_.source, cid, parts_.blocks);
      const StoreResult<ChunkChain> block = co_await wait;
      if (!block) co_return std::unexpected(block.error());
    }
  }
  co_return fail(StoreErrorCode::not_found,
                 batch.front().to_string() + " was removed while it was being pinned");
}

Task<StoreResult<void>> PinDag::fetch(TaskMemory memory, Cid root, PinMode mode) {
  WalkOptions options{.under_way = under_way};
  if (mode == PinMode::direct) options.depth_max = 0;
  DagWalk walk({parts_.source, parts_.jobs, parts_.blocks, parts_.memory,
                std::make_unique<SpillFile>(parts_.spill_directory), parts_.secret},
               options);
  walk.add_root(root);
  Batch batch{AccountAllocator<Cid>(parts_.memory)};
  WalkVisit visit;
  while (true) {
    const auto more = co_await walk.next(memory, visit);
    if (!more) co_return std::unexpected(more.error());
    if (*more && !visit.block) co_return std::unexpected(std::move(visit.block.error()));
    if (*more) {
      progress_ = {walk.visited(), walk.visited_bytes()};
      if (batch.capacity() == 0) batch.reserve(touched_at_a_time);
      if (!visit.cid.hash().is_identity()) batch.push_back(visit.cid);
    }
    if (batch.size() == touched_at_a_time || (!*more && !batch.empty())) {
      visit.block = ChunkChain();
      auto touched = co_await touch(memory, std::move(batch));
      if (!touched) co_return touched;
      batch = Batch{AccountAllocator<Cid>(parts_.memory)};
    }
    if (!*more) co_return StoreResult<void>();
  }
}

Task<StoreResult<void>> PinDag::pin(TaskMemory memory, Cid cid, PinMode mode, std::string name) {
  progress_ = {};
  if (auto checked = PinSet::check_name(name); !checked) co_return checked;
  auto fetched = co_await fetch(memory, cid, mode);
  if (!fetched) co_return fetched;
  AwaitedJob<StoreResult<void>> job(
      parts_.jobs, JobClass::write, parts_.memory,
      [hold = hold_, &store = parts_.store, &pins = parts_.pins, cid, mode, name = std::move(name)] {
        if (auto synced = store.sync(); !synced) return synced;
        return pins.pin(cid, mode, name);
      });
  co_return co_await job;
}

}  // namespace masu::store
