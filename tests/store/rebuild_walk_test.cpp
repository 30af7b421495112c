// Each system call of a rebuild of the index fails once, or is the last of its process: the repo opens, every
// block of a segment is there, and no call is met at which the index is missing. A program of its own: a
// database that was open in the parent would have had threads that its children do not have.
#include "tests/failing_calls.hpp"
#include "tests/store/disk_world.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

namespace masu::store {
namespace {

namespace fs = std::filesystem;
using test::block_of;
using test::TestBlock;

class RebuildWalkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "masu-rebuild-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    top_ = pattern;
    for (std::uint64_t i = 0; i < 6; ++i) blocks_.push_back(block_of(i, 9000 + i * 200));
    small_ = block_of(100, 2000);
    in_child([&](test::DiskWorld& world) -> std::string {
      if (const auto opened = world.try_open(); !opened) return opened.error().detail;
      for (const TestBlock& block : blocks_) {
        if (!world.store->put(block.hash, as_bytes(block.content))) return "put";
      }
      return world.store->put(small_.hash, as_bytes(small_.content)) && world.store->sync() ? "" : "sync";
    });
    fs::rename(repo(), top_ + "/whole");
  }
  void TearDown() override { fs::remove_all(top_); }

  std::string repo() const { return top_ + "/repo"; }
  // A repo whose index is whole.
  void make_repo() {
    fs::remove_all(repo());
    fs::copy(top_ + "/whole", repo(), fs::copy_options::recursive);
  }
  template <class Work>
  masu::test::CallOutcome run(const masu::test::CallFaults& faults, Work&& work) {
    return masu::test::run_in_child(faults, [&] {
      test::DiskWorld world;
      world.options.directory = repo();
      world.options.files = nullptr;
      world.options.env = nullptr;
      if (!fs::exists(repo())) fs::create_directory(repo());
      return work(world);
    });
  }
  template <class Work>
  void in_child(Work&& work) {
    const auto outcome = run({}, work);
    EXPECT_TRUE(outcome.ran);
    EXPECT_EQ(outcome.said, "");
  }
  masu::test::CallOutcome rebuild(const masu::test::CallFaults& faults) {
    return run(faults, [](test::DiskWorld& world) -> std::string {
      const auto report = DiskStore::rebuild_index(world.options, world.budget, world.stop);
      return report ? "" : report.error().detail;
    });
  }
  // The repo opens and has its blocks; with the index that it had, the small one too, which lies in no
  // segment.
  void expect_whole(bool with_small) {
    in_child([&](test::DiskWorld& world) -> std::string {
      if (const auto opened = world.try_open(); !opened) return opened.error().detail;
      for (const TestBlock& block : blocks_) {
        const auto content = world.read(block);
        if (!content) return content.error().detail;
        if (*content != block.content) return "another block";
      }
      return !with_small || world.has(small_) ? "" : "the small block is gone";
    });
  }
  // How often which call was met.
  std::map<std::string, unsigned> walk(int error) {
    std::map<std::string, unsigned> met;
    for (std::uint64_t number = 0; number < 500; ++number) {
      SCOPED_TRACE("call " + std::to_string(number));
      make_repo();
      const auto outcome = rebuild({{number}, error});
      EXPECT_TRUE(outcome.ran);
      EXPECT_TRUE(fs::exists(repo() + "/index")) << outcome.call;
      const bool exchanged = !fs::exists(repo() + "/index.new") || fs::exists(repo() + "/index.old");
      expect_whole(!exchanged && outcome.call != "rename");
      if (outcome.call.empty()) {
        EXPECT_EQ(outcome.said, "");
        return met;
      }
      if (HasFailure()) return met;
      ++met[outcome.call];
      if (outcome.call != "rename") continue;
      // It can be done again.
      EXPECT_EQ(rebuild({}).said, "");
      expect_whole(false);
    }
    ADD_FAILURE() << "the rebuild does not end";
    return met;
  }

  std::string top_;
  std::vector<TestBlock> blocks_;
  TestBlock small_;
};

TEST_F(RebuildWalkTest, EachCallFails) {
  auto met = walk(EIO);
  EXPECT_GE(met["rename"], 3u) << "of RocksDB, and the two of the rebuild";
  EXPECT_GT(met["write"], 5u);
  EXPECT_GT(met["sync"], 3u);
}

TEST_F(RebuildWalkTest, EachCallIsTheLastOfTheProcess) {
  auto met = walk(0);
  EXPECT_GE(met["rename"], 3u);
}

// EINVAL is what a file system says that does not exchange names.
TEST_F(RebuildWalkTest, TwoRenamesDoWhereNamesAreNotExchanged) {
  std::vector<std::uint64_t> renames;
  std::string call = "first";
  for (std::uint64_t number = 0; !call.empty() && number < 500; ++number) {
    make_repo();
    call = rebuild({{number}, EIO}).call;
    if (call == "rename") renames.push_back(number);
  }
  ASSERT_GE(renames.size(), 2u);
  const std::uint64_t exchange = renames.back() - 1;  // the last one gives the old index its new name
  make_repo();
  EXPECT_EQ(rebuild({{exchange}, EINVAL}).said, "");
  EXPECT_TRUE(fs::exists(repo() + "/index.old"));
  expect_whole(false);
  make_repo();
  const auto outcome = rebuild({{exchange, exchange + 2}, EINVAL});
  EXPECT_NE(outcome.said.find("rename"), std::string::npos) << outcome.said;
  EXPECT_TRUE(fs::exists(repo() + "/index"));
  EXPECT_FALSE(fs::exists(repo() + "/index.old"));
  expect_whole(true);
}

}  // namespace
}  // namespace masu::store
