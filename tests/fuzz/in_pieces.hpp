// A block in chunks that are filled with `piece` bytes each, as peers and disks cut it.
#pragma once

#include "alloc/chunk_pool.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <utility>

namespace masu {

inline ChunkChain in_pieces(ChunkPool& pool, Account& holder, Bytes bytes, std::size_t piece) {
  ChunkChain chain;
  while (!bytes.empty()) {
    Chunk chunk = pool.take(holder, Need::closing);  // the pool is as large as the block
    if (!chunk) std::abort();
    const Bytes now = bytes.first(std::min({bytes.size(), piece, chunk.space().size()}));
    std::copy(now.begin(), now.end(), chunk.space().begin());
    chunk.fill(now.size());
    chain.append(std::move(chunk));
    bytes = bytes.subspan(now.size());
  }
  return chain;
}

}  // namespace masu
