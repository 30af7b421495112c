// RungLog: what the ladder says in the log: a line when a rung begins and one when it ends. Purging and
// dropping code come and go all the time where a budget is small: they have one line a minute each, which
// says how often it was meanwhile.
//
// A machine without IO; one thread.
#pragma once

#include "alloc/clock.hpp"
#include "alloc/governor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace masu::core {

class RungLog {
 public:
  static constexpr Duration frequent_interval = 60s;  // between two lines of a frequent rung

  // The line for a rung that begins or ends at so much resident memory; empty: there is none now.
  std::string line(Rung rung, bool begins, std::size_t resident_bytes, std::size_t budget_bytes,
                   TimePoint now);

 private:
  struct Frequent {
    TimePoint next{};  // not before
    std::uint64_t unsaid = 0;
  };
  static constexpr bool is_frequent(Rung rung) { return rung <= Rung::drop_code; }
  std::array<Frequent, 2> frequent_;
};

}  // namespace masu::core
