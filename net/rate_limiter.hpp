// RateLimiter: how often each network may ask for something, and all together.
//
// Token buckets; a plain value without IO, loop thread only. Bounded: buckets_max networks are remembered,
// and at the cap the one that asked longest ago is forgotten; the bucket for all together bounds what that
// lets through. Networks are an IPv4 /24 or an IPv6 /56. Loopback is not limited.
#pragma once

#include "alloc/clock.hpp"
#include "multiformats/ip_address.hpp"
#include "net/ip_prefix.hpp"

#include <array>
#include <cstddef>

namespace masu::net {

struct RateLimit {
  double per_second = 0;
  double burst = 0;
};

class RateLimiter {
 public:
  static constexpr std::size_t buckets_max = 64;

  RateLimiter(const RateLimit& each, const RateLimit& all, TimePoint now);
  // Takes a token, or says no.
  [[nodiscard]] bool allow(const IpAddress& from, TimePoint now);

 private:
  struct Bucket {
    double tokens = 0;
    TimePoint filled_at{};
    bool take(const RateLimit& limit, TimePoint now);
  };
  struct Network {
    IpPrefix prefix;
    Bucket bucket;
  };

  const RateLimit each_;
  const RateLimit all_;
  Bucket all_bucket_;
  std::array<Network, buckets_max> networks_;
  std::size_t used_ = 0;
};

}  // namespace masu::net
