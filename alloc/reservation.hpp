// Reservation: bytes of an account's quota, asked for before the work begins and given back by the
// destructor. Move-only; an empty one holds nothing.
#pragma once

#include "alloc/budget.hpp"

#include <cstddef>
#include <expected>
#include <utility>

namespace masu {

class Reservation {
 public:
  Reservation() = default;
  static std::expected<Reservation, Refusal> ask(Account& account, std::size_t bytes,
                                                 Need need = Need::essential) noexcept {
    if (auto held = account.hold(bytes, need); !held) return std::unexpected(held.error());
    return Reservation(account, bytes);
  }
  Reservation(Reservation&& other) noexcept
      : account_(std::exchange(other.account_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    if (this != &other) {
      reset();
      account_ = std::exchange(other.account_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  ~Reservation() { reset(); }

  std::size_t bytes() const { return bytes_; }
  // Grows by `bytes`, or stays as it is.
  [[nodiscard]] std::expected<void, Refusal> grow(std::size_t bytes, Need need = Need::essential) noexcept {
    auto held = account_->hold(bytes, need);
    if (held) bytes_ += bytes;
    return held;
  }
  void reset() noexcept {
    if (account_ != nullptr) account_->drop(bytes_);
    account_ = nullptr;
    bytes_ = 0;
  }

 private:
  Reservation(Account& account, std::size_t bytes) : account_(&account), bytes_(bytes) {}
  Account* account_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace masu
