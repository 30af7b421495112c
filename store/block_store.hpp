// BlockStore: blocks by multihash.
//
// Blocking calls, from any thread but the loop (see store/jobs.hpp). One implementation on disk (segment
// files for bytes, RocksDB as the index), one in memory for tests and the simulator. Keys are multihashes,
// never CIDs: a block satisfies every CID with its multihash. The store does not hash: who puts a block has
// verified it (the importer made the hash, bitswap checked it). Identity multihashes are never stored.
//
// put() is durable only after sync(): a command is acknowledged after one sync of what it wrote.
#pragma once

#include "alloc/bytes.hpp"
#include "alloc/chunk_pool.hpp"
#include "multiformats/multihash.hpp"
#include "store/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace masu::store {

inline constexpr std::size_t block_bytes_max = 2 * 1024 * 1024;

// An open block: bytes are read as they are wanted. Holds its segment alive (a collection may move the
// block meanwhile). Small, movable; any thread, one at a time.
class BlockReader {
 public:
  virtual ~BlockReader() = default;
  virtual std::uint32_t size() const = 0;
  // Fills `out` from `offset`. Requires: offset + out.size() <= size(). Short reads are an error (corrupt).
  virtual StoreResult<void> read(std::uint32_t offset, MutableBytes out) = 0;
};

class BlockStore {
 public:
  virtual ~BlockStore() = default;

  // nullopt: not here.
  virtual StoreResult<std::optional<std::uint32_t>> size(const Multihash& hash) = 0;
  virtual StoreResult<std::unique_ptr<BlockReader>> open(const Multihash& hash) = 0;
  // The whole block as chunks charged to `holder`.
  virtual StoreResult<ChunkChain> get(const Multihash& hash, ChunkPool& pool, Account& holder) = 0;
  // Appends the pieces in order as one block; true when it was not here before. Not durable before sync().
  virtual StoreResult<bool> put(const Multihash& hash, std::span<const Bytes> pieces) = 0;
  StoreResult<bool> put(const Multihash& hash, const ChunkChain& chain);
  StoreResult<bool> put(const Multihash& hash, Bytes bytes) {
    return put(hash, std::span<const Bytes>(&bytes, 1));
  }
  virtual StoreResult<void> sync() = 0;
  // True when it was here. Whether it is pinned is the caller's question.
  virtual StoreResult<bool> remove(const Multihash& hash) = 0;

 private:
  StoreResult<bool> put_many(const Multihash& hash, const ChunkChain& chain);
};

}  // namespace masu::store
