// A dag-pb block in pieces: what parses is walked, and says the same whatever the pieces.
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/in_pieces.hpp"
#include "unixfs/dag/dag_pb.hpp"
#include "unixfs/dag/node.hpp"

#include <cstdlib>

namespace {

using namespace masu;

std::size_t walk(const unixfs::DagPbNode& node) {
  std::size_t count = 0;
  unixfs::DagPbLinks links = node.links();
  while (const auto link = links.next()) {
    if (link->name.size() > node.block.size()) std::abort();
    ++count;
  }
  if (count != node.link_count) std::abort();
  if (node.data) {
    const auto message = unixfs::Node::parse(*node.data);
    if (message) {
      std::size_t sizes = 0;
      for (unixfs::BlockSizes all = message->block_sizes(); all.next();) ++sizes;
      if (sizes != message->block_size_count) std::abort();
      static_cast<void>(message->file_size());
    }
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  FuzzInput in(data, size);
  // Small inputs in small pieces; the pool below has a chunk for each.
  const std::size_t piece = 1 + in.byte() % 64u + size / 1024;
  const Bytes block = in.rest();
  Budget budget{"fuzz", 64 << 20};
  Account pages{budget, "fuzz.pages", Lifetime::block, 64 << 20};
  Account holder{budget, "fuzz.holder", Lifetime::block, 64 << 20};
  ChunkPool pool{pages, block.size() / piece + 2};
  const ChunkChain chain = in_pieces(pool, holder, block, piece);
  const auto whole = unixfs::DagPbNode::parse(Rope(block));
  const auto cut = unixfs::DagPbNode::parse(Rope(chain));
  if (whole.has_value() != cut.has_value()) std::abort();
  if (whole && walk(*whole) != walk(*cut)) std::abort();
  return 0;
}
