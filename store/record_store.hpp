// RecordStore: small records by key (pins, names, counters), beside the blocks and as durable as they are.
//
// Keys compare bytewise, and their first byte names the table that they belong to (record_table). Blocking
// calls, from any thread but the loop (see store/jobs.hpp). One implementation on disk (RocksDB), one in
// memory for tests and the simulator.
#pragma once

#include "alloc/bytes.hpp"
#include "store/error.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

namespace masu::store {

inline constexpr std::size_t record_key_bytes_max = 512;
inline constexpr std::size_t record_value_bytes_max = 64 * 1024;

// First bytes of keys: one table each. A byte is never given to another table.
namespace record_table {
inline constexpr std::uint8_t repo = 0x01;  // format number, version
inline constexpr std::uint8_t pin = 0x10;   // store/pin_set.hpp
inline constexpr std::uint8_t mfs = 0x20;   // the root of the files API
inline constexpr std::uint8_t peer = 0x30;  // core/node/peer_book.hpp
// 0xf0 to 0xff belong to the store on disk itself (store/disk/meta_tables.hpp).
}  // namespace record_table

// One change of a batch; borrows its bytes. Without a value the key is deleted.
struct RecordChange {
  Bytes key;
  std::optional<Bytes> value;
};

// Records whose keys begin with one prefix, in the order of their keys, as they were when the cursor was
// made. It pins resources of the store: it is read on and given back soon; who serves a slow client reads a
// page, gives it back, and opens another one `after` the last key.
class RecordCursor {
 public:
  virtual ~RecordCursor() = default;
  // Moves to the next record (at first: to the first one); false at the end.
  virtual StoreResult<bool> next() = 0;
  // Of the record that next() moved to; valid until the next call of it.
  virtual Bytes key() const = 0;
  virtual Bytes value() const = 0;
};

class RecordStore {
 public:
  virtual ~RecordStore() = default;

  // nullopt: there is none.
  virtual StoreResult<std::optional<std::string>> get(Bytes key) = 0;
  // All of the changes or none of them, in this order; durable when it returns.
  // Requires: keys and values within the limits above.
  virtual StoreResult<void> write(std::span<const RecordChange> changes) = 0;
  // Records behind `after`, which need not exist; from the first one when it is empty.
  virtual StoreResult<std::unique_ptr<RecordCursor>> open_cursor(Bytes prefix, Bytes after = {}) = 0;

  StoreResult<void> put(Bytes key, Bytes value) {
    const RecordChange change{key, value};
    return write({&change, 1});
  }
  StoreResult<void> remove(Bytes key) {
    const RecordChange change{key, std::nullopt};
    return write({&change, 1});
  }
};

class MemoryRecordStore final : public RecordStore {
 public:
  StoreResult<std::optional<std::string>> get(Bytes key) override;
  StoreResult<void> write(std::span<const RecordChange> changes) override;
  // Copies what it will show.
  StoreResult<std::unique_ptr<RecordCursor>> open_cursor(Bytes prefix, Bytes after = {}) override;

  std::size_t size() const;

 private:
  mutable std::mutex lock_;
  std::map<std::string, std::string, std::less<>> records_;
};

}  // namespace masu::store
