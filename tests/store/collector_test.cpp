#include "store/collector.hpp"

#include "store/memory_store.hpp"
#include "tests/store/dag_builder.hpp"
#include "tests/store/failing_records.hpp"
#include "tests/store/failing_store.hpp"
#include "tests/store/sim_jobs.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

constexpr SeenSet::Secret secret = {1, 2, 3};

struct Told {
  std::vector<Multihash> removed;
  std::vector<std::string> errors;
  std::uint64_t removed_bytes = 0;
  bool ended = false;
};

Task<> collect_all(TaskMemory memory, Account& account, Collection& collection, Told& told) {
  CollectStep step{CollectStep::Removed{AccountAllocator<Multihash>(account)}, 0, {}};
  while (co_await collection.next(memory, step)) {
    told.removed.insert(told.removed.end(), step.removed.begin(), step.removed.end());
    told.errors.insert(told.errors.end(), step.errors.begin(), step.errors.end());
    told.removed_bytes += step.removed_bytes;
    EXPECT_LE(step.removed.size(), CollectStep::removed_max);
    EXPECT_LE(step.errors.size(), CollectStep::errors_max + 2);
  }
  told.ended = true;
}

class CollectorTest : public ::testing::Test, public TaskListener {
 protected:
  void on_task_done(TaskOutcome outcome) noexcept override { outcome_ = outcome; }

  Told collect(const std::vector<Cid>& roots = {}) {
    Collection collection(collector_, roots, secret);
    Told told;
    TaskRun run;
    run.start(collect_all(frames_, entries_, collection, told), *this);
    jobs_.run_all();
    EXPECT_TRUE(told.ended);
    EXPECT_EQ(collection.failed(), !told.errors.empty());
    return told;
  }
  bool here(const Cid& cid) { return memory_store_.size(cid.hash()).value().has_value(); }
  std::size_t objects() { return memory_store_.usage().value().objects; }
  void pin(const Cid& cid, PinMode mode = PinMode::recursive) { ASSERT_TRUE(pins_.pin(cid, mode, "")); }

  Budget budget_{"test", 256 << 20};
  Account pages_{budget_, "test.pages", Lifetime::block, 64 << 20};
  Account blocks_{budget_, "test.blocks", Lifetime::block, 4 << 20};
  Account memory_{budget_, "test.collect", Lifetime::store, Collector::memory_bytes_min};
  Account entries_{budget_, "test.entries", Lifetime::store, 4 << 20};
  AccountResource frames_{entries_};
  ChunkPool chunks_{pages_, 1024};
  MemoryStore memory_store_;
  test::FailingStore store_{memory_store_};
  MemoryRecordStore memory_records_;
  test::FailingRecords records_{memory_records_};
  PinSet pins_{records_};
  test::DagBuilder dag_{memory_store_};
  test::SimJobs jobs_;
  Collector collector_{
      {store_, pins_, jobs_, chunks_, blocks_, memory_, Collector::memory_bytes_min, ::testing::TempDir()}};
  std::optional<TaskOutcome> outcome_;
};

TEST_F(CollectorTest, KeepsWhatANaiveModelKeeps) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    std::mt19937_64 random(seed);
    dag_.add_random(300, seed);
    std::vector<Cid> recursive, direct, roots;
    const auto pick = [&] { return dag_.nodes()[random() % dag_.nodes().size()]; };
    for (std::size_t i = 0; i < random() % 6; ++i) pin(recursive.emplace_back(pick()));
    for (std::size_t i = 0; i < random() % 6; ++i) {
      const Cid cid = pick();
      if (pins_.find(cid).value()) continue;
      pin(direct.emplace_back(cid), PinMode::direct);
    }
    for (std::size_t i = 0; i < random() % 3; ++i) roots.push_back(pick());

    std::set<Cid> kept = dag_.below(recursive);
    kept.merge(dag_.below(roots));
    kept.insert(direct.begin(), direct.end());
    std::set<Multihash> hashes, kept_hashes;
    for (const Cid& cid : dag_.nodes()) hashes.insert(cid.hash());
    for (const Cid& cid : kept) kept_hashes.insert(cid.hash());
    const std::uint64_t bytes_before = memory_store_.usage().value().block_bytes;

    const Told told = collect(roots);
    EXPECT_TRUE(told.errors.empty());
    for (const Multihash& hash : hashes) {
      ASSERT_EQ(memory_store_.size(hash).value().has_value(), kept_hashes.contains(hash)) << "seed " << seed;
    }
    EXPECT_EQ(std::set<Multihash>(told.removed.begin(), told.removed.end()).size(), told.removed.size());
    EXPECT_EQ(told.removed.size(), hashes.size() - kept_hashes.size());
    EXPECT_EQ(told.removed_bytes, bytes_before - memory_store_.usage().value().block_bytes);
    EXPECT_EQ(memory_store_.usage().value().disk_bytes,
              memory_store_.usage().value().block_bytes);  // reclaimed
    for (const Cid& cid : recursive) static_cast<void>(pins_.unpin(cid, true));
    for (const Cid& cid : direct) static_cast<void>(pins_.unpin(cid, true));
    collect();
    EXPECT_EQ(objects(), 0u);
    dag_ = test::DagBuilder(memory_store_);
  }
  EXPECT_EQ(memory_.live_bytes(), 0u);
}

TEST_F(CollectorTest, AnyVersionAndCodecOfACidKeepsItsBlock) {
  const Cid leaf = dag_.add(Codec::raw, std::vector<Cid>(), "leaf");
  const Cid inner = dag_.add(Codec::dag_pb, {leaf}, "inner");
  pin(Cid::v0(inner.hash()));
  const Cid alone = dag_.add(Codec::dag_pb, {leaf}, "alone");
  pin(Cid::v1(Codec::raw, alone.hash()));
  collect();
  EXPECT_TRUE(here(leaf) && here(inner) && here(alone));
  ASSERT_TRUE(pins_.unpin(Cid::v0(inner.hash()), true));
  collect();
  EXPECT_FALSE(here(leaf) || here(inner));
  EXPECT_TRUE(here(alone));
}

TEST_F(CollectorTest, IdentityNodesAreWalked) {
  const Cid leaf = dag_.add(Codec::raw, std::vector<Cid>(), "leaf");
  const std::string inline_node = test::pb_block({{leaf, "a"}}, "x");
  pin(Cid::v1(Codec::dag_pb, Multihash::make(HashCode::identity, as_bytes(inline_node))));
  EXPECT_TRUE(collect().removed.empty());
  EXPECT_TRUE(here(leaf));
}

TEST_F(CollectorTest, AMissingPinnedBlockStopsItAsInKubo) {
  const Cid missing = test::cid_of(Codec::dag_pb, "never here");
  const Cid garbage = dag_.add(Codec::raw, std::vector<Cid>(), "garbage");
  const Cid broken = dag_.add(Codec::raw, std::vector<Cid>(), "no protobuf");
  const Cid root = dag_.add(Codec::dag_pb, {missing, Cid::v1(Codec::dag_pb, broken.hash())}, "root");
  pin(root);
  const Told told = collect();
  ASSERT_EQ(told.errors.size(), 3u);
  EXPECT_EQ(told.errors[0], "could not retrieve links for " + missing.to_string() +
                                ": block was not found locally (offline): ipld: could not find " +
                                missing.to_string());
  EXPECT_TRUE(told.errors[1].starts_with("could not retrieve links for "));
  EXPECT_EQ(told.errors[2], "garbage collection aborted: could not retrieve some links");
  EXPECT_TRUE(told.removed.empty() && here(garbage));
  // Below the best-effort roots it is none.
  ASSERT_TRUE(pins_.unpin(root, true));
  const Cid files = dag_.add(Codec::dag_pb, {missing, garbage}, "files");
  EXPECT_TRUE(collect({files}).errors.empty());
  EXPECT_TRUE(here(garbage) && here(files));
  EXPECT_FALSE(here(root));
}

TEST_F(CollectorTest, HashFunctionsOffTheListStopIt) {
  const Cid cid = Cid::v1(Codec::dag_pb, Multihash::make(HashCode::md5, as_bytes("0123456789abcdef")));
  pin(cid);
  const Told told = collect();
  ASSERT_EQ(told.errors.size(), 2u);
  EXPECT_NE(told.errors[0].find("potentially insecure hash functions not allowed"), std::string::npos);
}

TEST_F(CollectorTest, WhatIsWrittenMeanwhileStays) {
  for (std::size_t moment = 0; moment < 40; ++moment) {
    dag_.add_random(200, moment);
    jobs_.shuffle(moment);
    const std::vector<Cid> old = dag_.nodes();
    // Before the collection begins, somebody writes the first half of an import.
    auto hold = std::make_unique<WriteHold>(store_);
    const Cid half = dag_.add(Codec::raw, std::vector<Cid>(), "first half " + std::to_string(moment));
    Collection collection(collector_, {}, secret);
    Told told;
    TaskRun run;
    run.start(collect_all(frames_, entries_, collection, told), *this);
    for (std::size_t i = 0; i < moment; ++i) jobs_.step();
    // The other half shares a block with the garbage, if it is still here.
    const bool shares = here(old[7]);
    std::vector<Cid> links{half};
    if (shares) {
      links.push_back(old[7]);
      bool touched = false;
      const Multihash hash = old[7].hash();
      ASSERT_TRUE(store_.touch({&hash, 1}, {&touched, 1}));
      ASSERT_TRUE(touched);
    }
    const Cid root = dag_.add(Codec::dag_pb, links, "root " + std::to_string(moment));
    for (std::size_t i = 0; i < 3; ++i) jobs_.step();
    pin(root, PinMode::direct);
    hold.reset();
    jobs_.run_all();
    ASSERT_TRUE(told.ended && told.errors.empty());
    EXPECT_TRUE(here(root) && here(half));
    EXPECT_EQ(here(old[7]), shares);
    for (std::size_t i = 8; i < old.size(); ++i) ASSERT_FALSE(here(old[i]));
    ASSERT_TRUE(pins_.unpin(root, true));
    collect();
    ASSERT_EQ(objects(), 0u);
    dag_ = test::DagBuilder(memory_store_);
  }
}

TEST_F(CollectorTest, OneWorksAtATime) {
  dag_.add_random(1000, 1);
  Collection first(collector_, {}, secret), second(collector_, {}, secret), third(collector_, {}, secret);
  Told told_first, told_second, told_third;
  TaskRun run_first, run_second, run_third;
  run_first.start(collect_all(frames_, entries_, first, told_first), *this);
  run_second.start(collect_all(frames_, entries_, second, told_second), *this);
  run_third.start(collect_all(frames_, entries_, third, told_third), *this);
  EXPECT_EQ(jobs_.waiting(), 1u);
  run_second.cancel();  // it gives up waiting
  jobs_.run_all();
  EXPECT_TRUE(told_first.ended && told_third.ended && !told_second.ended);
  EXPECT_EQ(told_first.removed.size(), 1000u);
  EXPECT_TRUE(told_third.removed.empty());
}

TEST_F(CollectorTest, LeftAtAnyMomentNothingPinnedIsLost) {
  for (std::size_t steps = 0; steps < 60; ++steps) {
    const Cid root = dag_.add_random_dag(200, steps);
    dag_.add_random(300, steps + 500);
    pin(root);
    {
      Collection collection(collector_, {}, secret);
      Told told;
      TaskRun run;
      run.start(collect_all(frames_, entries_, collection, told), *this);
      for (std::size_t i = 0; i < steps; ++i) jobs_.step();
    }
    jobs_.run_all();
    EXPECT_FALSE(collector_.running());
    for (const Cid& cid : dag_.preorder(root)) ASSERT_TRUE(here(cid));
    EXPECT_TRUE(collect().errors.empty());
    ASSERT_EQ(objects(), dag_.preorder(root).size());
    ASSERT_TRUE(pins_.unpin(root, true));
    collect();
    dag_ = test::DagBuilder(memory_store_);
  }
  EXPECT_EQ(memory_.live_bytes(), 0u);
}

TEST_F(CollectorTest, EveryFailureIsToldAndLosesNothingPinned) {
  for (const bool of_records : {false, true}) {
    for (std::size_t n = 0;; ++n) {
      dag_.add_random(200, 7);
      const Cid root = dag_.add_random_dag(50, 8);
      pin(root);
      if (of_records) {
        records_.fail_after(n);
      } else {
        store_.fail_after(n);
      }
      const std::size_t calls_before = of_records ? records_.calls : store_.calls;
      const Told told = collect();
      for (const Cid& cid : dag_.preorder(root)) ASSERT_TRUE(here(cid)) << n;
      const bool failed = (of_records ? records_.calls : store_.calls) - calls_before > n;
      ASSERT_EQ(!told.errors.empty(), failed) << n;
      store_.fail_after(~std::size_t{0} / 2);
      records_.fail_after(~std::size_t{0} / 2);
      dag_ = test::DagBuilder(memory_store_);
      if (!failed) break;
    }
  }
}

TEST_F(CollectorTest, ARefusedBudgetIsTold) {
  const Cid root = dag_.add_random_dag(2000, 9);
  dag_.add_random(2000, 10);
  pin(root);
  for (std::size_t quota = 0; quota < Collector::memory_bytes_min; quota += 8 * 1024) {
    memory_.set_quota(quota);
    outcome_.reset();
    Collection collection(collector_, {}, secret);
    Told told;
    TaskRun run;
    run.start(collect_all(frames_, entries_, collection, told), *this);
    jobs_.run_all();
    ASSERT_TRUE(outcome_ == TaskOutcome::out_of_memory || (told.ended && told.errors.size() <= 1)) << quota;
    for (const Cid& cid : dag_.preorder(root)) ASSERT_TRUE(here(cid));
  }
  memory_.set_quota(Collector::memory_bytes_min);
  EXPECT_TRUE(collect().errors.empty());
}

TEST_F(CollectorTest, ABlockWithoutChunksIsTriedAgain) {
  const Cid leaf = dag_.add(Codec::raw, std::vector<Cid>(), "leaf");
  const Cid root = dag_.add(Codec::dag_pb, {leaf}, "root");
  pin(root);
  Chunk taken = chunks_.take(blocks_);
  blocks_.set_quota(chunk_bytes);
  Collection collection(collector_, {}, secret);
  Told told;
  TaskRun run;
  run.start(collect_all(frames_, entries_, collection, told), *this);
  for (int i = 0; i < 20; ++i) jobs_.step();
  EXPECT_FALSE(told.ended);
  taken.reset();
  jobs_.run_all();
  EXPECT_TRUE(told.ended && told.errors.empty());
  EXPECT_TRUE(here(leaf));
}

// A hundred thousand blocks within the smallest memory that there is: wide nodes, chains, shared parts.
TEST_F(CollectorTest, AHundredThousandBlocksInTheSmallestMemory) {
  std::vector<Cid> files;
  for (int f = 0; f < 500; ++f) {
    std::vector<Cid> leaves;
    for (int i = 0; i < 150; ++i) {
      leaves.push_back(dag_.add(i % 2 == 0 ? Codec::raw : Codec::dag_pb, std::vector<Cid>(),
                                std::to_string(f) + "/" + std::to_string(i)));
    }
    files.push_back(dag_.add(Codec::dag_pb, leaves, "file " + std::to_string(f)));
  }
  Cid chain = files[0];
  for (int i = 0; i < 25000; ++i) chain = dag_.add(Codec::dag_cbor, {chain}, std::to_string(i));
  pin(chain);
  std::vector<Cid> kept;
  for (std::size_t i = 0; i < files.size(); i += 2) kept.push_back(files[i]);
  pin(dag_.add(Codec::dag_pb, kept, "directory"));
  EXPECT_GT(objects(), 100000u);
  const Told told = collect();
  EXPECT_TRUE(told.errors.empty()) << told.errors[0];
  EXPECT_EQ(told.removed.size(), 250u * 151);
  EXPECT_EQ(objects(), 250u * 151 + 25000 + 1);
  EXPECT_LE(memory_.peak_bytes(), Collector::memory_bytes_min);
  EXPECT_LE(blocks_.peak_bytes(), 4 * chunk_bytes);
}

}  // namespace
}  // namespace masu::store
