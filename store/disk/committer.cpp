#include "store/disk/committer.hpp"

#include "store/disk/meta_tables.hpp"

#include <algorithm>
#include <utility>

namespace masu::store {

Committer::Committer(Parts parts, const Limits& limits, bool own_thread)
    : parts_(std::move(parts)),
      limits_(limits),
      relief_bytes_(own_thread ? limits.unsynced_bytes_max / 4 : limits.unsynced_bytes_max) {
  if (own_thread) thread_ = std::thread([this] { lead_when_asked(); });
}

Committer::~Committer() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard guard(lock_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// What goes wrong is kept, and told to who needs the round.
void Committer::lead_when_asked() {
  std::unique_lock lock(lock_);
  for (;;) {
    changed_.wait(lock, [this] { return (asked_ && !leading_) || ending_; });
    if (ending_) return;
    asked_ = false;
    static_cast<void>(lead(lock, false));
    changed_.notify_all();
  }
}

StoreResult<void> Committer::sync() { return reach(parts_.state.changes(), true); }

StoreResult<void> Committer::flush() { return reach(parts_.state.changes(), false); }

StoreResult<void> Committer::write(IndexDb::Batch& batch) {
  if (auto room = check_room(); !room) return room;
  if (auto flushed = flush(); !flushed) return flushed;
  std::uint64_t written;
  {
    const std::lock_guard guard(lock_);
    written = written_;
  }
  if (auto done = parts_.index.write(batch, true); !done) return done;
  const std::lock_guard guard(lock_);
  durable_ = std::max(durable_, written);
  return {};
}

StoreResult<StoreState::Room> Committer::reserve(const Multihash& hash, std::size_t data_bytes) {
  for (;;) {
    if (auto room = parts_.state.reserve(hash, data_bytes)) return std::move(*room);
    std::unique_lock lock(lock_);
    if (leading_) {
      changed_.wait(lock, [this] { return !leading_; });
    } else if (auto led = lead(lock, false); !led) {
      return std::unexpected(led.error());
    }
  }
}

void Committer::relieve() {
  if (parts_.writer.unsynced_bytes() < relief_bytes_) return;
  std::unique_lock lock(lock_);
  if (thread_.joinable()) {
    // A disk that is never left idle has the least to do at the end.
    changed_.wait(lock, [this] { return !(leading_ || asked_) || !much_unsynced(1); });
    if (leading_ || asked_) return;
    asked_ = true;
    changed_.notify_all();
  } else if (!leading_) {
    // What goes wrong is kept, and told to who needs the round.
    static_cast<void>(lead(lock, false));
  } else if (much_unsynced(2)) {
    changed_.wait(lock, [this] { return !leading_; });
  }
}

StoreResult<void> Committer::sync_now() {
  std::unique_lock lock(lock_);
  changed_.wait(lock, [this] { return !leading_; });
  return lead(lock, true);
}

StoreResult<void> Committer::usable() {
  if (!refused_) return {};
  std::unique_lock lock(lock_);
  changed_.wait(lock, [this] { return !leading_; });
  if (!refused_) return {};
  return lead(lock, false);
}

StoreResult<void> Committer::reach(std::uint64_t changes, bool synced) {
  std::unique_lock lock(lock_);
  for (;;) {
    if ((synced ? durable_ : written_) >= changes) return {};
    if (!leading_) return lead(lock, synced);
    changed_.wait(lock, [this] { return !leading_; });
  }
}

StoreResult<void> Committer::lead(std::unique_lock<std::mutex>& lock, bool synced) {
  if (broken_) return std::unexpected(*broken_);
  leading_ = true;
  lock.unlock();
  auto result = round(synced);
  lock.lock();
  leading_ = false;
  refused_ = !result;
  changed_.notify_all();
  return result;
}

// RocksDB that meets a full disk may refuse until it is opened again, so it is kept from meeting it.
StoreResult<void> Committer::check_room() {
  const auto free = parts_.files.free_bytes(parts_.blocks_directory);
  if (!free) return std::unexpected(free.error());
  if (*free >= limits_.room_bytes) return {};
  return fail(StoreErrorCode::disk_full,
              parts_.blocks_directory + ": no space left on device: " + std::to_string(*free) +
                  " bytes are free, the index needs " + std::to_string(limits_.room_bytes));
}

StoreResult<void> Committer::round(bool synced) {
  if (auto room = check_room(); !room) return room;
  if (pending_) {
    if (auto written = write_pending(false); !written) return written;
  }
  if (auto prepared = prepare(); !prepared) return prepared;
  if (auto written = write_pending(synced); !written) return written;
  static_cast<void>(measure_index());
  if (synced) drop_dead_segments();
  return {};
}

// Entries are taken first and segments after them: whatever an entry names was appended before.
StoreResult<void> Committer::prepare() {
  const StoreState::Taken taken = parts_.state.take();
  const SegmentWriter::Unsynced unsynced = parts_.writer.take_unsynced();
  if (auto synced = sync_segments(unsynced); !synced) {
    const std::lock_guard guard(lock_);
    broken_ = synced.error();
    broken_->detail += " (nothing more is written until the repo is opened again)";
    return std::unexpected(*broken_);
  }
  using Family = IndexDb::Family;
  Pending pending{IndexDb::Batch(taken.entries->used_bytes() * 5 / 4 + 1024), taken.changes};
  taken.entries->for_each([&](Bytes hash, Bytes entry) {
    std::array<std::uint8_t, 1 + multihash_bytes_max> key;
    key[0] = block_table;
    std::copy(hash.begin(), hash.end(), key.begin() + 1);
    const Bytes whole = Bytes(key).first(1 + hash.size());
    if (entry[0] == static_cast<std::uint8_t>(IndexEntry::Kind::removed)) {
      pending.batch.remove(parts_.index, Family::index, whole);
    } else {
      pending.batch.put(parts_.index, Family::index, whole, entry);
    }
  });
  for (const SegmentCount& segment : taken.segments) put_segment(parts_.index, pending.batch, segment);
  for (const std::uint32_t id : taken.forgotten) remove_segment(parts_.index, pending.batch, id);
  put_counters(parts_.index, pending.batch, taken.counters);
  pending_ = std::move(pending);
  return {};
}

StoreResult<void> Committer::sync_segments(const SegmentWriter::Unsynced& unsynced) {
  if (unsynced.created) {
    auto synced = parts_.files.sync_directory(parts_.blocks_directory);
    if (!synced) return synced;
  }
  for (const auto& segment : unsynced.segments) {
    if (auto synced = segment->file().sync(); !synced) return synced;
  }
  return {};
}

StoreResult<void> Committer::write_pending(bool synced) {
  if (auto written = parts_.index.write(pending_->batch, synced); !written) return written;
  parts_.state.committed();
  const std::lock_guard guard(lock_);
  written_ = pending_->changes;
  if (synced) durable_ = written_;
  pending_.reset();
  return {};
}

// The index that is durable knows of no block in them.
void Committer::drop_dead_segments() {
  const auto current = parts_.writer.current();
  for (const std::uint32_t id : parts_.state.dead_segments(current ? current->id() : 0)) {
    const auto removed = parts_.segments.remove(id);
    if (!removed && removed.error().code != StoreErrorCode::not_found) continue;
    dropped_bytes_ += parts_.state.forget_segment(id);
  }
}

StoreResult<void> Committer::measure_index() {
  const auto bytes = parts_.index.disk_bytes();
  if (!bytes) return std::unexpected(bytes.error());
  index_bytes_ = *bytes;
  return {};
}

}  // namespace masu::store
