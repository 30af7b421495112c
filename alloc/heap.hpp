// The general heap: jemalloc 5.3, whose every extent comes out of the page box.
//
// Arena 0 serves whoever calls malloc or operator new (RocksDB, OpenSSL, Asio, what nobody named) through the
// library door. A jemalloc arena costs 121 KiB before its first object, so lifetimes share three more, made
// at their first use: what lives long, what lives with a connection, and what passes. Options are compiled in
// (malloc_conf in heap.cpp); the hooks are installed before main. An arena-0 request that finds both doors
// full takes back what the reclaimers give, and clean code pages; after that the process ends with a message,
// because its libraries do not survive a refusal. A refusal in the other arenas is a null pointer.
//
// Builds with sanitizers have the sanitizer's allocator instead: heap_allocate works, and counts show
// nothing. All functions may be called from any thread.
#pragma once

#include "alloc/budget.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace masu {

enum class HeapArena : std::uint8_t {
  library,     // arena 0
  lasting,     // process, peer, store
  connection,  // connection, stream
  passing,     // handshake, request, block
};
inline constexpr std::size_t heap_arena_count = 4;
std::string_view name_of(HeapArena);
HeapArena heap_arena_of(Lifetime);

// nullptr: the box refuses. `align` is a power of two below 2 MiB. Zero bytes are one.
[[nodiscard]] void* heap_allocate(Lifetime lifetime, std::size_t bytes, std::size_t align) noexcept;
// Requires: what heap_allocate was asked for.
void heap_free(void* memory, std::size_t bytes, std::size_t align) noexcept;

// An option that is not as compiled in: an environment variable or /etc/malloc.conf says otherwise, or
// another jemalloc was linked.
struct HeapFault {
  std::string_view option;
  std::string wanted;
  std::string found;
};
// To be asked once at start: with other options the budget does not hold.
std::expected<void, HeapFault> verify_heap();

// Gives the pages of all arenas that are free back to the box now.
void purge_heap() noexcept;

// What one arena holds. `charged` are its pages in the box; of them, `active` hold objects, and `dirty` none.
// `metadata` are jemalloc's own tables for it: resident bytes, outside `charged`.
struct HeapCount {
  HeapArena arena = HeapArena::library;
  bool created = false;
  std::size_t charged = 0;
  std::size_t allocated = 0;
  std::size_t active = 0;
  std::size_t dirty = 0;
  std::size_t metadata = 0;
};
std::array<HeapCount, heap_arena_count> count_heap();

// Somebody with pages to spare: asked when the library door is dry, on the thread and in the middle of the
// malloc that met it. It must not allocate, log, throw, or take a lock that is ever held over an allocation;
// ChunkPool::trim fits. Returns the bytes it gave back to the box.
using Reclaimer = std::size_t (*)(void* context, std::size_t wanted_bytes);
// At most eight. A context must live until the reclaimer is removed.
void add_reclaimer(Reclaimer reclaimer, void* context);
void remove_reclaimer(void* context);

}  // namespace masu
