#include "alloc/page_box.hpp"

#include "alloc/check.hpp"
#include "alloc/poison.hpp"

#include <algorithm>
#include <mutex>
#include <new>

#include <sys/mman.h>

namespace masu {
namespace {

constexpr std::size_t huge_bytes = std::size_t{2} << 20;
// Half of all bytes, so that sums of two do not overflow.
constexpr std::size_t no_limit = ~std::size_t{0} / 2;
constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

// The range starts on a 2 MiB border, so that aligned runs and page tables waste nothing.
std::uint8_t* reserve_range(std::size_t bytes) noexcept {
  void* wide = mmap(nullptr, bytes + huge_bytes, PROT_NONE, anonymous, -1, 0);
  if (wide == MAP_FAILED) return nullptr;
  auto* start = static_cast<std::uint8_t*>(wide);
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(start) % huge_bytes;
  const std::size_t lead = offset == 0 ? 0 : huge_bytes - offset;
  if (lead != 0) munmap(start, lead);
  if (lead != huge_bytes) munmap(start + lead + bytes, huge_bytes - lead);
  return start + lead;
}

// One call takes the pages and the access away: a late write traps instead of growing RSS unseen.
void drop_pages(void* pages, std::size_t bytes) noexcept {
  if (mmap(pages, bytes, PROT_NONE, anonymous | MAP_FIXED, -1, 0) == MAP_FAILED) {
    // The kernel's limit of mappings; the pages go all the same.
    madvise(pages, bytes, MADV_DONTNEED);
  }
}

bool open_pages(void* pages, std::size_t bytes) noexcept {
  if (mprotect(pages, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  unpoison(pages, bytes);
  return true;
}

}  // namespace

PageBox::PageBox(std::size_t address_bytes) {
  std::size_t bytes = (address_bytes + huge_bytes - 1) / huge_bytes * huge_bytes;
  while ((base_ = reserve_range(bytes)) == nullptr) {
    bytes = bytes / 2 / huge_bytes * huge_bytes;
    MASU_CHECK(bytes != 0, "the kernel gives no addresses for the page box");
  }
  doors_[0].limit_bytes = doors_[1].limit_bytes = no_limit;
  address_bytes_.store(bytes, std::memory_order_relaxed);

  const std::size_t pages = bytes / page_bytes;
  const std::size_t words = (pages + PageBitmap::word_bits - 1) / PageBitmap::word_bits;
  const std::size_t tables = whole_pages(2 * words * sizeof(std::uint64_t));
  MASU_CHECK(open_pages(base_, tables), "the kernel gives no memory for the page box");
  auto* table = reinterpret_cast<std::uint64_t*>(base_);
  used_ = PageBitmap(table, pages);
  charged_ = PageBitmap(table + words, pages);
  low_ = tables / page_bytes;
  used_.set(0, low_);
}

PageBox::~PageBox() { munmap(base_, address_bytes()); }

void* PageBox::map(std::size_t bytes, std::size_t align_bytes, Door door) noexcept {
  bytes = whole_pages(bytes);
  const std::size_t pages = bytes / page_bytes;
  std::size_t first = PageBitmap::npos;
  {
    const std::lock_guard guard(lock_);
    if (bytes == 0 || !charge(door, bytes)) return nullptr;
    first = take_addresses(pages, align_bytes);
    if (first == PageBitmap::npos) {
      release(door, bytes);
      return nullptr;
    }
    charged_.set(first, pages);
  }
  void* memory = base_ + first * page_bytes;
  if (open_pages(memory, bytes)) return memory;
  const std::lock_guard guard(lock_);
  charged_.clear(first, pages);
  free_addresses(first, pages);
  release(door, bytes);
  return nullptr;
}

void PageBox::unmap(void* memory, std::size_t bytes, Door door) noexcept {
  const std::size_t first = page_of(memory);
  const std::size_t pages = whole_pages(bytes) / page_bytes;
  drop_pages(memory, pages * page_bytes);
  const std::lock_guard guard(lock_);
  MASU_CHECK(used_.count(first, pages) == pages, "pages are given back once");
  release(door, charged_.count(first, pages) * page_bytes);
  charged_.clear(first, pages);
  free_addresses(first, pages);
}

void* PageBox::reserve(std::size_t bytes, std::size_t align_bytes) noexcept {
  const std::size_t pages = whole_pages(bytes) / page_bytes;
  const std::lock_guard guard(lock_);
  const std::size_t first = pages == 0 ? PageBitmap::npos : take_addresses(pages, align_bytes);
  return first == PageBitmap::npos ? nullptr : base_ + first * page_bytes;
}

void* PageBox::map_uncharged(std::size_t bytes, std::size_t align_bytes) noexcept {
  void* memory = reserve(bytes, align_bytes);
  if (memory == nullptr || open_pages(memory, whole_pages(bytes))) return memory;
  const std::lock_guard guard(lock_);
  free_addresses(page_of(memory), whole_pages(bytes) / page_bytes);
  return nullptr;
}

bool PageBox::recommit(void* memory, std::size_t bytes, Door door) noexcept {
  const std::size_t first = page_of(memory);
  const std::size_t pages = whole_pages(bytes) / page_bytes;
  std::size_t missing_bytes = 0;
  {
    const std::lock_guard guard(lock_);
    missing_bytes = (pages - charged_.count(first, pages)) * page_bytes;
    if (!charge(door, missing_bytes)) return false;
  }
  const bool opened = open_pages(memory, pages * page_bytes);
  const std::lock_guard guard(lock_);
  if (opened) {
    charged_.set(first, pages);
  } else {
    release(door, missing_bytes);
  }
  return opened;
}

void PageBox::decommit(void* memory, std::size_t bytes, Door door) noexcept {
  const std::size_t first = page_of(memory);
  const std::size_t pages = whole_pages(bytes) / page_bytes;
  drop_pages(memory, pages * page_bytes);
  const std::lock_guard guard(lock_);
  release(door, charged_.count(first, pages) * page_bytes);
  charged_.clear(first, pages);
}

bool PageBox::contains(const void* address) const noexcept {
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  const auto base = reinterpret_cast<std::uintptr_t>(base_);
  return place >= base && place - base < address_bytes();
}

void PageBox::set_limits(std::size_t ours_bytes, std::size_t library_bytes) noexcept {
  const std::lock_guard guard(lock_);
  doors_[static_cast<std::size_t>(Door::ours)].limit_bytes = std::min(ours_bytes, no_limit);
  doors_[static_cast<std::size_t>(Door::library)].limit_bytes = std::min(library_bytes, no_limit);
}

DoorCount PageBox::count(Door door) const noexcept {
  const std::lock_guard guard(lock_);
  return doors_[static_cast<std::size_t>(door)];
}

std::size_t PageBox::address_bytes() const noexcept { return address_bytes_.load(std::memory_order_relaxed); }

void PageBox::shrink_addresses(std::size_t wanted_bytes) noexcept {
  const std::size_t wanted_pages = (wanted_bytes + huge_bytes - 1) / huge_bytes * huge_bytes / page_bytes;
  std::size_t from = 0;
  std::size_t before = 0;
  {
    const std::lock_guard guard(lock_);
    before = used_.pages();
    from = std::max(wanted_pages, low_);
    for (std::size_t taken = from; (taken = used_.find(true, taken, before)) != before;) from = ++taken;
    if (from >= before) return;
    used_.shrink(from);
    charged_.shrink(from);
    address_bytes_.store(from * page_bytes, std::memory_order_relaxed);
  }
  munmap(base_ + from * page_bytes, (before - from) * page_bytes);
}

std::size_t PageBox::table_bytes() const noexcept {
  // Only the words of pages that can be handed out are ever touched.
  return 2 * whole_pages(address_bytes() / page_bytes / 8);
}

// Requires: lock_ is held, here and below.
bool PageBox::charge(Door door, std::size_t bytes) noexcept {
  DoorCount& own = doors_[static_cast<std::size_t>(door)];
  const DoorCount& other = doors_[1 - static_cast<std::size_t>(door)];
  // What the library door may take beyond its limit, `ours` must leave to it.
  const std::size_t idle = other.limit_bytes - std::min(other.limit_bytes, other.charged_bytes);
  const std::size_t overdrawn = other.charged_bytes - std::min(other.limit_bytes, other.charged_bytes);
  const std::size_t limit =
      door == Door::library ? own.limit_bytes + idle : own.limit_bytes - std::min(own.limit_bytes, overdrawn);
  if (bytes > limit || own.charged_bytes > limit - bytes) {
    ++own.refusals;
    return false;
  }
  own.charged_bytes += bytes;
  own.peak_bytes = std::max(own.peak_bytes, own.charged_bytes);
  return true;
}

void PageBox::release(Door door, std::size_t bytes) noexcept {
  DoorCount& own = doors_[static_cast<std::size_t>(door)];
  MASU_CHECK(own.charged_bytes >= bytes, "pages leave by the door they came in");
  own.charged_bytes -= bytes;
}

std::size_t PageBox::page_of(const void* address) const noexcept {
  MASU_CHECK(contains(address), "the pages are of this box");
  const auto offset = static_cast<std::size_t>(static_cast<const std::uint8_t*>(address) - base_);
  MASU_CHECK(offset % page_bytes == 0, "a run starts on a page border");
  return offset / page_bytes;
}

std::size_t PageBox::take_addresses(std::size_t pages, std::size_t align_bytes) noexcept {
  const std::size_t bias = reinterpret_cast<std::uintptr_t>(base_) / page_bytes;
  const std::size_t align_pages = std::max<std::size_t>(align_bytes / page_bytes, 1);
  // The lowest place that fits: neighbours then share mappings and page tables.
  low_ = used_.find(false, low_, used_.pages());
  const std::size_t first = used_.find_clear_run(low_, pages, align_pages, bias);
  if (first != PageBitmap::npos) used_.set(first, pages);
  return first;
}

void PageBox::free_addresses(std::size_t first, std::size_t pages) noexcept {
  used_.clear(first, pages);
  low_ = std::min(low_, first);
}

namespace {

// Room for any budget the machine can have; shrink_addresses() gives back what the budget does not need.
constexpr auto first_address_bytes =
    static_cast<std::size_t>(sizeof(void*) == 8 ? std::uint64_t{16} << 30 : std::uint64_t{1} << 30);

}  // namespace

PageBox& process_box() noexcept {
  alignas(PageBox) static std::uint8_t place[sizeof(PageBox)];
  static PageBox* const box = new (place) PageBox(first_address_bytes);
  return *box;
}

}  // namespace masu
