// PageBox: the one address range that every heap page of the process comes from.
//
// Reserved once (it costs addresses, no memory), charged when pages are mapped, given back to the kernel
// when they are unmapped. Two doors: `ours` for our pools and arenas, refused at budget - fixed part -
// library reserve; `library` for jemalloc's automatic arena 0 (RocksDB, OpenSSL, Asio, what nobody named),
// which has the reserve to itself and, above it, what `ours` has not taken: a refusal there ends the process.
// As long as the library door is overdrawn, `ours` has that much less. The sum of the two limits is never
// passed. The only global of the process is process_box().
//
// Thread-safe. Never calls malloc, logs, throws or waits on anything but its own short spin lock, so that
// jemalloc's extent hooks may call it.
#pragma once

#include "alloc/page_bitmap.hpp"
#include "alloc/spin_lock.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace masu {

inline constexpr std::size_t page_bytes = 4096;
// Rounds up to whole pages.
constexpr std::size_t whole_pages(std::size_t bytes) { return (bytes + page_bytes - 1) & ~(page_bytes - 1); }

enum class Door : std::uint8_t { ours, library };

struct DoorCount {
  std::size_t limit_bytes = 0;
  std::size_t charged_bytes = 0;
  std::size_t peak_bytes = 0;
  std::uint64_t refusals = 0;
};

class PageBox {
 public:
  // Reserves `address_bytes` of addresses (rounded up to 2 MiB), or half of that, and so on, where an address
  // limit refuses them. Ends the process when the kernel gives less than 2 MiB: nothing can work then.
  // Both doors are open without a limit until set_limits().
  explicit PageBox(std::size_t address_bytes);
  ~PageBox();
  PageBox(const PageBox&) = delete;
  PageBox& operator=(const PageBox&) = delete;

  // Pages that read as zero, aligned to `align_bytes` (a power of two, at least page_bytes), charged to
  // `door` before they are handed out. nullptr: the door's limit or the addresses are used up.
  void* map(std::size_t bytes, std::size_t align_bytes, Door door) noexcept;
  // Gives pages back: the kernel takes them, the charge goes. `bytes` may be a part of a mapped run.
  void unmap(void* pages, std::size_t bytes, Door door) noexcept;
  // Pages that count by what is resident, which whoever maps them must measure: for sparse tables only
  // (jemalloc's metadata). Charged to no door.
  void* map_uncharged(std::size_t bytes, std::size_t align_bytes) noexcept;
  // Addresses only: nothing is charged, and touching them traps, until recommit(). nullptr: none are left.
  void* reserve(std::size_t bytes, std::size_t align_bytes) noexcept;
  // Changes the charge without changing addresses: pages of a kept range given back and taken again. They
  // read as zero afterwards. False (and nothing changed): the door's limit.
  bool recommit(void* pages, std::size_t bytes, Door door) noexcept;
  void decommit(void* pages, std::size_t bytes, Door door) noexcept;

  bool contains(const void* address) const noexcept;
  void set_limits(std::size_t ours_bytes, std::size_t library_bytes) noexcept;
  DoorCount count(Door door) const noexcept;

  std::size_t address_bytes() const noexcept;
  // Gives addresses above `address_bytes` back, as far as none of them is handed out.
  void shrink_addresses(std::size_t address_bytes) noexcept;
  // Memory of the box itself: its two bitmaps. Charged to neither door.
  std::size_t table_bytes() const noexcept;

 private:
  bool charge(Door door, std::size_t bytes) noexcept;
  void release(Door door, std::size_t bytes) noexcept;
  std::size_t page_of(const void* address) const noexcept;
  std::size_t take_addresses(std::size_t pages, std::size_t align_bytes) noexcept;
  void free_addresses(std::size_t first, std::size_t pages) noexcept;

  std::uint8_t* base_ = nullptr;
  std::atomic<std::size_t> address_bytes_{0};
  mutable SpinLock lock_;  // guards what follows
  std::array<DoorCount, 2> doors_;
  PageBitmap used_;      // addresses handed out
  PageBitmap charged_;   // of them, pages that count
  std::size_t low_ = 0;  // no page below it is free
};

// The box of this process: made before main (and before the first allocation that can be caught), never
// destroyed. Under sanitizers it exists too, but only our pools draw from it.
PageBox& process_box() noexcept;

}  // namespace masu
