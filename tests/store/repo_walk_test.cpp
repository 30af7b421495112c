// What a node does with its repo (blocks in, a pin, the pin away, a collection), and each operation of its
// disk fails once, those of RocksDB too, or each reservation of memory: with the power gone at once, or with
// the work going on. The repo opens, what was acknowledged is there, it collects and takes blocks again, and
// no memory is held.
#include "store/collector.hpp"
#include "store/memory_store.hpp"
#include "tests/store/dag_builder.hpp"
#include "tests/store/disk_world.hpp"
#include "tests/store/sim_jobs.hpp"

#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

constexpr SeenSet::Secret secret = {4, 5, 6};

struct TestDag {
  Cid root;
  std::vector<std::pair<Multihash, std::string>> blocks;
};

// A root over leaves that lie in segments, and a small one that lies in the index.
TestDag make_dag(unsigned seed) {
  TestDag dag{Cid::v1(Codec::raw, *multihash_of(HashCode::sha2_256, {})), {}};
  std::vector<test::NamedLink> links;
  const auto add = [&](Codec codec, std::string block) {
    const Cid cid = test::cid_of(codec, block);
    links.push_back({cid, ""});
    dag.blocks.emplace_back(cid.hash(), std::move(block));
    return cid;
  };
  for (unsigned leaf = 0; leaf < 6; ++leaf) {
    const std::size_t bytes = leaf == 0 ? 100 : 5000 + 100 * leaf;
    add(Codec::raw, std::string(as_text(test::ByteStream(seed * 100 + leaf).take(bytes))));
  }
  const std::string root = test::pb_block(links, "root");
  dag.root = add(Codec::dag_pb, root);
  return dag;
}

Task<> collect_all(TaskMemory memory, Account& account, Collection& collection, bool& clean) {
  CollectStep step{CollectStep::Removed{AccountAllocator<Multihash>(account)}, 0, {}};
  clean = true;
  while (co_await collection.next(memory, step)) clean = clean && step.errors.empty();
}

class RepoWalk : public TaskListener {
 public:
  void on_task_done(TaskOutcome) noexcept override {}

  bool put(const TestDag& dag) {
    for (const auto& [hash, block] : dag.blocks) {
      if (!world.store->put(hash, as_bytes(block))) return false;
    }
    return world.store->sync().has_value();
  }
  bool pin(const TestDag& dag) {
    PinSet pins(world.store->records());
    return pins.pin(dag.root, PinMode::recursive, "") && world.store->sync();
  }
  bool unpin(const TestDag& dag) {
    PinSet pins(world.store->records());
    return pins.unpin(dag.root, true) && world.store->sync();
  }
  bool collect() {
    PinSet pins(world.store->records());
    Collector collector({*world.store, pins, jobs, world.pool, world.account, memory,
                         Collector::memory_bytes_min, ::testing::TempDir()});
    Collection collection(collector, {}, secret);
    bool clean = false;
    TaskRun run;
    run.start(collect_all(frames, entries, collection, clean), *this);
    jobs.run_all();
    return clean && !collection.failed();
  }
  void expect_whole(const TestDag& dag) {
    PinSet pins(world.store->records());
    const auto found = pins.find(dag.root);
    ASSERT_TRUE(found && *found) << "an acknowledged pin is there";
    for (const auto& [hash, block] : dag.blocks) {
      const auto chain = world.store->get(hash, world.pool, world.account);
      ASSERT_TRUE(chain) << chain.error().detail;
      std::string content(chain->size(), '\0');
      chain->copy_to(0, {reinterpret_cast<std::uint8_t*>(content.data()), content.size()});
      ASSERT_EQ(content, block);
    }
  }

  test::DiskWorld world;
  Account memory{world.budget, "test.collect", Lifetime::store, Collector::memory_bytes_min};
  Account entries{world.budget, "test.entries", Lifetime::store, 4 << 20};
  AccountResource frames{entries};
  test::SimJobs jobs;
};

enum class Part { segments, index, memory };

struct Failure {
  Part part;
  int error_number;
  bool ends_at_once;

  void arm(test::DiskWorld& world, std::uint64_t count) const {
    switch (part) {
      case Part::segments: return world.files.fail_after(count, error_number);
      case Part::index: return world.index.fail_after(count, error_number == ENOSPC);
      case Part::memory: return world.budget.refuse_reservation(static_cast<std::uint32_t>(count + 1));
    }
  }
  // What was armed has come.
  bool came(test::DiskWorld& world) const {
    switch (part) {
      case Part::segments: return world.files.failed_one();
      case Part::index: return !world.index.failed().empty();
      case Part::memory: return world.budget.refused_one();
    }
    return false;
  }
};

// True: the failure was beyond the end of the work.
bool walk_once(std::uint64_t fail_at, const Failure& failure) {
  const bool ends_at_once = failure.ends_at_once;
  static const TestDag first = make_dag(1), second = make_dag(2), third = make_dag(3);
  RepoWalk walk;
  walk.world.open();
  if (::testing::Test::HasFatalFailure()) return true;
  failure.arm(walk.world, fail_at);
  bool on = true, first_safe = false, second_safe = false;
  // What runs in tasks meets a refusal as an exception, which ends at the border of who runs it.
  const auto step = [&](auto&& work) {
    bool done = false;
    try {
      done = work();
    } catch (const std::bad_alloc&) {
      EXPECT_EQ(failure.part, Part::memory);
    }
    on = on && (done || !ends_at_once);
    return done;
  };
  first_safe = step([&] { return walk.put(first); }) && on && step([&] { return walk.pin(first); });
  if (on)
    second_safe = step([&] { return walk.put(second); }) && on && step([&] { return walk.pin(second); });
  if (on) {
    first_safe = false;  // from here on it may be either way
    step([&] { return walk.unpin(first); });
  }
  if (on) step([&] { return walk.collect(); });
  const bool beyond = !failure.came(walk.world);
  walk.world.budget.refuse_reservation(0);
  if (ends_at_once) {
    walk.world.lose_power();
  } else {
    walk.world.store.reset();
  }
  walk.world.files.heal();
  walk.world.index.heal();
  walk.world.open();
  if (::testing::Test::HasFatalFailure()) return true;
  for (int round = 0; round < 2; ++round) {
    if (first_safe) walk.expect_whole(first);
    if (second_safe) walk.expect_whole(second);
    if (::testing::Test::HasFatalFailure()) return true;
    EXPECT_TRUE(walk.put(third) && walk.pin(third)) << "it takes blocks again";
    EXPECT_TRUE(walk.collect()) << "and collects";
    walk.expect_whole(third);
  }
  EXPECT_EQ(walk.world.account.live_bytes(), 0u);
  EXPECT_EQ(walk.memory.live_bytes(), 0u);
  EXPECT_EQ(walk.entries.live_bytes(), 0u);
  return beyond;
}

void walk(const Failure& failure) {
  std::uint64_t fail_at = 0;
  for (; fail_at < 2000; ++fail_at) {
    SCOPED_TRACE("operation " + std::to_string(fail_at));
    if (walk_once(fail_at, failure) || ::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(fail_at, 10u);
}

TEST(RepoWalkTest, EachOperationOfTheDiskFailsAndThePowerGoes) { walk({Part::segments, EIO, true}); }
TEST(RepoWalkTest, EachOperationOfTheDiskFailsAndTheWorkGoesOn) { walk({Part::segments, EIO, false}); }
TEST(RepoWalkTest, EachOperationMeetsAFullDisk) { walk({Part::segments, ENOSPC, false}); }
TEST(RepoWalkTest, EachOperationOfTheIndexFailsAndThePowerGoes) { walk({Part::index, EIO, true}); }
TEST(RepoWalkTest, EachOperationOfTheIndexFailsAndTheWorkGoesOn) { walk({Part::index, EIO, false}); }
TEST(RepoWalkTest, EachOperationOfTheIndexMeetsAFullDisk) { walk({Part::index, ENOSPC, false}); }
TEST(RepoWalkTest, EachReservationOfMemoryIsRefused) { walk({Part::memory, 0, false}); }

// What failed while a repo was opened, each operation once: a new repo, or one that holds something.
class OpeningWalk {
 public:
  explicit OpeningWalk(bool holds_something) : holds_something_(holds_something) {}

  void walk(bool full) {
    for (std::uint64_t fail_at = 0; fail_at < 500; ++fail_at) {
      SCOPED_TRACE("operation " + std::to_string(fail_at));
      if (once(fail_at, full) || ::testing::Test::HasFailure()) return;
    }
    FAIL() << "opening a repo does not end";
  }
  bool met(std::string_view operation, std::string_view name) const {
    return std::ranges::any_of(failed_, [&](const std::string& failed) {
      return failed.contains(operation) && failed.contains(name);
    });
  }

 private:
  // True: the failure was beyond the end of opening.
  bool once(std::uint64_t fail_at, bool full) {
    static const TestDag first = make_dag(1), second = make_dag(2);
    RepoWalk walk;
    if (holds_something_) {
      walk.world.open();
      EXPECT_TRUE(walk.put(first) && walk.pin(first));
      walk.world.store.reset();
    }
    walk.world.index.fail_after(fail_at, full);
    const auto opened = walk.world.try_open();
    const std::string failed = walk.world.index.failed();
    if (!opened) {
      EXPECT_EQ(opened.error().code, full ? StoreErrorCode::disk_full : StoreErrorCode::io);
      EXPECT_TRUE(!failed.empty() && opened.error().detail.contains(failed)) << opened.error().detail;
    }
    walk.world.lose_power();
    walk.world.index.heal();
    walk.world.open();
    if (::testing::Test::HasFatalFailure()) return true;
    if (holds_something_) walk.expect_whole(first);
    EXPECT_TRUE(walk.put(second) && walk.pin(second) && walk.collect()) << "after: " << failed;
    walk.expect_whole(second);
    EXPECT_EQ(walk.world.account.live_bytes(), 0u);
    if (failed.empty()) return true;
    failed_.push_back(failed);
    return false;
  }

  const bool holds_something_;
  std::vector<std::string> failed_;
};

TEST(RepoWalkTest, EachOperationOfTheIndexFailsWhileARepoIsOpened) {
  for (const bool holds_something : {false, true}) {
    for (const bool full : {false, true}) {
      SCOPED_TRACE(holds_something ? "a repo that holds something" : "a new repo");
      OpeningWalk opening(holds_something);
      opening.walk(full);
      EXPECT_TRUE(opening.met("renaming", "dbtmp")) << "the new CURRENT";
      EXPECT_TRUE(opening.met("syncing", "MANIFEST"));
      EXPECT_TRUE(opening.met("appending", "MANIFEST"));
    }
  }
}

}  // namespace
}  // namespace masu::store
