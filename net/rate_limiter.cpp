#include "net/rate_limiter.hpp"

#include <algorithm>

namespace masu::net {

RateLimiter::RateLimiter(const RateLimit& each, const RateLimit& all, TimePoint now)
    : each_(each), all_(all), all_bucket_{all.burst, now} {}

bool RateLimiter::Bucket::take(const RateLimit& limit, TimePoint now) {
  const std::chrono::duration<double> passed = now - filled_at;
  tokens = std::min(limit.burst, tokens + passed.count() * limit.per_second);
  filled_at = now;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

bool RateLimiter::allow(const IpAddress& from, TimePoint now) {
  if (from.is_loopback()) return true;
  const IpPrefix prefix = network_of(from);
  const auto end = networks_.begin() + static_cast<std::ptrdiff_t>(used_);
  auto network = std::find_if(networks_.begin(), end, [&](const Network& n) { return n.prefix == prefix; });
  if (network == end) {
    network =
        used_ < buckets_max
            ? networks_.begin() + static_cast<std::ptrdiff_t>(used_++)
            : std::min_element(
                  networks_.begin(), end,
                  [](const Network& a, const Network& b) { return a.bucket.filled_at < b.bucket.filled_at; });
    *network = {prefix, {each_.burst, now}};
  }
  // A network beyond its own limit takes nothing from the others.
  return network->bucket.take(each_, now) && all_bucket_.take(all_, now);
}

}  // namespace masu::net
