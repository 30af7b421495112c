#include "net/swarm/dial_ranking.hpp"

#include <algorithm>
#include <tuple>

namespace masu::net {
namespace {

constexpr Duration public_step = 250ms;
constexpr Duration private_step = 30ms;

bool is_v6(const RankedAddress& ranked) {
  const auto ip = ranked.address.ip();
  return ip && !ip->is_v4();
}

auto order_of(const RankedAddress& ranked) {
  return std::tuple(!is_v6(ranked), ranked.address.tcp_port().value_or(0));
}

void rank_group(std::span<RankedAddress> group, Duration step) {
  std::stable_sort(group.begin(), group.end(),
                   [](const RankedAddress& a, const RankedAddress& b) { return order_of(a) < order_of(b); });
  const auto first_v4 = std::find_if_not(group.begin(), group.end(), is_v6);
  const bool both = first_v4 != group.begin() && first_v4 != group.end();
  if (both) std::rotate(group.begin() + 1, first_v4, first_v4 + 1);
  for (std::size_t at = 0; at < group.size(); ++at) {
    group[at].delay = at == 0 ? Duration{} : at == 1 || !both ? step : 2 * step;
  }
}

}  // namespace

void rank_addresses(std::span<RankedAddress> addresses) {
  const auto is_private = [](const RankedAddress& ranked) { return ranked.address.is_private(); };
  const auto rest = std::stable_partition(addresses.begin(), addresses.end(), is_private);
  const auto privates = static_cast<std::size_t>(rest - addresses.begin());
  rank_group(addresses.first(privates), private_step);
  rank_group(addresses.subspan(privates), public_step);
  std::stable_sort(addresses.begin(), addresses.end(),
                   [](const RankedAddress& a, const RankedAddress& b) { return a.delay < b.delay; });
}

}  // namespace masu::net
