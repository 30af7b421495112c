// SlabPool<T>: fixed-size entries that live long (peers, addresses, connections, streams, wants).
//
// Entries lie in page runs of the pool's own, so that a burst of something else never shares a page with
// them; a run whose last entry is freed goes back to the box. Free lists are Boost.Pool's
// simple_segregated_storage. The cap is a count. Not thread-safe. Under sanitizers free entries are poisoned.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/intrusive_list.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace masu {

// The untyped part: `entry_bytes` each, at most `capacity` of them, charged to `account` entry by entry
// (live) and run by run (committed).
class SlabRuns {
 public:
  SlabRuns(Account& account, std::size_t entry_bytes, std::size_t entry_align, std::size_t capacity);
  ~SlabRuns();  // Requires: every entry is back.
  SlabRuns(const SlabRuns&) = delete;
  SlabRuns& operator=(const SlabRuns&) = delete;

  [[nodiscard]] void* take() noexcept;  // nullptr: at the cap, or refused by the account or the box
  void give(void* entry) noexcept;
  std::size_t used() const { return used_; }
  std::size_t capacity() const { return capacity_; }
  void set_capacity(std::size_t capacity) { capacity_ = capacity; }

  // Bytes of one page run, header included.
  std::size_t run_bytes() const { return run_bytes_; }

 private:
  struct Run;

  Run* fullest_open() noexcept;
  void file(Run& run) noexcept;
  Run* grow() noexcept;
  void release(Run* run) noexcept;

  Account& account_;
  const std::size_t entry_bytes_;  // asked for, and charged as live
  const std::size_t align_;
  const std::size_t stride_;  // from one entry to the next
  const std::size_t run_bytes_;
  const std::size_t run_entries_;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
  Run* spare_ = nullptr;  // one entirely free run at most
  // Runs with entries both free and used, by how full they are. New entries go where the fewest are free, so
  // that the emptier runs become free as a whole.
  std::array<IntrusiveList<Run>, 8> open_;
};

template <class T>
class SlabPool {
 public:
  struct Give {
    SlabPool* pool = nullptr;
    void operator()(T* entry) const noexcept { pool->destroy(entry); }
  };
  using Handle = std::unique_ptr<T, Give>;

  SlabPool(Account& account, std::size_t capacity) : runs_(account, sizeof(T), alignof(T), capacity) {}

  // An empty handle: the pool is full. Evict, refuse or wait; never fall back to the heap.
  template <class... Args>
  [[nodiscard]] Handle make(Args&&... args) {
    return Handle(create(std::forward<Args>(args)...), Give{this});
  }
  // The same without a handle, for entries that intrusive containers own: pair it with destroy().
  template <class... Args>
  [[nodiscard]] T* create(Args&&... args) {
    void* place = runs_.take();
    if (place == nullptr) return nullptr;
    try {
      return new (place) T(std::forward<Args>(args)...);
    } catch (...) {
      runs_.give(place);
      throw;
    }
  }
  void destroy(T* entry) noexcept {
    entry->~T();
    runs_.give(entry);
  }
  std::size_t used() const { return runs_.used(); }
  std::size_t capacity() const { return runs_.capacity(); }
  bool full() const { return used() >= capacity(); }
  void set_capacity(std::size_t capacity) { runs_.set_capacity(capacity); }

 private:
  SlabRuns runs_;
};

}  // namespace masu
