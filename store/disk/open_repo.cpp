// Opening a repo: what the index knows is true, and what it does not know is cut off.
#include "store/disk/engine.hpp"
#include "store/disk/meta_tables.hpp"

#include <algorithm>
#include <utility>

namespace masu::store {
namespace {

std::unexpected<StoreError> damaged(const DiskStoreOptions& options, const std::string& what) {
  return fail(StoreErrorCode::corrupt, options.directory + ": " + what);
}

StoreResult<std::vector<std::uint32_t>> list_segments(const DiskStoreOptions& options, Files& files) {
  const auto names = files.list(blocks_directory(options));
  if (!names) return std::unexpected(names.error());
  std::vector<std::uint32_t> ids;
  for (const std::string& name : *names) {
    if (const auto id = segment_id(name)) ids.push_back(*id);
  }
  std::ranges::sort(ids);
  return ids;
}

// The names of both directories are durable before anything is promised.
StoreResult<void> begin_repo(const DiskStoreOptions& options, Files& files, IndexDb& index) {
  if (auto synced = files.sync_directory(options.directory); !synced) return synced;
  IndexDb::Batch batch;
  put_format(index, batch, index_format);
  put_counters(index, batch, StoreCounters());
  return index.write(batch, true);
}

// Segments that no commit has named, or that are gone already: they hold nothing that was acknowledged.
StoreResult<void> match_segments(const DiskStoreOptions& options, Files& files, OpenedRepo& repo,
                                 const std::vector<std::uint32_t>& ids) {
  for (const std::uint32_t id : ids) {
    if (std::ranges::binary_search(repo.segments, id, {}, &SegmentCount::id)) continue;
    auto removed = files.unlink(blocks_directory(options) + "/" + segment_name(id));
    if (!removed) return removed;
  }
  IndexDb::Batch batch;
  std::erase_if(repo.segments, [&](const SegmentCount& segment) {
    if (segment.live != 0 || std::ranges::binary_search(ids, segment.id)) return false;
    remove_segment(*repo.index, batch, segment.id);
    return true;
  });
  if (batch.empty()) return {};
  return repo.index->write(batch, false);
}

// The newest segment is gone on with behind what the last commit named.
StoreResult<void> resume_segment(const DiskStoreOptions& options, Files& files, OpenedRepo& repo) {
  if (repo.segments.empty()) return {};
  const SegmentCount& newest = repo.segments.back();
  auto file = files.open(blocks_directory(options) + "/" + segment_name(newest.id), Files::Mode::read_write);
  if (!file) {
    // Its blocks read as damaged, the others are fine.
    if (file.error().code == StoreErrorCode::not_found) return {};
    return std::unexpected(file.error());
  }
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size < newest.end) return {};
  if (*size > newest.end) {
    if (auto cut = (*file)->truncate(newest.end); !cut) return cut;
  }
  if (newest.end >= options.segment_bytes) return {};
  repo.current = std::make_shared<SegmentFile>(newest.id, std::move(*file));
  repo.current_end = newest.end;
  return {};
}

}  // namespace

std::string blocks_directory(const DiskStoreOptions& options) { return options.directory + "/blocks"; }
std::string index_directory(const DiskStoreOptions& options) { return options.directory + "/index"; }

IndexDbOptions index_options(const DiskStoreOptions& options) {
  return {.directory = index_directory(options),
          .memtable_bytes = options.memtable_bytes,
          .block_cache_bytes = options.block_cache_bytes,
          .open_files = options.open_files,
          .env = options.env};
}

StoreResult<OpenedRepo> open_repo(const DiskStoreOptions& options, Files& files) {
  if (auto made = files.make_directory(blocks_directory(options)); !made) {
    return std::unexpected(made.error());
  }
  const auto ids = list_segments(options, files);
  if (!ids) return std::unexpected(ids.error());
  auto index = IndexDb::open(index_options(options));
  if (!index) return std::unexpected(index.error());
  OpenedRepo repo;
  repo.index = std::move(*index);
  const auto format = read_format(*repo.index);
  if (!format) return std::unexpected(format.error());
  if (!*format) {
    if (!ids->empty()) return damaged(options, "there are blocks, but their index is missing");
    if (auto begun = begin_repo(options, files, *repo.index); !begun) return std::unexpected(begun.error());
  } else if (**format > index_format) {
    return fail(StoreErrorCode::refused, options.directory + ": the repo has format " +
                                             std::to_string(**format) + ", this version knows up to " +
                                             std::to_string(index_format));
  }
  const auto counters = read_counters(*repo.index);
  if (!counters) return std::unexpected(counters.error());
  if (!*counters) return damaged(options, "the index has no counters");
  repo.counters = **counters;
  repo.counters.sequence += 1;
  auto segments = read_segments(*repo.index);
  if (!segments) return std::unexpected(segments.error());
  repo.segments = std::move(*segments);
  if (auto matched = match_segments(options, files, repo, *ids); !matched) {
    return std::unexpected(matched.error());
  }
  if (auto resumed = resume_segment(options, files, repo); !resumed) return std::unexpected(resumed.error());
  return repo;
}

}  // namespace masu::store
