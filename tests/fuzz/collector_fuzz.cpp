// DAGs, pins and collections in any order, with blocks that come, go, are no nodes or are never there: what a
// pin keeps is never removed, nothing is removed when something of a pin cannot be read, all else goes, and
// all memory comes back.
#include "store/collector.hpp"
#include "store/memory_store.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/store/dag_builder.hpp"
#include "tests/store/sim_jobs.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace masu;
using namespace masu::store;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr SeenSet::Secret secret = {1, 2, 3};

Task<> collect_all(TaskMemory memory, Account& account, Collection& collection, std::set<Multihash>& removed,
                   bool& ended) {
  CollectStep step{CollectStep::Removed{AccountAllocator<Multihash>(account)}, 0, {}};
  while (co_await collection.next(memory, step)) {
    require(step.removed.size() <= CollectStep::removed_max);
    removed.insert(step.removed.begin(), step.removed.end());
  }
  ended = true;
}

class World : public TaskListener {
 public:
  virtual ~World() = default;
  void on_task_done(TaskOutcome outcome) noexcept override { require(outcome == TaskOutcome::done); }

  void step(FuzzInput& input) {
    const std::uint8_t what = input.byte();
    switch (what % 8) {
      case 0:
      case 1:
      case 2: return add(what / 8, input);
      case 3: return pin(input.byte(), what / 8 % 2 == 0 ? PinMode::recursive : PinMode::direct);
      case 4:
        if (const Cid* cid = node(input.byte())) {
          const bool unpinned = pins_.unpin(*cid, true).has_value();
          require(unpinned == (pinned_.erase(*cid) > 0));
        }
        return;
      case 5:
        // Somebody loses a block.
        if (const Cid* cid = node(input.byte())) require(store_.remove(cid->hash()).has_value());
        return;
      case 6:
        if (what / 8 % 4 == 0) jobs_.shuffle(input.byte());
        return;
      default: return collect(what, input);
    }
  }
  void end() {
    for (const auto& [cid, mode] : std::map(pinned_)) require(pins_.unpin(cid, true).has_value());
    pinned_.clear();
    FuzzInput nothing(nullptr, 0);
    collect(0, nothing);
    require(store_.usage().value().objects == 0);
  }

 private:
  const Cid* node(std::uint8_t number) const {
    return nodes_.empty() ? nullptr : &nodes_[number % nodes_.size()];
  }
  bool here(const Multihash& hash) { return store_.size(hash).value().has_value(); }

  void add(std::uint8_t how, FuzzInput& input) {
    if (nodes_.size() > 200) return;
    std::vector<test::NamedLink> links;
    for (std::size_t count = how / 4; count > 0 && !nodes_.empty(); --count)
      links.push_back({nodes_[input.byte() % nodes_.size()], ""});
    const std::string label = "n" + std::to_string(nodes_.size());
    std::string block;
    Codec codec = Codec::raw;
    switch (how % 4) {
      case 0:
        codec = Codec::dag_pb;
        block = test::pb_block(links, label);
        break;
      case 1:
        codec = Codec::dag_cbor;
        block = test::cbor_block(links, label);
        break;
      case 2:
        block = label;
        links.clear();
        break;
      default:
        codec = Codec::dag_cbor;
        block = as_text(input.take(how));
        links.clear();
    }
    const Cid cid = test::cid_of(codec, block);
    if (links_.contains(cid)) return;
    // Of bytes that are whatever they are, the store's own reading says whether they are a node.
    Node made{.links = {}, .wild = how % 4 == 3};
    for (const test::NamedLink& link : links) made.links.push_back(link.cid);
    links_[cid] = std::move(made);
    nodes_.push_back(cid);
    if (how / 16 == 0 || input.byte() % 8 != 0) require(store_.put(cid.hash(), as_bytes(block)).has_value());
  }
  void pin(std::uint8_t number, PinMode mode) {
    const Cid* cid = node(number);
    if (cid == nullptr) return;
    if (pins_.pin(*cid, mode, "")) {
      const auto now = pins_.find(*cid);
      require(now && *now);
      pinned_[*cid] = (*now)->mode;
    }
  }
  // What is kept, and whether all of it that has links can be read.
  std::set<Multihash> kept(bool& whole) {
    std::set<Multihash> hashes;
    std::set<Cid> seen;
    std::vector<Cid> stack;
    whole = true;
    for (const auto& [cid, mode] : pinned_) {
      hashes.insert(cid.hash());
      unsure_ |= mode == PinMode::direct && !here(cid.hash());
      if (mode == PinMode::recursive) stack.push_back(cid);
    }
    while (!stack.empty()) {
      const Cid cid = stack.back();
      stack.pop_back();
      if (!seen.insert(cid).second) continue;
      hashes.insert(cid.hash());
      const Node& one = links_.at(cid);
      unsure_ |= one.wild;
      whole &= here(cid.hash()) || cid.codec() == Codec::raw;
      stack.insert(stack.end(), one.links.begin(), one.links.end());
    }
    return hashes;
  }
  void collect(std::uint8_t what, FuzzInput& input) {
    unsure_ = false;
    bool whole = false;
    const std::set<Multihash> keep = kept(whole);
    std::set<Multihash> before;
    for (const Cid& cid : nodes_) {
      if (here(cid.hash())) before.insert(cid.hash());
    }
    std::set<Multihash> removed;
    bool ended = false, failed = false;
    {
      Collection collection(collector_, {}, secret);
      TaskRun run;
      run.start(collect_all(frames_, entries_, collection, removed, ended), *this);
      if (what / 8 % 8 == 7) {
        // It is left on the way.
        for (int steps = input.byte(); steps > 0 && jobs_.step(); --steps) {
        }
        if (!ended) run.cancel();
      } else {
        jobs_.run_all();
        require(ended);
      }
      failed = collection.failed();
    }
    jobs_.run_all();
    for (const Multihash& hash : before) {
      if (keep.contains(hash)) require(here(hash) && !removed.contains(hash));
      if (removed.contains(hash)) require(!here(hash));
      if (failed) require(here(hash));
      if (ended && !failed && !unsure_) require(here(hash) == keep.contains(hash));
    }
    if (ended && !unsure_) require(failed == !whole);
    require(memory_.live_bytes() == 0 && blocks_.live_bytes() == 0 && chunks_.stats().used == 0 &&
            entries_.live_bytes() == 0 && !collector_.running());
  }

  struct Node {
    std::vector<Cid> links;
    bool wild = false;
  };
  Budget budget_{"fuzz", std::size_t{64} << 20};
  Account pages_{budget_, "pages", Lifetime::block, std::size_t{8} << 20};
  Account blocks_{budget_, "blocks", Lifetime::block, std::size_t{4} << 20};
  Account memory_{budget_, "collect", Lifetime::store, Collector::memory_bytes_min};
  Account entries_{budget_, "entries", Lifetime::store, std::size_t{4} << 20};
  AccountResource frames_{entries_};
  ChunkPool chunks_{pages_, 64};
  MemoryStore store_;
  MemoryRecordStore records_;
  PinSet pins_{records_};
  test::SimJobs jobs_;
  Collector collector_{{store_, pins_, jobs_, chunks_, blocks_, memory_, Collector::memory_bytes_min,
                        std::filesystem::temp_directory_path().string()}};
  std::vector<Cid> nodes_;
  std::map<Cid, Node> links_;
  std::map<Cid, PinMode> pinned_;
  bool unsure_ = false;  // something kept is no node that the model knows
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  World world;
  for (int steps = 0; !input.empty() && steps < 300; ++steps) world.step(input);
  world.end();
  return 0;
}
