#include "alloc/check.hpp"
#include "store/disk/engine.hpp"
#include "store/disk/meta_tables.hpp"

#include <utility>

namespace masu::store {
namespace {

using Family = IndexDb::Family;

class DiskRecordCursor final : public RecordCursor {
 public:
  DiskRecordCursor(std::unique_ptr<IndexDb::Cursor> cursor, Bytes prefix, Bytes after)
      : cursor_(std::move(cursor)), prefix_(as_text(prefix)) {
    const bool behind = !after.empty() && as_text(after) >= as_text(prefix);
    cursor_->seek(behind ? after : prefix);
    if (behind && cursor_->valid() && equal(cursor_->key(), after)) cursor_->next();
  }

  StoreResult<bool> next() override {
    if (started_ && cursor_->valid()) cursor_->next();
    started_ = true;
    if (!cursor_->valid()) {
      if (auto status = cursor_->status(); !status) return std::unexpected(status.error());
      return false;
    }
    return as_text(key()).starts_with(prefix_) && key()[0] < own_tables_from;
  }
  Bytes key() const override { return cursor_->key(); }
  Bytes value() const override { return cursor_->value(); }

 private:
  const std::unique_ptr<IndexDb::Cursor> cursor_;
  const std::string prefix_;
  bool started_ = false;
};

}  // namespace

StoreResult<std::optional<std::string>> DiskRecords::get(Bytes key) {
  std::optional<std::string> value;
  const auto found = index_.get(Family::meta, key, [&](Bytes bytes) { value = as_text(bytes); });
  if (!found) return std::unexpected(found.error());
  return value;
}

StoreResult<void> DiskRecords::write(std::span<const RecordChange> changes) {
  IndexDb::Batch batch;
  for (const RecordChange& change : changes) {
    MASU_CHECK(!change.key.empty() && change.key[0] < own_tables_from, "a record is in a table of its own");
    MASU_CHECK(change.key.size() <= record_key_bytes_max, "a key is within its limit");
    if (change.value) {
      MASU_CHECK(change.value->size() <= record_value_bytes_max, "a value is within its limit");
      batch.put(index_, Family::meta, change.key, *change.value);
    } else {
      batch.remove(index_, Family::meta, change.key);
    }
  }
  return committer_.write(batch);
}

StoreResult<std::unique_ptr<RecordCursor>> DiskRecords::open_cursor(Bytes prefix, Bytes after) {
  return std::make_unique<DiskRecordCursor>(index_.open_cursor(Family::meta), prefix, after);
}

}  // namespace masu::store
