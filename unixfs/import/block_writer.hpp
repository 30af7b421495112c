// BlockWriter: one block after the other from pieces: its CID is made, and it is put into the sink.
//
// ImportMemory names what an import may take: heap memory for what it gathers (each of its sorters spills
// above `gather_bytes`), chunks for the bytes of files and nodes under construction. Everything an importer
// holds comes from there; where it is refused, the heap throws std::bad_alloc, and the public calls of the
// importers turn that into an error.
//
// One owner, one thread (a worker's).
#pragma once

#include "alloc/chunk_pool.hpp"
#include "alloc/resource.hpp"
#include "alloc/rope.hpp"
#include "multiformats/cid.hpp"
#include "multiformats/digest.hpp"
#include "store/sort/spill_file.hpp"
#include "unixfs/dag/protobuf.hpp"
#include "unixfs/import/block_sink.hpp"
#include "unixfs/import/import_options.hpp"

#include <vector>

namespace masu::unixfs {

struct ImportMemory {
  AccountResource& heap;
  std::size_t gather_bytes;
  ChunkPool& chunks;
  Account& chunk_holder;
};

class BlockWriter {
 public:
  BlockWriter(const BlockFormat& format, BlockSink& sink, const ImportMemory& memory);

  const ImportMemory& memory() const { return memory_; }

  // The next bytes of the block. They are borrowed until finish().
  void add(Bytes piece);
  void add(Rope rope);
  std::size_t bytes() const { return bytes_; }
  // Ends the block: its CID, when the sink has it. After an error the writer is not used again.
  Result<Cid> finish(Codec codec);

 private:
  Result<Cid> name(Codec codec);

  const BlockFormat format_;
  BlockSink& sink_;
  const ImportMemory memory_;
  Digester digester_;
  std::pmr::vector<Bytes> pieces_;
  std::size_t bytes_ = 0;
};

// Bytes of a node under construction: appended by small pieces, held in chunks.
class NodeBytes {
 public:
  explicit NodeBytes(const ImportMemory& memory) : memory_(memory) {}
  // Throws std::bad_alloc when a chunk is refused.
  void append(Bytes bytes);
  void clear() { chain_.clear(); }
  std::size_t size() const { return chain_.size(); }
  Rope rope() const { return Rope(chain_); }

 private:
  ImportMemory memory_;
  ChunkChain chain_;
};

}  // namespace masu::unixfs
