// Poisoning: under AddressSanitizer, memory that a pool holds but nobody owns traps when it is touched. In
// other builds both calls are nothing.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define MASU_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MASU_ASAN 1
#endif
#endif

#if defined(MASU_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace masu {

inline void poison([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(MASU_ASAN)
  ASAN_POISON_MEMORY_REGION(memory, bytes);
#endif
}

inline void unpoison([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(MASU_ASAN)
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#endif
}

}  // namespace masu
