#include "unixfs/read/file_reader.hpp"

#include "alloc/check.hpp"

#include <algorithm>

namespace masu::unixfs {
namespace {

// Blocks without a byte of the file, one behind the other: only in DAGs without block sizes.
constexpr std::uint64_t barren_blocks_max = 20'000;
constexpr unsigned metadata_nodes_max = 8;
constexpr std::size_t hint_batch = 16;

auto hostile(std::string text) { return fail(ErrorCode::hostile, "unixfs: " + std::move(text)); }

// What a node that is no leaf of the file says of its size; nothing when it does not say it.
Result<std::optional<std::uint64_t>> inner_size(const LoadedNode& node) {
  const Node& file = *node.unixfs();
  if (file.block_size_count == 0) return std::nullopt;
  if (file.block_size_count != node.dag_pb().link_count) {
    return hostile(std::to_string(node.dag_pb().link_count) + " links and " +
                   std::to_string(file.block_size_count) + " block sizes in " + node.cid().to_string());
  }
  const auto size = file.file_size();
  if (!size) return std::unexpected(size.error());
  return *size;
}

Result<> check_file_type(const LoadedNode& node) {
  if (node.kind() == LoadedNode::Kind::raw) return {};
  if (node.kind() != LoadedNode::Kind::dag_pb) return fail(ErrorCode::unsupported, "unknown node type");
  if (!node.unixfs()) return std::unexpected(node.unixfs().error());
  switch (node.unixfs()->type) {
    case NodeType::file:
    case NodeType::raw: return {};
    case NodeType::directory:
    case NodeType::hamt_shard: return fail(ErrorCode::is_directory, "this dag node is a directory");
    case NodeType::symlink: return fail(ErrorCode::not_file, "cannot currently read symlinks");
    case NodeType::metadata: break;
  }
  return fail(ErrorCode::malformed, "unrecognized node type");
}

Rope data_of(const LoadedNode& node) {
  return node.kind() == LoadedNode::Kind::raw ? node.block() : node.unixfs()->data;
}

bool has_links(const LoadedNode& node) {
  return node.kind() == LoadedNode::Kind::dag_pb && node.dag_pb().link_count > 0;
}

}  // namespace

std::uint64_t FileReader::Child::weight() const {
  const bool inner = cid.codec() != Codec::raw && claimed_bytes && *claimed_bytes > store::block_bytes_max;
  return claimed_bytes && !inner ? std::min(*claimed_bytes, window_bytes) : window_bytes;
}

FileReader::Children::Children(const LoadedNode& node)
    : links_(node.dag_pb().links()),
      sizes_(node.unixfs()->block_sizes()),
      has_sizes_(node.unixfs()->block_size_count > 0) {}

std::optional<FileReader::Child> FileReader::Children::next() {
  const auto link = links_.next();
  if (!link) return std::nullopt;
  Child child{.cid = link->cid, .claimed_bytes = std::nullopt, .index = used_++};
  if (has_sizes_) child.claimed_bytes = sizes_.next();
  return child;
}

void FileReader::Children::skip_to(std::uint64_t index) {
  for (; used_ < index && links_.skip(); ++used_) {
    if (has_sizes_) static_cast<void>(sizes_.next());
  }
}

FileReader::FileReader(const ReadContext& context, std::pmr::memory_resource& path_memory)
    : context_(context), levels_(&path_memory) {}

FileReader::~FileReader() { drop_slots(); }

Task<Result<>> FileReader::open(TaskMemory memory, LoadedNode& root) {
  const auto is_metadata = [&root] {
    return root.kind() == LoadedNode::Kind::dag_pb && root.unixfs() &&
           root.unixfs()->type == NodeType::metadata;
  };
  for (unsigned nodes = 0; is_metadata(); ++nodes) {
    const auto link = root.dag_pb().links().next();
    if (!link || nodes == metadata_nodes_max) {
      co_return fail(ErrorCode::malformed, "incorrectly formatted metadata object");
    }
    const Cid child = link->cid;
    auto loaded = co_await root.load(memory, context_, child);
    if (!loaded) co_return loaded;
    if (root.kind() != LoadedNode::Kind::dag_pb) {
      co_return fail(ErrorCode::malformed, "expected protobuf dag node");
    }
  }
  co_return begin(root);
}

Result<> FileReader::begin(LoadedNode& root) {
  const bool symlink =
      root.kind() == LoadedNode::Kind::dag_pb && root.unixfs() && root.unixfs()->type == NodeType::symlink;
  if (!symlink) {
    if (auto file = check_file_type(root); !file) return file;
  }
  if (root.kind() == LoadedNode::Kind::dag_pb) metadata_ = root.unixfs()->metadata;
  if (symlink || !has_links(root)) {
    const Cid cid = root.cid();
    if (auto taken = leaf_.take(cid, root.release()); !taken) return taken;
    lone_leaf_ = true;
    size_ = data_of(leaf_).size();
    return {};
  }
  const auto size = inner_size(root);
  if (!size) return std::unexpected(size.error());
  seekable_ = size->has_value();
  size_ = *size ? **size : root.unixfs()->filesize.value_or(0);
  const Cid cid = root.cid();
  return enter_node(cid, root.release());
}

Result<> FileReader::set_range(std::uint64_t offset, std::uint64_t bytes) {
  if (offset > 0 && !seekable_) return fail(ErrorCode::unsupported, "file does not support seeking");
  skip_ = offset;
  left_ = bytes;
  return {};
}

Task<Result<ChunkChain>> FileReader::next(TaskMemory memory) {
  while (left_ > 0) {
    if (context_.stop.stopped()) co_return fail(ErrorCode::stopped, "context canceled");
    Result<ChunkChain> chain;
    if (lone_leaf_) {
      lone_leaf_ = false;
      chain = take_leaf(std::nullopt, skip_);
    } else if (data_pending_) {
      chain = co_await take_inner_data(memory);
    } else {
      fill_slots();
      if (slots_used_ > 0) {
        chain = co_await take_first_slot(memory);
      } else {
        if (levels_.size() <= 1) break;
        auto parent = co_await return_to_parent(memory);
        if (!parent) co_return std::unexpected(std::move(parent.error()));
      }
    }
    if (!chain || !chain->empty()) co_return chain;
    if (++barren_blocks_ > barren_blocks_max) co_return hostile("too many blocks without content");
  }
  drop_slots();
  co_return ChunkChain();
}

// --- Levels ---

Result<> FileReader::enter_node(const Cid& cid, ChunkChain block) {
  if (levels_.size() == levels_max) {
    return hostile("a file of more than " + std::to_string(levels_max) + " levels");
  }
  if (auto taken = node_.take(cid, std::move(block)); !taken) return taken;
  levels_.push_back({.cid = cid});
  data_pending_ = !node_.unixfs()->data.empty();
  read_children_from(0);
  return {};
}

Task<Result<>> FileReader::return_to_parent(TaskMemory memory) {
  levels_.pop_back();
  const Level level = levels_.back();
  auto loaded = co_await node_.load(memory, context_, level.cid);
  if (!loaded) co_return loaded;
  read_children_from(level.links_used);
  co_return Result<>();
}

void FileReader::read_children_from(std::uint64_t index) {
  candidate_.reset();
  children_ = Children(node_);
  children_.skip_to(index);
  ahead_ = children_;
  ahead_.skip_to(levels_.back().links_hinted);
  ahead_bytes_ = 0;
}

Task<Result<ChunkChain>> FileReader::take_inner_data(TaskMemory memory) {
  data_pending_ = false;
  Rope data = node_.unixfs()->data;
  if (data.size() <= skip_) {
    skip_ -= data.size();
    co_return ChunkChain();
  }
  data.skip(static_cast<std::size_t>(skip_));
  skip_ = 0;
  if (data.size() > left_) data.shorten(static_cast<std::size_t>(left_));
  ChunkChain chain = count(node_.release(data));
  if (left_ > 0) {
    // The views went with the chain; the links are read from the block again.
    auto loaded = co_await node_.load(memory, context_, levels_.back().cid);
    if (!loaded) co_return std::unexpected(std::move(loaded.error()));
    read_children_from(0);
  }
  co_return chain;
}

// --- Slots ---

void FileReader::fill_slots() {
  while (slots_used_ < slots_limit_ && left_ > planned_bytes_) {
    if (!candidate_) {
      candidate_ = children_.next();
      if (!candidate_) break;
      if (candidate_->index < ahead_.used()) {
        ahead_bytes_ -= std::min(ahead_bytes_, candidate_->claimed_bytes.value_or(0));
      }
    }
    const auto claimed = candidate_->claimed_bytes;
    if (claimed && *claimed <= skip_) {
      skip_ -= *claimed;
      candidate_.reset();
      continue;
    }
    if (slots_used_ > 0 && weight_ + candidate_->weight() > window_bytes) break;
    start(*candidate_);
    candidate_.reset();
  }
  hint();
}

void FileReader::start(const Child& child) {
  Slot& slot = slots_[(first_slot_ + slots_used_) % gets_max];
  slot.child = child;
  slot.skip = std::exchange(skip_, 0);
  const std::uint64_t room = left_ - planned_bytes_;
  slot.planned_bytes = child.claimed_bytes ? std::min(*child.claimed_bytes - slot.skip, room) : room;
  planned_bytes_ += slot.planned_bytes;
  weight_ += child.weight();
  ++slots_used_;
  slot.block.emplace(context_.source, child.cid, context_.holder);
}

void FileReader::drop_slots() {
  for (Slot& slot : slots_) slot.block.reset();
  slots_used_ = 0;
  planned_bytes_ = 0;
  weight_ = 0;
}

void FileReader::hint() {
  if (levels_.empty() || ahead_.used() > children_.used() + ahead_max / 2) return;
  if (ahead_.used() < children_.used()) {
    ahead_ = children_;
    ahead_bytes_ = 0;
  }
  std::array<Cid, hint_batch> cids;
  std::size_t count = 0;
  const std::uint64_t wanted = left_ - planned_bytes_;
  while (count < cids.size() && ahead_bytes_ < wanted) {
    const auto child = ahead_.next();
    if (!child) break;
    if (child->claimed_bytes == 0) continue;
    cids[count++] = child->cid;
    ahead_bytes_ += std::min(child->claimed_bytes.value_or(window_bytes), whole - ahead_bytes_);
  }
  levels_.back().links_hinted = ahead_.used();
  if (count > 0) context_.source.prefetch(std::span(cids).first(count));
}

Task<Result<ChunkChain>> FileReader::take_first_slot(TaskMemory) {
  Slot& slot = slots_[first_slot_];
  store::StoreResult<ChunkChain> block = co_await *slot.block;
  slot.block.reset();
  const Child child = slot.child;
  const std::uint64_t skip = slot.skip;
  first_slot_ = (first_slot_ + 1) % gets_max;
  --slots_used_;
  planned_bytes_ -= slot.planned_bytes;
  weight_ -= child.weight();
  if (!block) {
    if (block.error().code != store::StoreErrorCode::out_of_memory || slots_limit_ == 1) {
      co_return std::unexpected(block_error(child.cid, block.error()));
    }
    // Go on with one at a time, from this one.
    slots_limit_ = 1;
    drop_slots();
    read_children_from(child.index);
    skip_ = skip;
    co_return ChunkChain();
  }
  if (auto taken = leaf_.take(child.cid, std::move(*block)); !taken) {
    co_return std::unexpected(std::move(taken.error()));
  }
  if (auto file = check_file_type(leaf_); !file) co_return std::unexpected(std::move(file.error()));
  if (!has_links(leaf_)) co_return take_leaf(child.claimed_bytes, skip);
  if (auto entered = enter_child(child, skip); !entered)
    co_return std::unexpected(std::move(entered.error()));
  co_return ChunkChain();
}

Result<> FileReader::enter_child(const Child& child, std::uint64_t skip) {
  const auto size = inner_size(leaf_);
  if (!size) return std::unexpected(size.error());
  if (child.claimed_bytes && *size != child.claimed_bytes) {
    return hostile("a child is not as long as its parent says: " + child.cid.to_string());
  }
  drop_slots();
  levels_.back().links_used = child.index + 1;
  skip_ = skip;
  return enter_node(child.cid, leaf_.release());
}

Result<ChunkChain> FileReader::take_leaf(std::optional<std::uint64_t> claimed_bytes, std::uint64_t skip) {
  Rope data = data_of(leaf_);
  const bool lies = leaf_.kind() == LoadedNode::Kind::dag_pb && leaf_.unixfs()->type != NodeType::symlink &&
                    leaf_.unixfs()->filesize.value_or(data.size()) != data.size();
  if (lies || claimed_bytes.value_or(data.size()) != data.size()) {
    return hostile("a block is not as long as it is said to be: " + leaf_.cid().to_string());
  }
  data.skip(static_cast<std::size_t>(std::min<std::uint64_t>(skip, data.size())));
  if (data.size() > left_) data.shorten(static_cast<std::size_t>(left_));
  return count(leaf_.release(data));
}

ChunkChain FileReader::count(ChunkChain chain) {
  left_ -= chain.size();
  if (!chain.empty()) barren_blocks_ = 0;
  return chain;
}

}  // namespace masu::unixfs
