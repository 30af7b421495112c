// A DiskStore on a disk that loses power and fails, and the blocks that tests put into it.
#pragma once

#include "multiformats/digest.hpp"
#include "store/disk_store.hpp"
#include "tests/store/fault_files.hpp"
#include "tests/store/fault_index.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace masu::store::test {

struct TestBlock {
  std::string content;
  Multihash hash;
};
inline TestBlock block_of(std::uint64_t number, std::size_t bytes) {
  const auto content = ByteStream(number).take(bytes);
  return {std::string(as_text(content)), *multihash_of(HashCode::sha2_256, content)};
}

class DiskWorld {
 public:
  explicit DiskWorld(std::uint64_t seed = 1) : files(seed), index(seed + 1) {
    options.directory = "/repo";
    options.memtable_bytes = 64 * 1024;
    options.block_cache_bytes = 64 * 1024;
    options.open_files = 16;
    options.segment_bytes = 32 * 1024;
    options.unsynced_bytes_max = 64 * 1024;
    options.memory_bytes = 128 * 1024;
    options.segment_files = 3;
    options.files = &files;
    options.env = index.env();
  }

  StoreResult<void> try_open() {
    auto opened = DiskStore::open(options, budget);
    if (!opened) return std::unexpected(opened.error());
    store = std::move(*opened);
    return {};
  }
  void open() {
    const auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().detail;
  }
  void reopen() {
    store.reset();
    open();
  }
  void lose_power() {
    files.power_off();
    index.power_off();
    store.reset();
    files.power_on();
    index.power_on();
  }
  void put(const TestBlock& block) {
    const auto put = store->put(block.hash, as_bytes(block.content));
    ASSERT_TRUE(put) << put.error().detail;
  }
  bool has(const TestBlock& block) { return store->size(block.hash).value().has_value(); }
  // Empty: it is not here. What is here must be right.
  StoreResult<std::string> read(const TestBlock& block) {
    const auto chain = store->get(block.hash, pool, account);
    if (!chain) return std::unexpected(chain.error());
    std::string content(chain->size(), '\0');
    chain->copy_to(0, {reinterpret_cast<std::uint8_t*>(content.data()), content.size()});
    return content;
  }
  std::uint64_t reclaim() {
    const auto freed = store->reclaim(stop);
    EXPECT_TRUE(freed) << freed.error().detail;
    return freed.value_or(0);
  }

  FaultFiles files;
  FaultIndex index;
  DiskStoreOptions options;
  Budget budget{"test", 64 << 20};
  Account account{budget, "test.chunks", Lifetime::block, 64 << 20};
  ChunkPool pool{account, 512};
  std::atomic<bool> stop{false};
  std::unique_ptr<DiskStore> store;
};

}  // namespace masu::store::test
