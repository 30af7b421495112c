// Completion<T>: one value that a callback delivers and a Task awaits. Single-shot, one waiter, one thread
// (the loop's): what ends on a worker is posted to the loop first. Owned by whoever starts the operation,
// often a local of the awaiting coroutine; it must outlive the operation that completes it.
//     Completion<ReadResult> done;
//     jobs.read(key, [&](ReadResult result) { done.complete(std::move(result)); });
//     ReadResult result = co_await done;
#pragma once

#include "alloc/check.hpp"

#include <coroutine>
#include <optional>
#include <utility>

namespace masu {

template <class T>
class Completion {
 public:
  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  bool completed() const { return value_.has_value(); }
  // Stores the value and goes on with the waiter, if there is one, before it returns. The waiter may destroy
  // this object. Requires: not completed().
  void complete(T value) {
    MASU_CHECK(!value_.has_value(), "an operation completes once");
    value_.emplace(std::move(value));
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }

  auto operator co_await() noexcept {
    struct Awaiter {
      Completion* completion;
      bool await_ready() const noexcept { return completion->completed(); }
      void await_suspend(std::coroutine_handle<> waiter) const noexcept {
        MASU_CHECK(!completion->waiter_, "a completion has one waiter");
        completion->waiter_ = waiter;
      }
      T await_resume() const { return std::move(*completion->value_); }
    };
    return Awaiter{this};
  }

 private:
  std::optional<T> value_;
  std::coroutine_handle<> waiter_;
};

}  // namespace masu
