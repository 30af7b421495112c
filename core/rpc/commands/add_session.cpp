#include "core/rpc/commands/add_session.hpp"

#include "alloc/check.hpp"
#include "unixfs/memory_guard.hpp"

namespace masu::core::rpc::commands {
namespace {

constexpr std::uint64_t progress_step_bytes = 256 * 1024;
constexpr std::uint32_t nanos_per_second = 1'000'000'000;

unixfs::ImportEntry::Kind kind_of(UploadEntry::Kind kind) {
  switch (kind) {
    case UploadEntry::Kind::file: return unixfs::ImportEntry::Kind::file;
    case UploadEntry::Kind::directory: return unixfs::ImportEntry::Kind::directory;
    case UploadEntry::Kind::symlink: return unixfs::ImportEntry::Kind::symlink;
  }
  return unixfs::ImportEntry::Kind::file;
}

}  // namespace

void AddBatch::begin(const UploadEntry& entry) {
  std::pmr::memory_resource* const memory = items_.get_allocator().resource();
  Item item{.path = std::pmr::string(entry.path, memory),
            .target = std::pmr::string(entry.link_target, memory)};
  item.entry_kind = kind_of(entry.kind);
  item.mode = entry.mode.value_or(0);
  if (entry.mtime_seconds) {
    item.mtime = unixfs::Timestamp{*entry.mtime_seconds + entry.mtime_nanos / nanos_per_second,
                                   entry.mtime_nanos % nanos_per_second};
  }
  items_.push_back(std::move(item));
  ++entries_;
  text_bytes_ += entry.path.size() + entry.link_target.size();
}

void AddBatch::add(ChunkChain&& bytes) {
  chunks_ += bytes.chunks();
  if (!items_.empty() && items_.back().kind == Kind::bytes) {
    items_.back().bytes.append(std::move(bytes));
    return;
  }
  std::pmr::memory_resource* const memory = items_.get_allocator().resource();
  Item item{.kind = Kind::bytes, .path = std::pmr::string(memory), .target = std::pmr::string(memory)};
  item.bytes = std::move(bytes);
  items_.push_back(std::move(item));
}

void AddBatch::end_file() {
  std::pmr::memory_resource* const memory = items_.get_allocator().resource();
  items_.push_back(
      Item{.kind = Kind::end, .path = std::pmr::string(memory), .target = std::pmr::string(memory)});
}

void AddBatch::clear() {
  items_.clear();
  entries_ = chunks_ = text_bytes_ = 0;
}

AddSession::Sink::Sink(AddSession& session)
    : session_(session), store_(session.parts_.blocks, session.stop_), nowhere_(session.stop_) {}

unixfs::Result<> AddSession::Sink::put(const Multihash& hash, std::span<const Bytes> pieces) {
  if (session_.options_.only_hash) return nowhere_.put(hash, pieces);
  if (auto put = store_.put(hash, pieces); !put) return put;
  if (session_.stored_.size() < stored_max) session_.stored_.push_back(hash);
  return {};
}

AddSession::AddSession(const AddOptions& options, Parts parts)
    : options_(options),
      parts_(std::move(parts)),
      heap_(parts_.account),
      spill_(parts_.spill_directory),
      sink_(*this),
      // Two sorters may be filled at a time; the rest is for merging, and for other imports.
      tree_(options_.import, sink_,
            {heap_, parts_.account.quota_bytes() / 4, parts_.chunks, parts_.chunk_holder}, spill_),
      batches_{{heap_, parts_.batch_chunks}, {heap_, parts_.batch_chunks}},
      events_(&heap_),
      roots_(&heap_),
      stored_(&heap_) {
  if (!options_.only_hash) hold_.emplace(parts_.blocks);
}

void AddSession::swap_batches(bool last) {
  MASU_CHECK(next_item_ == working_->items_.size(), "a batch is done before the next one");
  working_->clear();
  std::swap(filling_, working_);
  next_item_ = 0;
  last_batch_ = last;
}

unixfs::Result<bool> AddSession::work() {
  return unixfs::guard_memory(parts_.account, [&] { return work_on_batch(); });
}

unixfs::Result<bool> AddSession::work_on_batch() {
  while (true) {
    const auto drained = drain();
    if (!drained || !*drained) return drained;
    if (root_ended_) {
      root_ended_ = false;
      roots_.push_back(tree_.root().cid);
      if (roots_.size() == roots_max) {
        if (auto pinned = pin_roots(); !pinned) return std::unexpected(pinned.error());
      }
    }
    if (next_item_ < working_->items_.size()) {
      bool done = true;
      if (auto did = do_item(working_->items_[next_item_], done); !did) return std::unexpected(did.error());
      if (done) ++next_item_;
    } else if (last_batch_ && !finished_) {
      if (auto did = finish(); !did) return std::unexpected(did.error());
    } else {
      return true;
    }
  }
}

// Takes the importer's events; false when there is no room for more.
unixfs::Result<bool> AddSession::drain() {
  while (true) {
    if (events_.size() >= events_max) return false;
    const auto next = tree_.next_event();
    if (!next) return std::unexpected(next.error());
    if (!*next) return true;
    if (options_.silent && !root_ended_) continue;
    events_.push_back(event((*next)->name, (*next)->node.tsize));
    events_.back().cid = (*next)->node.cid;
  }
}

AddEvent AddSession::event(std::string_view name, std::uint64_t bytes) {
  return {std::pmr::string(name, &heap_), std::nullopt, bytes, root_mode_, root_mtime_};
}

unixfs::Result<> AddSession::do_item(AddBatch::Item& item, bool& done) {
  switch (item.kind) {
    case AddBatch::Kind::entry: return begin(item, done);
    case AddBatch::Kind::bytes: {
      file_bytes_ += item.bytes.size();
      if (auto fed = tree_.feed(std::move(item.bytes)); !fed) return fed;
      note_progress(false);
      return {};
    }
    case AddBatch::Kind::end: note_progress(true); return tree_.end_file();
  }
  return {};
}

unixfs::Result<> AddSession::begin(const AddBatch::Item& item, bool& done) {
  const unixfs::ImportEntry entry{item.entry_kind,
                                  item.path,
                                  item.target,
                                  {.mode = unixfs::permissions_of_go_mode(item.mode), .mtime = item.mtime}};
  const auto another = tree_.begins_root(entry);
  if (!another) return std::unexpected(another.error());
  if (*another) {
    done = false;
    return end_root();
  }
  const bool opens_root = !tree_.has_root();
  any_entry_ = true;
  if (auto begun = tree_.begin(entry); !begun) return begun;
  if (opens_root) {
    // What Kubo tells of a root is what came with it; one that is only implied has nothing.
    const bool given = !options_.import.wrap && tree_.path().find('/') == std::string_view::npos;
    root_mode_ = given ? item.mode : 0;
    root_mtime_ = given ? item.mtime : std::nullopt;
  }
  file_bytes_ = reported_bytes_ = 0;
  return {};
}

unixfs::Result<> AddSession::end_root() {
  root_ended_ = true;
  return tree_.end_root();
}

// After the last item: the last root, and when its events are out, pins and the disk.
unixfs::Result<> AddSession::finish() {
  const bool wraps_nothing = options_.import.wrap && !any_entry_;
  if (tree_.has_root() || wraps_nothing) {
    any_entry_ = true;
    return end_root();
  }
  finished_ = true;
  if (!any_entry_) return unixfs::fail(unixfs::ErrorCode::invalid, "expected a file argument");
  return pin_roots();
}

unixfs::Result<> AddSession::pin_roots() {
  if (options_.only_hash) {
    roots_.clear();
    return {};
  }
  if (auto synced = parts_.blocks.sync(); !synced) return std::unexpected(unixfs::from_store(synced.error()));
  for (const Cid& root : roots_) {
    if (!options_.pin) break;
    auto pinned = parts_.pins.pin(root, store::PinMode::recursive, options_.pin_name);
    if (!pinned) return std::unexpected(unixfs::from_store(pinned.error()));
  }
  roots_.clear();
  return {};
}

// As Kubo: at every 256 KiB, and at the end of each file.
void AddSession::note_progress(bool at_end) {
  if (!options_.progress) return;
  while (file_bytes_ - reported_bytes_ >= progress_step_bytes) {
    reported_bytes_ += progress_step_bytes;
    events_.push_back(event(tree_.path(), reported_bytes_));
  }
  if (at_end) events_.push_back(event(tree_.path(), file_bytes_));
}

}  // namespace masu::core::rpc::commands
