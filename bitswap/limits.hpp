// BitswapLimits: how much of everything Bitswap may hold, as the capacity plan says. Plain values.
#pragma once

#include "alloc/clock.hpp"
#include "alloc/plan.hpp"

#include <cstddef>
#include <optional>

namespace masu::bitswap {

// Whom a search for a block is told: Kubo's `Internal.Bitswap.BroadcastControl`. Peers that sent a block
// since they are connected always are.
struct BroadcastControl {
  bool enable = true;                    // false: everyone is
  std::optional<std::size_t> peers_max;  // for each search; 0: nobody is asked
  bool spare_local = false;              // peers in the networks of this machine are no exception
  bool spare_chosen = false;             // nor are those that the user chose
  std::size_t random_peers = 0;          // so many others are, in turn
  bool pending_peers = false;            // and those that are sent something anyway
  // Nothing else finds peers that have a block: after ten seconds everyone is.
  bool last_resort = true;
};

struct BitswapLimits {
  static BitswapLimits from(const CapacityPlan& plan);

  bool server = true;  // `Bitswap.ServerEnabled`: whether wants of others are heard

  std::size_t peers = 128;
  std::size_t inbound_streams = 256;
  std::size_t inbound_streams_per_peer = 16;  // Kubo has eight senders, and a stream for its wants

  BroadcastControl broadcast;

  // Server.
  std::size_t wants = 12288;
  std::size_t wants_per_peer = 1024;
  std::size_t lookups = 2;           // batches of the index being looked up
  std::size_t sends = 8;             // messages with blocks being read or sent
  std::size_t send_bytes = 1 << 20;  // read for them, and not yet taken by streams

  // Client.
  std::size_t client_wants = 4096;
  std::size_t asks = 2048;  // a want told to a peer
  std::size_t sessions = 32;
  std::size_t reads = 8;                            // blocks being looked for in the store
  std::size_t writes = 8;                           // blocks received, being stored
  std::size_t block_bytes = std::size_t{10} << 20;  // blocks being received or stored

  // Quotas of the accounts.
  std::size_t peer_account_bytes = std::size_t{1} << 20;
  std::size_t server_account_bytes = std::size_t{2} << 20;
  std::size_t client_account_bytes = std::size_t{1} << 20;
  std::size_t session_account_bytes = std::size_t{256} << 10;
};

}  // namespace masu::bitswap
