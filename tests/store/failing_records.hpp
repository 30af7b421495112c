// Records that fail when the test says so: the N-th call from now, cursors and their steps included.
#pragma once

#include "store/record_store.hpp"

#include <limits>

namespace masu::store::test {

class FailingRecords final : public RecordStore {
 public:
  explicit FailingRecords(RecordStore& inner) : inner_(inner) {}

  // The call after so many others fails, once.
  void fail_after(std::size_t more_calls) { fails_at_ = calls + more_calls; }
  std::size_t calls = 0;

  StoreResult<std::optional<std::string>> get(Bytes key) override {
    if (fails()) return no();
    return inner_.get(key);
  }
  StoreResult<void> write(std::span<const RecordChange> changes) override {
    if (fails()) return no();
    return inner_.write(changes);
  }
  StoreResult<std::unique_ptr<RecordCursor>> open_cursor(Bytes prefix, Bytes after) override {
    if (fails()) return no();
    auto cursor = inner_.open_cursor(prefix, after);
    if (!cursor) return cursor;
    return std::make_unique<Cursor>(*this, std::move(*cursor));
  }

 private:
  class Cursor final : public RecordCursor {
   public:
    Cursor(FailingRecords& records, std::unique_ptr<RecordCursor> inner)
        : records_(records), inner_(std::move(inner)) {}
    StoreResult<bool> next() override {
      if (records_.fails()) return no();
      return inner_->next();
    }
    Bytes key() const override { return inner_->key(); }
    Bytes value() const override { return inner_->value(); }

   private:
    FailingRecords& records_;
    std::unique_ptr<RecordCursor> inner_;
  };

  static std::unexpected<StoreError> no() { return fail(StoreErrorCode::io, "the disk said no"); }
  bool fails() { return calls++ == fails_at_; }

  RecordStore& inner_;
  std::size_t fails_at_ = std::numeric_limits<std::size_t>::max();
};

}  // namespace masu::store::test
