// SecretBytes: a byte vector that leaves nothing behind: its memory is wiped before it goes back.
//
// For few and short secrets (the node's keys), on the ordinary heap: pages locked against swapping would cost
// several pages each, outside of the box.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace masu {

void wipe(void* memory, std::size_t bytes) noexcept;

template <class T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <class U>
  explicit(false) WipingAllocator(const WipingAllocator<U>&) {}
  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) noexcept {
    wipe(memory, count * sizeof(T));
    std::allocator<T>().deallocate(memory, count);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) = default;
};

using SecretBytes = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;

}  // namespace masu
