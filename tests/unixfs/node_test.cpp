#include "unixfs/dag/node.hpp"

#include "tests/unixfs/bytes.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs {
namespace {

using test::from_hex;

Result<Node> parse(const std::string& bytes) { return Node::parse(Rope(as_bytes(bytes))); }

std::vector<std::uint64_t> sizes_of(const Node& node) {
  std::vector<std::uint64_t> out;
  for (BlockSizes sizes = node.block_sizes(); const auto size = sizes.next();) out.push_back(*size);
  return out;
}

std::string written(const NodeFields& fields, std::string_view data = {}) {
  ByteBuffer out;
  put_node_head(out, fields);
  out.insert(out.end(), data.begin(), data.end());
  put_node_tail(out, fields);
  return test::to_hex(out);
}

TEST(NodeTest, ReadsAnEmptyDirectoryAndAnEmptyFile) {
  const std::string directory = from_hex("0801"), file = from_hex("08021800");
  ASSERT_TRUE(parse(directory));
  EXPECT_EQ(parse(directory)->type, NodeType::directory);
  ASSERT_TRUE(parse(file));
  EXPECT_EQ(parse(file)->type, NodeType::file);
  EXPECT_EQ(parse(file)->filesize, 0u);
  EXPECT_EQ(*parse(file)->file_size(), 0u);
}

TEST(NodeTest, ReadsBlockSizesPackedAndUnpackedAlike) {
  const std::string plain = from_hex("080218910320c80120c901");
  const std::string packed = from_hex("08021891032204c801c901");
  const std::string mixed = from_hex("08021891032202c80120c901");
  for (const std::string& bytes : {plain, packed, mixed}) {
    const auto node = parse(bytes);
    ASSERT_TRUE(node) << node.error().text;
    EXPECT_EQ(node->block_size_count, 2u);
    EXPECT_EQ(sizes_of(*node), (std::vector<std::uint64_t>{200, 201}));
    EXPECT_EQ(*node->file_size(), 401u);
  }
}

TEST(NodeTest, ReadsFieldsInAnyOrderAndSkipsUnknownOnes) {
  const std::string bytes = from_hex(
      "7a0161"
      "18"
      "03"
      "1203"
      "616263"
      "7801"
      "0802"
      "7d01020304");
  const auto node = parse(bytes);
  ASSERT_TRUE(node) << node.error().text;
  EXPECT_TRUE(node->data == "abc");
  EXPECT_EQ(*node->file_size(), 3u);
}

TEST(NodeTest, RefusesWhatIsNoNode) {
  for (const char* hex : {
           "",                          // no type
           "1800",                      // no type
           "0806",                      // a type that is none
           "08",                        // cut
           "0802120561",                // Data longer than the message
           "0802ffffffffffffffffff7f",  // a tag of more than 64 bits
           "080220ffffffffffffffffff01"
           "2001",            // block sizes that overflow
           "08022203808080",  // a packed varint that is cut
           "0b",              // a group
           "0008",            // field 0
       }) {
    const std::string bytes = from_hex(hex);
    EXPECT_FALSE(parse(bytes)) << hex;
  }
}

TEST(NodeTest, RefusesAFileSizeThatLies) {
  const std::string lie = from_hex("0802186420c801"), overflow = from_hex(
                                                          "080220ffffffffffffffff7f"
                                                          "120161");
  EXPECT_EQ(parse(lie)->file_size().error().code, ErrorCode::hostile);
  EXPECT_EQ(parse(overflow)->file_size().error().code, ErrorCode::hostile);
}

TEST(NodeTest, ReadsModeAndTime) {
  const auto node =
      parse(from_hex("0801"
                     "38ed83f00f"
                     "420b"
                     "0880e2cfaa06"
                     "1515cd5b07"));
  ASSERT_TRUE(node) << node.error().text;
  EXPECT_EQ(node->metadata.mode, 0x1edu);
  ASSERT_TRUE(node->metadata.mtime);
  EXPECT_EQ(*node->metadata.mtime, (Timestamp{1700000000, 123456789}));
}

TEST(NodeTest, ATimeBeforeTheEpochTakesTenBytes) {
  const NodeFields fields{.type = NodeType::directory, .metadata = {.mode = 0, .mtime = Timestamp{-5, 0}}};
  EXPECT_EQ(written(fields), "0a0f0801420b08fbffffffffffffffff01");
  const auto node = parse(from_hex("0801420b08fbffffffffffffffff01"));
  ASSERT_TRUE(node);
  EXPECT_EQ(node->metadata.mtime->seconds, -5);
}

TEST(NodeTest, ATimeWithNanosecondsOutOfRangeIsNoTime) {
  for (const char* hex : {"0801420708051500000000", "08014207080515ffffffff", "080142051515cd5b07"}) {
    const auto node = parse(from_hex(hex));
    ASSERT_TRUE(node) << hex;
    EXPECT_FALSE(node->metadata.mtime) << hex;
  }
  EXPECT_FALSE(parse(from_hex("0801420308ffff")));
}

TEST(NodeTest, WritesFieldsInTheirOrder) {
  ByteBuffer sizes;
  put_block_size(sizes, 262144);
  put_block_size(sizes, 1);
  EXPECT_EQ(written({.type = NodeType::file, .filesize = 262145, .block_sizes = sizes}),
            "0a0c0802188180102080801020"
            "01");
  EXPECT_EQ(written({.type = NodeType::file, .data_bytes = 1, .filesize = 1}, "a"),
            "0a07080212016118"
            "01");
  EXPECT_EQ(
      written({.type = NodeType::hamt_shard, .data_bytes = 2, .hash_type = murmur3_x64_64, .fanout = 256},
              "xy"),
      "0a0b080512027879"
      "2822"
      "308002");
  EXPECT_EQ(written({.type = NodeType::symlink, .data_bytes = 3}, "a/b"), "0a0708041203612f62");
  EXPECT_EQ(written({.type = NodeType::directory,
                     .metadata = {.mode = 0755, .mtime = Timestamp{1700000000, 123456789}}}),
            "0a12"
            "0801"
            "38ed03"
            "420b"
            "0880e2cfaa06"
            "1515cd5b07");
}

TEST(NodeTest, WhatIsWrittenIsRead) {
  test::ByteStream random(7);
  for (int round = 0; round < 500; ++round) {
    ByteBuffer sizes;
    std::uint64_t sum = 0;
    for (std::uint64_t i = random.number(5); i > 0; --i) {
      const std::uint64_t size = random.number(std::uint64_t{1} << (1 + random.number(40)));
      put_block_size(sizes, size);
      sum += size;
    }
    const std::string data(random.number(300), 'd');
    NodeFields fields{.type = NodeType::file, .filesize = sum + data.size(), .block_sizes = sizes};
    if (!data.empty()) fields.data_bytes = data.size();
    fields.metadata.mode = static_cast<std::uint32_t>(random.number(07777));
    if (random.number(2) == 1) {
      fields.metadata.mtime = Timestamp{static_cast<std::int64_t>(random.number(1u << 31)) - (1 << 30),
                                        static_cast<std::uint32_t>(random.number(1000000000))};
    }
    const std::string field = from_hex(written(fields, data));
    Rope in(as_bytes(field));
    EXPECT_EQ(in.take_byte(), 0x0a);
    const auto message = protobuf::take_bytes(in);
    ASSERT_TRUE(message && in.empty());
    const auto node = Node::parse(*message);
    ASSERT_TRUE(node) << node.error().text;
    EXPECT_EQ(*node->file_size(), sum + data.size());
    EXPECT_EQ(node->metadata.mode, fields.metadata.mode);
    EXPECT_EQ(node->metadata.mtime, fields.metadata.mtime);
  }
}

}  // namespace
}  // namespace masu::unixfs
