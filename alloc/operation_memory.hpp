// OperationMemory: room for one Asio operation inside of the object that waits for it, so that waiting
// allocates nothing. One operation at a time; loop thread only.
#pragma once

#include "alloc/check.hpp"

#include <array>
#include <cstddef>

namespace masu {

class OperationMemory {
 public:
  static constexpr std::size_t bytes_max = 192;

  void* take(std::size_t bytes) {
    MASU_CHECK(!taken_ && bytes <= bytes_max, "one operation at a time, and none larger than measured");
    taken_ = true;
    return bytes_.data();
  }
  void give() { taken_ = false; }

 private:
  alignas(std::max_align_t) std::array<std::byte, bytes_max> bytes_;
  bool taken_ = false;
};

// As Asio's bind_allocator() takes it.
template <class T>
class OperationAllocator {
 public:
  using value_type = T;

  explicit OperationAllocator(OperationMemory& memory) : memory_(&memory) {}
  template <class Other>
  OperationAllocator(const OperationAllocator<Other>& other) : memory_(other.memory_) {}

  T* allocate(std::size_t count) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    return static_cast<T*>(memory_->take(count * sizeof(T)));
  }
  void deallocate(T*, std::size_t) { memory_->give(); }

  template <class Other>
  bool operator==(const OperationAllocator<Other>& other) const {
    return memory_ == other.memory_;
  }

 private:
  template <class Other>
  friend class OperationAllocator;
  OperationMemory* memory_;
};

}  // namespace masu
