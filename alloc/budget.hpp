// Budget, Account, Reservation: who may hold how many bytes.
//
// A Budget is a ledger: a limit and what is charged against it. The process has one root Budget, whose
// pages come from the PageBox; a node (in the simulator, or inside a host program) has a child Budget,
// whose charges count in every ancestor too. An Account is one named row of a Budget: a subsystem and a
// lifetime ("net.handshake", "bitswap.block"), with a quota of its own. Everything that is allocated is
// charged to an Account before it is allocated; a refusal is a value, never an abort.
//
// All methods may be called from any thread (the counters are atomic). Budgets outlive their Accounts,
// Accounts outlive what is charged to them: both are checked on destruction.
#pragma once

#include "alloc/intrusive_list.hpp"
#include "alloc/spin_lock.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <mutex>
#include <string>
#include <string_view>

namespace masu {

// Lifetimes never share a page: each class has its own pages (and its own jemalloc arena).
enum class Lifetime : std::uint8_t { process, peer, connection, handshake, stream, request, block, store };
inline constexpr std::size_t lifetime_count = 8;
std::string_view name_of(Lifetime);

// Why a reservation was not granted, and by whom: `holder` names the account or budget that refused.
struct Refusal {
  std::string_view holder;
  std::size_t asked_bytes = 0;
  std::size_t limit_bytes = 0;
};

enum class Need : std::uint8_t {
  essential,  // the work cannot go on without it; may use the last bytes of the limit
  closing,    // essential, and few: it ends work that holds much more. No quota stops it, and the chunk pool
              // keeps a thirty-second of its chunks for it
  optional,   // window growth, caches, prefetch: refused first, when less than 1/8 of the limit is left
  patient,  // essential, of who can wait (uploads): the chunk pool keeps as much as from `optional`, and what
            // it expects to promise
};

class Account;

class Budget : public IntrusiveListNode<Budget> {
 public:
  // `limit_bytes` bounds the sum of all pages charged below this budget. `name` must outlive it.
  Budget(std::string_view name, std::size_t limit_bytes, Budget* parent = nullptr);
  ~Budget();
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  std::string_view name() const { return name_; }
  std::size_t limit_bytes() const { return limit_.load(std::memory_order_relaxed); }
  std::size_t committed_bytes() const { return committed_.load(std::memory_order_relaxed); }
  std::size_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }
  std::uint64_t refusals() const { return refusals_.load(std::memory_order_relaxed); }
  // Changes the limit; what is charged above a lower limit stays until it is released.
  void set_limit(std::size_t limit_bytes);

  // Charges pages here and in every ancestor, or in none of them.
  [[nodiscard]] std::expected<void, Refusal> charge(std::size_t bytes, Need need = Need::essential) noexcept;
  void release(std::size_t bytes) noexcept;

  // For tests that walk through refusals: the `number`th reservation (bytes or pages) that an account of this
  // very budget asks for from now on is refused, that one alone; 0: none. refused_one(): it was.
  void refuse_reservation(std::uint32_t number);
  bool refused_one() const { return refused_one_.load(std::memory_order_relaxed); }

  // Calls `visit(const Account&)` for each account of this budget in the order of their making, then for
  // those of its children. Under a spin lock: `visit` makes and destroys no account or budget, and is short.
  template <class Visitor>
  void for_each_account(Visitor&& visit) const;

 private:
  friend class Account;
  void attach(Account&);
  void detach(Account&);
  bool refuses_this() noexcept { return refuse_in_.load(std::memory_order_relaxed) != 0 && count_down(); }
  bool count_down() noexcept;

  const std::string_view name_;
  std::atomic<std::size_t> limit_;
  std::atomic<std::size_t> committed_{0};
  std::atomic<std::size_t> peak_{0};
  std::atomic<std::uint64_t> refusals_{0};
  std::atomic<std::uint32_t> refuse_in_{0};
  std::atomic<bool> refused_one_{false};
  Budget* const parent_;
  mutable SpinLock lists_lock_;  // guards what follows; taken from parent to child
  IntrusiveList<Account> accounts_;
  IntrusiveList<Budget> children_;
};

class Account : public IntrusiveListNode<Account> {
 public:
  // `name` ("bitswap.block") must outlive the account. `quota_bytes` bounds live bytes, not pages.
  Account(Budget& budget, std::string_view name, Lifetime lifetime, std::size_t quota_bytes);
  ~Account();

  std::string_view name() const { return name_; }
  Lifetime lifetime() const { return lifetime_; }
  Budget& budget() const { return budget_; }
  std::size_t quota_bytes() const { return quota_.load(std::memory_order_relaxed); }
  std::size_t live_bytes() const { return live_.load(std::memory_order_relaxed); }
  std::size_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }
  // Pages that only this account uses (slab runs). Accounts over shared pools show 0 here: the pool
  // has a row of its own.
  std::size_t committed_bytes() const { return committed_.load(std::memory_order_relaxed); }
  std::uint64_t refusals() const { return refusals_.load(std::memory_order_relaxed); }
  void set_quota(std::size_t quota_bytes) { quota_.store(quota_bytes, std::memory_order_relaxed); }

  // Live bytes: asked for and not freed. Refused (and counted) above the quota.
  [[nodiscard]] std::expected<void, Refusal> hold(std::size_t bytes, Need need = Need::essential) noexcept;
  void drop(std::size_t bytes) noexcept;
  // Pages this account alone uses; also charged to the budget.
  [[nodiscard]] std::expected<void, Refusal> commit(std::size_t bytes, Need need = Need::essential) noexcept;
  void uncommit(std::size_t bytes) noexcept;
  // A refusal met below this account (pool empty, box full), so that it shows in its row.
  void note_refusal() noexcept { refusals_.fetch_add(1, std::memory_order_relaxed); }

 private:
  const std::string_view name_;
  Budget& budget_;
  const Lifetime lifetime_;
  std::atomic<std::size_t> quota_;
  std::atomic<std::size_t> live_{0};
  std::atomic<std::size_t> peak_{0};
  std::atomic<std::size_t> committed_{0};
  std::atomic<std::uint64_t> refusals_{0};
};

// For people, when `account` has refused: its name, what it holds and its limit.
std::string refusal_text(const Account& account);

template <class Visitor>
void Budget::for_each_account(Visitor&& visit) const {
  const std::lock_guard guard(lists_lock_);
  for (const Account& account : accounts_) visit(account);
  for (const Budget& child : children_) child.for_each_account(visit);
}

}  // namespace masu
