#include "unixfs/import/file_importer.hpp"

#include "unixfs/dag/dag_pb_writer.hpp"
#include "unixfs/memory_guard.hpp"

#include <utility>

namespace masu::unixfs {

FileImporter::FileImporter(const FileShape& shape, const Metadata& metadata, BlockWriter& writer)
    : shape_(shape),
      metadata_(metadata),
      writer_(writer),
      levels_(&writer.memory().heap),
      head_(&writer.memory().heap),
      tail_(&writer.memory().heap) {}

Result<> FileImporter::feed(ChunkChain&& bytes) {
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<> {
    file_bytes_ += bytes.size();
    keep(std::move(bytes));
    while (pending_.size() > shape_.leaf_bytes) {
      if (auto cut = cut_leaf(shape_.leaf_bytes); !cut) return cut;
    }
    return {};
  });
}

// A chunk that is at most half full is copied behind the bytes before it, so that a leaf holds no more than
// about twice its size, however small the pieces that it arrived in.
void FileImporter::keep(ChunkChain&& bytes) {
  const ImportMemory& memory = writer_.memory();
  while (Chunk chunk = bytes.pop_front()) {
    const Bytes data = chunk.data();
    if (data.empty()) continue;
    if (data.size() > chunk_bytes / 2 || pending_.empty()) {
      pending_.append(std::move(chunk));
    } else if (!pending_.append_copy(memory.chunks, memory.chunk_holder, data, Need::closing)) {
      throw std::bad_alloc();
    }
  }
}

Result<FileImporter::Child> FileImporter::write_leaf(std::size_t bytes, const Metadata& metadata) {
  const Rope content = Rope(pending_).take(bytes);
  std::size_t block_bytes = bytes;
  Codec codec = Codec::raw;
  if (shape_.raw_leaves) {
    writer_.add(content);
  } else {
    NodeFields fields{.type = NodeType::file, .filesize = bytes, .metadata = metadata};
    if (bytes > 0) fields.data_bytes = bytes;
    head_.clear();
    tail_.clear();
    put_node_head(head_, fields);
    put_node_tail(tail_, fields);
    writer_.add(head_);
    writer_.add(content);
    writer_.add(tail_);
    block_bytes = writer_.bytes();
    codec = Codec::dag_pb;
  }
  const auto cid = writer_.finish(codec);
  if (!cid) return std::unexpected(cid.error());
  pending_.consume(bytes);
  return Child{{*cid, block_bytes}, bytes};
}

Result<FileImporter::Child> FileImporter::write_node(Level& level, const Metadata& metadata) {
  const NodeFields fields{.type = NodeType::file,
                          .filesize = level.file_bytes,
                          .block_sizes = level.block_sizes,
                          .metadata = metadata};
  head_.clear();
  put_node_head(head_, fields);
  put_node_tail(head_, fields);
  writer_.add(level.links.rope());
  writer_.add(head_);
  const std::uint64_t tsize = level.tsize + writer_.bytes();
  const auto cid = writer_.finish(Codec::dag_pb);
  if (!cid) return std::unexpected(cid.error());
  return Child{{*cid, tsize}, level.file_bytes};
}

Result<> FileImporter::add_child(std::size_t at, const Child& child) {
  const ImportMemory& memory = writer_.memory();
  if (at == levels_.size()) levels_.emplace_back(memory);
  if (levels_[at].children == shape_.links_max) {
    const auto closed = write_node(levels_[at], {});
    if (!closed) return std::unexpected(closed.error());
    levels_[at].clear();
    if (auto added = add_child(at + 1, *closed); !added) return added;
  }
  Level& level = levels_[at];
  head_.clear();
  put_link(head_, {.cid = child.node.cid, .name_prefix = {}, .name = {}, .tsize = child.node.tsize});
  level.links.append(head_);
  put_block_size(level.block_sizes, child.file_bytes);
  ++level.children;
  level.file_bytes += child.file_bytes;
  level.tsize += child.node.tsize;
  if (level.links.size() + level.block_sizes.size() > store::block_bytes_max) {
    return fail(ErrorCode::limit, "a file node of " + std::to_string(level.children) + " links is above " +
                                      std::to_string(store::block_bytes_max) +
                                      " bytes: lower max-file-links");
  }
  return {};
}

Result<> FileImporter::cut_leaf(std::size_t bytes) {
  const auto leaf = write_leaf(bytes, {});
  if (!leaf) return std::unexpected(leaf.error());
  return add_child(0, *leaf);
}

Result<ImportedNode> FileImporter::finish() {
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<ImportedNode> {
    if (levels_.empty()) {
      const auto only = write_leaf(pending_.size(), metadata_);
      if (!only) return std::unexpected(only.error());
      return only->node;
    }
    if (auto last = cut_leaf(pending_.size()); !last) return std::unexpected(last.error());
    for (std::size_t at = 0; at + 1 < levels_.size(); ++at) {
      const auto closed = write_node(levels_[at], {});
      if (!closed) return std::unexpected(closed.error());
      if (auto added = add_child(at + 1, *closed); !added) return std::unexpected(added.error());
    }
    const auto root = write_node(levels_.back(), metadata_);
    if (!root) return std::unexpected(root.error());
    return root->node;
  });
}

}  // namespace masu::unixfs
