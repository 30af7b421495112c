#include "store/collector.hpp"

#include "alloc/check.hpp"
#include "multiformats/digest.hpp"
#include "store/awaited_job.hpp"
#include "store/links.hpp"
#include "store/sort/record_sorter.hpp"
#include "store/sort/spill_stack.hpp"

#include <array>
#include <optional>
#include <utility>

namespace masu::store {
namespace {

constexpr std::size_t stack_bytes = 4 * SpillStack::record_bytes_max;
// A merge of runs, the stack and a page of pins take what the smallest collection has but for this.
constexpr std::size_t seen_bytes(std::size_t memory_bytes) {
  return std::max<std::size_t>((memory_bytes - Collector::memory_bytes_min) / 4, 16 * 1024);
}
// Links of one node that are put into their order at a time.
constexpr std::size_t turned_bytes(std::size_t memory_bytes) {
  return std::clamp<std::size_t>((memory_bytes - Collector::memory_bytes_min) / 32, 4 * 1024, 24 * 1024);
}
constexpr std::size_t nodes_per_step = 256;
constexpr std::size_t bytes_per_step = 1 << 20;
constexpr std::size_t keys_per_step = 2048;
constexpr int tries_without_memory = 64;

// "could not retrieve links for CID: why", as Kubo has it.
std::string no_links(const Cid& cid, const StoreError& error) {
  std::string text = "could not retrieve links for " + cid.to_string() + ": ";
  if (error.code != StoreErrorCode::not_found) return text + error.detail;
  return text + "block was not found locally (offline): ipld: could not find " + cid.to_string();
}

bool is_leaf(Codec codec) {
  return codec == Codec::raw || codec == Codec::libp2p_key || codec == Codec::json;
}

}  // namespace

struct Collection::StepResult {
  CollectStep step;
  bool ended = false;
};

// Everything that a step works on; on the worker while a step runs, on the loop otherwise.
class Collection::State {
 public:
  State(Collector& collector, std::span<const Cid> roots, const SeenSet::Secret& secret)
      : collector_(collector),
        parts_(collector.parts_),
        memory_(parts_.memory),
        roots_(roots.begin(), roots.end()),
        before_(parts_.store.held_since()),
        spill_(parts_.spill_directory),
        marks_(std::in_place, spill_, memory_),
        seen_(std::in_place, spill_, memory_, secret, seen_bytes(parts_.memory_bytes)),
        stack_(std::in_place, spill_, memory_, stack_bytes),
        turned_(&memory_) {
    turned_.reserve(turned_bytes(parts_.memory_bytes));
  }
  ~State() {
    // The next one needs the memory.
    std::pmr::vector<std::uint8_t>(&memory_).swap(turned_);
    stack_.reset();
    seen_.reset();
    marks_.reset();
    collector_.end_turn();
  }

  StepResult step() {
    StepResult result{{CollectStep::Removed{AccountAllocator<Multihash>(parts_.memory)}, 0, {}}, false};
    out_ = &result.step;
    try {
      const auto worked = work();
      if (!worked) end_with(worked.error().detail);
    } catch (const std::bad_alloc&) {
      end_with("out of memory: " + std::string(parts_.memory.name()) + " is limited to " +
               std::to_string(parts_.memory.quota_bytes()) + " bytes");
    }
    result.ended = phase_ == Phase::ended;
    return result;
  }
  void stop() { stop_ = true; }

 private:
  enum class Phase : std::uint8_t { recursive, roots, direct, sort, sweep, reclaim, ended };

  void tell(std::string error) {
    errors_ = true;
    out_->errors.push_back(std::move(error));
  }
  void end_with(std::string error) {
    tell(std::move(error));
    phase_ = Phase::ended;
  }

  StoreResult<void> work() {
    switch (phase_) {
      case Phase::recursive: return mark_pins();
      case Phase::roots: return mark_roots();
      case Phase::direct: return mark_direct();
      case Phase::sort: return sort_marks();
      case Phase::sweep: return sweep();
      case Phase::reclaim: {
        phase_ = Phase::ended;
        auto reclaimed = parts_.store.reclaim(stop_);
        if (!reclaimed) return std::unexpected(std::move(reclaimed.error()));
        return {};
      }
      case Phase::ended: return {};
    }
    return {};
  }

  // --- Marking ---

  StoreResult<void> next_page(PinMode mode, Phase then) {
    PinSet::Page page{AccountAllocator<Pin>(parts_.memory)};
    if (auto listed = parts_.pins.list(mode, last_pin_ ? &*last_pin_ : nullptr, page); !listed) return listed;
    if (page.empty()) {
      last_pin_.reset();
      phase_ = then;
      return {};
    }
    last_pin_ = page.back().cid;
    for (auto pin = page.rbegin(); pin != page.rend(); ++pin) {
      if (mode == PinMode::direct) {
        mark(pin->cid);
      } else if (auto pushed = stack_->push(pin->cid.bytes()); !pushed) {
        return pushed;
      }
    }
    return spill_marks();
  }

  StoreResult<void> mark_pins() {
    if (stack_->empty()) {
      if (auto listed = next_page(PinMode::recursive, Phase::roots); !listed) return listed;
    }
    return walk(false);
  }

  StoreResult<void> mark_roots() {
    if (!roots_pushed_) {
      roots_pushed_ = true;
      for (const Cid& root : roots_) {
        if (auto pushed = stack_->push(root.bytes()); !pushed) return pushed;
      }
    }
    if (stack_->empty()) phase_ = Phase::direct;
    return walk(true);
  }

  StoreResult<void> mark_direct() { return next_page(PinMode::direct, Phase::sort); }

  void mark(const Cid& cid) {
    const Multihash hash = cid.hash();
    if (!hash.is_identity()) marks_->add(hash.bytes(), {});
  }

  StoreResult<void> spill_marks() {
    if (marks_->gathered_bytes() <= parts_.memory_bytes / 3) return {};
    return marks_->spill();
  }

  // Nodes from the stack, until the step is full.
  StoreResult<void> walk(bool best_effort) {
    std::size_t nodes = 0, bytes = 0;
    while (!stack_->empty() && nodes < nodes_per_step && bytes < bytes_per_step &&
           out_->errors.size() < CollectStep::errors_max) {
      if (stop_) return fail(StoreErrorCode::stopped, "the collection was stopped");
      const auto record = stack_->pop();
      if (!record) return std::unexpected(record.error());
      const Cid cid = *Cid::decode(*record);
      const auto known = seen_->note(cid.to_v1().bytes());
      if (!known) return std::unexpected(known.error());
      if (*known && !again_) continue;
      ++nodes;
      auto expanded = expand(cid);
      again_ = !expanded && expanded.error().code == StoreErrorCode::out_of_memory &&
               ++refusals_ < tries_without_memory;
      if (again_) return stack_->push(cid.bytes());  // others give chunks back meanwhile
      if (expanded) {
        bytes += *expanded;
        refusals_ = 0;
      } else if (spill_failed_) {
        return std::unexpected(std::move(expanded.error()));
      } else if (!best_effort || expanded.error().code != StoreErrorCode::not_found) {
        tell(no_links(cid, expanded.error()));
      }
      if (auto spilled = spill_marks(); !spilled) return spilled;
    }
    return {};
  }

  // Marks a node and the leaves it links to, and pushes the other links. The bytes of its block.
  StoreResult<std::size_t> expand(const Cid& cid) {
    spill_failed_ = false;
    const Multihash hash = cid.hash();
    if (const auto allowed = check_allowed(hash); !allowed) {
      return fail(StoreErrorCode::refused, explain(allowed.error(), hash));
    }
    mark(cid);
    if (is_leaf(cid.codec())) return 0;
    StoreResult<ChunkChain> block{ChunkChain()};
    if (!hash.is_identity()) block = parts_.store.get(hash, parts_.chunks, parts_.blocks);
    if (!block) return std::unexpected(std::move(block.error()));
    const Rope bytes = hash.is_identity() ? Rope(hash.digest()) : Rope(*block);
    StoreResult<void> pushed;
    auto visited = for_each_link(cid.codec(), bytes, [&](const Cid& link) {
      if (is_leaf(link.codec())) {
        mark(link);
        if (marks_->gathered_bytes() > parts_.memory_bytes / 3) pushed = marks_->spill();
      } else {
        pushed = push_in_turn(link.bytes());
      }
      return pushed.has_value();
    });
    if (pushed) pushed = push_turned();
    turned_.clear();
    if (!pushed) {
      spill_failed_ = true;
      return std::unexpected(std::move(pushed.error()));
    }
    if (!visited) return std::unexpected(std::move(visited.error()));
    return bytes.size();
  }

  // Links come from the front and are pushed from the back, so that the first one is on top; those of a node
  // with very many links so many at a time.
  StoreResult<void> push_in_turn(Bytes cid) {
    if (turned_.size() + cid.size() + 1 > turned_.capacity()) {
      if (auto pushed = push_turned(); !pushed) return pushed;
    }
    turned_.insert(turned_.end(), cid.begin(), cid.end());
    turned_.push_back(static_cast<std::uint8_t>(cid.size()));
    return {};
  }

  StoreResult<void> push_turned() {
    while (!turned_.empty()) {
      const std::size_t bytes = turned_.back();
      const Bytes cid = Bytes(turned_).subspan(turned_.size() - 1 - bytes, bytes);
      if (auto pushed = stack_->push(cid); !pushed) return pushed;
      turned_.resize(turned_.size() - 1 - bytes);
    }
    return {};
  }

  // --- Sweeping ---

  StoreResult<void> sort_marks() {
    if (errors_) {
      end_with("garbage collection aborted: could not retrieve some links");
      return {};
    }
    stack_.reset();
    seen_.reset();
    if (auto reading = marks_->start_reading(); !reading) return reading;
    phase_ = Phase::sweep;
    return next_mark();
  }

  StoreResult<void> next_mark() {
    auto record = marks_->next();
    if (!record) return std::unexpected(std::move(record.error()));
    mark_ = *record ? std::optional((*record)->key) : std::nullopt;
    return {};
  }

  StoreResult<bool> is_marked(Bytes hash) {
    while (mark_ && as_text(*mark_) < as_text(hash)) {
      if (auto moved = next_mark(); !moved) return std::unexpected(std::move(moved.error()));
    }
    return mark_ && equal(*mark_, hash);
  }

  // A page of the store's keys: those without a mark go.
  StoreResult<void> sweep() {
    if (stop_) return fail(StoreErrorCode::stopped, "the collection was stopped");
    CollectStep::Removed dead{AccountAllocator<Multihash>(parts_.memory)};
    std::vector<std::uint32_t, AccountAllocator<std::uint32_t>> sizes{
        AccountAllocator<std::uint32_t>(parts_.memory)};
    dead.reserve(CollectStep::removed_max);
    sizes.reserve(CollectStep::removed_max);
    {
      auto cursor = parts_.store.open_keys(last_key_ ? &*last_key_ : nullptr);
      if (!cursor) return std::unexpected(std::move(cursor.error()));
      for (std::size_t keys = 0; keys < keys_per_step && dead.size() < CollectStep::removed_max; ++keys) {
        const auto more = (*cursor)->next();
        if (!more) return std::unexpected(more.error());
        if (!*more) {
          phase_ = Phase::reclaim;
          break;
        }
        const StoredKey& key = (*cursor)->key();
        last_key_ = key.hash;
        const auto marked = is_marked(key.hash.bytes());
        if (!marked) return std::unexpected(marked.error());
        if (*marked || key.sequence >= before_) continue;
        dead.push_back(key.hash);
        sizes.push_back(key.bytes);
      }
    }
    return remove(std::move(dead), sizes);
  }

  template <class Sizes>
  StoreResult<void> remove(CollectStep::Removed dead, const Sizes& sizes) {
    if (dead.empty()) return {};
    std::array<bool, CollectStep::removed_max> removed{};
    const auto outcome = parts_.store.remove_unwritten(dead, before_, std::span(removed).first(dead.size()));
    std::size_t kept = 0;
    for (std::size_t i = 0; i < dead.size(); ++i) {
      if (!removed[i]) continue;
      dead[kept++] = dead[i];
      out_->removed_bytes += sizes[i];
    }
    if (!outcome) {
      tell("could not remove " + Cid::v1(Codec::raw, dead[kept < dead.size() ? kept : 0]).to_string() + ": " +
           outcome.error().detail);
      end_with("garbage collection incomplete: could not delete some blocks");
    }
    dead.resize(kept);
    out_->removed = std::move(dead);
    return {};
  }

  Collector& collector_;
  const Collector::Parts& parts_;
  AccountResource memory_;
  const std::vector<Cid> roots_;
  const WriteSequence before_;
  std::atomic<bool> stop_{false};

  Phase phase_ = Phase::recursive;
  CollectStep* out_ = nullptr;
  bool errors_ = false;
  std::optional<Cid> last_pin_;
  bool roots_pushed_ = false;
  bool again_ = false;         // the top of the stack was refused memory
  bool spill_failed_ = false;  // and not the block
  int refusals_ = 0;

  SpillFile spill_;
  std::optional<RecordSorter> marks_;
  std::optional<SeenSet> seen_;  // inner nodes
  std::optional<SpillStack> stack_;
  std::pmr::vector<std::uint8_t> turned_;
  std::optional<Bytes> mark_;  // the least that is not below last_key_
  std::optional<Multihash> last_key_;
};

Collector::Collector(Parts parts) : parts_(std::move(parts)) {
  MASU_CHECK(parts_.memory_bytes >= memory_bytes_min,
             "a collection has the least memory that it can work with");
}

Collector::~Collector() {
  MASU_CHECK(!running_ && waiting_.empty(), "collections end before their collector");
}

void Collector::end_turn() noexcept {
  running_ = false;
  Collection* const next = waiting_.pop_front();
  if (next == nullptr) return;
  running_ = true;
  std::exchange(next->turn_, nullptr)->complete(true);
}

Collection::Collection(Collector& collector, std::span<const Cid> roots, const SeenSet::Secret& secret)
    : collector_(collector), roots_(roots.begin(), roots.end()), secret_(secret) {}

Collection::~Collection() {
  if (state_) state_->stop();
}

Task<void> Collection::begin(TaskMemory) {
  if (collector_.running_) {
    Completion<bool> turn;
    turn_ = &turn;
    collector_.waiting_.push_back(*this);
    struct Waiting {
      explicit Waiting(Collection& waiting) : collection(waiting) {}
      ~Waiting() {
        collection.unlink();
        collection.turn_ = nullptr;
      }
      Collection& collection;
    } waiting(*this);
    co_await turn;
  }
  collector_.running_ = true;
  try {
    state_ = std::allocate_shared<State>(AccountAllocator<State>(collector_.parts_.memory), collector_,
                                         std::span<const Cid>(roots_), secret_);
  } catch (const std::bad_alloc&) {
    collector_.end_turn();
    throw;
  }
}

Task<bool> Collection::next(TaskMemory memory, CollectStep& step) {
  step.removed.clear();
  step.errors.clear();
  if (!state_ && !ended_) co_await begin(memory);
  while (!ended_) {
    AwaitedJob<StepResult> job(collector_.parts_.jobs, JobClass::long_, collector_.parts_.memory,
                               [state = state_] { return state->step(); });
    StepResult result = co_await job;
    if (result.ended) {
      ended_ = true;
      state_.reset();
    }
    step = std::move(result.step);
    failed_ = failed_ || !step.errors.empty();
    if (!step.removed.empty() || !step.errors.empty()) co_return true;
  }
  co_return false;
}

}  // namespace masu::store
