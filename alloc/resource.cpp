#include "alloc/resource.hpp"

#include "alloc/heap.hpp"
#include "alloc/page_box.hpp"
#include "alloc/poison.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace masu {

void* AccountResource::do_allocate(std::size_t bytes, std::size_t align) {
  if (!account_.hold(bytes)) throw std::bad_alloc();
  void* memory = heap_allocate(account_.lifetime(), bytes, align);
  if (memory == nullptr) {
    account_.drop(bytes);
    account_.note_refusal();
    throw std::bad_alloc();
  }
  return memory;
}

void AccountResource::do_deallocate(void* memory, std::size_t bytes, std::size_t align) {
  heap_free(memory, bytes, align);
  account_.drop(bytes);
}

namespace {

// A block is a quarter of what the request has used so far: a request that stays small costs a page, and one
// that grows commits little more than it uses.
constexpr std::size_t block_bytes_max = 64 * 1024;

constexpr std::uintptr_t align_up(std::uintptr_t place, std::size_t align) {
  return (place + align - 1) & ~(std::uintptr_t{align} - 1);
}

}  // namespace

Bump::Bump(Account& account, std::size_t cap_bytes) : account_(account), cap_(cap_bytes) {}

Bump::~Bump() { reset(); }

void Bump::reset() noexcept {
  while (blocks_ != nullptr) {
    Block* const block = blocks_;
    const std::size_t bytes = block->bytes;
    blocks_ = block->next;
    unpoison(block, bytes);
    process_box().unmap(block, bytes, Door::ours);
    account_.uncommit(bytes);
  }
  account_.drop(std::exchange(used_, 0));
  cursor_ = end_ = 0;
}

void* Bump::do_allocate(std::size_t bytes, std::size_t align) {
  bytes = std::max<std::size_t>(bytes, 1);  // each allocation has an address of its own
  if (bytes > cap_ - used_) {
    account_.note_refusal();
    throw std::bad_alloc();
  }
  if (!account_.hold(bytes)) throw std::bad_alloc();
  if (align_up(cursor_, align) + bytes > end_) {
    try {
      add_block(bytes, align);
    } catch (...) {
      account_.drop(bytes);
      throw;
    }
  }
  const std::uintptr_t place = align_up(cursor_, align);
  cursor_ = place + bytes;
  used_ += bytes;
  void* const memory = reinterpret_cast<void*>(place);
  unpoison(memory, bytes);
  return memory;
}

void Bump::add_block(std::size_t bytes, std::size_t align) {
  const std::size_t needed = whole_pages(align_up(sizeof(Block), align) + bytes);
  const std::size_t wanted = std::max(needed, std::min(whole_pages(used_ / 4), block_bytes_max));
  if (!account_.commit(wanted)) throw std::bad_alloc();
  void* memory = process_box().map(wanted, std::max(align, page_bytes), Door::ours);
  if (memory == nullptr) {
    account_.uncommit(wanted);
    account_.note_refusal();
    throw std::bad_alloc();
  }
  blocks_ = new (memory) Block{blocks_, wanted};
  cursor_ = reinterpret_cast<std::uintptr_t>(memory) + sizeof(Block);
  end_ = reinterpret_cast<std::uintptr_t>(memory) + wanted;
  poison(reinterpret_cast<void*>(cursor_), wanted - sizeof(Block));
}

}  // namespace masu
