// The links of a block in pieces: the same whatever the pieces, and each of them a CID.
#include "store/links.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/fuzz/in_pieces.hpp"

#include <array>
#include <cstdlib>
#include <string>

namespace {

using namespace masu;

std::string walk(Codec codec, Rope block) {
  std::string all;
  const auto visited = store::for_each_link(codec, block, [&](const Cid& cid) {
    if (!Cid::decode(cid.bytes())) std::abort();
    all.append(as_text(cid.bytes()));
    return true;
  });
  return visited ? all : all + visited.error().detail;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  FuzzInput in(data, size);
  constexpr std::array<Codec, 3> codecs = {Codec::dag_pb, Codec::dag_cbor, Codec::dag_json};
  const Codec codec = codecs[in.byte() % codecs.size()];
  const std::size_t piece = 1 + in.byte() % 64u + size / 1024;
  const Bytes block = in.rest();
  Budget budget{"fuzz", 64 << 20};
  Account holder{budget, "fuzz.holder", Lifetime::block, 64 << 20};
  ChunkPool pool{holder, block.size() / piece + 2};
  const ChunkChain chain = in_pieces(pool, holder, block, piece);
  if (walk(codec, Rope(block)) != walk(codec, Rope(chain))) std::abort();
  return 0;
}
