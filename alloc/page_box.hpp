// PageBox: the one address range that every heap page of the process comes from.
//
// Reserved once (it costs addresses, no memory), charged when pages are mapped, given back to the kernel
// when they are unmapped. Two doors: `ours` for our pools and arenas, refused at budget - fixed part -
// library reserve; `library` for jemalloc's automatic arena 0 (RocksDB, OpenSSL, Asio, what nobody named),
// which has the reserve to itself. The only global of the process is process_box().
//
// Thread-safe. Never calls malloc, logs, throws or waits on anything but its own short spin lock, so that
// jemalloc's extent hooks may call it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace masu {

inline constexpr std::size_t page_bytes = 4096;

enum class Door : std::uint8_t { ours, library };

struct DoorCount {
  std::size_t limit_bytes = 0;
  std::size_t charged_bytes = 0;
  std::size_t peak_bytes = 0;
  std::uint64_t refusals = 0;
};

class PageBox {
 public:
  // Reserves `address_bytes` of addresses (rounded up to 2 MiB). Ends the process when the kernel gives none:
  // nothing can work then.
  explicit PageBox(std::size_t address_bytes);
  ~PageBox();
  PageBox(const PageBox&) = delete;
  PageBox& operator=(const PageBox&) = delete;

  // Pages that read as zero, aligned to `align_bytes` (a power of two, at least page_bytes), charged to
  // `door` before they are handed out. nullptr: the door's limit or the addresses are used up.
  void* map(std::size_t bytes, std::size_t align_bytes, Door door) noexcept;
  // Gives pages back: the kernel takes them, the charge goes. `bytes` may be a part of a mapped run.
  void unmap(void* pages, std::size_t bytes, Door door) noexcept;
  // Changes the charge without changing addresses: pages of a kept range given back and taken again.
  bool recommit(void* pages, std::size_t bytes, Door door) noexcept;
  void decommit(void* pages, std::size_t bytes, Door door) noexcept;

  bool contains(const void* address) const noexcept;
  void set_limits(std::size_t ours_bytes, std::size_t library_bytes) noexcept;
  DoorCount count(Door door) const noexcept;
};

// The box of this process: made before main (and before the first allocation that can be caught), never
// destroyed. Under sanitizers it exists too, but only our pools draw from it.
PageBox& process_box() noexcept;

}  // namespace masu
