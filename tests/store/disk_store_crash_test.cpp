// Short histories on a disk that loses power or fails: whatever happens, the store opens by itself, and what
// was acknowledged is there. MASU_SEED runs one history.
#include "tests/store/disk_world.hpp"

#include <cerrno>
#include <cstdlib>
#include <map>
#include <set>

namespace masu::store {
namespace {

using test::block_of;
using test::ByteStream;
using test::DiskWorld;
using test::TestBlock;

// What may be true of each block after a crash.
class Promises {
 public:
  void put(std::size_t block) { now_[block] = true, open_.insert(block); }
  void removed(std::size_t block) { now_[block] = false, open_.insert(block); }
  void unsure(std::size_t block) { open_.insert(block); }
  void acknowledged() {
    durable_ = now_;
    open_.clear();
  }
  // After a crash: what is there is what counts from now on.
  void check(DiskWorld& world, const std::vector<TestBlock>& blocks) {
    std::uint64_t objects = 0, bytes = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto size = world.store->size(blocks[i].hash);
      ASSERT_TRUE(size) << size.error().detail;
      const bool here = size->has_value();
      if (!open_.contains(i)) {
        ASSERT_EQ(here, durable_[i]) << "block " << i;
      }
      now_[i] = here;
      if (!here) continue;
      ++objects;
      bytes += blocks[i].content.size();
      const auto content = world.read(blocks[i]);
      ASSERT_TRUE(content) << "block " << i << ": " << content.error().detail;
      ASSERT_TRUE(*content == blocks[i].content) << "block " << i;
    }
    const auto usage = world.store->usage();
    ASSERT_TRUE(usage);
    ASSERT_EQ(usage->objects, objects);
    ASSERT_EQ(usage->block_bytes, bytes);
  }

 private:
  std::map<std::size_t, bool> now_, durable_;
  std::set<std::size_t> open_;  // changed since the last acknowledgement
};

std::vector<TestBlock> some_blocks() {
  std::vector<TestBlock> blocks;
  for (std::uint64_t i = 0; i < 24; ++i) blocks.push_back(block_of(i, i % 3 == 0 ? 700 : 2500 + 300 * i));
  return blocks;
}

class History {
 public:
  History(std::uint64_t seed, bool commit_thread) : random_(seed), world_(seed) {
    world_.options.commit_thread = commit_thread;
  }

  void run() {
    for (int life = 0; life < 3; ++life) {
      world_.open();
      if (::testing::Test::HasFatalFailure()) return;
      promises_.check(world_, blocks_);
      if (::testing::Test::HasFatalFailure()) return;
      const std::uint64_t steps = 5 + random_.number(60);
      if (random_.number(3) == 0)
        world_.files.fail_after(random_.number(60), random_.number(2) ? EIO : ENOSPC);
      for (std::uint64_t i = 0; i < steps; ++i) step();
      world_.lose_power();
    }
    world_.open();
    if (::testing::Test::HasFatalFailure()) return;
    promises_.check(world_, blocks_);
  }

 private:
  void step() {
    const std::size_t block = random_.number(blocks_.size());
    switch (random_.number(13)) {
      case 0:
      case 1:
        if (world_.store->sync()) promises_.acknowledged();
        break;
      case 2: static_cast<void>(world_.store->reclaim(world_.stop)); break;
      case 3:
        if (world_.store->records().put(as_bytes("~key"), as_bytes("value"))) promises_.acknowledged();
        break;
      case 4:
      case 5: {
        const auto removed = world_.store->remove(blocks_[block].hash);
        if (!removed) {
          promises_.unsure(block);
        } else if (*removed) {
          promises_.removed(block);
        }
        break;
      }
      case 7: static_cast<void>(world_.store->open_keys()); break;  // a commit that is not synced
      case 6: {
        bool here = false;
        static_cast<void>(world_.store->next_sequence());
        static_cast<void>(world_.store->touch({&blocks_[block].hash, 1}, {&here, 1}));
        break;
      }
      default: {
        const auto put = world_.store->put(blocks_[block].hash, as_bytes(blocks_[block].content));
        if (!put) {
          promises_.unsure(block);
        } else if (*put) {
          promises_.put(block);
        }
      }
    }
  }

  ByteStream random_;
  DiskWorld world_;
  const std::vector<TestBlock> blocks_ = some_blocks();
  Promises promises_;
};

void run_histories(bool commit_thread) {
  const char* one = std::getenv("MASU_SEED");
  const std::uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const std::uint64_t count = one != nullptr ? 1 : 200;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("MASU_SEED=" + std::to_string(seed));
    History(seed, commit_thread).run();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(DiskStoreCrashTest, HistoriesWithPowerCuts) { run_histories(false); }
// When the thread has its turns is not in the seed.
TEST(DiskStoreCrashTest, HistoriesWithPowerCutsAndAThreadThatCommits) { run_histories(true); }

TEST(DiskStoreCrashTest, ASegmentStaysUntilItsRemovalIsDurable) {
  const auto blocks = some_blocks();
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    DiskWorld world(seed);
    Promises promises;
    world.open();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      world.put(blocks[i]);
      promises.put(i);
    }
    ASSERT_TRUE(world.store->sync());
    promises.acknowledged();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      ASSERT_TRUE(world.store->remove(blocks[i].hash).value());
      promises.removed(i);
    }
    ASSERT_TRUE(world.store->open_keys());  // in the index now, and not synced
    ASSERT_TRUE(world.files.sync_directory("/repo/blocks"));
    world.lose_power();
    world.open();
    promises.check(world, blocks);
    if (HasFatalFailure()) return;
  }
}

// The same work each time, and each time the next operation of the disk fails.
void walk_failures(int error_number, bool power_cut, bool commit_thread = false) {
  const auto blocks = some_blocks();
  for (std::uint64_t fail_at = 0;; ++fail_at) {
    SCOPED_TRACE("operation " + std::to_string(fail_at));
    DiskWorld world;
    world.options.commit_thread = commit_thread;
    Promises promises;
    world.files.fail_after(fail_at, error_number);
    if (!world.try_open()) {
      world.open();
      if (::testing::Test::HasFatalFailure()) return;
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto put = world.store->put(blocks[i].hash, as_bytes(blocks[i].content));
      put ? promises.put(i) : promises.unsure(i);
      if (i % 5 == 4 && world.store->sync()) promises.acknowledged();
    }
    for (std::size_t i = 0; i < blocks.size(); i += 2) {
      const auto removed = world.store->remove(blocks[i].hash);
      removed && *removed ? promises.removed(i) : promises.unsure(i);
    }
    if (world.store->sync()) promises.acknowledged();
    static_cast<void>(world.store->reclaim(world.stop));
    const bool all_done = world.files.operations() < fail_at;
    if (power_cut) {
      world.lose_power();
    } else {
      world.store.reset();
    }
    world.files.heal();
    world.open();
    if (::testing::Test::HasFatalFailure()) return;
    promises.check(world, blocks);
    if (::testing::Test::HasFatalFailure()) return;
    if (all_done) break;
    ASSERT_LT(fail_at, 10'000u);
  }
}

TEST(DiskStoreCrashTest, EachOperationFailsOnceAndThePowerGoes) { walk_failures(EIO, true); }
TEST(DiskStoreCrashTest, EachOperationMeetsAFullDiskOnce) { walk_failures(ENOSPC, false); }
TEST(DiskStoreCrashTest, EachOperationFailsOnceWhileAThreadCommits) { walk_failures(EIO, true, true); }
TEST(DiskStoreCrashTest, EachOperationMeetsAFullDiskWhileAThreadCommits) {
  walk_failures(ENOSPC, false, true);
}

}  // namespace
}  // namespace masu::store
