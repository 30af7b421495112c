#include "store/disk/segment_format.hpp"
#include "tests/store/disk_world.hpp"

#include <filesystem>
#include <fstream>

namespace masu::store {
namespace {

namespace fs = std::filesystem;
using test::block_of;
using test::TestBlock;

// On a real directory: a rebuild renames the directory of the index.
class RebuildIndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "masu-rebuild-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    world_.options.directory = pattern;
    world_.options.files = nullptr;
    world_.options.env = nullptr;
    world_.open();
  }
  void TearDown() override {
    world_.store.reset();
    fs::remove_all(world_.options.directory);
  }
  RebuildReport rebuild() {
    const auto report = DiskStore::rebuild_index(world_.options, world_.budget, world_.stop);
    EXPECT_TRUE(report) << report.error().detail;
    return report.value_or(RebuildReport());
  }

  test::DiskWorld world_;
};

TEST_F(RebuildIndexTest, FindsEveryBlockThatLiesInASegment) {
  std::vector<TestBlock> blocks;
  for (std::uint64_t i = 0; i < 30; ++i) blocks.push_back(block_of(i, 2048 + i * 200));
  for (const TestBlock& block : blocks) world_.put(block);
  const TestBlock small = block_of(100, 2047);
  world_.put(small);
  // A moved block lies in two places until its segment goes.
  for (std::size_t i = 0; i < 8; ++i) ASSERT_TRUE(world_.store->remove(blocks[i].hash).value());
  world_.reclaim();
  world_.store.reset();
  fs::remove_all(fs::path(world_.options.directory) / "index");
  EXPECT_EQ(world_.try_open().error().code, StoreErrorCode::corrupt);
  const RebuildReport report = rebuild();
  EXPECT_GE(report.blocks, 22u);
  EXPECT_EQ(report.damaged_bytes, 0u);
  world_.open();
  for (std::size_t i = 8; i < blocks.size(); ++i)
    EXPECT_EQ(world_.read(blocks[i]).value(), blocks[i].content);
  EXPECT_FALSE(world_.has(small));
  EXPECT_EQ(world_.store->usage()->objects, report.blocks);
  world_.put(small);
  world_.put(block_of(200, 5000));
  ASSERT_TRUE(world_.store->sync());
  world_.reopen();
  EXPECT_TRUE(world_.has(small));
}

TEST_F(RebuildIndexTest, AnImageOfARecordInsideOfABlockIsNoBlock) {
  // A block that holds a record whose data is not what its multihash says, behind a record that is damaged.
  const TestBlock damaged = block_of(1, 3000);
  const TestBlock claimed = block_of(2, 100);
  std::array<std::uint8_t, record_header_bytes_max> buffer;
  const Bytes header = encode_record_header({claimed.hash, 100, 0}, buffer);
  std::string content(as_text(header));
  content.resize(4000, 'x');
  const TestBlock evil{content, *multihash_of(HashCode::sha2_256, as_bytes(content))};
  const TestBlock honest = block_of(3, 3000);
  for (const TestBlock& block : {damaged, evil, honest}) world_.put(block);
  world_.store.reset();
  const fs::path segment = fs::path(world_.options.directory) / "blocks" / segment_name(1);
  {
    std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
    for (const std::streamoff at : {16, 16 + 54 + 3000}) {  // the headers of the first two
      file.seekp(at + 5);
      file.put('\x55');
    }
  }
  const RebuildReport report = rebuild();
  EXPECT_EQ(report.blocks, 1u);
  EXPECT_GT(report.damaged_bytes, 7000u);
  world_.open();
  EXPECT_FALSE(world_.has(claimed));
  EXPECT_FALSE(world_.has(evil));
  EXPECT_EQ(world_.read(honest).value(), honest.content);
  EXPECT_TRUE(fs::exists(fs::path(world_.options.directory) / "index.old"));
}

}  // namespace
}  // namespace masu::store
