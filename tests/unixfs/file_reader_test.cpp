#include "unixfs/read/file_reader.hpp"

#include "tests/unixfs/dag_source.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs {
namespace {

using test::dag_pb_block;
using test::unixfs_message;

struct Outcome {
  std::string bytes;
  std::optional<Error> error;
  std::uint64_t size = 0;
  std::size_t held_max = 0;
};

Task<> read(TaskMemory memory, test::DagTest& dag, Cid root, std::uint64_t offset, std::uint64_t bytes,
            Outcome& out) {
  LoadedNode node;
  auto loaded = co_await node.load(memory, dag.context, root);
  if (!loaded) {
    out.error = loaded.error();
    co_return;
  }
  FileReader reader(dag.context, memory.resource());
  auto opened = co_await reader.open(memory, node);
  if (opened) opened = reader.set_range(offset, bytes);
  if (!opened) {
    out.error = opened.error();
    co_return;
  }
  out.size = reader.size();
  while (true) {
    Result<ChunkChain> chain = co_await reader.next(memory);
    if (!chain) {
      out.error = chain.error();
      co_return;
    }
    if (chain->empty()) co_return;
    out.held_max = std::max(out.held_max, dag.holder.live_bytes());
    append(out.bytes, Rope(*chain));
  }
}

class FileReaderTest : public ::testing::Test, protected test::DagTest {
 protected:
  ~FileReaderTest() override { EXPECT_EQ(holder.live_bytes(), 0u) << "a block was kept"; }

  Outcome cat(const Cid& root, std::uint64_t offset = 0, std::uint64_t bytes = FileReader::whole) {
    Outcome out;
    Listener listener;
    spawn(read(memory, *this, root, offset, bytes, out), listener);
    source.run();
    EXPECT_TRUE(listener.done);
    return out;
  }
  void expect_hostile(const Cid& root) {
    const Outcome out = cat(root);
    ASSERT_TRUE(out.error);
    EXPECT_EQ(out.error->code, ErrorCode::hostile) << out.error->text;
  }
  std::string content(std::size_t bytes) {
    const auto all = test::ByteStream().take(bytes);
    return std::string(all.begin(), all.end());
  }
  Cid put_pb(const std::vector<test::TestLink>& links, std::string_view message) {
    return source.put(Codec::dag_pb, dag_pb_block(links, message));
  }
};

TEST_F(FileReaderTest, ReadsFilesOfOneBlock) {
  EXPECT_EQ(cat(source.put(Codec::raw, "raw bytes")).bytes, "raw bytes");
  EXPECT_EQ(cat(put_pb({}, unixfs_message(NodeType::file, "in a node", {}, 9))).bytes, "in a node");
  EXPECT_EQ(cat(put_pb({}, unixfs_message(NodeType::raw, "an old leaf", {}, 11))).bytes, "an old leaf");
  EXPECT_EQ(cat(put_pb({}, unixfs_message(NodeType::file))).bytes, "");
  EXPECT_EQ(cat(source.put(Codec::raw, "")).bytes, "");
}

TEST_F(FileReaderTest, ReadsBytesThatLieInTheCid) {
  const Cid inlined = Cid::v1(Codec::raw, *multihash_of(HashCode::identity, as_bytes("inlined")));
  EXPECT_EQ(cat(inlined).bytes, "inlined");
  const Cid file =
      put_pb({{"", inlined, 7}, {"", inlined, 7}}, unixfs_message(NodeType::file, {}, {7, 7}, 14));
  EXPECT_EQ(cat(file).bytes, "inlinedinlined");
}

TEST_F(FileReaderTest, ReadsEveryRangeOfATree) {
  const std::string all = content(97);
  for (const bool raw : {true, false}) {
    const Cid root = put_file(all, 5, 3, raw);
    for (std::size_t offset = 0; offset <= all.size() + 2; ++offset) {
      for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{5},
                                      std::size_t{6}, std::size_t{16}, std::size_t{97}, std::size_t{200}}) {
        const Outcome out = cat(root, offset, bytes);
        ASSERT_FALSE(out.error) << out.error->text;
        EXPECT_EQ(out.size, all.size());
        ASSERT_EQ(out.bytes, offset < all.size() ? all.substr(offset, bytes) : "") << offset << " " << bytes;
      }
    }
  }
}

TEST_F(FileReaderTest, GetsOnlyTheBlocksOfTheRange) {
  const std::string all = content(100 * 1000);
  const Cid root = put_file(all, 1000, 10, true);
  source.asked.clear();
  EXPECT_EQ(cat(root, 54'321, 10).bytes, all.substr(54'321, 10));
  EXPECT_EQ(source.asked.size(), 3u) << "the root, one inner node, one leaf";
  EXPECT_TRUE(source.hinted.empty()) << "nothing behind the range is named";
}

TEST_F(FileReaderTest, DataOfInnerNodesComesBeforeTheirChildren) {
  const Cid c = source.put(Codec::raw, "cc"), e = source.put(Codec::raw, "ee");
  const Cid inner = put_pb({{"", c, 2}}, unixfs_message(NodeType::file, "bb", {2}, 4));
  const Cid root = put_pb({{"", inner, 4}, {"", e, 2}}, unixfs_message(NodeType::file, "aa", {4, 2}, 8));
  const std::string all = "aabbccee";
  for (std::size_t offset = 0; offset <= all.size(); ++offset) {
    for (std::size_t bytes = 0; bytes <= all.size(); ++bytes) {
      EXPECT_EQ(cat(root, offset, bytes).bytes, all.substr(offset, bytes)) << offset << " " << bytes;
    }
  }
}

TEST_F(FileReaderTest, ASymlinkReadsAsItsTarget) {
  EXPECT_EQ(cat(put_pb({}, unixfs_message(NodeType::symlink, "../there"))).bytes, "../there");
}

TEST_F(FileReaderTest, MetadataStandsForItsFirstChild) {
  const Cid file = put_pb({}, unixfs_message(NodeType::file, "below", {}, 5));
  EXPECT_EQ(cat(put_pb({{"", file, 5}}, unixfs_message(NodeType::metadata))).bytes, "below");
  EXPECT_EQ(cat(put_pb({}, unixfs_message(NodeType::metadata))).error->text,
            "incorrectly formatted metadata object");
}

TEST_F(FileReaderTest, WhatIsNoFileSaysSoInKubosWords) {
  EXPECT_EQ(cat(put_pb({}, unixfs_message(NodeType::directory))).error->text, "this dag node is a directory");
  EXPECT_EQ(cat(source.put(Codec::dag_cbor, "\xa0")).error->text, "unknown node type");
  const Cid absent = source.put(Codec::raw, "absent");
  source.remove(absent);
  EXPECT_EQ(cat(absent).error->text,
            "block was not found locally (offline): ipld: could not find " + absent.to_string());
  EXPECT_EQ(cat(put_pb({}, "")).error->code, ErrorCode::malformed);
}

TEST_F(FileReaderTest, SizesThatLieAreErrors) {
  const Cid leaf = source.put(Codec::raw, "four");
  const Cid small = put_pb({}, unixfs_message(NodeType::file, "ab", {}, 2));
  const Cid inner = put_pb({{"", leaf, 4}}, unixfs_message(NodeType::file, {}, {4}, 4));
  expect_hostile(put_pb({{"", leaf, 4}}, unixfs_message(NodeType::file, {}, {4}, 5)));   // the sum
  expect_hostile(put_pb({{"", leaf, 4}}, unixfs_message(NodeType::file, {}, {5}, 5)));   // a raw leaf
  expect_hostile(put_pb({{"", leaf, 4}}, unixfs_message(NodeType::file, {}, {3}, 3)));   // the same
  expect_hostile(put_pb({{"", small, 4}}, unixfs_message(NodeType::file, {}, {4}, 4)));  // a dag-pb leaf
  expect_hostile(put_pb({{"", inner, 4}}, unixfs_message(NodeType::file, {}, {8}, 8)));  // an inner node
  expect_hostile(
      put_pb({{"", leaf, 4}}, unixfs_message(NodeType::file, {}, {4, 4}, 8)));  // more sizes than links
  expect_hostile(put_pb({}, unixfs_message(NodeType::file, "ab", {}, 3)));      // a lone leaf
  expect_hostile(put_pb({{"", leaf, 4}}, unixfs_message(NodeType::file, {}, {~0ull >> 1, ~0ull >> 1}, 8)));
}

TEST_F(FileReaderTest, ADirectoryInsideOfAFileIsAnError) {
  const Cid directory = put_pb({}, unixfs_message(NodeType::directory));
  const Outcome out = cat(put_pb({{"", directory, 4}}, unixfs_message(NodeType::file, {}, {4}, 4)));
  EXPECT_EQ(out.error->code, ErrorCode::is_directory);
}

TEST_F(FileReaderTest, WithoutBlockSizesAFileIsReadFromItsStart) {
  const Cid a = source.put(Codec::raw, "aa"), b = source.put(Codec::raw, "bb");
  const Cid inner = put_pb({{"", a, 2}, {"", b, 2}}, unixfs_message(NodeType::file));
  const Cid root = put_pb({{"", inner, 4}, {"", a, 2}}, unixfs_message(NodeType::file, {}, {}, 6));
  EXPECT_EQ(cat(root).bytes, "aabbaa");
  EXPECT_EQ(cat(root).size, 6u);
  EXPECT_EQ(cat(root, 0, 3).bytes, "aab");
  EXPECT_EQ(cat(root, 1).error->text, "file does not support seeking");
}

TEST_F(FileReaderTest, ABombOfEmptyBlocksEnds) {
  Cid below = source.put(Codec::raw, "");
  for (int level = 0; level < 20; ++level) {
    below = put_pb(std::vector<test::TestLink>(64, {"", below, 0}), unixfs_message(NodeType::file));
  }
  expect_hostile(below);
  EXPECT_LT(source.gets, 50'000u);
  // With sizes, nothing of it is looked at.
  source.gets = 0;
  const Cid sized = put_pb(std::vector<test::TestLink>(1000, {"", below, 0}),
                           unixfs_message(NodeType::file, {}, std::vector<std::uint64_t>(1000, 0), 0));
  EXPECT_EQ(cat(sized).bytes, "");
  EXPECT_EQ(source.gets, 1u);
}

TEST_F(FileReaderTest, ABombOfSizesIsReadAsFarAsItIsWanted) {
  Cid below = source.put(Codec::raw, "x");
  std::uint64_t bytes = 1;
  for (int level = 0; level < 8; ++level) {
    below = put_pb(std::vector<test::TestLink>(128, {"", below, 0}),
                   unixfs_message(NodeType::file, {}, std::vector<std::uint64_t>(128, bytes), bytes * 128));
    bytes *= 128;
  }
  EXPECT_EQ(cat(below, bytes - 3).bytes, "xxx");
  EXPECT_EQ(cat(below, bytes / 2 - 1, 5).bytes, "xxxxx");
}

TEST_F(FileReaderTest, DepthIsBounded) {
  Cid below = source.put(Codec::raw, "deep");
  for (std::size_t level = 0; level < FileReader::levels_max; ++level) {
    below = put_pb({{"", below, 4}}, unixfs_message(NodeType::file, {}, {4}, 4));
  }
  EXPECT_EQ(cat(below).bytes, "deep");
  expect_hostile(put_pb({{"", below, 4}}, unixfs_message(NodeType::file, {}, {4}, 4)));
}

TEST_F(FileReaderTest, HoldsAFewBlocksHoweverLargeTheFile) {
  const std::string all = content(24 << 20);
  const Cid root = put_file(all, 256 * 1024, 16, true);
  const Outcome out = cat(root);
  EXPECT_EQ(out.bytes, all);
  EXPECT_EQ(source.under_way_max, FileReader::gets_max);
  EXPECT_LE(out.held_max, FileReader::window_bytes + 512 * 1024);
}

TEST_F(FileReaderTest, LeavesAreNamedAheadOnceAndInOrder) {
  const std::string all = content(100 * 1000);
  const Cid root = put_file(all, 1000, 200, true);
  source.asked.clear();
  EXPECT_EQ(cat(root).bytes, all);
  std::vector<std::string> leaves(source.asked.begin() + 1, source.asked.end());
  ASSERT_GE(source.hinted.size(), 90u);
  const auto first = std::ranges::find(leaves, source.hinted[0]);
  EXPECT_TRUE(std::equal(source.hinted.begin(), source.hinted.end(), first));
}

TEST_F(FileReaderTest, GoesOnWithOneBlockAtATimeWhenMemoryIsShort) {
  const std::string all = content(4 << 20);
  const Cid root = put_file(all, 256 * 1024, 100, false);
  holder.set_quota(3 * 256 * 1024);
  EXPECT_EQ(cat(root).bytes, all);
  holder.set_quota(100 * 1024);
  EXPECT_EQ(cat(root).error->code, ErrorCode::out_of_memory);
}

TEST_F(FileReaderTest, AnyGetMayFail) {
  const std::string all = content(97);
  const Cid root = put_file(all, 5, 3, false);
  for (std::size_t n = 1;; ++n) {
    source.gets = 0;
    source.fail_get = n;
    const Outcome out = cat(root);
    if (!out.error) {
      EXPECT_EQ(out.bytes, all);
      EXPECT_GT(n, 30u);
      break;
    }
    EXPECT_EQ(out.error->code, ErrorCode::block_failed);
    EXPECT_EQ(out.bytes, all.substr(0, out.bytes.size())) << "what was given out is right";
  }
}

TEST_F(FileReaderTest, AMissingLeafEndsItWithTheBytesBeforeIt) {
  const std::string all = content(50);
  const Cid root = put_file(all, 10, 10, true);
  source.remove(source.put(Codec::raw, all.substr(30, 10)));
  const Outcome out = cat(root);
  EXPECT_EQ(out.error->code, ErrorCode::block_missing);
  EXPECT_EQ(out.bytes, all.substr(0, 30));
}

TEST_F(FileReaderTest, StopsWhenItIsTold) {
  stop.set = true;
  EXPECT_EQ(cat(source.put(Codec::raw, "x")).error->code, ErrorCode::stopped);
}

TEST_F(FileReaderTest, MayGoAwayAtAnyMoment) {
  const Cid root = put_file(content(97), 5, 3, false);
  for (int steps = 0; steps < 20; ++steps) {
    Outcome out;
    Listener listener;
    {
      TaskRun run;
      run.start(read(memory, *this, root, 0, FileReader::whole, out), listener);
      for (int i = 0; i < steps; ++i) source.step();
    }
    EXPECT_FALSE(source.step()) << "no request is left behind";
  }
}

}  // namespace
}  // namespace masu::unixfs
