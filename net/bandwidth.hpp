// BandwidthMeter: how many bytes went each way, and how fast: what `stats bw` shows.
//
// A plain value; one lies in the swarm, in each connected peer and each protocol of ours: no table that peers
// could fill. Loop thread only. The rate is an average that forgets by half in about a second, as
// go-flow-metrics.
#pragma once

#include "alloc/clock.hpp"

#include <cstdint>

namespace masu::net {

struct Bandwidth {
  std::uint64_t total_in = 0;
  std::uint64_t total_out = 0;
  double rate_in = 0;  // bytes a second
  double rate_out = 0;
};

class BandwidthMeter {
 public:
  void add(std::uint64_t in, std::uint64_t out, TimePoint now);
  Bandwidth read(TimePoint now) const;

 private:
  void settle(TimePoint now);

  std::uint64_t total_in_ = 0;
  std::uint64_t total_out_ = 0;
  std::uint64_t settled_in_ = 0;  // totals at settled_at_
  std::uint64_t settled_out_ = 0;
  TimePoint settled_at_{};
  double rate_in_ = 0;
  double rate_out_ = 0;
};

}  // namespace masu::net
