#include "store/disk_store.hpp"

#include "store/disk/index_db.hpp"
#include "store/disk/meta_tables.hpp"
#include "store/disk/segment_format.hpp"
#include "tests/store/disk_world.hpp"
#include "tests/store/store_contract.hpp"

#include <cerrno>
#include <thread>

namespace masu::store {
namespace {

using test::block_of;
using test::DiskWorld;
using test::TestBlock;

class DiskStoreFixture {
 public:
  DiskStoreFixture() {
    world_.options.segment_bytes = 4 << 20;
    world_.open();
  }
  CollectableStore& store() { return *world_.store; }

 private:
  DiskWorld world_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Disk, CollectableStoreContract, DiskStoreFixture);

class DiskRecordsFixture {
 public:
  DiskRecordsFixture() { world_.open(); }
  RecordStore& store() { return world_.store->records(); }

 private:
  DiskWorld world_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Disk, RecordStoreContract, DiskRecordsFixture);

std::vector<TestBlock> blocks_of(std::size_t count, std::size_t bytes, std::uint64_t first = 1) {
  std::vector<TestBlock> blocks;
  for (std::size_t i = 0; i < count; ++i) blocks.push_back(block_of(first + i, bytes));
  return blocks;
}

class DiskStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { world_.open(); }
  void put_all(const std::vector<TestBlock>& blocks) {
    for (const TestBlock& block : blocks) world_.put(block);
  }
  void expect_all(const std::vector<TestBlock>& blocks) {
    for (const TestBlock& block : blocks) {
      const auto content = world_.read(block);
      ASSERT_TRUE(content) << content.error().detail;
      ASSERT_TRUE(*content == block.content);
    }
  }

  DiskWorld world_;
};

TEST_F(DiskStoreTest, WhatWasSyncedIsThereAfterAPowerCut) {
  const auto big = blocks_of(40, 5000), small = blocks_of(40, 500, 1000);
  put_all(big);
  put_all(small);
  ASSERT_TRUE(world_.store->sync());
  world_.lose_power();
  world_.open();
  expect_all(big);
  expect_all(small);
  EXPECT_EQ(world_.store->usage()->objects, 80u);
  EXPECT_EQ(world_.store->usage()->block_bytes, 40u * 5500);
}

TEST_F(DiskStoreTest, ACleanCloseKeepsEverythingAndTheNextSegmentGoesOn) {
  const auto first = blocks_of(3, 5000), second = blocks_of(3, 5000, 100);
  put_all(first);
  world_.reopen();
  put_all(second);
  world_.reopen();
  expect_all(first);
  expect_all(second);
  EXPECT_EQ(world_.files.list("/repo/blocks")->size(), 1u);
}

TEST_F(DiskStoreTest, APinIsNeverDurableBeforeItsBlocks) {
  const auto blocks = blocks_of(5, 5000);
  put_all(blocks);
  ASSERT_TRUE(world_.store->records().put(as_bytes("~pin"), as_bytes("all")));
  world_.lose_power();
  world_.open();
  EXPECT_EQ(world_.store->records().get(as_bytes("~pin")).value(), "all");
  expect_all(blocks);
}

TEST_F(DiskStoreTest, CommitsByItselfWhenMuchIsNotSynced) {
  put_all(blocks_of(60, 5000));
  world_.lose_power();
  world_.index.heal();
  world_.open();
  // The bytes of the index were not synced, those of the segments were.
  EXPECT_LE(world_.store->usage()->objects, 60u);
}

TEST_F(DiskStoreTest, IdentityBlocksAreNeverStored) {
  const Multihash identity = *multihash_of(HashCode::identity, as_bytes("text"));
  EXPECT_FALSE(world_.store->put(identity, as_bytes("text")).value());
  EXPECT_FALSE(world_.store->size(identity).value());
}

TEST_F(DiskStoreTest, ASegmentWithoutLiveBytesGoesWithTheNextSync) {
  const auto blocks = blocks_of(20, 5000);
  put_all(blocks);
  ASSERT_TRUE(world_.store->sync());
  const std::size_t segments = world_.files.list("/repo/blocks")->size();
  ASSERT_GT(segments, 2u);
  for (const TestBlock& block : blocks) ASSERT_TRUE(world_.store->remove(block.hash).value());
  EXPECT_EQ(world_.files.list("/repo/blocks")->size(), segments);
  ASSERT_TRUE(world_.store->sync());
  EXPECT_EQ(world_.files.list("/repo/blocks")->size(), 1u);
  world_.reopen();
  EXPECT_EQ(world_.store->usage()->objects, 0u);
}

TEST_F(DiskStoreTest, ReclaimRewritesSegmentsThatAreHalfDead) {
  const auto blocks = blocks_of(60, 5000);
  put_all(blocks);
  ASSERT_TRUE(world_.store->sync());
  std::vector<TestBlock> left;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 3 == 0) {
      left.push_back(blocks[i]);
    } else {
      ASSERT_TRUE(world_.store->remove(blocks[i].hash).value());
    }
  }
  auto reader = world_.store->open(left[0].hash);
  ASSERT_TRUE(reader);
  const std::uint64_t before = world_.files.used_bytes();
  EXPECT_GT(world_.reclaim(), 100'000u);
  EXPECT_LT(world_.files.used_bytes(), before / 2);
  expect_all(left);
  std::string content(5000, '\0');
  ASSERT_TRUE((*reader)->read(0, {reinterpret_cast<std::uint8_t*>(content.data()), content.size()}));
  EXPECT_TRUE(content == left[0].content);
  EXPECT_EQ(world_.reclaim(), 0u);
  world_.lose_power();
  world_.open();
  expect_all(left);
  EXPECT_EQ(world_.store->usage()->objects, left.size());
}

TEST_F(DiskStoreTest, ReclaimAlsoRewritesTheSegmentThatIsWritten) {
  world_.options.segment_bytes = 4 << 20;  // all in one
  world_.reopen();
  const auto blocks = blocks_of(40, 5000);
  put_all(blocks);
  ASSERT_TRUE(world_.store->sync());
  const std::vector<TestBlock> left(blocks.begin(), blocks.begin() + 4);
  for (std::size_t i = left.size(); i < blocks.size(); ++i) {
    ASSERT_TRUE(world_.store->remove(blocks[i].hash).value());
  }
  EXPECT_GT(world_.reclaim(), 150'000u);
  EXPECT_LT(world_.files.used_bytes(), 40'000u);
  EXPECT_EQ(world_.reclaim(), 0u);
  const TestBlock next = block_of(1000, 5000);
  world_.put(next);
  ASSERT_TRUE(world_.store->sync());
  world_.lose_power();
  world_.open();
  expect_all(left);
  expect_all({next});
  for (const TestBlock& block : left) ASSERT_TRUE(world_.store->remove(block.hash).value());
  ASSERT_TRUE(world_.store->remove(next.hash).value());
  EXPECT_GT(world_.reclaim(), 20'000u) << "nothing is left in it";
  EXPECT_EQ(world_.files.used_bytes(), 0u);
}

TEST_F(DiskStoreTest, ReclaimObeysItsStopFlag) {
  const auto blocks = blocks_of(20, 5000);
  put_all(blocks);
  for (std::size_t i = 0; i < 15; ++i) ASSERT_TRUE(world_.store->remove(blocks[i].hash).value());
  world_.stop = true;
  world_.reclaim();
  world_.stop = false;
  world_.reclaim();
  for (std::size_t i = 15; i < 20; ++i) EXPECT_TRUE(world_.has(blocks[i]));
}

TEST_F(DiskStoreTest, AFullDiskRefusesPutsAndKeepsTheRest) {
  const auto blocks = blocks_of(10, 5000);
  put_all(blocks);
  ASSERT_TRUE(world_.store->sync());
  world_.files.fail_after(0, ENOSPC, 1'000'000);
  const TestBlock more = block_of(500, 9000);
  EXPECT_EQ(world_.store->put(more.hash, as_bytes(more.content)).error().code, StoreErrorCode::disk_full);
  world_.files.heal();
  expect_all(blocks);
  world_.put(more);
  ASSERT_TRUE(world_.store->sync());
  world_.lose_power();
  world_.open();
  expect_all(blocks);
  expect_all({more});
}

TEST_F(DiskStoreTest, AFullIndexRefusesPutsUntilThereIsRoom) {
  const auto blocks = blocks_of(5, 5000), later = blocks_of(5, 5000, 50);
  put_all(blocks);
  ASSERT_TRUE(world_.store->sync());
  put_all(later);
  world_.index.refuse_writes(true);
  EXPECT_EQ(world_.store->sync().error().code, StoreErrorCode::disk_full);
  expect_all(later);
  world_.files.set_capacity(world_.files.used_bytes());
  const TestBlock more = block_of(500, 9000);
  EXPECT_EQ(world_.store->put(more.hash, as_bytes(more.content)).error().code, StoreErrorCode::disk_full);
  EXPECT_EQ(world_.store->remove(later[0].hash).error().code, StoreErrorCode::disk_full);
  EXPECT_EQ(world_.store->records().put(as_bytes("~k"), as_bytes("v")).error().code,
            StoreErrorCode::disk_full);
  expect_all(later);
  world_.index.heal();
  world_.files.heal();
  world_.put(more);
  ASSERT_TRUE(world_.store->sync());
  world_.lose_power();
  world_.open();
  expect_all(blocks);
  expect_all(later);
  expect_all({more});
}

TEST_F(DiskStoreTest, RoomForTheIndexIsLeftOnTheDisk) {
  world_.options.disk_reserve_bytes = 100'000;
  world_.reopen();
  world_.files.set_capacity(150'000);
  std::size_t count = 0;
  StoreErrorCode code{};
  for (const TestBlock& block : blocks_of(40, 5000)) {
    const auto put = world_.store->put(block.hash, as_bytes(block.content));
    if (!put) code = put.error().code;
    count += put.has_value();
  }
  EXPECT_EQ(code, StoreErrorCode::disk_full);
  EXPECT_GE(count, 8u);
  EXPECT_LE(count, 10u);
}

TEST_F(DiskStoreTest, TheQuotaCountsWhatLiesOnDisk) {
  world_.options.storage_max = 300'000;
  world_.reopen();
  std::vector<TestBlock> put;
  StoreError error{};
  for (const TestBlock& block : blocks_of(80, 5000)) {
    const auto result = world_.store->put(block.hash, as_bytes(block.content));
    if (result) {
      put.push_back(block);
    } else {
      error = result.error();
    }
  }
  EXPECT_EQ(error.code, StoreErrorCode::disk_full);
  EXPECT_NE(error.detail.find("StorageMax"), std::string::npos);
  EXPECT_LT(world_.store->usage()->disk_bytes, 310'000u);
  EXPECT_GT(put.size(), 40u);
  for (std::size_t i = 0; i < 30; ++i) ASSERT_TRUE(world_.store->remove(put[i].hash).value());
  world_.reclaim();
  world_.put(block_of(999, 5000));
}

TEST_F(DiskStoreTest, NothingIsWrittenAfterASyncThatFailed) {
  const auto blocks = blocks_of(3, 5000), lost = blocks_of(3, 5000, 30);
  put_all(blocks);
  ASSERT_TRUE(world_.store->sync());
  put_all(lost);
  world_.files.fail_after(0, EIO);
  EXPECT_EQ(world_.store->sync().error().code, StoreErrorCode::io);
  EXPECT_EQ(world_.store->sync().error().code, StoreErrorCode::io);
  EXPECT_EQ(world_.store->put(block_of(70, 10).hash, as_bytes("")).error().code, StoreErrorCode::io);
  expect_all(blocks);
  world_.lose_power();
  world_.open();
  expect_all(blocks);
  for (const TestBlock& block : lost) EXPECT_FALSE(world_.has(block));
  put_all(lost);
  ASSERT_TRUE(world_.store->sync());
}

TEST_F(DiskStoreTest, DamagedBytesAreCorruptAndNeverGivenOut) {
  const TestBlock first = block_of(1, 5000), second = block_of(2, 5000), third = block_of(3, 5000);
  put_all({first, second, third});
  ASSERT_TRUE(world_.store->sync());
  const std::string path = "/repo/blocks/" + segment_name(1);
  const std::uint64_t record = record_header_bytes_min + 34 + 5000;
  world_.files.corrupt_byte(path, segment_header_bytes + 3000);        // data of the first
  world_.files.corrupt_byte(path, segment_header_bytes + record + 9);  // header of the second
  EXPECT_EQ(world_.read(first).error().code, StoreErrorCode::corrupt);
  EXPECT_EQ(world_.read(second).error().code, StoreErrorCode::corrupt);
  EXPECT_EQ(world_.store->open(second.hash).error().code, StoreErrorCode::corrupt);
  auto reader = world_.store->open(first.hash);
  ASSERT_TRUE(reader);
  std::vector<std::uint8_t> half(2500);
  EXPECT_TRUE((*reader)->read(0, half));
  EXPECT_EQ((*reader)->read(2500, half).error().code, StoreErrorCode::corrupt);
  expect_all({third});
  world_.files.truncate_behind_back(path, segment_header_bytes + 2 * record + 10);
  EXPECT_EQ(world_.read(third).error().code, StoreErrorCode::corrupt);
  // A segment that lost its end is not written to again.
  world_.reopen();
  const TestBlock fourth = block_of(4, 5000);
  world_.put(fourth);
  expect_all({fourth});
  EXPECT_EQ(world_.files.list("/repo/blocks")->size(), 2u);
}

TEST_F(DiskStoreTest, ReclaimKeepsASegmentWithADamagedBlock) {
  const auto blocks = blocks_of(6, 5000);
  put_all(blocks);
  put_all(blocks_of(6, 5000, 100));
  ASSERT_TRUE(world_.store->sync());
  world_.files.corrupt_byte("/repo/blocks/" + segment_name(1), segment_header_bytes + 3000);
  for (std::size_t i = 2; i < 6; ++i) ASSERT_TRUE(world_.store->remove(blocks[i].hash).value());
  world_.reclaim();
  EXPECT_EQ(world_.read(blocks[0]).error().code, StoreErrorCode::corrupt);
  expect_all({blocks[1]});
  // Putting it again after a removal brings it back.
  ASSERT_TRUE(world_.store->remove(blocks[0].hash).value());
  world_.put(blocks[0]);
  expect_all({blocks[0]});
}

TEST_F(DiskStoreTest, RefusesANewerFormatAndAMissingIndex) {
  put_all(blocks_of(2, 5000));
  world_.store.reset();
  {
    auto db = IndexDb::open({"/repo/index", 64 * 1024, 64 * 1024, 16, world_.index.env()});
    ASSERT_TRUE(db);
    IndexDb::Batch batch;
    put_format(**db, batch, index_format + 1);
    ASSERT_TRUE((*db)->write(batch, true));
  }
  const auto newer = world_.try_open();
  EXPECT_EQ(newer.error().code, StoreErrorCode::refused);
  EXPECT_NE(newer.error().detail.find("format 2"), std::string::npos);
  test::FaultIndex empty(5);
  world_.options.env = empty.env();
  EXPECT_EQ(world_.try_open().error().code, StoreErrorCode::corrupt);
}

TEST_F(DiskStoreTest, AStoreTooLargeForItsTableOfSegmentsIsRefused) {
  world_.options.segment_bytes = 2048;
  world_.options.unsynced_bytes_max = 1 << 20;
  world_.reopen();
  std::vector<TestBlock> put;
  StoreErrorCode code{};
  for (std::uint64_t i = 0; i < 6000 && code == StoreErrorCode{}; ++i) {
    const TestBlock block = block_of(i, 2048);  // each has a segment to itself
    const auto result = world_.store->put(block.hash, as_bytes(block.content));
    if (result) {
      put.push_back(block);
    } else {
      code = result.error().code;
    }
  }
  EXPECT_EQ(code, StoreErrorCode::out_of_memory);
  EXPECT_GE(put.size(), 1024u);
  ASSERT_TRUE(world_.store->sync());
  expect_all({put.front(), put.back()});
  // It opens with the memory it had, and takes blocks again when some are gone.
  world_.reopen();
  for (std::size_t i = 0; i < 10; ++i) ASSERT_TRUE(world_.store->remove(put[i].hash).value());
  ASSERT_TRUE(world_.store->sync());
  world_.put(block_of(9999, 2048));
}

TEST_F(DiskStoreTest, AnEmptyPoolIsAnErrorAndNotALoss) {
  const TestBlock big = block_of(1, 50'000), small = block_of(2, 100);
  put_all({big, small});
  Account tight(world_.budget, "tight", Lifetime::block, 2 * chunk_bytes);
  EXPECT_EQ(world_.store->get(big.hash, world_.pool, tight).error().code, StoreErrorCode::out_of_memory);
  EXPECT_TRUE(world_.store->get(small.hash, world_.pool, tight));
  expect_all({big});
}

class ManyThreadsTest : public DiskStoreTest, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(CommitThread, ManyThreadsTest, ::testing::Bool());

TEST_P(ManyThreadsTest, PutReadAndRemoveAtOnce) {
  world_.options.unsynced_bytes_max = 32 * 1024;
  world_.options.commit_thread = GetParam();
  world_.reopen();
  const auto blocks = blocks_of(120, 3000);
  std::atomic<int> fresh{0};
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 3; ++worker) {
    threads.emplace_back([&, worker] {
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        const TestBlock& block = blocks[(i + static_cast<std::size_t>(worker) * 7) % blocks.size()];
        fresh += world_.store->put(block.hash, as_bytes(block.content)).value() ? 1 : 0;
        if (i % 16 == 0) {
          EXPECT_TRUE(world_.store->sync());
        }
        EXPECT_TRUE(world_.store->size(block.hash).value());
      }
    });
  }
  threads.emplace_back([&] {
    for (std::uint64_t i = 0; i < 40; ++i) {
      const TestBlock mine = block_of(5000 + i, 4000);
      EXPECT_TRUE(world_.store->put(mine.hash, as_bytes(mine.content)).value());
      EXPECT_TRUE(world_.store->remove(mine.hash).value());
      if (i % 8 == 0) {
        EXPECT_TRUE(world_.store->reclaim(world_.stop));
      }
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fresh, 120);
  EXPECT_EQ(world_.store->usage()->objects, 120u);
  ASSERT_TRUE(world_.store->sync());
  world_.lose_power();
  world_.open();
  expect_all(blocks);
}

}  // namespace
}  // namespace masu::store
