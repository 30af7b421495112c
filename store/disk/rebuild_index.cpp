#include "multiformats/digest.hpp"
#include "store/disk/engine.hpp"
#include "store/disk/meta_tables.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>

#include <fcntl.h>

namespace masu::store {
namespace {

namespace fs = std::filesystem;

std::unexpected<StoreError> failed(const std::error_code& error, const char* what, const std::string& path) {
  return std::unexpected(file_error(error.value(), what, path));
}

// True: the data behind the header is what the multihash names. A checksum does not do: a block may hold the
// image of a record, and damage in front of it brings it to light.
StoreResult<bool> holds_block(SegmentFile& segment, const SegmentScanner::Record& record,
                              MutableBytes buffer) {
  if (!computable(record.header.hash)) return false;
  Digester digester(record.header.hash.code());
  const std::uint64_t at = record.offset + std::uint64_t{record.header.bytes()};
  for (std::uint32_t done = 0; done < record.header.data_bytes;) {
    const MutableBytes part =
        buffer.first(std::min<std::size_t>(buffer.size(), record.header.data_bytes - done));
    const auto got = segment.file().read(at + done, part);
    if (!got) return std::unexpected(got.error());
    if (*got != part.size()) return false;
    digester.update(part);
    done += static_cast<std::uint32_t>(part.size());
  }
  return digester.finish(record.header.hash.digest().size()) == record.header.hash;
}

// `fresh` becomes `index`, and what was that becomes `old`. At no time is there no index: with none a repo is
// refused, or looks new when it has no segments.
StoreResult<void> put_in_place(const std::string& fresh, const std::string& index, const std::string& old) {
  std::error_code error;
  const auto rename = [&](const std::string& from, const std::string& to) -> StoreResult<void> {
    if (fs::rename(from, to, error); error) return failed(error, "rename", from);
    return {};
  };
  if (!fs::exists(index, error)) return rename(fresh, index);
  if (fs::remove_all(old, error); error) return failed(error, "remove", old);
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, index.c_str(), RENAME_EXCHANGE) == 0)
    return rename(fresh, old);
  if (errno != EINVAL && errno != ENOSYS) return std::unexpected(file_error(errno, "rename", fresh));
  // Not every file system exchanges two names.
  if (auto moved = rename(index, old); !moved) return moved;
  const auto placed = rename(fresh, index);
  if (!placed) static_cast<void>(rename(old, index));
  return placed;
}

}  // namespace

StoreResult<void> DiskStore::Engine::adopt(std::uint32_t id, RebuildReport& report,
                                           const std::atomic<bool>& stop) {
  const auto segment = segments_.open(id);
  if (!segment) return std::unexpected(segment.error());
  const auto size = (*segment)->file().size();
  if (!size) return std::unexpected(size.error());
  const std::uint64_t end = std::min<std::uint64_t>(*size, std::uint64_t{1} << 30);
  std::pmr::vector<std::uint8_t> buffer(copy_bytes_, &memory_);
  const MutableBytes whole(buffer);
  SegmentScanner scanner((*segment)->file(), end, whole.first(whole.size() / 2));
  ++report.segments;
  for (;;) {
    if (stop) return fail(StoreErrorCode::stopped, "rebuilding the index");
    const auto record = scanner.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) break;
    const RecordHeader& header = (*record)->header;
    const auto intact = holds_block(**segment, **record, whole.subspan(whole.size() / 2));
    if (!intact) return std::unexpected(intact.error());
    if (!*intact) {
      report.damaged_bytes += header.record_bytes();
      continue;
    }
    FoundEntry entry;
    const auto here = find(header.hash, entry);
    if (!here) return std::unexpected(here.error());
    if (*here) continue;  // a copy of it was moved, or it was put again
    auto room = committer_.reserve(header.hash);
    if (!room) return std::unexpected(room.error());
    IndexEntry after;
    after.kind = IndexEntry::Kind::in_segment;
    after.location = {id, (*record)->offset, header.data_bytes};
    if (!state_.appended(id, (*record)->offset + header.record_bytes())) throw std::bad_alloc();
    state_.apply(std::move(*room), header.hash, IndexEntry(), after);
    ++report.blocks;
  }
  report.damaged_bytes += scanner.damaged_bytes();
  return {};
}

StoreResult<RebuildReport> DiskStore::rebuild_index(const DiskStoreOptions& options, Budget& budget,
                                                    const std::atomic<bool>& stop) {
  Files& files = options.files != nullptr ? *options.files : posix_files();
  const std::string index = index_directory(options);
  const std::string fresh = index + ".new";
  const std::string old = index + ".old";
  std::error_code error;
  if (fs::remove_all(fresh, error); error) return failed(error, "remove", fresh);
  const auto names = files.list(blocks_directory(options));
  if (!names) return std::unexpected(names.error());
  std::vector<std::uint32_t> ids;
  for (const std::string& name : *names) {
    if (const auto id = segment_id(name)) ids.push_back(*id);
  }
  std::ranges::sort(ids);

  IndexDbOptions db_options = index_options(options);
  db_options.directory = fresh;
  auto db = IndexDb::open(db_options);
  if (!db) return std::unexpected(db.error());
  OpenedRepo repo;
  repo.index = std::move(*db);
  repo.counters.next_segment = ids.empty() ? 1 : ids.back() + 1;
  RebuildReport report;
  try {
    IndexDb::Batch batch;
    put_format(*repo.index, batch, index_format);
    if (auto written = repo.index->write(batch, false); !written) return std::unexpected(written.error());
    Engine engine(options, budget, std::move(repo));
    for (const std::uint32_t id : ids) {
      if (auto adopted = engine.adopt(id, report, stop); !adopted) return std::unexpected(adopted.error());
    }
    if (auto synced = engine.committer().sync_now(); !synced) return std::unexpected(synced.error());
  } catch (const std::bad_alloc&) {
    return fail(StoreErrorCode::out_of_memory, "no memory to rebuild the index");
  }

  if (auto placed = put_in_place(fresh, index, old); !placed) return std::unexpected(placed.error());
  if (auto synced = files.sync_directory(options.directory); !synced) return std::unexpected(synced.error());
  return report;
}

}  // namespace masu::store
