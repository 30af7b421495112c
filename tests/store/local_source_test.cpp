#include "store/local_source.hpp"

#include "multiformats/digest.hpp"
#include "store/memory_store.hpp"
#include "tests/store/bytes.hpp"
#include "tests/store/sim_jobs.hpp"

#include <functional>
#include <list>
#include <vector>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

std::string text_of(const ChunkChain& chain) {
  std::string text(chain.size(), '\0');
  chain.copy_to(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

class Wanted final : public BlockRequest {
 public:
  void on_block(StoreResult<ChunkChain> block) override {
    MASU_CHECK(!outcome, "a request is answered once");
    outcome.emplace(std::move(block));
    if (then) then();
  }
  std::string text() const { return outcome && *outcome ? text_of(**outcome) : "(none)"; }
  std::optional<StoreResult<ChunkChain>> outcome;
  std::function<void()> then;
};

class LocalSourceTest : public ::testing::Test {
 protected:
  Cid add(std::string_view content) {
    const Multihash hash = *multihash_of(HashCode::sha2_256, as_bytes(content));
    EXPECT_TRUE(store_.put(hash, as_bytes(content)));
    return Cid::v1(Codec::raw, hash);
  }

  Budget budget_{"test", 64 << 20};
  Account pages_{budget_, "test.pages", Lifetime::block, 64 << 20};
  Account holder_{budget_, "test.holder", Lifetime::block, 16 << 20};
  Account entries_{budget_, "test.reads", Lifetime::store, 1 << 20};
  ChunkPool chunks_{pages_, 1024};
  MemoryStore store_;
  test::SimJobs jobs_{16};
  LocalReads reads_{store_, jobs_, chunks_, entries_, 12};
};

TEST_F(LocalSourceTest, GivesBlocksThatAreHere) {
  LocalSource source(reads_);
  const Cid cid = add("a block");
  Wanted wanted;
  source.get(cid, holder_, wanted);
  EXPECT_FALSE(wanted.outcome);  // never from inside of the call
  jobs_.run_all();
  EXPECT_EQ(wanted.text(), "a block");
  EXPECT_EQ(holder_.live_bytes(), chunk_bytes);
}

TEST_F(LocalSourceTest, SaysWhatIsMissingAsKubo) {
  LocalSource source(reads_);
  const Cid cid = *Cid::parse("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi");
  Wanted wanted;
  source.get(cid, holder_, wanted);
  jobs_.run_all();
  ASSERT_TRUE(wanted.outcome && !*wanted.outcome);
  EXPECT_EQ(wanted.outcome->error().code, StoreErrorCode::not_found);
  EXPECT_EQ(wanted.outcome->error().detail,
            "block was not found locally (offline): ipld: could not find "
            "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi");
}

TEST_F(LocalSourceTest, IdentityBlocksComeFromTheirCid) {
  LocalSource source(reads_);
  Wanted wanted, empty;
  source.get(Cid::v1(Codec::raw, Multihash::make(HashCode::identity, as_bytes("inline"))), holder_, wanted);
  source.get(Cid(), holder_, empty);
  EXPECT_FALSE(wanted.outcome);
  jobs_.run_all();
  EXPECT_EQ(wanted.text(), "inline");
  EXPECT_EQ(empty.text(), "");
}

TEST_F(LocalSourceTest, RefusesHashFunctionsOffTheList) {
  LocalSource source(reads_);
  Wanted wanted;
  source.get(Cid::v1(Codec::raw, Multihash::make(HashCode::md5, test::ByteStream().take(16))), holder_,
             wanted);
  jobs_.run_all();
  ASSERT_TRUE(wanted.outcome && !*wanted.outcome);
  EXPECT_EQ(wanted.outcome->error().code, StoreErrorCode::refused);
  EXPECT_EQ(wanted.outcome->error().detail, "potentially insecure hash functions not allowed");
}

TEST_F(LocalSourceTest, BoundsWhatIsUnderWayAndTakesTurns) {
  LocalSource greedy(reads_), modest(reads_);
  std::list<Wanted> many(100);
  std::vector<Cid> cids;
  for (int i = 0; i < 100; ++i) cids.push_back(add("block " + std::to_string(i)));
  std::size_t at = 0;
  for (Wanted& wanted : many) greedy.get(cids[at++], holder_, wanted);
  EXPECT_EQ(reads_.under_way(), LocalReads::reads_per_source);
  Wanted one;
  modest.get(cids[5], holder_, one);
  EXPECT_EQ(reads_.under_way(), LocalReads::reads_per_source + 1);
  std::list<Wanted> more(100);
  for (Wanted& wanted : more) modest.get(cids[7], holder_, wanted);
  EXPECT_EQ(reads_.under_way(), 12u);  // the slab
  jobs_.shuffle(1);
  for (int i = 0; i < 40; ++i) jobs_.step();
  EXPECT_LE(reads_.under_way(), 12u);
  const auto answered = [](const std::list<Wanted>& all) {
    return std::count_if(all.begin(), all.end(),
                         [](const Wanted& wanted) { return wanted.outcome.has_value(); });
  };
  EXPECT_GT(answered(many), 5);
  EXPECT_GT(answered(more), 5);
  jobs_.run_all();
  EXPECT_EQ(answered(many), 100);
  EXPECT_EQ(answered(more), 100);
  at = 0;
  for (const Wanted& wanted : many) EXPECT_EQ(wanted.text(), "block " + std::to_string(at++));
  EXPECT_EQ(reads_.under_way(), 0u);
}

TEST_F(LocalSourceTest, WaitsForRoomInTheQueueOfJobs) {
  test::SimJobs narrow(2);
  LocalReads reads(store_, narrow, chunks_, entries_, 12);
  LocalSource source(reads);
  const Cid cid = add("a block");
  std::list<Wanted> many(20);
  for (Wanted& wanted : many) source.get(cid, holder_, wanted);
  EXPECT_EQ(narrow.refusals, 1u);
  narrow.run_all();
  for (const Wanted& wanted : many) EXPECT_EQ(wanted.text(), "a block");
}

TEST_F(LocalSourceTest, ForgottenRequestsGetNoAnswer) {
  LocalSource source(reads_);
  const Cid cid = add("a block");
  std::list<Wanted> many(20);
  for (Wanted& wanted : many) source.get(cid, holder_, wanted);
  source.forget(many.front());  // under way
  source.forget(many.back());   // waits
  jobs_.run_all();
  EXPECT_FALSE(many.front().outcome);
  EXPECT_FALSE(many.back().outcome);
  EXPECT_EQ(std::next(many.begin())->text(), "a block");
  source.get(cid, holder_, many.back());
  source.forget(many.back());
  jobs_.run_all();
  EXPECT_FALSE(many.back().outcome);
}

TEST_F(LocalSourceTest, ASourceMayGoWhileItsReadsAreUnderWay) {
  const Cid cid = add("a block");
  std::list<Wanted> many(20);
  {
    LocalSource source(reads_);
    for (Wanted& wanted : many) source.get(cid, holder_, wanted);
    jobs_.run_one();
  }
  LocalSource other(reads_);
  Wanted wanted;
  other.get(cid, holder_, wanted);
  jobs_.run_all();
  for (const Wanted& each : many) EXPECT_FALSE(each.outcome);
  EXPECT_EQ(wanted.text(), "a block");
  EXPECT_EQ(holder_.live_bytes(), chunk_bytes);
}

TEST_F(LocalSourceTest, AnAnswerMayAskForMoreOrEndTheSource) {
  auto source = std::make_unique<LocalSource>(reads_);
  const Cid cid = add("a block");
  Wanted first, second, third;
  first.then = [&] { source->get(cid, holder_, second); };
  second.then = [&] { source.reset(); };
  source->get(cid, holder_, first);
  source->get(cid, holder_, third);
  source->forget(third);
  jobs_.run_all();
  EXPECT_EQ(second.text(), "a block");
  EXPECT_FALSE(source);
}

TEST_F(LocalSourceTest, ARefusedChunkIsAnError) {
  LocalSource source(reads_);
  const Cid cid = add(std::string(100000, 'x'));
  holder_.set_quota(3 * chunk_bytes);
  Wanted wanted, again;
  source.get(cid, holder_, wanted);
  jobs_.run_all();
  ASSERT_TRUE(wanted.outcome && !*wanted.outcome);
  EXPECT_EQ(wanted.outcome->error().code, StoreErrorCode::out_of_memory);
  EXPECT_EQ(holder_.live_bytes(), 0u);
  holder_.set_quota(16 << 20);
  source.get(cid, holder_, again);
  jobs_.run_all();
  EXPECT_EQ(again.text().size(), 100000u);
}

}  // namespace
}  // namespace masu::store
