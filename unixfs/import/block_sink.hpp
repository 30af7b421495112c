// BlockSink: where the blocks of an import go: into a store, or nowhere when only their CIDs are wanted.
//
// Blocks come with their multihash, made from these bytes, and never with an identity one. Blocking calls,
// from the one thread that imports.
#pragma once

#include "multiformats/multihash.hpp"
#include "store/block_store.hpp"
#include "unixfs/error.hpp"

#include <atomic>
#include <cstdint>
#include <span>

namespace masu::unixfs {

class BlockSink {
 public:
  virtual ~BlockSink() = default;
  // The pieces in order are the block; they are the caller's again afterwards.
  virtual Result<> put(const Multihash& hash, std::span<const Bytes> pieces) = 0;
};

// Durable after the store's sync(), which is the owner's call. Stops where it is when `stop` is set.
class StoreSink final : public BlockSink {
 public:
  StoreSink(store::BlockStore& blocks, const std::atomic<bool>& stop) : blocks_(blocks), stop_(stop) {}
  Result<> put(const Multihash& hash, std::span<const Bytes> pieces) override;

 private:
  store::BlockStore& blocks_;
  const std::atomic<bool>& stop_;
};

// Stores nothing.
class HashOnlySink final : public BlockSink {
 public:
  explicit HashOnlySink(const std::atomic<bool>& stop) : stop_(stop) {}
  Result<> put(const Multihash& hash, std::span<const Bytes> pieces) override;
  std::uint64_t blocks() const { return blocks_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  const std::atomic<bool>& stop_;
  std::uint64_t blocks_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace masu::unixfs
