#include "bitswap/message_writer.hpp"

#include "alloc/resource.hpp"
#include "tests/bitswap/node.hpp"
#include "tests/bitswap/raw_message.hpp"

#include <gtest/gtest.h>

namespace masu::bitswap {
namespace {

class MessageWriterTest : public testing::Test {
 protected:
  void read(Bytes bytes) {
    const auto used = reader.feed(bytes);
    ASSERT_TRUE(used) << name_of(used.error());
    EXPECT_EQ(*used, bytes.size());
  }

  TestMemory memory{16};
  AccountResource digests{memory.holder};
  BlockIntake intake{memory.chunks, memory.holder, digests};
  NotingSink sink{memory.chunks};
  MessageReader reader{intake, sink};
  Staging staging;
};

TEST_F(MessageWriterTest, WhatItWritesIsRead) {
  const TestBlock one = numbered_block(1, 10), two = numbered_block(2, 10);
  MessageWriter writer(staging);
  EXPECT_TRUE(writer.empty());
  ASSERT_TRUE(writer.add({one.cid.bytes(), 2'000'000'000, WantType::have, false, true}));
  ASSERT_TRUE(writer.add({two.cid.bytes(), -5, WantType::block, true, false}));
  ASSERT_TRUE(writer.add(one.cid.bytes(), Presence::dont_have));
  ASSERT_TRUE(writer.add(two.cid.bytes(), Presence::have));
  writer.finish();
  read(staging.bytes());
  ASSERT_EQ(sink.wants.size(), 2u);
  EXPECT_EQ(sink.wants[0].cid, one.cid);
  EXPECT_EQ(sink.wants[0].priority, 2'000'000'000);
  EXPECT_EQ(sink.wants[0].type, WantType::have);
  EXPECT_TRUE(sink.wants[0].send_dont_have);
  EXPECT_EQ(sink.wants[1].priority, -5);
  EXPECT_TRUE(sink.wants[1].cancel);
  ASSERT_EQ(sink.presences.size(), 2u);
  EXPECT_EQ(sink.presences[0], std::pair(one.cid, Presence::dont_have));
  EXPECT_EQ(sink.presences[1], std::pair(two.cid, Presence::have));
  EXPECT_EQ(sink.messages, 1u);
}

TEST_F(MessageWriterTest, AFullMessageIsWholeAndTheRestGoesIntoTheNext) {
  unsigned written = 0;
  for (int messages = 0; messages < 5; ++messages) {
    staging.clear();
    MessageWriter writer(staging);
    while (writer.add({numbered_block(written, 10).cid.bytes(), 1})) ++written;
    writer.finish();
    read(staging.bytes());
  }
  EXPECT_GE(written, 5u * 7);
  ASSERT_EQ(sink.wants.size(), written);
  for (unsigned i = 0; i < written; ++i) EXPECT_EQ(sink.wants[i].cid, numbered_block(i, 10).cid);
}

TEST_F(MessageWriterTest, TheLongestCidFits) {
  const Cid cid = Cid::v1(
      static_cast<Codec>(varint_value_max),
      Multihash::make(static_cast<HashCode>(varint_value_max), Bytes(std::array<std::uint8_t, 128>{})));
  ASSERT_EQ(cid.bytes().size(), cid_bytes_max);
  MessageWriter writer(staging);
  EXPECT_TRUE(writer.add({cid.bytes(), -1, WantType::have, true, true}));
  writer.finish();
  read(staging.bytes());
  ASSERT_EQ(sink.wants.size(), 1u);
  EXPECT_EQ(sink.wants[0].cid, cid);
}

TEST_F(MessageWriterTest, BlocksFollowTheirHeads) {
  for (const std::size_t size : {0, 1, 127, 128, 20'000}) {
    for (const Dialect dialect : {Dialect{true, true}, Dialect{false, false}}) {
      const TestBlock block = numbered_block(3, size);
      const BlockHead head = block_head(block.cid, size, dialect);
      staging.clear();
      MessageWriter writer(staging);
      writer.finish(head.size() + size);
      sink.blocks.clear();
      read(staging.bytes());
      read(head);
      read(as_bytes(block.bytes));
      ASSERT_EQ(sink.blocks.size(), 1u);
      EXPECT_EQ(sink.blocks[0].first, block.cid.hash());
      EXPECT_EQ(sink.blocks[0].second, block.bytes);
      EXPECT_TRUE(reader.between_messages());
    }
  }
}

}  // namespace
}  // namespace masu::bitswap
