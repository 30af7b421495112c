#include "alloc/budget.hpp"

#include "alloc/check.hpp"

#include <array>
#include <mutex>

namespace masu {
namespace {

using Counter = std::atomic<std::size_t>;

// Adds `bytes` when the sum stays within `limit`. Optional needs leave an eighth of the limit alone.
bool add_within(Counter& counter, std::size_t bytes, std::size_t limit, Need need) noexcept {
  const std::size_t usable = need == Need::optional ? limit - limit / 8 : limit;
  std::size_t before = counter.load(std::memory_order_relaxed);
  do {
    if (bytes > usable || before > usable - bytes) return false;
  } while (!counter.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  return true;
}

void raise_peak(Counter& peak, std::size_t value) noexcept {
  std::size_t before = peak.load(std::memory_order_relaxed);
  while (before < value && !peak.compare_exchange_weak(before, value, std::memory_order_relaxed)) {
  }
}

void subtract(Counter& counter, std::size_t bytes) noexcept {
  const std::size_t before = counter.fetch_sub(bytes, std::memory_order_relaxed);
  MASU_CHECK(before >= bytes, "more bytes were released than were charged");
}

}  // namespace

std::string_view name_of(Lifetime lifetime) {
  static constexpr std::array<std::string_view, lifetime_count> names = {
      "process", "peer", "connection", "handshake", "stream", "request", "block", "store"};
  return names[static_cast<std::size_t>(lifetime)];
}

Budget::Budget(std::string_view name, std::size_t limit_bytes, Budget* parent)
    : name_(name), limit_(limit_bytes), parent_(parent) {
  if (parent_ == nullptr) return;
  const std::lock_guard guard(parent_->lists_lock_);
  parent_->children_.push_back(*this);
}

Budget::~Budget() {
  MASU_CHECK(accounts_.empty() && children_.empty(), "a budget outlives its accounts and its children");
  MASU_CHECK(committed_bytes() == 0, "what is charged to a budget is released before it goes");
  if (parent_ == nullptr) return;
  const std::lock_guard guard(parent_->lists_lock_);
  unlink();
}

void Budget::set_limit(std::size_t limit_bytes) { limit_.store(limit_bytes, std::memory_order_relaxed); }

std::expected<void, Refusal> Budget::charge(std::size_t bytes, Need need) noexcept {
  const std::size_t limit = limit_bytes();
  if (!add_within(committed_, bytes, limit, need)) {
    refusals_.fetch_add(1, std::memory_order_relaxed);
    return std::unexpected(Refusal{name_, bytes, limit});
  }
  if (parent_ != nullptr) {
    if (auto charged = parent_->charge(bytes, need); !charged) {
      subtract(committed_, bytes);
      refusals_.fetch_add(1, std::memory_order_relaxed);
      return charged;
    }
  }
  raise_peak(peak_, committed_bytes());
  return {};
}

void Budget::release(std::size_t bytes) noexcept {
  subtract(committed_, bytes);
  if (parent_ != nullptr) parent_->release(bytes);
}

void Budget::refuse_reservation(std::uint32_t number) {
  refused_one_.store(false, std::memory_order_relaxed);
  refuse_in_.store(number, std::memory_order_relaxed);
}

// True for the one that is to be refused.
bool Budget::count_down() noexcept {
  std::uint32_t left = refuse_in_.load(std::memory_order_relaxed);
  while (left != 0 && !refuse_in_.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
  }
  if (left != 1) return false;
  refused_one_.store(true, std::memory_order_relaxed);
  return true;
}

void Budget::attach(Account& account) {
  const std::lock_guard guard(lists_lock_);
  accounts_.push_back(account);
}

void Budget::detach(Account& account) {
  const std::lock_guard guard(lists_lock_);
  account.unlink();
}

Account::Account(Budget& budget, std::string_view name, Lifetime lifetime, std::size_t quota_bytes)
    : name_(name), budget_(budget), lifetime_(lifetime), quota_(quota_bytes) {
  budget_.attach(*this);
}

Account::~Account() {
  MASU_CHECK(live_bytes() == 0, "what an account holds is dropped before it goes");
  MASU_CHECK(committed_bytes() == 0, "the pages of an account are given back before it goes");
  budget_.detach(*this);
}

std::expected<void, Refusal> Account::hold(std::size_t bytes, Need need) noexcept {
  const std::size_t quota = quota_bytes();
  const std::size_t limit = need == Need::closing ? ~std::size_t{0} : quota;
  if (budget_.refuses_this() || !add_within(live_, bytes, limit, need)) {
    note_refusal();
    return std::unexpected(Refusal{name_, bytes, quota});
  }
  raise_peak(peak_, live_bytes());
  return {};
}

void Account::drop(std::size_t bytes) noexcept { subtract(live_, bytes); }

std::expected<void, Refusal> Account::commit(std::size_t bytes, Need need) noexcept {
  std::expected<void, Refusal> charged = std::unexpected(Refusal{name_, bytes, quota_bytes()});
  if (!budget_.refuses_this()) charged = budget_.charge(bytes, need);
  if (charged) {
    committed_.fetch_add(bytes, std::memory_order_relaxed);
  } else {
    note_refusal();
  }
  return charged;
}

void Account::uncommit(std::size_t bytes) noexcept {
  subtract(committed_, bytes);
  budget_.release(bytes);
}

std::string refusal_text(const Account& account) {
  std::string text = "out of memory: ";
  text.append(account.name()).append(" holds ").append(std::to_string(account.live_bytes()));
  return text.append(" bytes, its limit is ").append(std::to_string(account.quota_bytes()));
}

}  // namespace masu
