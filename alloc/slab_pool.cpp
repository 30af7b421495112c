#include "alloc/slab_pool.hpp"

#include "alloc/check.hpp"
#include "alloc/page_box.hpp"
#include "alloc/poison.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <tuple>

#include <boost/pool/simple_segregated_storage.hpp>

namespace masu {
namespace {

constexpr std::size_t round_up(std::size_t bytes, std::size_t align) {
  return (bytes + align - 1) / align * align;
}

// Boost.Pool's free list. The link of a free entry is in its first word, which is why that word is opened
// before the list reads it.
class FreeList : public boost::simple_segregated_storage<std::size_t> {
 public:
  void* take(std::size_t bytes) {
    unpoison(first, bytes);
    return malloc();
  }
  void give(void* entry, std::size_t bytes) {
    free(entry);
    poison(entry, bytes);
  }
};

}  // namespace

// The header at the front of a run; its address is that of any of its entries with the low bits cleared.
struct SlabRuns::Run : IntrusiveListNode<Run> {
  FreeList free_entries;
  std::size_t used = 0;
  std::size_t level = std::tuple_size_v<decltype(open_)>;  // which list of open runs; one past the last: none
};

namespace {

constexpr std::size_t header_room = 64;

// The smallest power of two of pages that wastes at most an eighth.
std::size_t choose_run_bytes(std::size_t stride, std::size_t header) {
  std::size_t run = page_bytes;
  while (run < header + stride || (run - header) % stride + header > run / 8) run *= 2;
  return run;
}

}  // namespace

SlabRuns::SlabRuns(Account& account, std::size_t entry_bytes, std::size_t entry_align, std::size_t capacity)
    : account_(account),
      entry_bytes_(entry_bytes),
      align_(std::max(entry_align, alignof(void*))),
      stride_(round_up(std::max(entry_bytes, sizeof(void*)), align_)),
      run_bytes_(choose_run_bytes(stride_, round_up(header_room, align_))),
      run_entries_((run_bytes_ - round_up(header_room, align_)) / stride_),
      capacity_(capacity) {
  static_assert(sizeof(Run) <= header_room);
}

SlabRuns::~SlabRuns() {
  MASU_CHECK(used_ == 0, "every entry is back before its pool goes");
  if (spare_ != nullptr) release(spare_);
}

void* SlabRuns::take() noexcept {
  if (used_ >= capacity_) {
    account_.note_refusal();
    return nullptr;
  }
  if (!account_.hold(entry_bytes_)) return nullptr;
  Run* run = fullest_open();
  if (run == nullptr) run = spare_ != nullptr ? std::exchange(spare_, nullptr) : grow();
  if (run == nullptr) {
    account_.drop(entry_bytes_);
    return nullptr;
  }
  void* entry = run->free_entries.take(stride_);
  ++run->used;
  ++used_;
  file(*run);
  return entry;
}

void SlabRuns::give(void* entry) noexcept {
  auto* run = reinterpret_cast<Run*>(reinterpret_cast<std::uintptr_t>(entry) & ~(run_bytes_ - 1));
  MASU_CHECK(used_ > 0 && run->used > 0, "an entry goes back once");
  run->free_entries.give(entry, stride_);
  --run->used;
  --used_;
  account_.drop(entry_bytes_);
  file(*run);
  if (run->used == 0) {
    if (spare_ != nullptr) release(spare_);
    spare_ = run;
  }
}

SlabRuns::Run* SlabRuns::fullest_open() noexcept {
  for (auto list = open_.rbegin(); list != open_.rend(); ++list) {
    if (!list->empty()) return &list->front();
  }
  return nullptr;
}

// Puts a run into the list of its fullness, or into none when it is full or free.
void SlabRuns::file(Run& run) noexcept {
  const bool open = run.used > 0 && run.used < run_entries_;
  const std::size_t level = open ? run.used * open_.size() / run_entries_ : open_.size();
  if (level == run.level) return;
  run.unlink();
  run.level = level;
  if (open) open_[level].push_front(run);
}

SlabRuns::Run* SlabRuns::grow() noexcept {
  if (!account_.commit(run_bytes_)) return nullptr;
  void* memory = process_box().map(run_bytes_, run_bytes_, Door::ours);
  if (memory == nullptr) {
    account_.uncommit(run_bytes_);
    account_.note_refusal();
    return nullptr;
  }
  auto* run = new (memory) Run();
  const std::size_t header = round_up(header_room, align_);
  std::uint8_t* entries = static_cast<std::uint8_t*>(memory) + header;
  run->free_entries.add_block(entries, run_entries_ * stride_, stride_);
  poison(entries, run_bytes_ - header);
  return run;
}

void SlabRuns::release(Run* run) noexcept {
  run->~Run();
  process_box().unmap(run, run_bytes_, Door::ours);
  account_.uncommit(run_bytes_);
}

}  // namespace masu
