// Lending: chunks beyond the plan, out of what other holders of our door leave idle.
//
// Each holder has its bytes in the plan, and most of them are idle most of the time: 1,000 connections have
// their room, and 20 are there. What is in flight is what a node is slow for want of, at small budgets above
// all. So while the pool of chunks is nearly full, or refuses, it may have more, a step at a time; at most
// half of what the others leave idle now (the other half is there before they ask for it), and as much again
// as its plan. It gives a step back each second once it had no need of it for five, and everything at once
// that the others came to need, or that a rung of the ladder asks for. So the sum stays below the door's
// limit.
//
// A machine without IO; one thread.
#pragma once

#include "alloc/clock.hpp"
#include "alloc/plan.hpp"

#include <cstddef>
#include <cstdint>

namespace masu {

struct LendingSample {
  std::size_t ours_bytes = 0;   // given out by our door,
  std::size_t chunk_bytes = 0;  // of it, pages of chunks
  std::size_t chunks_used = 0;
  std::uint64_t chunk_refusals = 0;  // so far
};

class Lending {
 public:
  // The pool may be made with this many.
  static std::size_t chunks_max(const CapacityPlan& plan) { return 2 * plan.chunks; }

  explicit Lending(const CapacityPlan& plan) { set_plan(plan); }

  // The plan of another budget; nothing is lent at first.
  void set_plan(const CapacityPlan& plan);
  // How many chunks the pool may have from now on. `allowed`: memory may grow.
  std::size_t update(const LendingSample& sample, bool allowed, TimePoint now);

  std::size_t lent() const { return lent_; }

 private:
  std::size_t chunks_ = 0;
  std::size_t door_bytes_ = 0;
  std::size_t lent_ = 0;
  std::uint64_t refusals_ = 0;
  TimePoint needed_at_{};
  TimePoint returned_at_{};
};

}  // namespace masu
