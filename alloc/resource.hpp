// Memory resources for containers and libraries that take one (std::pmr, Boost.JSON, protobuf arenas).
//
// AccountResource: counted, general-purpose memory of one account. It draws from the jemalloc arena of the
// account's lifetime class (the sanitizers' allocator in such builds), holds each allocation against
// the account and throws std::bad_alloc when refused; the handler's border turns that into a value.
// Thread-safe.
//
// Bump: monotonic memory of one request, bounded by `cap_bytes`; freed as a whole by its destructor or
// reset(). Its pages come straight from the box. Throws std::bad_alloc at the cap. Not thread-safe.
#pragma once

#include "alloc/budget.hpp"

#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace masu {

class AccountResource final : public std::pmr::memory_resource {
 public:
  explicit AccountResource(Account& account) : account_(account) {}
  Account& account() const { return account_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t align) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t align) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  Account& account_;
};

// The same as a standard allocator, for what must not lie beside the resource that frees it (a shared_ptr's
// control block). The account outlives the memory.
template <class T>
struct AccountAllocator {
  using value_type = T;
  explicit AccountAllocator(Account& holder) : account(&holder) {}
  template <class Other>
  AccountAllocator(const AccountAllocator<Other>& other) : account(other.account) {}  // NOLINT: a rebind
  T* allocate(std::size_t count) {
    return static_cast<T*>(AccountResource(*account).allocate(count * sizeof(T), alignof(T)));
  }
  void deallocate(T* memory, std::size_t count) {
    AccountResource(*account).deallocate(memory, count * sizeof(T), alignof(T));
  }
  friend bool operator==(const AccountAllocator& a, const AccountAllocator& b) {
    return a.account == b.account;
  }
  Account* account;
};

class Bump final : public std::pmr::memory_resource {
 public:
  Bump(Account& account, std::size_t cap_bytes);
  ~Bump() override;
  Bump(const Bump&) = delete;
  Bump& operator=(const Bump&) = delete;

  void reset() noexcept;
  std::size_t used_bytes() const { return used_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t align) override;
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  // Pages follow one another in a list; the header is at the front of each.
  struct Block {
    Block* next;
    std::size_t bytes;
  };
  void add_block(std::size_t bytes, std::size_t align);

  Account& account_;
  const std::size_t cap_;
  Block* blocks_ = nullptr;
  std::uintptr_t cursor_ = 0;  // of the newest block: [cursor_, end_) is free
  std::uintptr_t end_ = 0;
  std::size_t used_ = 0;  // asked for, alignment not counted
};

}  // namespace masu
