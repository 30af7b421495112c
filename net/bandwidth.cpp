#include "net/bandwidth.hpp"

#include <cmath>

namespace masu::net {

void BandwidthMeter::add(std::uint64_t in, std::uint64_t out, TimePoint now) {
  if (now - settled_at_ >= 1s) settle(now);
  total_in_ += in;
  total_out_ += out;
}

Bandwidth BandwidthMeter::read(TimePoint now) const {
  BandwidthMeter meter = *this;
  if (now - settled_at_ >= 1s) meter.settle(now);
  return {meter.total_in_, meter.total_out_, meter.rate_in_, meter.rate_out_};
}

// Folds what passed since the last time into the averages.
void BandwidthMeter::settle(TimePoint now) {
  const double seconds = std::chrono::duration<double>(now - settled_at_).count();
  const double keep = std::exp(-seconds);
  const auto fold = [&](double rate, std::uint64_t bytes) {
    return keep * rate + (1 - keep) * static_cast<double>(bytes) / seconds;
  };
  rate_in_ = fold(rate_in_, total_in_ - settled_in_);
  rate_out_ = fold(rate_out_, total_out_ - settled_out_);
  settled_in_ = total_in_;
  settled_out_ = total_out_;
  settled_at_ = now;
}

}  // namespace masu::net
