// NodeGovernor: keeps the process below its budget: looks, carries out the rungs of the ladder, and lends
// what other holders leave idle to the pool of chunks.
//
// It looks after turns of the loop, at most each 10 ms, and each 50 ms while workers work, and before work
// that may take much at once; chunks are lent in the same look, after what it found. When nothing happened
// for a second, what a burst left behind goes back to the kernel; after ten, pages of code too; then it
// sleeps until there is work again. A part of RealNode; loop thread only.
#pragma once

#include "alloc/fixed.hpp"
#include "alloc/governor.hpp"
#include "alloc/lending.hpp"
#include "core/loop/event_loop.hpp"
#include "core/node/node_memory.hpp"
#include "core/node/rung_log.hpp"
#include "net/timers.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <utility>

namespace masu::core {

class NodeGovernor final : private Relief, private net::Timer, private TurnWatch {
 public:
  // What rungs do beyond memory of this process; filled in by those who own it, before the first turn. set:
  // the rung became active, or is undone; relieve: it is active, give up (more).
  struct Hooks {
    std::function<void(Rung, bool)> set;
    std::function<void(Rung)> relieve;
    // The plan has another number of chunks, which quotas of theirs follow.
    std::function<void()> chunks_changed;
  };

  NodeGovernor(NodeMemory& memory, EventLoop& loop);
  ~NodeGovernor();

  // For tests: sees each sample before the ladder does, and may change it.
  void set_probe(std::function<void(GovernorSample&)> probe) { probe_ = std::move(probe); }
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  // The plan of `memory` changed: from now on its limits hold.
  void follow_plan();
  // One look now. True: what is resident is within the budget.
  bool check();

  // The same before much is taken at once, unless the last look was within 10 ms.
  void look_unless_just_done();

  const Governor& ladder() const { return governor_; }

 private:
  GovernorSample sample() override;
  void set_rung(Rung rung, bool active) override;
  void relieve(Rung rung) override;
  void on_timer(TimePoint now) override;
  void on_turn(TimePoint now) override;
  void note(Rung rung, bool active);
  void look(TimePoint now);
  void lend(TimePoint now);
  void review(TimePoint now);
  void give_back();

  NodeMemory& memory_;
  EventLoop& loop_;
  Governor governor_;
  Lending lending_;
  Hooks hooks_;
  std::function<void(GovernorSample&)> probe_;
  RungLog log_;
  std::size_t resident_bytes_ = 0;  // of the last sample
  TimePoint looked_at_{};
  TimePoint chunks_reviewed_at_{};
  TimePoint code_reviewed_at_{};
  std::size_t chunks_used_ = 0;  // the most at once since the review before
  TimePoint purged_at_{};
  TimePoint quiet_since_{};
  TimePoint noted_at_{};          // in the history
  std::uint64_t work_seen_ = 0;   // at the last tick
  std::uint64_t work_slept_ = 0;  // when it fell asleep
  enum class Rest : std::uint8_t { working, purged, asleep } rest_ = Rest::working;
};

}  // namespace masu::core
