// Any bytes as the messages of a peer, cut anywhere, with refusals of whatever may be refused: the reader
// holds no more than it may, and gives all back.
#include "alloc/resource.hpp"
#include "bitswap/message_reader.hpp"
#include "tests/bitswap/raw_message.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <cstdlib>

using namespace masu;
using namespace masu::bitswap;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  Budget budget("fuzz", std::size_t{64} << 20);
  Account pool_account(budget, "chunks", Lifetime::process, std::size_t{64} << 20);
  ChunkPool chunks(pool_account, 64);
  Account blocks(budget, "blocks", Lifetime::block, std::size_t{64} << 20);
  Account digest_account(budget, "digests", Lifetime::block, 4096);
  AccountResource digests(digest_account);
  BlockIntake intake{chunks, blocks, digests};
  {
    NotingSink sink(chunks);
    MessageReader reader(intake, sink);
    sink.asked = (input.byte() & 3) != 0;
    while (!input.empty()) {
      const std::uint8_t kind = input.byte();
      sink.room = (kind & 7) != 0;
      sink.wants_allowed = (kind & 24) != 0 ? ~std::size_t{0} : 0;
      blocks.set_quota((kind & 96) != 0 ? std::size_t{64} << 20 : chunk_bytes);
      const Bytes bytes = input.take(input.word() & 0x3ff);
      const auto used = reader.feed(bytes);
      if (!used) {
        require(!reader.holds_room());
        break;
      }
      require(*used <= bytes.size());
      require(*used == bytes.size() || reader.stall() != MessageReader::Stall::none);
      require(chunks.stats().used <= 1 || reader.holds_room());
      sink.wants.clear();
      sink.presences.clear();
      sink.blocks.clear();
      sink.begun.clear();
    }
  }
  require(chunks.stats().used == 0);
  require(digest_account.live_bytes() == 0);
  return 0;
}
