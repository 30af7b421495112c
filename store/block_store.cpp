#include "store/block_store.hpp"

#include <array>
#include <new>
#include <vector>

namespace masu::store {

std::string_view name_of(StoreErrorCode code) {
  switch (code) {
    case StoreErrorCode::not_found: return "not found";
    case StoreErrorCode::too_large: return "too large";
    case StoreErrorCode::disk_full: return "disk full";
    case StoreErrorCode::io: return "input/output error";
    case StoreErrorCode::corrupt: return "corrupt";
    case StoreErrorCode::refused: return "refused";
    case StoreErrorCode::out_of_memory: return "out of memory";
    case StoreErrorCode::stopped: return "stopped";
  }
  return "unknown";
}

StoreResult<bool> BlockStore::put(const Multihash& hash, const ChunkChain& chain) {
  if (chain.size() > block_bytes_max) {
    return fail(StoreErrorCode::too_large, "a block of " + std::to_string(chain.size()) + " bytes");
  }
  // A chain of chunks that are all full has 128 pieces; one whose chunks are half empty has some more.
  std::array<Bytes, 2 * block_bytes_max / chunk_bytes + 1> pieces;
  std::size_t count = 0;
  for (auto piece = chain.begin(); piece; piece.next()) {
    if (count == pieces.size()) return put_many(hash, chain);
    pieces[count++] = piece.data();
  }
  return put(hash, std::span<const Bytes>(pieces.data(), count));
}

StoreResult<bool> BlockStore::put_many(const Multihash& hash, const ChunkChain& chain) {
  try {
    std::vector<Bytes> pieces;
    pieces.reserve(chain.chunks());
    for (auto piece = chain.begin(); piece; piece.next()) pieces.push_back(piece.data());
    return put(hash, pieces);
  } catch (const std::bad_alloc&) {
    return fail(StoreErrorCode::out_of_memory, "no memory for the pieces of a block");
  }
}

}  // namespace masu::store
