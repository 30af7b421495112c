// BlockRoom: the right to more than one chunk for a block that arrives. What is useful only whole would lock
// up a pool of which many hold a part; so a block of more than a chunk begins its second one only when there
// is room for all of it, and then the pool keeps its chunks free: others (uploads, reads, frames) may take
// the rest meanwhile. Counted in bytes, so that four blocks of 256 KiB wait for no room that one of 2 MiB
// would need. Loop thread; grants outlive nothing.
#pragma once

#include "alloc/chunk_pool.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace masu::bitswap {

class BlockRoom {
 public:
  class Grant {
   public:
    Grant() = default;
    Grant(Grant&& other) noexcept
        : room_(std::exchange(other.room_, nullptr)),
          bytes_(std::exchange(other.bytes_, 0)),
          promise_(std::move(other.promise_)) {}
    Grant& operator=(Grant&& other) noexcept {
      if (this != &other) {
        reset();
        room_ = std::exchange(other.room_, nullptr);
        bytes_ = std::exchange(other.bytes_, 0);
        promise_ = std::move(other.promise_);
      }
      return *this;
    }
    ~Grant() { reset(); }
    explicit operator bool() const { return room_ != nullptr; }
    // The block's next chunk. Empty: the quota of `holder`, the pool or the box is used up.
    [[nodiscard]] Chunk take_chunk(Account& holder) {
      return promise_.chunks() > 0 ? promise_.take(holder) : room_->chunks_.take(holder);
    }
    void reset() {
      if (room_ != nullptr) room_->used_ -= bytes_;
      room_ = nullptr;
      bytes_ = 0;
      promise_.reset();
    }

   private:
    friend class BlockRoom;
    Grant(BlockRoom* room, std::size_t bytes, ChunkPromise promise)
        : room_(room), bytes_(bytes), promise_(std::move(promise)) {}
    BlockRoom* room_ = nullptr;
    std::size_t bytes_ = 0;
    ChunkPromise promise_;
  };

  // Requires: bytes_max has room for the largest block.
  BlockRoom(ChunkPool& chunks, std::size_t bytes_max) : chunks_(chunks), bytes_max_(bytes_max) {}
  BlockRoom(const BlockRoom&) = delete;
  BlockRoom& operator=(const BlockRoom&) = delete;

  // For a block that has its first chunk. An empty grant: not now, or there would be less than `leave` for
  // others. One block may always be alone; where the pool cannot promise it that much, it takes what comes.
  [[nodiscard]] Grant take(std::size_t block_bytes, std::size_t leave = 0) {
    chunks_.expect_promises(true);
    const std::size_t bytes = (block_bytes + chunk_bytes - 1) / chunk_bytes * chunk_bytes;
    if (used_ + bytes > bytes_max_ || (used_ > 0 && used_ + bytes + leave > bytes_max_)) return {};
    std::optional<ChunkPromise> promise = chunks_.promise(std::max<std::size_t>(bytes / chunk_bytes, 1) - 1);
    if (!promise && used_ > 0) return {};
    used_ += bytes;
    return Grant(this, bytes, promise ? std::move(*promise) : ChunkPromise());
  }
  // No block has come for a while.
  void rest() { chunks_.expect_promises(false); }
  // As the constructor; what is above it comes back when it comes back.
  void set_bytes_max(std::size_t bytes) { bytes_max_ = bytes; }
  std::size_t bytes_max() const { return bytes_max_; }
  std::size_t used_bytes() const { return used_; }

 private:
  ChunkPool& chunks_;
  std::size_t bytes_max_;
  std::size_t used_ = 0;
};

}  // namespace masu::bitswap
