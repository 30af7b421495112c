// A path through the bytes of a dag-cbor block: the same link, rest and error whether the block lies in one
// piece or in many, nothing is taken off the path but from its front, and a link is a CID.
#include "alloc/chunk_pool.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/in_pieces.hpp"
#include "unixfs/read/cbor_path.hpp"

#include <cstdlib>
#include <string>

namespace {

using namespace masu;

std::string follow(Rope block, std::string_view path) {
  static const Cid cid = Cid::v1(Codec::dag_cbor, Multihash());
  std::string_view rest = path;
  const auto link = unixfs::follow_cbor(block, cid, rest);
  if (!path.ends_with(rest)) std::abort();
  if (!link) return "error " + std::to_string(static_cast<int>(link.error().code)) + link.error().text;
  if (!*link) {
    if (!rest.empty()) std::abort();
    return "inside";
  }
  if (!Cid::decode((*link)->bytes())) std::abort();
  return std::string(rest) + " in " + std::string(as_text((*link)->bytes()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  FuzzInput in(data, size);
  const std::size_t piece = 1 + in.byte() % 64u + size / 1024;
  const std::string path(as_text(in.take(in.byte() % 64u)));
  const Bytes block = in.rest();
  Budget budget{"fuzz", 64 << 20};
  Account holder{budget, "fuzz.holder", Lifetime::block, 64 << 20};
  {
    ChunkPool pool{holder, block.size() / piece + 2};
    const ChunkChain chain = in_pieces(pool, holder, block, piece);
    const std::size_t before = holder.live_bytes();
    if (follow(Rope(block), path) != follow(Rope(chain), path)) std::abort();
    if (holder.live_bytes() != before) std::abort();
  }
  if (holder.live_bytes() != 0) std::abort();
  return 0;
}
