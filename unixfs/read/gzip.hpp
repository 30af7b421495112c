// GzipWriter: chains of bytes in, chains of a gzip stream out, bounded memory between them: zlib's state
// (some 260 KiB, from `memory`) and the chunks of what comes out, charged to `holder`.
//
// Burns: called on a worker, one thread at a time. The header is as Go writes it (no time, no name, unknown
// system). After an error it is finished with.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "unixfs/error.hpp"

#include <memory_resource>

namespace masu::unixfs {

class GzipWriter {
 public:
  static constexpr int level_default = 6;

  // Level 1 to 9. Throws std::bad_alloc where `memory` refuses.
  GzipWriter(int level, ChunkPool& chunks, Account& holder, std::pmr::memory_resource& memory);
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  // Takes bytes in; what comes out may be nothing yet.
  Result<ChunkChain> write(ChunkChain in);
  Result<ChunkChain> write(Bytes in);
  // The rest of the stream. Nothing may be written after it.
  Result<ChunkChain> finish();

 private:
  struct State;
  Result<> deflate(Bytes in, bool last, ChunkChain& out);

  ChunkPool& chunks_;
  Account& holder_;
  std::pmr::memory_resource& memory_;
  State* state_ = nullptr;
};

}  // namespace masu::unixfs
