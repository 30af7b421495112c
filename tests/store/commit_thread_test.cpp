// A store whose commits have a thread: who puts blocks waits for a slow disk at the limit only.
#include "tests/store/disk_world.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

namespace masu::store {
namespace {

using test::block_of;
using test::DiskWorld;
using test::TestBlock;

constexpr std::size_t block_bytes = 4096;

class CommitThreadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.options.commit_thread = true;
    world_.open();
  }
  std::uint64_t limit() const { return world_.options.unsynced_bytes_max; }
  // Puts blocks with so many bytes together, each a new one.
  void put(std::uint64_t bytes) {
    for (std::uint64_t done = 0; done < bytes; done += block_bytes) {
      blocks_.push_back(block_of(blocks_.size() + 1, block_bytes));
      world_.put(blocks_.back());
    }
  }

  DiskWorld world_;
  std::vector<TestBlock> blocks_;
};

TEST_F(CommitThreadTest, PutGoesOnWhileTheDiskSyncs) {
  world_.files.hold_syncs();
  put(limit() / 4 + block_bytes);
  world_.files.wait_for_held_sync();  // nobody asked for it but the quarter
  put(limit() / 2);
  world_.files.let_syncs_go();
  ASSERT_TRUE(world_.store->sync());
  world_.lose_power();
  world_.open();
  for (const TestBlock& block : blocks_) EXPECT_EQ(world_.read(block).value(), block.content);
}

TEST_F(CommitThreadTest, PutWaitsForADiskThatIsFarBehind) {
  world_.files.hold_syncs();
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<bool> ended = false;
  std::thread writer([&] {
    for (std::uint64_t number = 1; number <= 4 * limit() / block_bytes; ++number) {
      world_.put(block_of(number, block_bytes));
      bytes += block_bytes;
    }
    ended = true;
  });
  world_.files.wait_for_held_sync();
  // It cannot end while the disk is held; if it could, so long would do.
  for (int look = 0; look < 20 && !ended; ++look) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(ended);
  EXPECT_LT(bytes, 2 * limit());
  world_.files.let_syncs_go();
  writer.join();
  EXPECT_EQ(bytes, 4 * limit());
}

TEST_F(CommitThreadTest, WhatTheThreadCouldNotDoIsToldToTheNextPut) {
  world_.files.hold_syncs();
  put(limit() / 4 + block_bytes);
  world_.files.wait_for_held_sync();
  world_.files.fail_after(0, EIO);
  world_.files.let_syncs_go();
  ASSERT_FALSE(world_.store->sync());
  const TestBlock refused = block_of(1000, block_bytes);
  const auto put = world_.store->put(refused.hash, as_bytes(refused.content));
  ASSERT_FALSE(put);
  EXPECT_NE(put.error().detail.find("nothing more is written"), std::string::npos) << put.error().detail;
}

TEST_F(CommitThreadTest, ClosingWaitsForTheRoundAndKeepsEverything) {
  put(3 * limit());
  world_.reopen();
  for (const TestBlock& block : blocks_) EXPECT_EQ(world_.read(block).value(), block.content);
}

}  // namespace
}  // namespace masu::store
