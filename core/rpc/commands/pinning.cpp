#include "core/rpc/commands/pinning.hpp"

#include "core/repo.hpp"
#include "net/random.hpp"
#include "store/awaited_job.hpp"
#include "store/disk_store.hpp"

#include <algorithm>
#include <utility>

namespace masu::core::rpc::commands {

using store::JobClass;
using store::Pin;
using store::PinMode;
using store::PinSet;
using store::StoreResult;

store::SeenSet::Secret walk_secret(Node& node) {
  store::SeenSet::Secret secret;
  node.random().fill(secret);
  return secret;
}

store::PinDag::Parts pin_parts(Node& node, store::BlockSource& source) {
  return {.source = source,
          .jobs = node.jobs(),
          .store = node.blocks(),
          .pins = node.pins(),
          .blocks = node.block_account(),
          .memory = node.import_account(),
          .spill_directory = node.repo().path(),
          .secret = walk_secret(node)};
}

std::unique_ptr<store::DagWalk> walk_pins(Node& node, store::BlockSource& source) {
  constexpr std::size_t under_way = 8;
  return std::make_unique<store::DagWalk>(
      store::DagWalk::Parts{.source = source,
                            .jobs = node.jobs(),
                            .blocks = node.block_account(),
                            .memory = node.import_account(),
                            .spill = std::make_unique<store::SpillFile>(node.repo().path()),
                            .secret = walk_secret(node)},
      store::WalkOptions{.under_way = under_way, .fetch_leaves = false});
}

Task<StoreResult<PinSet::Page>> next_pins(TaskMemory, Node& node, PinMode mode, std::optional<Cid> after) {
  Account& account = node.import_account();
  store::AwaitedJob<StoreResult<PinSet::Page>> job(
      node.jobs(), JobClass::read, account,
      [&pins = node.pins(), &account, mode, after = std::move(after)]() -> StoreResult<PinSet::Page> {
        PinSet::Page page{AccountAllocator<Pin>(account)};
        if (auto listed = pins.list(mode, after ? &*after : nullptr, page); !listed) {
          return std::unexpected(std::move(listed.error()));
        }
        return page;
      });
  co_return co_await job;
}

Task<StoreResult<std::optional<Pin>>> find_pin(TaskMemory, Node& node, Cid cid) {
  store::AwaitedJob<StoreResult<std::optional<Pin>>> job(
      node.jobs(), JobClass::read, node.import_account(),
      [&pins = node.pins(), cid] { return pins.find(cid); });
  co_return co_await job;
}

namespace {

// The CIDs that are searched, in order, with their places.
class Wanted {
 public:
  explicit Wanted(const IndirectSearch& search) {
    for (std::size_t i = 0; i < search.cids.size(); ++i) {
      if (search.wanted[i]) entries_.push_back({search.cids[i], i});
    }
    std::ranges::sort(entries_, {}, &Entry::cid);
    left_ = entries_.size();
  }
  bool empty() const { return left_ == 0; }
  void found(const Cid& cid, const Cid& via, IndirectSearch& search) {
    auto entry = std::ranges::lower_bound(entries_, cid, {}, &Entry::cid);
    for (; entry != entries_.end() && entry->cid == cid; ++entry) {
      std::optional<Cid>& place = search.pinned[entry->index].via;
      if (place) continue;
      place = via;
      --left_;
    }
  }

 private:
  struct Entry {
    Cid cid;
    std::size_t index;
  };
  std::vector<Entry> entries_;
  std::size_t left_ = 0;
};

}  // namespace

Task<StoreResult<void>> search_indirect(TaskMemory memory, Call& call, store::BlockSource& source,
                                        IndirectSearch& search) {
  Wanted wanted(search);
  const std::unique_ptr<store::DagWalk> walk = walk_pins(call.node(), source);
  std::optional<Cid> last;
  store::WalkVisit visit;
  while (!wanted.empty()) {
    const auto page = co_await next_pins(memory, call.node(), PinMode::recursive, last);
    if (!page) co_return std::unexpected(page.error());
    if (page->empty()) break;
    last = page->back().cid;
    for (const Pin& pin : *page) {
      walk->add_root(pin.cid);
      while (!wanted.empty()) {
        if (call.stopped()) co_return store::fail(store::StoreErrorCode::stopped, "context canceled");
        const auto more = co_await walk->next(memory, visit);
        if (!more) co_return std::unexpected(more.error());
        if (!*more) break;
        wanted.found(visit.cid, pin.cid, search);
        if (!visit.block) co_return std::unexpected(std::move(visit.block.error()));
      }
    }
  }
  co_return StoreResult<void>();
}

}  // namespace masu::core::rpc::commands
