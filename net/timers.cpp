#include "net/timers.hpp"

#include "alloc/check.hpp"

#include <utility>

namespace masu::net {

Timer::~Timer() { cancel(); }

void Timer::cancel() {
  if (queue_ != nullptr) queue_->remove(*this);
}

TimerQueue::~TimerQueue() {
  while (root_ != nullptr) remove(*root_);
}

void TimerQueue::arm(Timer& timer, TimePoint deadline) {
  timer.cancel();
  timer.queue_ = this;
  timer.deadline_ = deadline;
  root_ = meld(root_, &timer);
}

std::optional<TimePoint> TimerQueue::next_deadline() const {
  if (root_ == nullptr) return std::nullopt;
  return root_->deadline_;
}

void TimerQueue::advance(TimePoint now) {
  while (root_ != nullptr && root_->deadline_ <= now) {
    Timer& due = *root_;
    remove(due);
    due.on_timer(now);
  }
}

void TimerQueue::remove(Timer& timer) {
  MASU_CHECK(timer.queue_ == this, "a timer is removed from the queue it is in");
  Timer* rest = merge_pairs(timer.child_);
  if (&timer == root_) {
    root_ = rest;
  } else {
    if (timer.previous_->child_ == &timer) {
      timer.previous_->child_ = timer.sibling_;
    } else {
      timer.previous_->sibling_ = timer.sibling_;
    }
    if (timer.sibling_ != nullptr) timer.sibling_->previous_ = timer.previous_;
    root_ = meld(root_, rest);
  }
  timer.queue_ = nullptr;
  timer.child_ = timer.sibling_ = timer.previous_ = nullptr;
}

// Joins two heaps (each a root without siblings); the earlier root becomes the parent.
Timer* TimerQueue::meld(Timer* a, Timer* b) {
  if (a == nullptr) return b;
  if (b == nullptr) return a;
  if (b->deadline_ < a->deadline_) std::swap(a, b);
  b->sibling_ = a->child_;
  if (b->sibling_ != nullptr) b->sibling_->previous_ = b;
  b->previous_ = a;
  a->child_ = b;
  return a;
}

// The two passes of a pairing heap, without recursion: children may be many.
Timer* TimerQueue::merge_pairs(Timer* first) {
  Timer* pairs = nullptr;  // melded pairs, last first, chained by sibling_
  while (first != nullptr) {
    Timer* second = first->sibling_;
    Timer* next = second != nullptr ? second->sibling_ : nullptr;
    first->sibling_ = first->previous_ = nullptr;
    if (second != nullptr) second->sibling_ = second->previous_ = nullptr;
    Timer* melded = meld(first, second);
    melded->sibling_ = pairs;
    pairs = melded;
    first = next;
  }
  Timer* root = nullptr;
  while (pairs != nullptr) {
    Timer* next = pairs->sibling_;
    pairs->sibling_ = nullptr;
    root = meld(root, pairs);
    pairs = next;
  }
  return root;
}

TimePoint coalesced(TimePoint deadline, TimePoint now) {
  return deadline < now + 2s ? deadline : std::chrono::ceil<std::chrono::seconds>(deadline);
}

}  // namespace masu::net
