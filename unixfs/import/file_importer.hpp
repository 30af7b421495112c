// FileImporter: the bytes of one file become leaves of one size and a balanced tree over them.
//
// Bytes are fed as they arrive. A leaf is hashed and stored from the chunks it came in, as soon as the byte
// behind it is there; a file of one leaf is that leaf, so the last one waits for finish(). Nodes are closed
// when they are full and another child comes. Memory does not grow with the file: one leaf and what was fed
// last, and one node under construction for each level of the tree (three levels of 174 links hold 1.3 TB).
//
// One owner, one thread (a worker's). After an error it is destroyed.
#pragma once

#include "unixfs/import/block_writer.hpp"

#include <cstdint>
#include <vector>

namespace masu::unixfs {

// What an import has made of an entry.
struct ImportedNode {
  Cid cid;
  std::uint64_t tsize = 0;  // of all blocks below and of this one
};

class FileImporter {
 public:
  // `metadata` goes into the root. Requires: it is empty when leaves are raw. The writer outlives this, and
  // has no other user before finish().
  FileImporter(const FileShape& shape, const Metadata& metadata, BlockWriter& writer);

  // The next bytes. Their chunks are kept as they are, or copied together when they are mostly empty.
  Result<> feed(ChunkChain&& bytes);
  // Nothing follows: the root is stored.
  Result<ImportedNode> finish();
  std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  // A node under construction; the level above the leaves is 0.
  struct Level {
    explicit Level(const ImportMemory& memory) : links(memory), block_sizes(&memory.heap) {}
    NodeBytes links;
    ByteBuffer block_sizes;
    std::size_t children = 0;
    std::uint64_t file_bytes = 0;
    std::uint64_t tsize = 0;

    void clear() {
      links.clear();
      block_sizes.clear();
      children = 0;
      file_bytes = tsize = 0;
    }
  };
  struct Child {
    ImportedNode node;
    std::uint64_t file_bytes = 0;
  };

  void keep(ChunkChain&& bytes);
  Result<Child> write_leaf(std::size_t bytes, const Metadata& metadata);
  Result<Child> write_node(Level& level, const Metadata& metadata);
  Result<> add_child(std::size_t level, const Child& child);
  Result<> cut_leaf(std::size_t bytes);

  const FileShape shape_;
  const Metadata metadata_;
  BlockWriter& writer_;
  ChunkChain pending_;  // of the file, not in a leaf yet
  std::uint64_t file_bytes_ = 0;
  std::pmr::vector<Level> levels_;
  ByteBuffer head_;  // scratch
  ByteBuffer tail_;
};

}  // namespace masu::unixfs
