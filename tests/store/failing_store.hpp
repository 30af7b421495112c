// A store that fails when the test says so: the N-th call from now, or each call for one block.
#pragma once

#include "store/collectable_store.hpp"

#include <limits>
#include <optional>

namespace masu::store::test {

class FailingStore final : public CollectableStore {
 public:
  explicit FailingStore(CollectableStore& inner) : inner_(inner) {}

  // The call after so many others fails, once. Calls so far are counted in `calls`.
  void fail_after(std::size_t more_calls, StoreErrorCode code = StoreErrorCode::io) {
    fails_at_ = calls + more_calls;
    code_ = code;
  }
  std::size_t calls = 0;
  std::optional<Multihash> unreadable;

  using BlockStore::put;
  StoreResult<std::optional<std::uint32_t>> size(const Multihash& hash) override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.size(hash);
  }
  StoreResult<std::unique_ptr<BlockReader>> open(const Multihash& hash) override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.open(hash);
  }
  StoreResult<ChunkChain> get(const Multihash& hash, ChunkPool& pool, Account& holder) override {
    if (auto failed = count()) return std::unexpected(*failed);
    if (unreadable && *unreadable == hash) return fail(StoreErrorCode::corrupt, "unreadable");
    return inner_.get(hash, pool, holder);
  }
  StoreResult<bool> put(const Multihash& hash, std::span<const Bytes> pieces) override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.put(hash, pieces);
  }
  StoreResult<void> sync() override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.sync();
  }
  StoreResult<bool> remove(const Multihash& hash) override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.remove(hash);
  }
  StoreResult<std::unique_ptr<KeyCursor>> open_keys(const Multihash* after) override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.open_keys(after);
  }
  WriteSequence next_sequence() const override { return inner_.next_sequence(); }
  StoreResult<void> touch(std::span<const Multihash> hashes, std::span<bool> here) override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.touch(hashes, here);
  }
  StoreResult<void> remove_unwritten(std::span<const Multihash> hashes, WriteSequence before,
                                     std::span<bool> removed) override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.remove_unwritten(hashes, before, removed);
  }
  StoreResult<std::uint64_t> reclaim(const std::atomic<bool>& stop) override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.reclaim(stop);
  }
  StoreResult<StoreUsage> usage() override {
    if (auto failed = count()) return std::unexpected(*failed);
    return inner_.usage();
  }

 private:
  std::optional<StoreError> count() {
    if (calls++ != fails_at_) return std::nullopt;
    return StoreError{code_, "the disk said no"};
  }

  CollectableStore& inner_;
  std::size_t fails_at_ = std::numeric_limits<std::size_t>::max();
  StoreErrorCode code_ = StoreErrorCode::io;
};

}  // namespace masu::store::test
