#include "store/dag_walk.hpp"

#include "alloc/resource.hpp"
#include "store/awaited_job.hpp"
#include "store/local_source.hpp"
#include "store/memory_store.hpp"
#include "tests/store/bytes.hpp"
#include "tests/store/dag_builder.hpp"
#include "tests/store/failing_store.hpp"
#include "tests/store/sim_jobs.hpp"
#include "tests/store/spill.hpp"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

struct Walked {
  std::vector<Cid> cids;
  std::vector<std::string> lines;  // depth, parent, name, error
  std::optional<StoreError> error;
  bool ended = false;
};

Task<> walk_all(TaskMemory memory, DagWalk& walk, Walked& out) {
  WalkVisit visit;
  while (true) {
    auto more = co_await walk.next(memory, visit);
    if (!more) {
      out.error = more.error();
      break;
    }
    if (!*more) break;
    out.cids.push_back(visit.cid);
    std::string line = std::to_string(visit.depth) + (visit.again ? "*" : "") + " " + visit.link_name;
    if (!visit.block) line += "! " + visit.block.error().detail;
    out.lines.push_back(std::move(line));
  }
  out.ended = true;
}

// A caller that works for a while on each block, which it keeps meanwhile.
Task<> walk_slowly(TaskMemory memory, DagWalk& walk, Jobs& jobs, Account& account, Walked& out) {
  WalkVisit visit;
  while (true) {
    auto more = co_await walk.next(memory, visit);
    if (!more || !*more) break;
    out.cids.push_back(visit.cid);
    out.lines.push_back(visit.block ? "" : "! " + visit.block.error().detail);
    for (int i = 0; i < 3; ++i) {
      AwaitedJob<bool> work(jobs, JobClass::write, account, [] { return true; });
      co_await work;
    }
  }
  out.ended = true;
}

class DagWalkTest : public ::testing::Test, public TaskListener {
 protected:
  void on_task_done(TaskOutcome outcome) noexcept override { outcome_ = outcome; }

  std::unique_ptr<DagWalk> make_walk(const WalkOptions& options) {
    return std::make_unique<DagWalk>(
        DagWalk::Parts{source_, jobs_, blocks_, account_, std::make_unique<test::MemorySpill>(), {1, 2, 3}},
        options);
  }
  Walked walk(const Cid& root, const WalkOptions& options) {
    auto dag_walk = make_walk(options);
    dag_walk->add_root(root);
    return run(*dag_walk);
  }
  Walked run(DagWalk& dag_walk) {
    Walked walked;
    TaskRun task;
    outcome_.reset();
    task.start(walk_all(frames_, dag_walk, walked), *this);
    jobs_.run_all();
    EXPECT_EQ(outcome_, TaskOutcome::done);
    return walked;
  }

  Budget budget_{"test", 256 << 20};
  Account pages_{budget_, "test.pages", Lifetime::block, 64 << 20};
  Account blocks_{budget_, "test.blocks", Lifetime::block, 16 << 20};
  Account account_{budget_, "test.walk", Lifetime::request, 16 << 20};
  Account entries_{budget_, "test.entries", Lifetime::store, 1 << 20};
  AccountResource frames_{entries_};
  ChunkPool chunks_{pages_, 1024};
  MemoryStore memory_store_;
  test::FailingStore store_{memory_store_};
  test::DagBuilder dag_{memory_store_};
  test::SimJobs jobs_;
  LocalReads reads_{store_, jobs_, chunks_, entries_};
  LocalSource source_{reads_};
  std::optional<TaskOutcome> outcome_;
};

TEST_F(DagWalkTest, OneAtATimeComesInTheOrderOfTheDag) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    jobs_.shuffle(seed);
    const Cid root = dag_.add_random_dag(200, seed);
    const Walked walked = walk(root, {});
    EXPECT_TRUE(walked.ended && !walked.error);
    ASSERT_EQ(walked.cids, dag_.preorder(root)) << "seed " << seed;
  }
  EXPECT_EQ(account_.live_bytes(), 0u);
  EXPECT_EQ(blocks_.live_bytes(), 0u);
}

TEST_F(DagWalkTest, ManyAtATimeComeAsTheyArrive) {
  const Cid root = dag_.add_random_dag(2000, 1);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    jobs_.shuffle(seed);
    Walked walked = walk(root, {.under_way = 32});
    EXPECT_TRUE(walked.ended && !walked.error);
    std::vector<Cid> expected = dag_.preorder(root);
    std::ranges::sort(expected);
    std::ranges::sort(walked.cids);
    ASSERT_EQ(walked.cids, expected) << "seed " << seed;
  }
}

// Blocks with more links than fit into memory, and more CIDs than are remembered in memory.
TEST_F(DagWalkTest, WideAndSharedDagsStayInBounds) {
  std::vector<Cid> leaves;
  for (int i = 0; i < 5000; ++i)
    leaves.push_back(dag_.add(Codec::raw, std::vector<Cid>(), "leaf " + std::to_string(i)));
  std::vector<Cid> wide;
  for (int i = 0; i < 3; ++i) {
    std::ranges::rotate(leaves, leaves.begin() + 1000);
    wide.push_back(dag_.add(i == 1 ? Codec::dag_cbor : Codec::dag_pb, leaves, "wide " + std::to_string(i)));
  }
  const Cid root = dag_.add(Codec::dag_pb, wide, "root");
  WalkOptions options{.memory_bytes = 96 * 1024};
  EXPECT_EQ(walk(root, options).cids, dag_.preorder(root));
  EXPECT_LT(account_.peak_bytes(), 128u * 1024);
  options.under_way = 32;
  EXPECT_EQ(walk(root, options).cids.size(), 5004u);
}

// Each block is a job of the source. Large leaves, and what lies on top of a stack that has spilled, need no
// other; a node with as many bytes of links does.
TEST_F(DagWalkTest, OnlyLinksAndTheDiskNeedJobs) {
  std::vector<Cid> leaves;
  for (int i = 0; i < 2000; ++i) {
    leaves.push_back(dag_.add(Codec::dag_pb, std::vector<Cid>(),
                              std::string(i % 100 == 0 ? 100'000 : 10, 'x') + std::to_string(i)));
  }
  const Cid root = dag_.add(Codec::dag_pb, leaves, "root");
  EXPECT_EQ(walk(root, {.under_way = 8}).cids.size(), 2001u);
  EXPECT_GE(jobs_.posted, 2001u + 1u);
  EXPECT_LE(jobs_.posted, 2001u + 20u);
}

TEST_F(DagWalkTest, ADagOfDiamondsIsWalkedOnce) {
  Cid below = dag_.add(Codec::raw, std::vector<Cid>(), "bottom");
  for (int i = 0; i < 3000; ++i) below = dag_.add(Codec::dag_pb, {below, below}, std::to_string(i));
  const Walked walked = walk(below, {.memory_bytes = 96 * 1024});
  EXPECT_EQ(walked.cids.size(), 3001u);
}

TEST_F(DagWalkTest, TellsDepthParentAndName) {
  const Cid leaf = dag_.add(Codec::raw, std::vector<Cid>(), "leaf");
  const Cid inner = dag_.add(Codec::dag_pb, std::vector<test::NamedLink>{{leaf, "b"}}, "inner");
  const Cid root =
      dag_.add(Codec::dag_pb, std::vector<test::NamedLink>{{inner, "deep"}, {leaf, "a"}}, "root");
  EXPECT_EQ(walk(root, {.links = true}).lines, (std::vector<std::string>{"0 ", "1 deep", "2 b"}));
  EXPECT_EQ(walk(root, {.again = WalkOptions::Again::always, .links = true}).lines,
            (std::vector<std::string>{"0 ", "1 deep", "2 b", "1 a"}));
  EXPECT_EQ(walk(root, {.again = WalkOptions::Again::higher, .links = true}).lines,
            (std::vector<std::string>{"0 ", "1 deep", "2 b", "1* a"}));
  EXPECT_EQ(walk(root, {.depth_max = 1, .links = true}).lines,
            (std::vector<std::string>{"0 ", "1 deep", "1 a"}));
  EXPECT_EQ(walk(root, {.depth_max = 0}).lines, (std::vector<std::string>{"0 "}));
}

TEST_F(DagWalkTest, RootsMayBeVisitedAgainAsLinks) {
  const Cid leaf = dag_.add(Codec::raw, std::vector<Cid>(), "leaf");
  const Cid root = dag_.add(Codec::dag_pb, {leaf}, "root");
  for (const bool counts : {true, false}) {
    auto dag_walk = make_walk({.roots_count_as_seen = counts});
    dag_walk->add_root(leaf);
    EXPECT_EQ(run(*dag_walk).cids.size(), 1u);
    dag_walk->add_root(root);
    EXPECT_EQ(run(*dag_walk).cids.size(), counts ? 1u : 2u);
  }
}

TEST_F(DagWalkTest, LeavesNeedNotBeRead) {
  const Cid root = dag_.add_random_dag(200, 6);
  const std::vector<Cid> expected = dag_.preorder(root);
  const auto inner =
      std::ranges::count_if(expected, [](const Cid& cid) { return cid.codec() != Codec::raw; });
  for (const std::size_t under_way : {1, 8}) {
    store_.calls = 0;
    const Walked walked = walk(root, {.under_way = under_way, .fetch_leaves = false});
    EXPECT_EQ(walked.cids.size(), expected.size());
    if (under_way == 1) EXPECT_EQ(walked.cids, expected);
    EXPECT_EQ(store_.calls, static_cast<std::size_t>(inner));
  }
}

TEST_F(DagWalkTest, MissingAndMalformedBlocksAreVisitsWithErrors) {
  const Cid missing = test::cid_of(Codec::dag_pb, "never stored");
  const Cid broken = dag_.add(Codec::raw, std::vector<Cid>(), "no protobuf");
  const Cid leaf = dag_.add(Codec::raw, std::vector<Cid>(), "leaf");
  const Cid identity = Cid::v1(Codec::dag_pb, Multihash::make(HashCode::identity, as_bytes("")));
  const Cid root = dag_.add(
      Codec::dag_pb,
      {missing, Cid::v1(Codec::dag_pb, broken.hash()), Cid::v1(Codec::git_raw, leaf.hash()), identity, leaf},
      "root");
  const Walked walked = walk(root, {});
  ASSERT_EQ(walked.lines.size(), 6u);
  EXPECT_NE(walked.lines[1].find("could not find " + missing.to_string()), std::string::npos);
  EXPECT_NE(walked.lines[2].find("! "), std::string::npos);
  EXPECT_NE(walked.lines[3].find("no decoder registered"), std::string::npos);
  EXPECT_EQ(walked.lines[4], "1 ");
  EXPECT_EQ(walked.lines[5], "1 ");
}

TEST_F(DagWalkTest, LessAtATimeWhenTheBudgetIsSmall) {
  std::vector<Cid> leaves;
  for (int i = 0; i < 100; ++i)
    leaves.push_back(dag_.add(Codec::raw, std::vector<Cid>(), std::string(60000, 'x') + std::to_string(i)));
  const Cid root = dag_.add(Codec::dag_pb, leaves, "root");
  blocks_.set_quota(10 * chunk_bytes);  // two blocks and a half
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    jobs_.shuffle(seed);
    const Walked walked = walk(root, {.under_way = 32});
    EXPECT_EQ(walked.cids.size(), 101u);
    for (const std::string& line : walked.lines) ASSERT_EQ(line.find('!'), std::string::npos) << line;
  }
  // Blocks that arrived wait for their visit, and one is with the caller.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    jobs_.shuffle(seed);
    auto dag_walk = make_walk({.under_way = seed % 2 == 0 ? std::size_t{32} : 1});
    dag_walk->add_root(root);
    Walked walked;
    TaskRun task;
    task.start(walk_slowly(frames_, *dag_walk, jobs_, entries_, walked), *this);
    jobs_.run_all();
    EXPECT_TRUE(walked.ended);
    EXPECT_EQ(walked.cids.size(), 101u);
    for (const std::string& line : walked.lines) ASSERT_EQ(line, "") << "seed " << seed;
  }
  blocks_.set_quota(chunk_bytes);  // not one
  const Walked walked = walk(leaves[0], {.under_way = 32});
  EXPECT_NE(walked.lines.at(0).find('!'), std::string::npos);
}

TEST_F(DagWalkTest, EndsWhereverItIsLeft) {
  dag_.add_random_dag(300, 3);
  for (std::size_t steps = 0; steps < 60; ++steps) {
    Walked walked;
    {
      auto dag_walk = make_walk({.under_way = 8, .memory_bytes = 0});
      dag_walk->add_root(dag_.nodes().back());
      TaskRun task;
      task.start(walk_all(frames_, *dag_walk, walked), *this);
      jobs_.shuffle(steps);
      for (std::size_t i = 0; i < steps; ++i) jobs_.step();
    }
    jobs_.run_all();
    ASSERT_EQ(account_.live_bytes(), 0u) << steps;
    ASSERT_EQ(blocks_.live_bytes(), 0u) << steps;
  }
}

TEST_F(DagWalkTest, EveryFailureIsAnErrorOrAVisitWithOne) {
  const Cid root = dag_.add_random_dag(100, 4);
  const std::size_t blocks = dag_.preorder(root).size();
  for (std::size_t n = 0; n < blocks; ++n) {
    store_.fail_after(n);
    const Walked walked = walk(root, {.under_way = 4});
    ASSERT_TRUE(walked.ended);
    ASSERT_EQ(std::ranges::count_if(walked.lines, [](const std::string& line) { return line.contains('!'); }),
              1);
  }
  // The spill space: each of its reads, and its end.
  for (std::size_t n = 0; n < 300; n += 7) {
    auto spill = std::make_unique<test::MemorySpill>();
    spill->reads_until_failure = n;
    DagWalk dag_walk({source_, jobs_, blocks_, account_, std::move(spill), {}}, {.memory_bytes = 0});
    dag_walk.add_root(root);
    const Walked walked = run(dag_walk);
    ASSERT_TRUE(walked.error || walked.cids == dag_.preorder(root)) << n;
  }
}

TEST_F(DagWalkTest, ARefusedAllocationEndsTheTask) {
  dag_.add_random_dag(300, 5);
  for (std::size_t quota = 0; quota < 200 * 1024; quota += 5000) {
    account_.set_quota(quota);
    std::unique_ptr<DagWalk> dag_walk;
    try {
      dag_walk = make_walk({});
    } catch (const std::bad_alloc&) {
      continue;
    }
    dag_walk->add_root(dag_.nodes().back());
    Walked walked;
    TaskRun task;
    outcome_.reset();
    task.start(walk_all(frames_, *dag_walk, walked), *this);
    jobs_.run_all();
    ASSERT_TRUE(outcome_ == TaskOutcome::out_of_memory || walked.cids == dag_.preorder(dag_.nodes().back()))
        << quota;
  }
  EXPECT_EQ(account_.live_bytes(), 0u);
}

}  // namespace
}  // namespace masu::store
