#include "store/dag_walk.hpp"

#include "alloc/check.hpp"
#include "alloc/resource.hpp"
#include "store/awaited_job.hpp"
#include "store/dag/dag_pb.hpp"
#include "store/links.hpp"
#include "store/sort/spill_stack.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

namespace masu::store {
namespace {

constexpr std::size_t scratch_bytes = 24 * 1024;  // each of two
constexpr std::size_t stack_bytes = 4 * SpillStack::record_bytes_max;
constexpr std::size_t hints = 32;
constexpr std::size_t hint_every = 16;
constexpr int taken_at_once = 64;  // on the loop thread, of what was seen before

// Calls visit(cid, name) for each link; the name is empty but for dag-pb.
template <class Visit>
StoreResult<void> for_each_named_link(Codec codec, Rope block, Visit&& visit) {
  if (codec != Codec::dag_pb) {
    return for_each_link(codec, block, [&](const Cid& cid) { return visit(cid, Rope()); });
  }
  const auto node = DagPbNode::parse(block);
  if (!node) return std::unexpected(node.error());
  DagPbLinks links = node->links();
  while (const auto link = links.next()) {
    if (!visit(link->cid, link->name)) break;
  }
  return {};
}

bool has_no_links(Codec codec) {
  return codec == Codec::raw || codec == Codec::libp2p_key || codec == Codec::json;
}

}  // namespace

// What is to be visited. As a record: flags, depth, and the CIDs and the name behind their lengths.
struct DagWalk::Entry {
  static constexpr std::size_t overhead_bytes = 1 + 4 + 1 + 1 + 2;
  static constexpr std::size_t bytes_max = overhead_bytes + 2 * Cid::bytes_max + walk_name_bytes_max;
  static_assert(bytes_max <= SpillStack::record_bytes_max);

  Cid cid;
  std::uint32_t depth = 0;
  bool root = false;
  bool again = false;
  Cid parent;
  std::string name;

  static Entry decode(Bytes record) {
    Entry entry;
    std::array<std::uint8_t, overhead_bytes> head;
    std::copy_n(record.begin(), head.size(), head.begin());
    entry.root = head[0] != 0;
    std::memcpy(&entry.depth, &head[1], 4);
    std::uint16_t name_bytes = 0;
    std::memcpy(&name_bytes, &head[7], 2);
    record = record.subspan(head.size());
    entry.cid = *Cid::decode(record.first(head[5]));
    record = record.subspan(head[5]);
    if (head[6] > 0) entry.parent = *Cid::decode(record.first(head[6]));
    entry.name = as_text(record.subspan(head[6], name_bytes));
    return entry;
  }
  static Cid cid_in(Bytes record) { return *Cid::decode(record.subspan(overhead_bytes, record[5])); }
};

// What a job may go on with when the walk is gone.
struct DagWalk::State {
  State(Account& account, std::unique_ptr<SpillSpace> space, const WalkOptions& walk_options,
        const SeenSet::Secret& secret)
      : memory(account),
        options(walk_options),
        spill(std::move(space)),
        seen(
            *spill, memory, secret,
            walk_options.memory_bytes - std::min(walk_options.memory_bytes, stack_bytes + 2 * scratch_bytes)),
        stack(*spill, memory, stack_bytes),
        newer(&memory),
        older(&memory) {
    newer.reserve(scratch_bytes);
    older.reserve(scratch_bytes);
  }

  using Buffer = std::pmr::vector<std::uint8_t>;

  // The next one to visit; nothing at the end.
  StoreResult<std::optional<Entry>> take() {
    while (!stack.empty()) {
      auto entry = take_top();
      if (!entry || *entry) return entry;
    }
    return std::nullopt;
  }

  // Takes one from the stack; nothing when it need not be visited. Requires: the stack is not empty.
  StoreResult<std::optional<Entry>> take_top() {
    const auto record = stack.pop();
    if (!record) return std::unexpected(record.error());
    Entry entry = Entry::decode(*record);
    if (options.again == WalkOptions::Again::always) return entry;
    if (entry.root && !options.roots_count_as_seen) return entry;
    const bool by_depth = options.again == WalkOptions::Again::higher;
    const auto before = seen.note(entry.cid.bytes(), by_depth ? entry.depth : 0);
    if (!before) return std::unexpected(before.error());
    if (*before && (!by_depth || **before <= entry.depth)) return std::nullopt;
    entry.again = before->has_value();
    return entry;
  }

  // Whether take_top() stays off the disk.
  bool can_take_at_once() const { return stack.top_in_memory() && seen.has_room(1); }

  // Pushes the links of a block, the last one first. They come from the front, and go through two buffers
  // that keep the last of them; when there were more, those are fetched by another pass.
  StoreResult<void> expand(const Cid& cid, std::uint32_t depth, Rope block) {
    std::size_t end = std::numeric_limits<std::size_t>::max();
    while (end > 0) {
      newer.clear();
      older.clear();
      std::size_t index = 0, newer_from = 0, older_from = 0;
      bool too_long = false;
      const auto visited = for_each_named_link(cid.codec(), block, [&](const Cid& link, Rope name) {
        if (index == end) return false;
        if (!options.links) name = Rope();
        if (name.size() > walk_name_bytes_max) return too_long = true, false;
        if (newer.size() + Entry::bytes_max + 2 > scratch_bytes) {
          newer.swap(older);
          newer.clear();
          older_from = std::exchange(newer_from, index);
        }
        append_record(link, depth + 1, false, options.links ? &cid : nullptr, name);
        ++index;
        return true;
      });
      if (!visited) return visited;
      if (too_long) return fail(StoreErrorCode::refused, "a link's name is too long");
      for (Buffer* buffer : {&newer, &older}) {
        if (auto pushed = push_reversed(*buffer); !pushed) return pushed;
      }
      end = older_from;
    }
    return {};
  }

  StoreResult<void> push_root(const Cid& root) {
    newer.clear();
    append_record(root, 0, true, nullptr, Rope());
    return push_reversed(newer);
  }

  // Whether expand() of so many bytes stays off the disk, and is a matter of microseconds.
  bool can_expand_at_once(const Cid& cid, std::size_t bytes) const {
    // No codec has a link of less than four bytes.
    const std::size_t links = bytes / 4 + 1;
    const std::size_t each = Entry::overhead_bytes + (options.links ? cid.bytes().size() : 0);
    return stack.has_room(bytes + links * each, links);
  }

  AccountResource memory;
  const WalkOptions options;
  std::unique_ptr<SpillSpace> spill;
  SeenSet seen;
  SpillStack stack;
  Buffer newer, older;

 private:
  void append_record(const Cid& cid, std::uint32_t depth, bool root, const Cid* parent, Rope name) {
    std::array<std::uint8_t, Entry::overhead_bytes> head{};
    head[0] = root ? 1 : 0;
    std::memcpy(&head[1], &depth, 4);
    head[5] = static_cast<std::uint8_t>(cid.bytes().size());
    head[6] = static_cast<std::uint8_t>(parent != nullptr ? parent->bytes().size() : 0);
    const auto name_bytes = static_cast<std::uint16_t>(name.size());
    std::memcpy(&head[7], &name_bytes, 2);
    const std::size_t begin = newer.size();
    const auto put = [&](Bytes bytes) { newer.insert(newer.end(), bytes.begin(), bytes.end()); };
    put(head);
    put(cid.bytes());
    if (parent != nullptr) put(parent->bytes());
    append(newer, name);
    const auto bytes = static_cast<std::uint16_t>(newer.size() - begin);
    put({reinterpret_cast<const std::uint8_t*>(&bytes), sizeof(bytes)});
  }

  StoreResult<void> push_reversed(const Buffer& buffer) {
    for (std::size_t end = buffer.size(); end > 0;) {
      std::uint16_t bytes = 0;
      std::memcpy(&bytes, buffer.data() + end - sizeof(bytes), sizeof(bytes));
      end -= sizeof(bytes) + bytes;
      if (auto pushed = stack.push(Bytes(buffer).subspan(end, bytes)); !pushed) return pushed;
    }
    return {};
  }
};

class DagWalk::Fetch final : public BlockRequest, public IntrusiveListNode<DagWalk::Fetch> {
 public:
  explicit Fetch(DagWalk& walk) : walk_(walk) {}
  void on_block(StoreResult<ChunkChain> arrived) override {
    block = std::move(arrived);
    walk_.on_arrival(*this);
  }
  Entry entry;
  StoreResult<ChunkChain> block;
  bool under_way = false;

 private:
  DagWalk& walk_;
};

DagWalk::DagWalk(Parts parts, const WalkOptions& options)
    : source_(parts.source),
      jobs_(parts.jobs),
      blocks_(parts.blocks),
      memory_(parts.memory),
      options_(options),
      state_(std::allocate_shared<State>(AccountAllocator<State>(parts.memory), parts.memory,
                                         std::move(parts.spill), options, parts.secret)),
      fetches_(&state_->memory),
      under_way_max_(std::max<std::size_t>(options.under_way, 1)) {
  for (std::size_t i = 0; i < under_way_max_; ++i) free_.push_back(fetches_.emplace_back(*this));
}

DagWalk::~DagWalk() {
  for (Fetch& fetch : fetches_) {
    if (fetch.under_way) source_.forget(fetch);
  }
}

void DagWalk::add_root(const Cid& root) {
  if (failed_) return;
  if (auto pushed = state_->push_root(root); !pushed) failed_ = std::move(pushed.error());
}

void DagWalk::ask(Fetch& fetch) {
  fetch.under_way = true;
  ++under_way_;
  source_.get(fetch.entry.cid, blocks_, fetch);
}

void DagWalk::on_arrival(Fetch& fetch) {
  fetch.under_way = false;
  --under_way_;
  // There will be memory again when others are under way, or wait to be visited, or are with the caller; and
  // so many at a time were too many.
  const bool refused = !fetch.block && fetch.block.error().code == StoreErrorCode::out_of_memory;
  if (refused && (under_way_ > 0 || !arrived_.empty() || visiting_)) {
    under_way_max_ = std::max<std::size_t>(under_way_ + arrived_.size(), 1);
    refused_.push_back(fetch);
    return;
  }
  arrived_.push_back(fetch);
  if (arrival_ != nullptr) std::exchange(arrival_, nullptr)->complete(true);
}

Task<StoreResult<bool>> DagWalk::take(TaskMemory, Entry& entry) {
  State& state = *state_;
  StoreResult<std::optional<Entry>> taken = std::nullopt;
  for (int count = 0; count < taken_at_once && taken && !*taken && state.can_take_at_once(); ++count) {
    taken = state.take_top();
  }
  if (taken && !*taken && !state.stack.empty()) {
    AwaitedJob<StoreResult<std::optional<Entry>>> job(jobs_, JobClass::read, memory_,
                                                      [state_kept = state_] { return state_kept->take(); });
    taken = co_await job;
  }
  if (!taken) co_return std::unexpected(std::move(taken.error()));
  if (!*taken) co_return false;
  entry = std::move(**taken);
  co_return true;
}

Task<StoreResult<void>> DagWalk::expand(TaskMemory, Fetch& fetch) {
  const Cid cid = fetch.entry.cid;
  const std::uint32_t depth = fetch.entry.depth;
  if (!fetch.block || has_no_links(cid.codec()) || depth == options_.depth_max) co_return StoreResult<void>();
  if (cid.codec() == Codec::dag_pb && is_dag_pb_leaf(Rope(*fetch.block))) co_return StoreResult<void>();
  if (state_->can_expand_at_once(cid, fetch.block->size())) {
    co_return state_->expand(cid, depth, Rope(*fetch.block));
  }
  struct Expanded {
    StoreResult<void> outcome;
    ChunkChain block;
  };
  AwaitedJob<Expanded> job(jobs_, JobClass::read, memory_,
                           [state_kept = state_, cid, depth, block = std::move(*fetch.block)]() mutable {
                             StoreResult<void> outcome = state_kept->expand(cid, depth, Rope(block));
                             return Expanded{std::move(outcome), std::move(block)};
                           });
  Expanded expanded = co_await job;
  fetch.block = std::move(expanded.block);
  co_return std::move(expanded.outcome);
}

// Which blocks come soon, now and then: a source over the network has them by the time they are asked for.
void DagWalk::hint() {
  if (options_.under_way > 1 || taken_since_hint_ < hint_every) return;
  taken_since_hint_ = 0;
  std::array<Cid, hints> next;
  std::size_t count = 0;
  state_->stack.peek([&](Bytes record) {
    next[count++] = Entry::cid_in(record);
    return count < next.size();
  });
  if (count > 0) source_.prefetch(std::span<const Cid>(next).first(count));
}

Task<StoreResult<void>> DagWalk::ask_for_more(TaskMemory memory) {
  while (under_way_ + arrived_.size() < under_way_max_) {
    if (Fetch* const refused = refused_.pop_front()) {
      ask(*refused);
      continue;
    }
    if (free_.empty()) break;
    Entry entry;
    auto taken = co_await take(memory, entry);
    if (!taken) co_return std::unexpected(std::move(taken.error()));
    if (!*taken) break;
    ++taken_since_hint_;
    Fetch& fetch = *free_.pop_front();
    fetch.entry = std::move(entry);
    if (options_.fetch_leaves || !has_no_links(fetch.entry.cid.codec())) {
      ask(fetch);
    } else {
      arrived_.push_back(fetch);
    }
  }
  co_return StoreResult<void>();
}

Task<StoreResult<bool>> DagWalk::next(TaskMemory memory, WalkVisit& visit) {
  visit.block = ChunkChain();  // its chunks may be what the next one needs
  visiting_ = false;
  while (true) {
    if (failed_) co_return std::unexpected(*failed_);
    auto asked = co_await ask_for_more(memory);
    if (!asked) {
      failed_ = std::move(asked.error());
      continue;
    }
    if (!arrived_.empty()) break;
    if (under_way_ == 0) co_return false;
    Completion<bool> arrival;
    struct Waiting {
      explicit Waiting(DagWalk& waiting, Completion<bool>& done) : walk(waiting) { walk.arrival_ = &done; }
      ~Waiting() { walk.arrival_ = nullptr; }
      DagWalk& walk;
    } waiting(*this, arrival);
    co_await arrival;
  }
  Fetch& fetch = *arrived_.pop_front();
  visiting_ = true;
  auto expanded = co_await expand(memory, fetch);
  ++visited_;
  if (fetch.block) visited_bytes_ += fetch.block->size();
  visit.cid = fetch.entry.cid;
  visit.depth = fetch.entry.depth;
  visit.again = fetch.entry.again;
  visit.parent = fetch.entry.parent;
  visit.link_name = std::move(fetch.entry.name);
  visit.block = std::move(fetch.block);
  fetch.block = ChunkChain();
  free_.push_back(fetch);
  if (!expanded) {
    const StoreErrorCode code = expanded.error().code;
    const bool of_block = code == StoreErrorCode::corrupt || code == StoreErrorCode::refused;
    if (of_block) {
      visit.block = std::unexpected(std::move(expanded.error()));
    } else {
      failed_ = std::move(expanded.error());
      co_return std::unexpected(*failed_);
    }
  }
  hint();
  auto asked = co_await ask_for_more(memory);
  if (!asked) failed_ = std::move(asked.error());
  co_return true;
}

}  // namespace masu::store
