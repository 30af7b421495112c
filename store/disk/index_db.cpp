#include "store/disk/index_db.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

namespace masu::store {
namespace {

constexpr std::size_t io_buffer_bytes = 64 * 1024;
constexpr std::size_t table_file_bytes = 8 * 1024 * 1024;
// Of memtables when it is closed: some thousand entries.
constexpr std::uint64_t replay_bytes_max = 512 * 1024;

rocksdb::Slice slice(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
Bytes bytes_of(const rocksdb::Slice& slice) {
  return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

StoreError error_of(const rocksdb::Status& status) {
  StoreErrorCode code = StoreErrorCode::io;
  if (status.IsNoSpace()) {
    code = StoreErrorCode::disk_full;
  } else if (status.IsCorruption()) {
    code = StoreErrorCode::corrupt;
  } else if (status.IsMemoryLimit()) {
    code = StoreErrorCode::out_of_memory;
  }
  return {code, "index: " + status.ToString()};
}

// RocksDB's own log would tell its options at each start and grow; what goes wrong comes back as a status.
class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : Logger(rocksdb::InfoLogLevel::HEADER_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

std::size_t arena_block_bytes(std::size_t memtable_bytes) {
  return std::clamp<std::size_t>(memtable_bytes / 16, 16 * 1024, io_buffer_bytes);
}

std::shared_ptr<rocksdb::Cache> make_cache(std::size_t bytes) {
  // One shard: with the usual 64, a shard of a small cache is smaller than a block.
  rocksdb::LRUCacheOptions cache;
  cache.capacity = bytes;
  cache.num_shard_bits = 0;
  cache.strict_capacity_limit = true;
  return rocksdb::NewLRUCache(cache);
}

rocksdb::BlockBasedTableOptions table_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.metadata_block_size = 4096;
  table.block_size = 4096;
  table.format_version = 5;
  table.max_auto_readahead_size = io_buffer_bytes;
  return table;
}

rocksdb::ColumnFamilyOptions family_options(const std::shared_ptr<rocksdb::Cache>& cache,
                                            std::size_t memtable_bytes) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = memtable_bytes;
  family.max_write_buffer_number = 2;
  family.arena_block_size = arena_block_bytes(memtable_bytes);
  family.compression = rocksdb::kNoCompression;  // keys are digests
  family.target_file_size_base = table_file_bytes;
  family.max_bytes_for_level_base = 4 * table_file_bytes;
  family.level0_file_num_compaction_trigger = 4;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(cache)));
  return family;
}

rocksdb::DBOptions db_options(const IndexDbOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  db.info_log = std::make_shared<NoLog>();
  db.max_open_files = static_cast<int>(std::max<std::size_t>(options.open_files, 16));
  db.max_file_opening_threads = 1;
  db.max_background_jobs = 2;
  db.max_subcompactions = 1;
  db.max_total_wal_size = 4 * options.memtable_bytes;
  db.max_write_batch_group_size_bytes = 128 * 1024;
  db.compaction_readahead_size = io_buffer_bytes;
  db.writable_file_max_buffer_size = io_buffer_bytes;
  db.random_access_max_buffer_size = io_buffer_bytes;
  db.manifest_preallocation_size = io_buffer_bytes;
  db.max_manifest_file_size = 1024 * 1024;
  db.bytes_per_sync = 1024 * 1024;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  // Opens fast: no sizes are checked, and a log that was replayed stays a log.
  db.skip_stats_update_on_db_open = true;
  db.skip_checking_sst_file_sizes_on_db_open = true;
  db.avoid_flush_during_recovery = true;
  // After a power cut the end of the log is anything: what was synced is in front of it.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return db;
}

}  // namespace

struct IndexDb::Parts {
  std::string directory;
  rocksdb::Env* env = nullptr;
  std::shared_ptr<rocksdb::Cache> cache;  // of both families
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;  // index, meta; of db

  ~Parts() {
    if (db) flush_long_log();
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    if (db) db->Close().PermitUncheckedError();
  }

  // The next open replays the log: a short one takes no time. Without a flush, logs would add up over many
  // opens.
  void flush_long_log() {
    std::uint64_t bytes = 0;
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      std::uint64_t more = 0;
      if (db->GetIntProperty(handle, rocksdb::DB::Properties::kCurSizeAllMemTables, &more)) bytes += more;
    }
    if (bytes <= replay_bytes_max) return;
    db->Flush(rocksdb::FlushOptions(), handles).PermitUncheckedError();
  }
};

IndexDb::Batch::Batch(std::size_t reserved_bytes)
    : batch_(std::make_unique<rocksdb::WriteBatch>(reserved_bytes)) {}
IndexDb::Batch::~Batch() = default;
IndexDb::Batch::Batch(Batch&&) noexcept = default;
IndexDb::Batch& IndexDb::Batch::operator=(Batch&&) noexcept = default;
bool IndexDb::Batch::empty() const { return batch_->Count() == 0; }

void IndexDb::Batch::put(const IndexDb& db, Family family, Bytes key, Bytes value) {
  const auto status = batch_->Put(db.handle(family), slice(key), slice(value));
  MASU_CHECK(status.ok(), "a batch takes a change");
}

void IndexDb::Batch::remove(const IndexDb& db, Family family, Bytes key) {
  const auto status = batch_->Delete(db.handle(family), slice(key));
  MASU_CHECK(status.ok(), "a batch takes a change");
}

IndexDb::Cursor::Cursor(std::unique_ptr<rocksdb::Iterator> iterator) : iterator_(std::move(iterator)) {}
IndexDb::Cursor::~Cursor() = default;
void IndexDb::Cursor::seek(Bytes key) { iterator_->Seek(slice(key)); }
void IndexDb::Cursor::next() { iterator_->Next(); }
bool IndexDb::Cursor::valid() const { return iterator_->Valid(); }
Bytes IndexDb::Cursor::key() const { return bytes_of(iterator_->key()); }
Bytes IndexDb::Cursor::value() const { return bytes_of(iterator_->value()); }
StoreResult<void> IndexDb::Cursor::status() const {
  const rocksdb::Status status = iterator_->status();
  if (!status.ok()) return std::unexpected(error_of(status));
  return {};
}

IndexDb::IndexDb(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
IndexDb::~IndexDb() = default;

StoreResult<std::unique_ptr<IndexDb>> IndexDb::open(const IndexDbOptions& options) {
  auto parts = std::make_unique<Parts>();
  parts->directory = options.directory;
  const rocksdb::DBOptions db = db_options(options);
  parts->env = db.env;
  parts->cache = make_cache(options.block_cache_bytes);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {"index", family_options(parts->cache, options.memtable_bytes)},
      {rocksdb::kDefaultColumnFamilyName, family_options(parts->cache, options.memtable_bytes / 2)},
  };
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::Open(db, options.directory, families, &parts->handles, &opened);
  parts->db.reset(opened);
  if (!status.ok()) return std::unexpected(error_of(status));
  return std::unique_ptr<IndexDb>(new IndexDb(std::move(parts)));
}

rocksdb::ColumnFamilyHandle* IndexDb::handle(Family family) const {
  return parts_->handles[static_cast<std::size_t>(family)];
}

StoreResult<bool> IndexDb::get_with(Family family, Bytes key, void (*visit)(void*, Bytes), void* context) {
  rocksdb::PinnableSlice value;
  const auto status = parts_->db->Get(rocksdb::ReadOptions(), handle(family), slice(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return std::unexpected(error_of(status));
  visit(context, bytes_of(value));
  return true;
}

StoreResult<void> IndexDb::write(Batch& batch, bool synced) {
  if (write_failed_.exchange(false)) {
    const auto status = parts_->db->Resume();
    if (!status.ok()) {
      write_failed_ = true;
      return std::unexpected(error_of(status));
    }
  }
  rocksdb::WriteOptions options;
  options.sync = synced;
  const auto status = parts_->db->Write(options, batch.batch_.get());
  if (status.ok()) return {};
  write_failed_ = true;
  return std::unexpected(error_of(status));
}

void IndexDb::set_cache_bytes(std::size_t bytes) {
  parts_->cache->SetCapacity(std::max<std::size_t>(bytes, cache_bytes_min));
}

StoreResult<void> IndexDb::set_memtable_bytes(std::size_t bytes) {
  for (const Family family : {Family::index, Family::meta}) {
    const std::size_t own = family == Family::index ? bytes : bytes / 2;
    const auto status = parts_->db->SetOptions(
        handle(family), {{"write_buffer_size", std::to_string(own)},
                         {"arena_block_size", std::to_string(arena_block_bytes(own))}});
    if (!status.ok()) return std::unexpected(error_of(status));
  }
  const auto status = parts_->db->Flush(rocksdb::FlushOptions(), parts_->handles);
  if (!status.ok()) return std::unexpected(error_of(status));
  return {};
}

std::unique_ptr<IndexDb::Cursor> IndexDb::open_cursor(Family family) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  return std::unique_ptr<Cursor>(
      new Cursor(std::unique_ptr<rocksdb::Iterator>(parts_->db->NewIterator(options, handle(family)))));
}

StoreResult<std::uint64_t> IndexDb::disk_bytes() {
  std::vector<rocksdb::Env::FileAttributes> files;
  const auto status = parts_->env->GetChildrenFileAttributes(parts_->directory, &files);
  if (!status.ok()) return std::unexpected(error_of(status));
  std::uint64_t bytes = 0;
  for (const auto& file : files) bytes += file.size_bytes;
  return bytes;
}

}  // namespace masu::store
