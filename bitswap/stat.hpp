// BitswapStat: what Bitswap counts. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace masu::bitswap {

struct BitswapStat {
  // Since the start.
  std::uint64_t blocks_received = 0;
  std::uint64_t data_received = 0;
  std::uint64_t duplicate_blocks_received = 0;  // nobody wanted them (any more)
  std::uint64_t duplicate_data_received = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t blocks_sent = 0;
  std::uint64_t data_sent = 0;
  // Now.
  std::size_t wants = 0;         // of ours
  std::size_t server_wants = 0;  // of all peers
  std::size_t peers = 0;
};

}  // namespace masu::bitswap
