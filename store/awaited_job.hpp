// AwaitedJob: work on a worker that a Task waits for.
//     AwaitedJob<StoreResult<bool>> put(jobs, JobClass::write, account, [&store, hash] { return ...; });
//     StoreResult<bool> is_new = co_await put;
//
// The work is copied into memory of `account`, because a posted job cannot be taken back: when the task goes
// away first, the work still runs to its end, its result is dropped, and it frees itself. So the work owns
// what it touches, or touches only what outlives the workers (stores, pools, accounts): never locals of the
// task. A full queue is waited for. Loop thread; the constructor throws std::bad_alloc when `account`
// refuses, and so does the co_await when the work did.
#pragma once

#include "alloc/completion.hpp"
#include "alloc/resource.hpp"
#include "store/jobs.hpp"

#include <new>
#include <optional>
#include <utility>

namespace masu::store {

template <class Result>
class AwaitedJob {
 public:
  template <class Work>
  AwaitedJob(Jobs& jobs, JobClass kind, Account& account, Work work) {
    AccountResource resource(account);
    void* const memory = resource.allocate(sizeof(State<Work>), alignof(State<Work>));
    auto* const state = new (memory) State<Work>(*this, jobs, kind, account, std::move(work));
    state_ = state;
    state->start();
  }
  ~AwaitedJob() {
    if (state_ != nullptr) state_->abandon();
  }
  AwaitedJob(const AwaitedJob&) = delete;
  AwaitedJob& operator=(const AwaitedJob&) = delete;

  // Whether the result is there, so that awaiting it takes no time.
  bool done() const { return done_.completed(); }

  auto operator co_await() noexcept {
    struct Awaiter {
      decltype(std::declval<Completion<std::optional<Result>>&>().operator co_await()) inner;
      bool await_ready() const noexcept { return inner.await_ready(); }
      void await_suspend(std::coroutine_handle<> waiter) const noexcept { inner.await_suspend(waiter); }
      Result await_resume() const {
        std::optional<Result> result = inner.await_resume();
        if (!result) throw std::bad_alloc();
        return std::move(*result);
      }
    };
    return Awaiter{done_.operator co_await()};
  }

 private:
  class StateBase {
   public:
    virtual void abandon() noexcept = 0;

   protected:
    ~StateBase() = default;
  };

  template <class Work>
  class State final : public StateBase, public Job, public JobRoomWaiter {
   public:
    State(AwaitedJob& owner, Jobs& jobs, JobClass kind, Account& account, Work work)
        : owner_(&owner), jobs_(jobs), kind_(kind), account_(account), work_(std::move(work)) {}

    void start() noexcept {
      posted_ = jobs_.post(*this, kind_);
      if (!posted_) jobs_.wait_for_room(*this, kind_);
    }
    void on_job_room() noexcept override { start(); }
    void abandon() noexcept override {
      owner_ = nullptr;
      if (!posted_) destroy();
    }
    void run() noexcept override {
      try {
        result_.emplace(work_());
      } catch (const std::bad_alloc&) {
        result_.reset();
      }
    }
    void finish() noexcept override {
      AwaitedJob* const owner = owner_;
      std::optional<Result> result = std::move(result_);
      destroy();
      if (owner == nullptr) return;
      owner->state_ = nullptr;
      owner->done_.complete(std::move(result));
    }

   private:
    void destroy() noexcept {
      AccountResource resource(account_);
      this->~State();
      resource.deallocate(this, sizeof(State), alignof(State));
    }

    AwaitedJob* owner_;
    Jobs& jobs_;
    const JobClass kind_;
    Account& account_;
    bool posted_ = false;
    Work work_;
    std::optional<Result> result_;
  };

  StateBase* state_ = nullptr;
  Completion<std::optional<Result>> done_;
};

}  // namespace masu::store
