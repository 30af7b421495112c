#include "store/memory_store.hpp"

#include "alloc/check.hpp"

#include <algorithm>

namespace masu::store {
namespace {

std::unexpected<StoreError> missing(const Multihash& hash) {
  return fail(StoreErrorCode::not_found, "block " + hash.to_base58() + " is not here");
}

}  // namespace

class MemoryStore::Reader final : public BlockReader {
 public:
  explicit Reader(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  std::uint32_t size() const override { return static_cast<std::uint32_t>(content_->size()); }
  StoreResult<void> read(std::uint32_t offset, MutableBytes out) override {
    MASU_CHECK(offset + out.size() <= content_->size(), "a block is read within its end");
    std::copy_n(content_->begin() + offset, out.size(), out.begin());
    return {};
  }

 private:
  std::shared_ptr<const Content> content_;
};

// Looks up one key after another, so that it needs no snapshot.
class MemoryStore::Cursor final : public KeyCursor {
 public:
  Cursor(MemoryStore& store, const Multihash* after) : store_(store), started_(after != nullptr) {
    if (after != nullptr) key_.hash = *after;
  }
  StoreResult<bool> next() override {
    const std::lock_guard guard(store_.lock_);
    const auto found = started_ ? store_.blocks_.upper_bound(key_.hash) : store_.blocks_.begin();
    started_ = true;
    if (found == store_.blocks_.end()) return false;
    key_ = {found->first, static_cast<std::uint32_t>(found->second.content->size()), found->second.sequence};
    return true;
  }
  const StoredKey& key() const override { return key_; }

 private:
  MemoryStore& store_;
  StoredKey key_;
  bool started_;
};

StoreResult<std::optional<std::uint32_t>> MemoryStore::size(const Multihash& hash) {
  const std::lock_guard guard(lock_);
  const auto found = blocks_.find(hash);
  if (found == blocks_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found->second.content->size());
}

StoreResult<std::unique_ptr<BlockReader>> MemoryStore::open(const Multihash& hash) {
  const std::lock_guard guard(lock_);
  const auto found = blocks_.find(hash);
  if (found == blocks_.end()) return missing(hash);
  return std::make_unique<Reader>(found->second.content);
}

StoreResult<ChunkChain> MemoryStore::get(const Multihash& hash, ChunkPool& pool, Account& holder) {
  const std::lock_guard guard(lock_);
  const auto found = blocks_.find(hash);
  if (found == blocks_.end()) return missing(hash);
  ChunkChain chain;
  if (!chain.append_copy(pool, holder, *found->second.content)) {
    return fail(StoreErrorCode::out_of_memory, refusal_text(holder));
  }
  return chain;
}

StoreResult<bool> MemoryStore::put(const Multihash& hash, std::span<const Bytes> pieces) {
  MASU_CHECK(!hash.is_identity(), "identity blocks are never stored");
  auto content = std::make_shared<Content>();
  for (const Bytes piece : pieces) content->insert(content->end(), piece.begin(), piece.end());
  if (content->size() > block_bytes_max) {
    return fail(StoreErrorCode::too_large, "a block of " + std::to_string(content->size()) + " bytes");
  }
  const std::lock_guard guard(lock_);
  const WriteSequence sequence = next_sequence_++;
  const auto found = blocks_.find(hash);
  if (found != blocks_.end()) {
    found->second.sequence = sequence;
    return false;
  }
  block_bytes_ += content->size();
  blocks_.emplace(hash, Entry{std::move(content), sequence});
  synced_ = false;
  return true;
}

StoreResult<void> MemoryStore::sync() {
  const std::lock_guard guard(lock_);
  ++syncs_;
  synced_ = true;
  return {};
}

StoreResult<bool> MemoryStore::remove(const Multihash& hash) {
  const std::lock_guard guard(lock_);
  const auto found = blocks_.find(hash);
  if (found == blocks_.end()) return false;
  block_bytes_ -= found->second.content->size();
  dead_bytes_ += found->second.content->size();
  blocks_.erase(found);
  return true;
}

StoreResult<std::unique_ptr<KeyCursor>> MemoryStore::open_keys(const Multihash* after) {
  return std::make_unique<Cursor>(*this, after);
}

StoreResult<void> MemoryStore::touch(std::span<const Multihash> hashes, std::span<bool> here) {
  MASU_CHECK(hashes.size() == here.size(), "one answer for each block");
  const std::lock_guard guard(lock_);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const auto found = blocks_.find(hashes[i]);
    here[i] = found != blocks_.end();
    if (here[i]) found->second.sequence = next_sequence_++;
  }
  return {};
}

StoreResult<void> MemoryStore::remove_unwritten(std::span<const Multihash> hashes, WriteSequence before,
                                                std::span<bool> removed) {
  MASU_CHECK(hashes.size() == removed.size(), "one answer for each block");
  const std::lock_guard guard(lock_);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const auto found = blocks_.find(hashes[i]);
    removed[i] = found != blocks_.end() && found->second.sequence < before;
    if (!removed[i]) continue;
    block_bytes_ -= found->second.content->size();
    dead_bytes_ += found->second.content->size();
    blocks_.erase(found);
  }
  return {};
}

StoreResult<std::uint64_t> MemoryStore::reclaim(const std::atomic<bool>& stop) {
  if (stop) return 0;
  const std::lock_guard guard(lock_);
  return std::exchange(dead_bytes_, 0);
}

StoreResult<StoreUsage> MemoryStore::usage() {
  const std::lock_guard guard(lock_);
  return StoreUsage{block_bytes_ + dead_bytes_, block_bytes_, blocks_.size()};
}

std::size_t MemoryStore::syncs() const {
  const std::lock_guard guard(lock_);
  return syncs_;
}

bool MemoryStore::synced() const {
  const std::lock_guard guard(lock_);
  return synced_;
}

}  // namespace masu::store
