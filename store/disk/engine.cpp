#include "store/disk/engine.hpp"

#include "alloc/check.hpp"
#include "store/disk/crc32c.hpp"
#include "store/disk/meta_tables.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace masu::store {
namespace {

// The disk is looked at once for so many bytes.
constexpr std::uint64_t allowance_bytes = std::uint64_t{32} << 20;

// Each buffer costs half as much again for its slots: three eighths for both of them, one for copying, and
// the table of segments has the rest.
std::size_t eighth(const DiskStoreOptions& options) { return options.memory_bytes / 8; }

}  // namespace

DiskStore::Engine::Engine(const DiskStoreOptions& options, Budget& budget, OpenedRepo repo)
    : options_(options),
      copy_bytes_(std::min<std::size_t>(eighth(options), 64 * 1024)),
      files_(options.files != nullptr ? *options.files : posix_files()),
      account_(budget, "store.disk", Lifetime::store, options.memory_bytes),
      memory_(account_),
      index_(std::move(repo.index)),
      state_(memory_, eighth(options)),
      segments_(files_, blocks_directory(options), options.segment_files),
      writer_(files_, blocks_directory(options), options.segment_bytes, state_),
      committer_({files_, blocks_directory(options), *index_, segments_, writer_, state_},
                 {options.unsynced_bytes_max, options.disk_reserve_bytes / 4}, options.commit_thread),
      records_(*index_, committer_) {
  state_.restore(repo.counters, repo.segments);
  if (repo.current) writer_.resume(std::move(repo.current), repo.current_end);
  static_cast<void>(committer_.measure_index());
}

DiskStore::Engine::~Engine() { static_cast<void>(committer_.sync()); }

std::size_t DiskStore::Engine::stripe_of(const Multihash& hash) {
  return std::hash<Multihash>()(hash) % stripe_count;
}

// The buffers before the index: an entry leaves them only when the index has it.
StoreResult<bool> DiskStore::Engine::find(const Multihash& hash, FoundEntry& out) {
  if (state_.find(hash, out)) return out->kind != IndexEntry::Kind::removed;
  bool valid = false;
  const BlockKey key(hash);
  const auto found =
      index_->get(IndexDb::Family::index, key.bytes(), [&](Bytes value) { valid = out.assign(value); });
  if (!found || !*found) return found;
  if (!valid || out->kind == IndexEntry::Kind::removed) {
    return fail(StoreErrorCode::corrupt, "block " + hash.to_base58() + ": its entry in the index");
  }
  return true;
}

StoreResult<bool> DiskStore::Engine::put(const Multihash& hash, std::span<const Bytes> pieces) {
  std::uint64_t bytes = 0;
  for (const Bytes piece : pieces) bytes += piece.size();
  if (bytes > block_bytes_max) {
    return fail(StoreErrorCode::too_large, "a block of " + std::to_string(bytes) + " bytes");
  }
  if (hash.is_identity()) return false;
  if (auto usable = committer_.usable(); !usable) return std::unexpected(usable.error());
  {
    const std::lock_guard stripe(stripes_[stripe_of(hash)]);
    FoundEntry entry;
    const auto here = find(hash, entry);
    if (!here) return here;
    if (*here) {
      if (auto refreshed = refresh_locked(hash, *entry); !refreshed)
        return std::unexpected(refreshed.error());
      return false;
    }
    if (auto space = check_space(bytes); !space) return std::unexpected(space.error());
    auto room = committer_.reserve(hash, bytes < small_block_bytes ? bytes : 0);
    if (!room) return std::unexpected(room.error());
    auto placed = place(hash, pieces, static_cast<std::uint32_t>(bytes), std::move(*room));
    if (!placed) return std::unexpected(placed.error());
  }
  committer_.relieve();
  return true;
}

StoreResult<void> DiskStore::Engine::place(const Multihash& hash, std::span<const Bytes> pieces,
                                           std::uint32_t bytes, StoreState::Room room) {
  IndexEntry entry;
  std::array<std::uint8_t, small_block_bytes> small;
  if (bytes < small_block_bytes) {
    std::uint8_t* end = small.data();
    for (const Bytes piece : pieces) end = std::copy(piece.begin(), piece.end(), end);
    entry.kind = IndexEntry::Kind::in_index;
    entry.data = Bytes(small).first(bytes);
  } else {
    std::uint32_t crc = 0;
    for (const Bytes piece : pieces) crc = crc32c(piece, crc);
    const auto location = writer_.append({hash, bytes, crc}, pieces);
    if (!location) return std::unexpected(location.error());
    entry.kind = IndexEntry::Kind::in_segment;
    entry.location = *location;
  }
  state_.apply(std::move(room), hash, IndexEntry(), entry);
  return {};
}

StoreResult<void> DiskStore::Engine::check_space(std::uint64_t bytes) {
  const auto used = [this] { return state_.segment_bytes() + committer_.index_bytes(); };
  if (options_.storage_max != 0 && used() + bytes > options_.storage_max) {
    if (auto measured = committer_.measure_index(); !measured) return measured;
    if (used() + bytes > options_.storage_max) {
      return fail(StoreErrorCode::disk_full,
                  "the limit of " + std::to_string(options_.storage_max) +
                      " bytes on disk (Datastore.StorageMax): " + std::to_string(used()) + " are in use");
    }
  }
  if (allowance_.fetch_sub(static_cast<std::int64_t>(bytes)) >= static_cast<std::int64_t>(bytes)) return {};
  const auto free = files_.free_bytes(options_.directory);
  if (!free) return std::unexpected(free.error());
  if (*free < options_.disk_reserve_bytes + bytes) {
    return fail(StoreErrorCode::disk_full,
                options_.directory + ": no space left on device: " + std::to_string(*free) +
                    " bytes are free, of which " + std::to_string(options_.disk_reserve_bytes) +
                    " are kept for the index");
  }
  allowance_ =
      static_cast<std::int64_t>(std::min(*free - options_.disk_reserve_bytes - bytes, allowance_bytes));
  return {};
}

// Within one sequence, writing a block again changes nothing that anybody could tell.
StoreResult<void> DiskStore::Engine::refresh_locked(const Multihash& hash, const IndexEntry& entry) {
  if (entry.sequence >= state_.sequence()) return {};
  auto room = committer_.reserve(hash, entry.data.size());
  if (!room) return std::unexpected(room.error());
  state_.apply(std::move(*room), hash, entry, entry);
  return {};
}

StoreResult<bool> DiskStore::Engine::touch(const Multihash& hash) {
  const std::lock_guard stripe(stripes_[stripe_of(hash)]);
  FoundEntry entry;
  const auto here = find(hash, entry);
  if (!here || !*here) return here;
  if (auto refreshed = refresh_locked(hash, *entry); !refreshed) return std::unexpected(refreshed.error());
  return true;
}

StoreResult<bool> DiskStore::Engine::remove_locked(const Multihash& hash,
                                                   std::optional<WriteSequence> before) {
  FoundEntry entry;
  const auto here = find(hash, entry);
  if (!here || !*here) return here;
  if (before && entry->sequence >= *before) return false;
  auto room = committer_.reserve(hash);
  if (!room) return std::unexpected(room.error());
  state_.apply(std::move(*room), hash, *entry, IndexEntry());
  return true;
}

StoreResult<bool> DiskStore::Engine::remove(const Multihash& hash) {
  if (auto usable = committer_.usable(); !usable) return std::unexpected(usable.error());
  const std::lock_guard stripe(stripes_[stripe_of(hash)]);
  return remove_locked(hash, std::nullopt);
}

StoreResult<void> DiskStore::Engine::remove_unwritten(std::span<const Multihash> hashes, WriteSequence before,
                                                      std::span<bool> removed) {
  MASU_CHECK(hashes.size() == removed.size(), "an answer for each block");
  std::ranges::fill(removed, false);
  if (auto usable = committer_.usable(); !usable) return usable;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const std::lock_guard stripe(stripes_[stripe_of(hashes[i])]);
    const auto gone = remove_locked(hashes[i], before);
    if (!gone) return std::unexpected(gone.error());
    removed[i] = *gone;
  }
  return {};
}

StoreResult<StoreUsage> DiskStore::Engine::usage() {
  if (auto measured = committer_.measure_index(); !measured) return std::unexpected(measured.error());
  const StoreCounters counters = state_.counters();
  return StoreUsage{.disk_bytes = state_.segment_bytes() + committer_.index_bytes(),
                    .block_bytes = counters.block_bytes,
                    .objects = counters.objects};
}

StoreResult<std::uint64_t> DiskStore::Engine::reclaim(const std::atomic<bool>& stop) {
  const std::lock_guard one(reclaiming_);
  const std::uint64_t dropped = committer_.dropped_bytes();
  moved_bytes_ = 0;
  const auto given_back = [&] {
    const std::uint64_t gone = committer_.dropped_bytes() - dropped;
    return gone > moved_bytes_ ? gone - moved_bytes_ : 0;
  };
  // A small repo has no other: what is dead in it would never come back.
  const auto written = writer_.current();
  if (written && state_.is_half_dead(written->id())) writer_.retire(written->id());
  StoreResult<void> result = committer_.sync_now();
  if (!result) return std::unexpected(result.error());
  try {
    std::pmr::vector<std::uint8_t> buffer(copy_bytes_, &memory_);
    while (result && !stop) {
      const auto current = writer_.current();
      const auto segment = state_.emptiest_segment(current ? current->id() : 0);
      if (!segment) break;
      result = rewrite(*segment, buffer, stop);
      if (result && !stop) result = committer_.sync_now();
    }
  } catch (const std::bad_alloc&) {
    result = fail(StoreErrorCode::out_of_memory, refusal_text(account_));
  }
  if (!result && given_back() == 0) return std::unexpected(result.error());
  return given_back();
}

StoreResult<void> DiskStore::Engine::rewrite(const SegmentCount& segment, MutableBytes buffer,
                                             const std::atomic<bool>& stop) {
  const auto file = segments_.open(segment.id);
  if (!file) {
    state_.keep_segment(segment.id);
    if (file.error().code == StoreErrorCode::not_found) return {};
    return std::unexpected(file.error());
  }
  // The scanner looks ahead in one half, data goes through the other.
  SegmentScanner scanner((*file)->file(), segment.end, buffer.first(buffer.size() / 2));
  while (!stop) {
    const auto record = scanner.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) break;
    const auto moved = move((*record)->header, **file, (*record)->offset, buffer.subspan(buffer.size() / 2));
    if (!moved && moved.error().code == StoreErrorCode::corrupt) {
      state_.keep_segment(segment.id);
    } else if (!moved) {
      return std::unexpected(moved.error());
    } else if (*moved) {
      committer_.relieve();
    }
  }
  if (scanner.damaged_bytes() != 0) state_.keep_segment(segment.id);
  return {};
}

StoreResult<bool> DiskStore::Engine::move(const RecordHeader& header, SegmentFile& from, std::uint32_t offset,
                                          MutableBytes buffer) {
  const SegmentLocation here{from.id(), offset, header.data_bytes};
  const std::lock_guard stripe(stripes_[stripe_of(header.hash)]);
  FoundEntry entry;
  const auto found = find(header.hash, entry);
  if (!found) return found;
  if (!*found || entry->kind != IndexEntry::Kind::in_segment || entry->location != here) return false;
  auto room = committer_.reserve(header.hash);
  if (!room) return std::unexpected(room.error());
  const auto location = writer_.append_copy(header, from, offset, buffer);
  if (!location) return std::unexpected(location.error());
  IndexEntry after = *entry;
  after.location = *location;
  state_.apply(std::move(*room), header.hash, *entry, after, true);
  moved_bytes_ += header.record_bytes();
  return true;
}

}  // namespace masu::store
