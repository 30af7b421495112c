// What an import needs, in memory and counted: accounts, a chunk pool, spill space, and sinks that can fail.
#pragma once

#include "store/memory_store.hpp"
#include "tests/store/spill.hpp"
#include "tests/unixfs/bytes.hpp"
#include "unixfs/import/block_writer.hpp"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::unixfs::test {

// Keeps every block, and says no at the one it is told to.
class RecordingSink final : public BlockSink {
 public:
  Result<> put(const Multihash& hash, std::span<const Bytes> pieces) override {
    if (puts_until_failure == 0) return fail(ErrorCode::storage, "no space left on device");
    --puts_until_failure;
    std::vector<std::uint8_t> block;
    for (const Bytes piece : pieces) block.insert(block.end(), piece.begin(), piece.end());
    EXPECT_TRUE(matches(hash, block));
    bytes += block.size();
    ++puts;
    if (keep) blocks[std::string(as_text(hash.bytes()))] = std::move(block);
    return {};
  }

  std::uint64_t puts_until_failure = ~std::uint64_t{0};
  std::uint64_t puts = 0;
  std::uint64_t bytes = 0;
  bool keep = true;
  std::map<std::string, std::vector<std::uint8_t>> blocks;
};

struct ImportFixture {
  static constexpr std::size_t mib = 1024 * 1024;

  explicit ImportFixture(std::size_t heap_bytes = 16 * mib, std::size_t chunks_held_bytes = 32 * mib)
      : heap_account(budget, "unixfs.import", Lifetime::request, heap_bytes),
        chunk_account(budget, "unixfs.chunks", Lifetime::block, chunks_held_bytes) {}

  ImportMemory memory() { return {heap, gather_bytes, chunks, chunk_account}; }

  // The next piece as it would come from a socket.
  ChunkChain chain(Bytes bytes) {
    ChunkChain out;
    EXPECT_TRUE(out.append_copy(chunks, chunk_account, bytes));
    return out;
  }

  Budget budget{"test", 256 * mib};
  Account pool_account{budget, "chunks", Lifetime::block, 64 * mib};
  Account heap_account;
  Account chunk_account;
  AccountResource heap{heap_account};
  ChunkPool chunks{pool_account, 2048};
  store::test::MemorySpill spill;
  RecordingSink sink;
  std::size_t gather_bytes = 512 * 1024;
};

}  // namespace masu::unixfs::test
