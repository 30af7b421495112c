#include "alloc/lending.hpp"

#include "alloc/bytes.hpp"
#include "alloc/chunk_pool.hpp"

#include <algorithm>
#include <utility>

namespace masu {
namespace {

constexpr std::size_t steps = 8;  // from nothing to all that may be lent
constexpr Duration keep_for = std::chrono::seconds(5);
constexpr Duration return_interval = std::chrono::seconds(1);

}  // namespace

void Lending::set_plan(const CapacityPlan& plan) {
  chunks_ = plan.chunks;
  door_bytes_ = plan.ours_bytes;
  lent_ = 0;
}

std::size_t Lending::update(const LendingSample& sample, bool allowed, TimePoint now) {
  const std::size_t step = std::max<std::size_t>(chunks_ / steps, 1);
  const std::size_t others = sample.ours_bytes - std::min(sample.ours_bytes, sample.chunk_bytes);
  const std::size_t taken = others + chunks_ * chunk_bytes;
  const std::size_t idle = allowed ? door_bytes_ - std::min(door_bytes_, taken) : 0;
  const std::size_t most = std::min(idle / 2 / chunk_bytes / step * step, chunks_);

  const std::size_t capacity = chunks_ + lent_;
  const bool refused = sample.chunk_refusals > std::exchange(refusals_, sample.chunk_refusals);
  if (refused || sample.chunks_used >= capacity - capacity / 8) {
    needed_at_ = now;
    lent_ += step;
  } else if (sample.chunks_used + step >= capacity - capacity / 8) {
    needed_at_ = now;  // without the last step it would be as full
  } else if (lent_ > 0 && now >= needed_at_ + keep_for && now >= returned_at_ + return_interval) {
    returned_at_ = now;
    lent_ -= std::min(step, lent_);
  }
  lent_ = std::min(lent_, most);
  return chunks_ + lent_;
}

}  // namespace masu
