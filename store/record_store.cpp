#include "store/record_store.hpp"

#include "alloc/check.hpp"

#include <utility>
#include <vector>

namespace masu::store {
namespace {

class MemoryCursor final : public RecordCursor {
 public:
  explicit MemoryCursor(std::vector<std::pair<std::string, std::string>> records)
      : records_(std::move(records)) {}
  StoreResult<bool> next() override {
    if (next_ < records_.size()) return ++next_, true;
    next_ = records_.size() + 1;
    return false;
  }
  Bytes key() const override { return as_bytes(records_.at(next_ - 1).first); }
  Bytes value() const override { return as_bytes(records_.at(next_ - 1).second); }

 private:
  std::vector<std::pair<std::string, std::string>> records_;
  std::size_t next_ = 0;
};

}  // namespace

StoreResult<std::optional<std::string>> MemoryRecordStore::get(Bytes key) {
  const std::lock_guard guard(lock_);
  const auto found = records_.find(as_text(key));
  if (found == records_.end()) return std::nullopt;
  return found->second;
}

StoreResult<void> MemoryRecordStore::write(std::span<const RecordChange> changes) {
  const std::lock_guard guard(lock_);
  for (const RecordChange& change : changes) {
    MASU_CHECK(change.key.size() <= record_key_bytes_max, "a key is within its limit");
    if (change.value) {
      MASU_CHECK(change.value->size() <= record_value_bytes_max, "a value is within its limit");
      records_.insert_or_assign(std::string(as_text(change.key)), std::string(as_text(*change.value)));
    } else {
      records_.erase(std::string(as_text(change.key)));
    }
  }
  return {};
}

StoreResult<std::unique_ptr<RecordCursor>> MemoryRecordStore::open_cursor(Bytes prefix, Bytes after) {
  const std::lock_guard guard(lock_);
  std::vector<std::pair<std::string, std::string>> shown;
  const bool behind = as_text(after) >= as_text(prefix) && !after.empty();
  auto at = behind ? records_.upper_bound(as_text(after)) : records_.lower_bound(as_text(prefix));
  for (; at != records_.end() && at->first.starts_with(as_text(prefix)); ++at) shown.push_back(*at);
  return std::make_unique<MemoryCursor>(std::move(shown));
}

std::size_t MemoryRecordStore::size() const {
  const std::lock_guard guard(lock_);
  return records_.size();
}

}  // namespace masu::store
