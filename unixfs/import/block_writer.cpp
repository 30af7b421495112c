#include "unixfs/import/block_writer.hpp"

#include <array>
#include <new>

namespace masu::unixfs {

BlockWriter::BlockWriter(const BlockFormat& format, BlockSink& sink, const ImportMemory& memory)
    : format_(format),
      sink_(sink),
      memory_(memory),
      digester_(format.hash, memory.heap),
      pieces_(&memory.heap) {}

void BlockWriter::add(Bytes piece) {
  if (piece.empty()) return;
  pieces_.push_back(piece);
  bytes_ += piece.size();
}

void BlockWriter::add(Rope rope) {
  while (!rope.empty()) {
    const Bytes piece = rope.front();
    add(piece);
    rope.skip(piece.size());
  }
}

Result<Cid> BlockWriter::name(Codec codec) {
  if (format_.inline_bytes_max && bytes_ <= *format_.inline_bytes_max) {
    std::array<std::uint8_t, inline_bytes_limit> content;
    std::size_t at = 0;
    for (const Bytes piece : pieces_) {
      std::copy(piece.begin(), piece.end(), content.begin() + static_cast<std::ptrdiff_t>(at));
      at += piece.size();
    }
    return Cid::v1(codec, Multihash::make(HashCode::identity, Bytes(content).first(bytes_)));
  }
  for (const Bytes piece : pieces_) digester_.update(piece);
  const Multihash hash = digester_.finish();
  if (auto put = sink_.put(hash, pieces_); !put) return std::unexpected(put.error());
  if (format_.cid_version == 0 && Cid::may_be_v0(codec, hash)) return Cid::v0(hash);
  return Cid::v1(codec, hash);
}

Result<Cid> BlockWriter::finish(Codec codec) {
  if (bytes_ > store::block_bytes_max) {
    return fail(ErrorCode::limit, "a block of " + std::to_string(bytes_) + " bytes is above the limit of " +
                                      std::to_string(store::block_bytes_max) +
                                      " (fewer links to a node make it smaller)");
  }
  Result<Cid> cid = name(codec);
  pieces_.clear();
  bytes_ = 0;
  return cid;
}

void NodeBytes::append(Bytes bytes) {
  if (!chain_.append_copy(memory_.chunks, memory_.chunk_holder, bytes, Need::closing)) throw std::bad_alloc();
}

}  // namespace masu::unixfs
