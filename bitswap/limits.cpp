#include "bitswap/limits.hpp"

#include "bitswap/server_jobs.hpp"

#include <algorithm>

namespace masu::bitswap {

BitswapLimits BitswapLimits::from(const CapacityPlan& plan) {
  // As the plan's rows say: slabs waste up to an eighth, which the tables beside them use as well.
  const auto account = [](std::size_t count, std::size_t bytes_each) {
    return count * bytes_each * 9 / 8 + 4096;
  };
  BitswapLimits limits;
  limits.peers = plan.bitswap_peers;
  limits.inbound_streams = plan.bitswap_streams;
  limits.wants = plan.wants;
  limits.wants_per_peer = plan.wants_per_peer;
  constexpr std::size_t piece = SendJob::piece_chunks_max * chunk_bytes;
  limits.lookups = plan.lookups;
  limits.sends = plan.sends;
  limits.send_bytes = std::clamp(plan.send_bytes / 2, piece, limits.sends * piece);
  limits.client_wants = plan.client_wants;
  limits.asks = plan.client_wants / 2;
  limits.sessions = plan.sessions;
  limits.reads = std::clamp<std::size_t>(plan.sessions / 2, 2, 8);
  limits.writes = std::clamp<std::size_t>(plan.sessions / 2, 4, 16);
  limits.block_bytes = plan.block_bytes;
  limits.peer_account_bytes = account(plan.bitswap_peers, plan_entry::bitswap_peer_bytes) +
                              account(plan.bitswap_streams, plan_entry::bitswap_stream_bytes);
  limits.server_account_bytes = account(plan.wants, plan_entry::server_want_bytes) +
                                account(plan.lookups, plan_entry::lookup_bytes) +
                                account(plan.sends, plan_entry::send_bytes);
  limits.client_account_bytes = account(plan.client_wants, plan_entry::client_want_bytes);
  limits.session_account_bytes = account(plan.sessions, plan_entry::session_bytes);
  return limits;
}

}  // namespace masu::bitswap
