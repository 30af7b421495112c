#include "unixfs/read/directory_reader.hpp"

#include "tests/unixfs/dag_source.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs {
namespace {

using test::dag_pb_block;
using test::shard_block;
using test::TestLink;
using test::unixfs_message;

struct Listing {
  std::vector<std::string> names;
  std::optional<Error> error;
  std::size_t held_max = 0;
};

Task<> list(TaskMemory memory, test::DagTest& dag, Cid root, DirectoryReader::Hint hint, bool rest,
            Listing& out) {
  LoadedNode node;
  auto loaded = co_await node.load(memory, dag.context, root);
  if (!loaded) {
    out.error = loaded.error();
    co_return;
  }
  DirectoryReader reader(dag.context, memory.resource(), hint);
  auto opened = reader.open(node);
  if (!opened) {
    out.error = opened.error();
    co_return;
  }
  DirectoryEntry entry;
  while (true) {
    auto more = co_await reader.next(memory, entry);
    if (!more) {
      out.error = more.error();
      co_return;
    }
    if (!*more) co_return;
    out.names.emplace_back(entry.name);
    out.held_max = std::max(out.held_max, dag.holder.live_bytes());
    if (rest) {
      reader.rest();
      EXPECT_EQ(dag.holder.live_bytes(), 0u);
    }
  }
}

class DirectoryReaderTest : public ::testing::Test, protected test::DagTest {
 protected:
  ~DirectoryReaderTest() override { EXPECT_EQ(holder.live_bytes(), 0u) << "a block was kept"; }

  Listing ls(const Cid& root, DirectoryReader::Hint hint = DirectoryReader::Hint::shards, bool rest = false) {
    Listing out;
    Listener listener;
    spawn(list(memory, *this, root, hint, rest, out), listener);
    source.run();
    EXPECT_TRUE(listener.done);
    return out;
  }
  void expect_refused(const Cid& root) {
    const Listing out = ls(root);
    ASSERT_TRUE(out.error);
    EXPECT_TRUE(out.error->code == ErrorCode::hostile || out.error->code == ErrorCode::malformed)
        << out.error->text;
  }

  // A sharded directory of `names`, as a writer makes it; every entry is `child`.
  Cid put_shard(const std::vector<std::string>& names, unsigned level = 0) {
    std::map<std::uint32_t, std::vector<std::string>> slots;
    for (const std::string& name : names)
      slots[shape_.index(hamt_hash(as_bytes(name)), level)].push_back(name);
    std::map<std::uint32_t, TestLink> links;
    for (const auto& [slot, below] : slots) {
      links[slot] =
          below.size() == 1 ? TestLink{below[0], child_, 1} : TestLink{"", put_shard(below, level + 1), 1};
    }
    return source.put(Codec::dag_pb, shard_block(shape_.fanout(), links));
  }
  static std::vector<std::string> numbered(int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back("entry-" + std::to_string(i));
    return names;
  }
  // The one entry's slot in the root.
  std::uint32_t slot_of(std::string_view name, unsigned level = 0) const {
    return shape_.index(hamt_hash(as_bytes(name)), level);
  }

  HamtShape shape_{256};
  Cid child_ = source.put(Codec::raw, "child");
};

TEST_F(DirectoryReaderTest, ListsABasicDirectoryInTheOrderOfItsLinks) {
  const Cid root =
      source.put(Codec::dag_pb, dag_pb_block({{"b", child_, 1}, {"a", child_, 2}, {"", child_, 3}},
                                             unixfs_message(NodeType::directory)));
  EXPECT_EQ(ls(root).names, (std::vector<std::string>{"b", "a", ""}));
  EXPECT_EQ(ls(root, DirectoryReader::Hint::shards, true).names.size(), 3u);
  EXPECT_TRUE(source.hinted.empty());
  ls(root, DirectoryReader::Hint::shards_and_entries);
  EXPECT_EQ(source.hinted.size(), 3u);
}

TEST_F(DirectoryReaderTest, ListsAShardedDirectoryInTheOrderOfItsHashes) {
  for (const std::uint64_t fanout : {8, 16, 64, 256, 1024}) {
    shape_ = HamtShape(fanout);
    std::vector<std::string> names = numbered(700);
    const Cid root = put_shard(names);
    std::ranges::sort(names, {}, [](const std::string& name) { return hamt_hash(as_bytes(name)); });
    const Listing out = ls(root);
    EXPECT_FALSE(out.error) << out.error->text;
    EXPECT_EQ(out.names, names) << fanout;
    EXPECT_LE(out.held_max, 64u * 1024) << "one shard at a time";
    EXPECT_EQ(ls(root, DirectoryReader::Hint::shards_and_entries, true).names, names);
  }
}

TEST_F(DirectoryReaderTest, WhatIsNoDirectorySaysSo) {
  EXPECT_EQ(ls(child_).error->code, ErrorCode::not_directory);
  EXPECT_EQ(ls(source.put(Codec::dag_pb, dag_pb_block({}, unixfs_message(NodeType::file)))).error->code,
            ErrorCode::not_directory);
  EXPECT_EQ(ls(source.put(Codec::dag_pb, dag_pb_block({}, ""))).error->code, ErrorCode::malformed);
}

TEST_F(DirectoryReaderTest, EmptyDirectoriesHaveNoEntries) {
  EXPECT_TRUE(
      ls(source.put(Codec::dag_pb, dag_pb_block({}, unixfs_message(NodeType::directory)))).names.empty());
  const Listing sharded = ls(source.put(Codec::dag_pb, shard_block(256, {})));
  EXPECT_FALSE(sharded.error);
  EXPECT_TRUE(sharded.names.empty());
}

TEST_F(DirectoryReaderTest, MalformedShardsAreRefused) {
  const std::uint32_t slot = slot_of("a");
  const TestLink good{"a", child_, 1};
  EXPECT_EQ(ls(source.put(Codec::dag_pb, shard_block(256, {{slot, good}}))).names.size(), 1u);
  for (const std::uint64_t fanout : {0, 1, 4, 12, 255, 2048, 4096}) {
    expect_refused(source.put(Codec::dag_pb, dag_pb_block({}, unixfs_message(NodeType::hamt_shard) +
                                                                  test::varint_field(5, murmur3_x64_64) +
                                                                  test::varint_field(6, fanout))));
  }
  expect_refused(source.put(Codec::dag_pb, shard_block(256, {{slot, good}}, 0x12)));  // another hash
  const auto with = [this](const std::vector<TestLink>& links, const std::string& bits) {
    return source.put(
        Codec::dag_pb,
        dag_pb_block(links, unixfs_message(NodeType::hamt_shard) + test::bytes_field(2, bits) +
                                test::varint_field(5, murmur3_x64_64) + test::varint_field(6, 256)));
  };
  expect_refused(with({good}, "\x03"));            // more bits than links
  expect_refused(with({}, "\x01"));                // the same
  expect_refused(with({{"00a", child_, 1}}, ""));  // fewer
  expect_refused(with({{"00a", child_, 1}}, std::string("\x01") + std::string(32, '\0')));  // too wide
  expect_refused(with({{"01a", child_, 1}}, "\x01"));                               // another slot's name
  expect_refused(with({{"0", child_, 1}}, "\x01"));                                 // a name too short
  expect_refused(with({{"ffa", child_, 1}}, "\x80" + std::string(31, '\0')));       // lower case
  expect_refused(source.put(Codec::dag_pb, shard_block(256, {{slot ^ 1, good}})));  // not where its hash says
}

TEST_F(DirectoryReaderTest, ShardsBelowMustFitTheirDirectory) {
  const std::uint32_t slot = slot_of("a"), next = slot_of("a", 1);
  const auto below = [&](const Cid& shard) {
    return source.put(Codec::dag_pb, shard_block(256, {{slot, {"", shard, 1}}}));
  };
  const TestLink entry{"a", child_, 1};
  EXPECT_EQ(ls(below(source.put(Codec::dag_pb, shard_block(256, {{next, entry}})))).names.size(), 1u);
  expect_refused(below(source.put(Codec::dag_pb, shard_block(256, {}))));           // empty
  expect_refused(below(source.put(Codec::dag_pb, shard_block(16, {{3, entry}}))));  // another fanout
  expect_refused(below(source.put(Codec::dag_pb, shard_block(256, {{next ^ 1, entry}}))));
  expect_refused(below(child_));
  expect_refused(below(source.put(Codec::dag_pb, dag_pb_block({}, unixfs_message(NodeType::directory)))));
}

TEST_F(DirectoryReaderTest, ABombOfShardsEndsAtItsSecondEntry) {
  // Every slot of every level leads to the same shard below.
  Cid below = source.put(Codec::dag_pb, shard_block(256, {{slot_of("a", 7), {"a", child_, 1}}}));
  for (int level = 0; level < 7; ++level) {
    std::map<std::uint32_t, TestLink> links;
    for (std::uint32_t slot = 0; slot < 256; ++slot) links[slot] = {"", below, 1};
    below = source.put(Codec::dag_pb, shard_block(256, links));
  }
  expect_refused(below);
  EXPECT_LT(source.gets, 20u);
}

TEST_F(DirectoryReaderTest, ShardsAreNotDeeperThanAHashIsLong) {
  Cid below = source.put(Codec::dag_pb, shard_block(256, {{slot_of("a"), {"a", child_, 1}}}));
  for (unsigned level = 8; level-- > 0;) {
    below = source.put(Codec::dag_pb, shard_block(256, {{slot_of("a", level), {"", below, 1}}}));
  }
  const Listing out = ls(below);
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->text, "sharded directory too deep");
}

TEST_F(DirectoryReaderTest, ANameOfManyBytesIsRefused) {
  const auto named = [this](std::size_t bytes) {
    return source.put(Codec::dag_pb, dag_pb_block({{std::string(bytes, 'n'), child_, 1}},
                                                  unixfs_message(NodeType::directory)));
  };
  EXPECT_EQ(ls(named(link_name_bytes_max)).names.size(), 1u);
  EXPECT_EQ(ls(named(link_name_bytes_max + 1)).error->code, ErrorCode::limit);
}

TEST_F(DirectoryReaderTest, AnyGetMayFail) {
  shape_ = HamtShape(8);
  const Cid root = put_shard(numbered(100));
  for (std::size_t n = 1;; ++n) {
    source.gets = 0;
    source.fail_get = n;
    const Listing out = ls(root);
    if (!out.error) {
      EXPECT_EQ(out.names.size(), 100u);
      EXPECT_GT(n, 20u);
      break;
    }
    EXPECT_EQ(out.error->code, ErrorCode::block_failed);
  }
}

}  // namespace
}  // namespace masu::unixfs
