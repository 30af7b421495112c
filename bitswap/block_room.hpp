// BlockRoom: the right to more than one chunk for a block that arrives. What is useful only whole would lock
// up a pool of which many hold a part; so a block of more than a chunk begins its second one only when there
// is room for all of it. Counted in bytes, so that four blocks of 256 KiB wait for no room that one of 2 MiB
// would need. Loop thread; grants outlive nothing.
#pragma once

#include "alloc/chunk_pool.hpp"

#include <cstddef>
#include <utility>

namespace masu::bitswap {

class BlockRoom {
 public:
  class Grant {
   public:
    Grant() = default;
    Grant(Grant&& other) noexcept
        : room_(std::exchange(other.room_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Grant& operator=(Grant&& other) noexcept {
      if (this != &other) {
        reset();
        room_ = std::exchange(other.room_, nullptr);
        bytes_ = std::exchange(other.bytes_, 0);
      }
      return *this;
    }
    ~Grant() { reset(); }
    explicit operator bool() const { return room_ != nullptr; }
    void reset() {
      if (room_ != nullptr) room_->used_ -= bytes_;
      room_ = nullptr;
      bytes_ = 0;
    }

   private:
    friend class BlockRoom;
    Grant(BlockRoom* room, std::size_t bytes) : room_(room), bytes_(bytes) {}
    BlockRoom* room_ = nullptr;
    std::size_t bytes_ = 0;
  };

  // Requires: bytes_max has room for the largest block.
  explicit BlockRoom(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  BlockRoom(const BlockRoom&) = delete;
  BlockRoom& operator=(const BlockRoom&) = delete;

  // An empty grant: not now, or there would be less than `leave` for others. One block may always be alone.
  [[nodiscard]] Grant take(std::size_t block_bytes, std::size_t leave = 0) {
    const std::size_t bytes = (block_bytes + chunk_bytes - 1) / chunk_bytes * chunk_bytes;
    if (used_ + bytes > bytes_max_ || (used_ > 0 && used_ + bytes + leave > bytes_max_)) return {};
    used_ += bytes;
    return Grant(this, bytes);
  }
  // As the constructor; what is above it comes back when it comes back.
  void set_bytes_max(std::size_t bytes) { bytes_max_ = bytes; }
  std::size_t bytes_max() const { return bytes_max_; }
  std::size_t used_bytes() const { return used_; }

 private:
  std::size_t bytes_max_;
  std::size_t used_ = 0;
};

}  // namespace masu::bitswap
