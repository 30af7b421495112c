// Fixtures: a Bitswap on a fake host with a store in memory, blocks, and requests that note their outcome.
#pragma once

#include "bitswap/bitswap.hpp"
#include "multiformats/digest.hpp"
#include "store/memory_store.hpp"
#include "tests/bitswap/fake_network.hpp"

#include <optional>
#include <string>
#include <vector>

namespace masu::bitswap {

struct TestBlock {
  Cid cid;
  std::string bytes;
};
inline TestBlock make_block(std::string bytes, Codec codec = Codec::raw) {
  const Cid cid = Cid::v1(codec, *multihash_of(HashCode::sha2_256, as_bytes(bytes)));
  return {cid, std::move(bytes)};
}
// `size` bytes that no other number gives.
inline TestBlock numbered_block(unsigned number, std::size_t size) {
  std::string bytes(size, '\0');
  std::mt19937 random(number);
  for (std::size_t i = 0; i < size; i += 64) bytes[i] = static_cast<char>(random());
  const std::string name = std::to_string(number);
  bytes.replace(0, std::min(size, name.size()), name.substr(0, size));
  return make_block(std::move(bytes));
}
inline std::string text_of(const ChunkChain& chain) {
  std::string text(chain.size(), '\0');
  chain.copy_to(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

// One block asked of a source.
class Wanted final : private store::BlockRequest {
 public:
  Wanted(store::BlockSource& source, const Cid& cid, Account& holder) : source_(source) {
    source.get(cid, holder, *this);
  }
  ~Wanted() {
    if (!done()) source_.forget(*this);
  }
  bool done() const { return outcome_.has_value(); }
  bool got(const TestBlock& block) const { return done() && *outcome_ && text_of(**outcome_) == block.bytes; }
  std::optional<store::StoreErrorCode> error() const {
    if (!done() || *outcome_) return std::nullopt;
    return outcome_->error().code;
  }
  // For people; empty: there is no error.
  std::string error_text() const { return error() ? outcome_->error().detail : std::string(); }

 private:
  void on_block(store::StoreResult<ChunkChain> block) override { outcome_.emplace(std::move(block)); }
  store::BlockSource& source_;
  std::optional<store::StoreResult<ChunkChain>> outcome_;
};

// The memory of a node, checked to be all given back.
struct TestMemory {
  explicit TestMemory(std::size_t chunk_count = 2048) : chunks(pool_account, chunk_count) {}
  Budget budget{"test", std::size_t{256} << 20};
  Account pool_account{budget, "chunks", Lifetime::process, std::size_t{256} << 20};
  ChunkPool chunks;
  Account holder{budget, "request", Lifetime::request, std::size_t{64} << 20};
};

struct TestNode {
  TestNode(FakeNetwork& network_, const BitswapLimits& limits = {}, std::size_t chunk_count = 2048)
      : network(network_),
        memory(chunk_count),
        host(network.add_host()),
        bitswap(host, store, network.jobs, memory.chunks, memory.budget, random, limits) {}
  ~TestNode() {
    bitswap.stop();
    network.run();
    network.disconnect_all();
    network.run();
  }

  void put(const TestBlock& block) {
    (void)store.put(block.cid.hash(), as_bytes(block.bytes));
    bitswap.on_block_stored(block.cid.hash());
  }
  bool has(const TestBlock& block) { return store.size(block.cid.hash()).value().has_value(); }

  FakeNetwork& network;
  TestMemory memory;
  SeededRandom random{7};
  FakeHost& host;
  store::MemoryStore store;
  Bitswap bitswap;
};

}  // namespace masu::bitswap
