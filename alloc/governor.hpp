// Governor: the pressure ladder. It compares what is resident with the budget, and says what to give up next.
//
// A machine without IO: who owns it takes samples, several times a second while anything happens, and carries
// the rungs out. Pressure is what is resident against the budget (without what stays unspent); for the rungs
// up to trimming also what our door has given out against its limit, whichever is more. Each rung has a
// threshold; at a check the rungs up to the pressure are active, from the mildest up, and are carried out
// again until a fresh sample lies below the next one. A rung is undone when the pressure is `hysteresis`
// below its threshold. Code has a limit of its own: what a small budget's plan has set aside for it.
//
// Plain values and counters; one thread.
#pragma once

#include "alloc/plan.hpp"
#include "alloc/report.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace masu {

enum class Rung : std::uint8_t {
  purge,               // free chunks and free pages of the heap go back
  drop_code,           // clean pages of code, which come back from the page cache
  shrink_caches,       // of the store, addresses of peers that are not connected
  stop_growth,         // windows, reading ahead, large socket buffers
  stop_dialling,       // no new connections of our own
  shorten_idle,        // connections that do nothing are closed earlier
  trim_connections,    // to peers of no use, the least valued first, a few at each check
  refuse_streams,      // that strangers open
  refuse_connections,  // that peers make
  reset_heaviest,      // the stream or connection that holds most for the least use, one at each check
};
inline constexpr std::size_t rung_count = 10;
std::string_view name_of(Rung);

struct GovernorLimits {
  std::size_t resident_bytes = 0;  // the budget without what stays unspent
  std::size_t code_bytes = 0;      // of it, resident pages of files
};
GovernorLimits governor_limits_of(const CapacityPlan& plan);

struct GovernorSample {
  std::size_t resident_bytes = 0;
  std::size_t code_bytes = 0;
  std::size_t ours_bytes = 0;
  std::size_t ours_limit_bytes = 0;
};

// Who can measure, and give up what a rung says.
class Relief {
 public:
  virtual GovernorSample sample() = 0;
  // The rung became active, or is undone.
  virtual void set_rung(Rung rung, bool active) = 0;
  // Active: give up (more).
  virtual void relieve(Rung rung) = 0;

 protected:
  ~Relief() = default;
};

class Governor {
 public:
  explicit Governor(const GovernorLimits& limits) : limits_(limits) {}

  void set_limits(const GovernorLimits& limits) { limits_ = limits; }

  // One look, and what follows from it. True: the pressure is below the first rung now.
  bool check(Relief& relief);

  bool active(Rung rung) const { return active_[static_cast<std::size_t>(rung)]; }
  std::uint64_t entered(Rung rung) const { return entered_[static_cast<std::size_t>(rung)]; }
  std::vector<RungRow> rows() const;

  static constexpr unsigned hysteresis = 60;  // thousandths of the limit

 private:
  unsigned pressure(const GovernorSample& sample, Rung rung) const;
  bool code_is_full(const GovernorSample& sample) const;
  void set(Relief& relief, Rung rung, bool active);

  GovernorLimits limits_;
  std::array<bool, rung_count> active_{};
  std::array<std::uint64_t, rung_count> entered_{};
};

}  // namespace masu
