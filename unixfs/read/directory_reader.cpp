#include "unixfs/read/directory_reader.hpp"

#include <array>

namespace masu::unixfs {
namespace {

constexpr std::size_t hint_batch = 16;

auto hostile(std::string text) { return fail(ErrorCode::hostile, "unixfs: " + std::move(text)); }

}  // namespace

DirectoryReader::DirectoryReader(const ReadContext& context, std::pmr::memory_resource& memory, Hint hint)
    : context_(context), hint_(hint), levels_(&memory) {}

Result<> DirectoryReader::open(LoadedNode& root) {
  if (root.kind() != LoadedNode::Kind::dag_pb)
    return fail(ErrorCode::not_directory, "this dag node is not a directory");
  if (!root.unixfs()) return std::unexpected(root.unixfs().error());
  if (!root.unixfs()->is_directory())
    return fail(ErrorCode::not_directory, "this dag node is not a directory");
  metadata_ = root.unixfs()->metadata;
  const bool sharded = root.unixfs()->type == NodeType::hamt_shard;
  const Cid cid = root.cid();
  if (auto taken = node_.take(cid, root.release()); !taken) return taken;
  if (sharded) {
    fanout_ = static_cast<std::uint32_t>(node_.unixfs()->fanout);
    const auto shard = HamtShard::read(node_);
    if (!shard) return std::unexpected(shard.error());
  }
  levels_.push_back({.cid = cid});
  return read_node();
}

// Goes to the place in node_ that its level remembers.
Result<> DirectoryReader::read_node() {
  const Level& level = levels_.back();
  shard_.reset();
  if (fanout_ != 0) {
    const auto shard = HamtShard::read(node_);
    if (!shard) return std::unexpected(shard.error());
    if (shard->shape().fanout() != fanout_) return hostile("shards of different fanouts in one directory");
    if (levels_.size() > shard->shape().levels_max())
      return fail(ErrorCode::hostile, "sharded directory too deep");
    shard_ = *shard;
  }
  links_ = node_.dag_pb().links();
  for (std::uint64_t i = 0; i < level.links_used; ++i) static_cast<void>(links_.skip());
  ahead_ = links_;
  for (std::uint64_t i = level.links_used; i < level.links_hinted; ++i) static_cast<void>(ahead_.skip());
  return {};
}

Task<Result<>> DirectoryReader::reload(TaskMemory memory) {
  auto loaded = co_await node_.load(memory, context_, levels_.back().cid);
  if (!loaded) co_return loaded;
  co_return read_node();
}

Task<Result<bool>> DirectoryReader::next(TaskMemory memory, DirectoryEntry& entry) {
  while (!levels_.empty()) {
    if (context_.stop.stopped()) co_return fail(ErrorCode::stopped, "context canceled");
    if (node_.kind() == LoadedNode::Kind::nothing) {
      auto loaded = co_await reload(memory);
      if (!loaded) co_return std::unexpected(std::move(loaded.error()));
    }
    hint();
    Level& level = levels_.back();
    const auto link = links_.next();
    if (!link) {
      levels_.pop_back();
      node_.clear();
      continue;
    }
    if (!shard_) {
      ++level.links_used;
      co_return take_entry(*link, link->name, entry);
    }
    // Behind the slots before it there is one for each link: HamtShard has counted them.
    level.slot = *shard_->next_slot(level.links_used == 0 ? 0 : level.slot + 1);
    ++level.links_used;
    const auto name = shard_->entry_name(link->name, level.slot);
    if (!name) co_return hostile("a link of a shard is not named by its place");
    if (!name->empty()) {
      auto placed = check_place(*name);
      if (!placed) co_return std::unexpected(std::move(placed.error()));
      co_return take_entry(*link, *name, entry);
    }
    const Cid below = link->cid;
    auto entered = co_await enter_shard(memory, below);
    if (!entered) co_return entered;
  }
  co_return false;
}

Task<Result<bool>> DirectoryReader::enter_shard(TaskMemory memory, Cid cid) {
  auto loaded = co_await node_.load(memory, context_, cid);
  if (!loaded) co_return std::unexpected(std::move(loaded.error()));
  levels_.push_back({.cid = cid});
  auto read = read_node();
  if (!read) co_return std::unexpected(std::move(read.error()));
  if (node_.dag_pb().link_count == 0) co_return hostile("an empty shard in a directory");
  co_return true;
}

Result<> DirectoryReader::check_place(Rope name) const {
  const std::uint64_t hash = hamt_hash(name);
  for (unsigned i = 0; i < levels_.size(); ++i) {
    if (shard_->shape().index(hash, i) != levels_[i].slot) {
      return hostile("an entry is not in the shard that its name belongs to");
    }
  }
  return {};
}

Result<bool> DirectoryReader::take_entry(const DagPbLink& link, Rope name, DirectoryEntry& entry) const {
  if (name.size() > link_name_bytes_max) {
    return fail(ErrorCode::limit, "unixfs: a name of " + std::to_string(name.size()) + " bytes, at most " +
                                      std::to_string(link_name_bytes_max) + " are read");
  }
  entry.name.clear();
  append(entry.name, name);
  entry.cid = link.cid;
  entry.tsize = link.tsize.value_or(0);
  return true;
}

void DirectoryReader::hint() {
  Level& level = levels_.back();
  if (hint_ == Hint::shards && !shard_) return;
  if (level.links_hinted < level.links_used) {
    level.links_hinted = level.links_used;
    ahead_ = links_;
  }
  if (level.links_hinted > level.links_used + ahead_max / 2) return;
  std::array<Cid, hint_batch> cids;
  std::size_t count = 0;
  for (std::size_t i = 0; i < cids.size(); ++i) {
    const auto link = ahead_.next();
    if (!link) break;
    ++level.links_hinted;
    const bool below = shard_ && link->name.size() == shard_->shape().prefix_digits();
    if (below || hint_ == Hint::shards_and_entries) cids[count++] = link->cid;
  }
  if (count > 0) context_.source.prefetch(std::span(cids).first(count));
}

}  // namespace masu::unixfs
