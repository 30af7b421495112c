// IndexDb: RocksDB as this store uses it, with every knob that costs memory set.
//
// Two column families, each with memtables of its own: `index` (multihash to IndexEntry) and `meta` (the
// store's own tables, and the records of RecordStore). What it holds at most, beside code: memtables (two of
// `memtable_bytes` and two of half of that), the block cache (strict, one shard; index and filter blocks are
// in it, in partitions of 4 KiB), tables of `open_files` files, and 64 KiB buffers for what is read and
// written in the background. Its log on disk is bounded by four memtables, there is no info log. Two
// background threads.
//
// RocksDB does not survive a refused allocation: it lives behind the library door. Thread-safe. Errors are
// values; after an error of a write, the next write tries to bring RocksDB back to work first. That succeeds
// only if the disk has room by then, or else RocksDB refuses until it is opened again: who writes asks for
// room before.
#pragma once

#include "alloc/bytes.hpp"
#include "store/error.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Iterator;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace masu::store {

struct IndexDbOptions {
  std::string directory;
  std::size_t memtable_bytes = 0;
  std::size_t block_cache_bytes = 0;
  std::size_t open_files = 0;
  rocksdb::Env* env = nullptr;  // null: RocksDB's own
};

class IndexDb {
 public:
  enum class Family : std::uint8_t { index, meta };

  // Changes that are written together.
  class Batch {
   public:
    explicit Batch(std::size_t reserved_bytes = 0);
    ~Batch();
    Batch(Batch&&) noexcept;
    Batch& operator=(Batch&&) noexcept;
    void put(const IndexDb& db, Family family, Bytes key, Bytes value);
    void remove(const IndexDb& db, Family family, Bytes key);
    bool empty() const;

   private:
    friend class IndexDb;
    std::unique_ptr<rocksdb::WriteBatch> batch_;
  };

  // Keys and values as they were when it was made. Pins files and memtables: to be given back soon.
  class Cursor {
   public:
    ~Cursor();
    void seek(Bytes key);  // to the first key that is not below
    void next();           // Requires: valid()
    bool valid() const;    // false: the end, or an error
    StoreResult<void> status() const;
    Bytes key() const;
    Bytes value() const;

   private:
    friend class IndexDb;
    explicit Cursor(std::unique_ptr<rocksdb::Iterator> iterator);
    std::unique_ptr<rocksdb::Iterator> iterator_;
  };

  // Makes a new one when there is none.
  static StoreResult<std::unique_ptr<IndexDb>> open(const IndexDbOptions& options);
  ~IndexDb();  // Requires: no cursors.
  IndexDb(const IndexDb&) = delete;
  IndexDb& operator=(const IndexDb&) = delete;

  // Calls visit(value) with borrowed bytes; false when there is none.
  template <class Visitor>
  StoreResult<bool> get(Family family, Bytes key, Visitor&& visit) {
    return get_with(
        family, key,
        [](void* context, Bytes value) { (*static_cast<std::remove_reference_t<Visitor>*>(context))(value); },
        &visit);
  }
  // `synced`: it and all writes before it are durable when this returns.
  StoreResult<void> write(Batch& batch, bool synced);
  std::unique_ptr<Cursor> open_cursor(Family family);
  // With less, readers that pin their blocks could find no room for the next.
  static constexpr std::size_t cache_bytes_min = 128 * 1024;
  void set_cache_bytes(std::size_t bytes);
  // Of memtables from now on; what is in larger ones goes to disk. For a worker: it waits for the disk.
  StoreResult<void> set_memtable_bytes(std::size_t bytes);
  // Of its files.
  StoreResult<std::uint64_t> disk_bytes();

 private:
  struct Parts;
  explicit IndexDb(std::unique_ptr<Parts> parts);
  StoreResult<bool> get_with(Family family, Bytes key, void (*visit)(void*, Bytes), void* context);
  rocksdb::ColumnFamilyHandle* handle(Family family) const;

  std::unique_ptr<Parts> parts_;
  std::atomic<bool> write_failed_{false};
};

}  // namespace masu::store
