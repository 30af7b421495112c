#include "unixfs/read/loaded_node.hpp"

#include "alloc/check.hpp"

#include <functional>

namespace masu::unixfs {
namespace {

std::size_t offset_in(const ChunkChain& chain, Rope part) {
  const std::uint8_t* const first = part.front().data();
  std::size_t offset = 0;
  for (ChunkChain::Piece piece = chain.begin(); piece; piece.next()) {
    const Bytes bytes = piece.data();
    if (!std::less<>()(first, bytes.data()) && std::less<>()(first, bytes.data() + bytes.size())) {
      return offset + static_cast<std::size_t>(first - bytes.data());
    }
    offset += bytes.size();
  }
  MASU_CHECK(false, "a view lies in the block it was made from");
  return 0;
}

// Keeps `bytes` from `offset`; the other chunks go back.
ChunkChain cut(ChunkChain chain, std::size_t offset, std::size_t bytes) {
  chain.consume(offset);
  if (chain.size() == bytes) return chain;
  ChunkChain out;
  while (bytes > 0) {
    Chunk chunk = chain.pop_front();
    if (chunk.data().size() > bytes) chunk.truncate(bytes);
    bytes -= chunk.data().size();
    out.append(std::move(chunk));
  }
  return out;
}

}  // namespace

Error block_error(const Cid& cid, const store::StoreError& error) {
  using store::StoreErrorCode;
  switch (error.code) {
    case StoreErrorCode::not_found:
      return {ErrorCode::block_missing,
              "block was not found locally (offline): ipld: could not find " + cid.to_string()};
    case StoreErrorCode::out_of_memory: return {ErrorCode::out_of_memory, error.detail};
    case StoreErrorCode::stopped: return {ErrorCode::stopped, error.detail};
    default: return {ErrorCode::block_failed, error.detail};
  }
}

Task<Result<>> LoadedNode::load(TaskMemory, const ReadContext& context, Cid cid) {
  clear();
  if (context.stop.stopped()) co_return fail(ErrorCode::stopped, "context canceled");
  store::AwaitedBlock wait(context.source, cid, context.holder);
  store::StoreResult<ChunkChain> block = co_await wait;
  if (!block) co_return std::unexpected(block_error(cid, block.error()));
  co_return take(cid, std::move(*block));
}

Result<> LoadedNode::take(const Cid& cid, ChunkChain block) {
  clear();
  cid_ = cid;
  block_ = std::move(block);
  if (cid.codec() == Codec::raw) {
    kind_ = Kind::raw;
    return {};
  }
  if (cid.codec() != Codec::dag_pb) {
    kind_ = Kind::other;
    return {};
  }
  auto node = DagPbNode::parse(Rope(block_));
  if (!node) {
    block_.clear();
    return fail(ErrorCode::malformed, std::move(node.error().text));
  }
  kind_ = Kind::dag_pb;
  node_ = *node;
  unixfs_ = Node::parse(node_.data.value_or(Rope()));
  return {};
}

void LoadedNode::clear() {
  kind_ = Kind::nothing;
  node_ = {};
  unixfs_ = Node();
  block_.clear();
}

ChunkChain LoadedNode::release(Rope part) {
  ChunkChain out;
  if (!part.empty()) {
    const std::size_t offset = offset_in(block_, part);
    out = cut(std::move(block_), offset, part.size());
  }
  clear();
  return out;
}

ChunkChain LoadedNode::release() {
  ChunkChain out = std::move(block_);
  clear();
  return out;
}

}  // namespace masu::unixfs
