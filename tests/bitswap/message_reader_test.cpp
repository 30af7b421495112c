#include "bitswap/message_reader.hpp"

#include "alloc/resource.hpp"
#include "store/block_store.hpp"
#include "tests/bitswap/node.hpp"
#include "tests/bitswap/raw_message.hpp"

#include <gtest/gtest.h>

namespace masu::bitswap {
namespace {

class MessageReaderTest : public testing::Test {
 protected:
  // Feeds pieces of `step` bytes.
  std::expected<void, MessageError> read(std::string_view bytes, std::size_t step = 1 << 20) {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, step);
      const auto used = reader.feed(as_bytes(piece));
      if (!used) return std::unexpected(used.error());
      bytes.remove_prefix(*used);
      if (reader.stall() != MessageReader::Stall::none) break;
    }
    rest = std::string(bytes);
    return {};
  }
  MessageError error_of(std::string_view bytes) {
    const auto outcome = read(bytes);
    EXPECT_FALSE(outcome);
    return outcome ? MessageError::malformed : outcome.error();
  }

  TestMemory memory{200};
  Account blocks{memory.budget, "bitswap.block", Lifetime::block, std::size_t{64} << 20};
  AccountResource digests{memory.holder};
  BlockIntake intake{memory.chunks, blocks, digests};
  NotingSink sink{memory.chunks};
  MessageReader reader{intake, sink};
  std::string rest;  // what was not used

  const TestBlock small = numbered_block(1, 700);
  const TestBlock large = numbered_block(2, 100'000);
};

TEST_F(MessageReaderTest, EveryPartComesOutHoweverTheBytesArrive) {
  const std::string message =
      framed(wantlist({{text_of(small.cid), 7, false, WantType::have, true},
                       {text_of(large.cid), -3, true, WantType::block, false}},
                      true) +
             payload(small.cid, small.bytes) + payload(large.cid, large.bytes) +
             presence(small.cid, Presence::have) + presence(large.cid, Presence::dont_have) +
             number_field(field::pending_bytes, 5));
  for (const std::size_t step : {1, 2, 3, 7, 64, 1000, 16384, 1 << 20}) {
    SCOPED_TRACE(step);
    NotingSink each(memory.chunks);
    MessageReader one(intake, each);
    std::string_view bytes = message;
    while (!bytes.empty()) {
      const auto used = one.feed(as_bytes(bytes.substr(0, step)));
      ASSERT_TRUE(used) << name_of(used.error());
      bytes.remove_prefix(*used);
    }
    EXPECT_TRUE(one.between_messages());
    ASSERT_EQ(each.wants.size(), 2u);
    EXPECT_EQ(each.wants[0].cid, small.cid);
    EXPECT_EQ(each.wants[0].priority, 7);
    EXPECT_EQ(each.wants[0].type, WantType::have);
    EXPECT_TRUE(each.wants[0].send_dont_have);
    EXPECT_FALSE(each.wants[0].cancel);
    EXPECT_EQ(each.wants[1].cid, large.cid);
    EXPECT_EQ(each.wants[1].priority, -3);
    EXPECT_TRUE(each.wants[1].cancel);
    ASSERT_EQ(each.blocks.size(), 2u);
    EXPECT_EQ(each.blocks[0].first, small.cid.hash());
    EXPECT_EQ(each.blocks[0].second, small.bytes);
    EXPECT_EQ(each.blocks[1].first, large.cid.hash());
    EXPECT_EQ(each.blocks[1].second, large.bytes);
    ASSERT_EQ(each.presences.size(), 2u);
    EXPECT_EQ(each.presences[1].second, Presence::dont_have);
    EXPECT_EQ(each.messages, 1u);
    EXPECT_EQ(each.full_messages, 1u);
  }
  EXPECT_EQ(memory.chunks.stats().used, 0u);
}

TEST_F(MessageReaderTest, FieldsComeInAnyOrderAndUnknownOnesArePassedOver) {
  const std::string want_fields = number_field(field::send_dont_have, 1) + number_field(field::want_type, 1) +
                                  bytes_field(99, "unknown") +
                                  bytes_field(field::entry_cid, text_of(small.cid));
  const std::string list = number_field(field::full, 1) + bytes_field(field::entries, want_fields);
  const std::string presence_fields =
      number_field(field::presence_type, 1) + bytes_field(field::presence_cid, text_of(small.cid));
  ASSERT_TRUE(read(framed(number_field(9, 3) + varint_text(10 << 3 | 1) + "12345678" +
                          bytes_field(field::presences, presence_fields) + varint_text(11 << 3 | 5) + "1234" +
                          payload(small.cid, small.bytes) + bytes_field(field::wantlist, list) +
                          number_field(field::pending_bytes, 1))));
  ASSERT_EQ(sink.wants.size(), 1u);
  EXPECT_TRUE(sink.wants[0].send_dont_have);
  EXPECT_EQ(sink.wants[0].type, WantType::have);
  ASSERT_EQ(sink.presences.size(), 1u);
  EXPECT_EQ(sink.presences[0].second, Presence::dont_have);
  EXPECT_EQ(sink.blocks.size(), 1u);
  EXPECT_EQ(sink.full_messages, 1u);
}

TEST_F(MessageReaderTest, EmptyMessagesAndEmptyBlocksAreRead) {
  const TestBlock empty = make_block("");
  ASSERT_TRUE(read(framed("") + framed(wantlist({})) + framed(payload(empty.cid, ""))));
  EXPECT_EQ(sink.messages, 3u);
  ASSERT_EQ(sink.blocks.size(), 1u);
  EXPECT_EQ(sink.blocks[0].first, empty.cid.hash());
}

TEST_F(MessageReaderTest, BareBlocksAreHashedWithSha256) {
  ASSERT_TRUE(read(framed(bytes_field(field::blocks, small.bytes) + bytes_field(field::blocks, ""))));
  ASSERT_EQ(sink.blocks.size(), 2u);
  EXPECT_EQ(sink.blocks[0].first, small.cid.hash());
  EXPECT_EQ(sink.blocks[1].first, make_block("").cid.hash());
}

TEST_F(MessageReaderTest, APayloadThatWasNotAskedForTakesNoMemory) {
  sink.asked = false;
  const std::string message = framed(payload(large.cid, large.bytes));
  for (std::size_t at = 0; at < message.size(); at += 1000) {
    ASSERT_TRUE(read(std::string_view(message).substr(at, 1000)));
    EXPECT_EQ(memory.chunks.stats().used, 0u);
  }
  EXPECT_TRUE(sink.blocks.empty());
  EXPECT_EQ(sink.messages, 1u);
}

TEST_F(MessageReaderTest, LengthsAreClaims) {
  // 2 MiB are announced, and 10 bytes come.
  const std::string message = framed(payload(large.cid, std::string(store::block_bytes_max, 'x')));
  ASSERT_TRUE(read(std::string_view(message).substr(0, 60)));
  EXPECT_LE(memory.chunks.stats().used, 1u);
  EXPECT_EQ(sink.block_room.used_bytes(), 0u);
}

TEST_F(MessageReaderTest, ABlockNeedsRoomForItsSecondChunk) {
  BlockRoom::Grant taken = sink.block_room.take(sink.block_room.bytes_max() - 50'000);
  const std::string message = framed(payload(large.cid, large.bytes));
  ASSERT_TRUE(read(message));
  EXPECT_EQ(reader.stall(), MessageReader::Stall::room);
  EXPECT_EQ(memory.chunks.stats().used, 1u);
  taken.reset();
  ASSERT_TRUE(read(std::string(rest)));
  ASSERT_EQ(sink.blocks.size(), 1u);
  EXPECT_EQ(sink.blocks[0].second, large.bytes);
  EXPECT_EQ(sink.block_room.used_bytes(), 0u);
}

// Uploads and reads take all that is free behind its back.
TEST_F(MessageReaderTest, ABlockThatHasRoomEndsWhateverOthersTake) {
  const std::string message = framed(payload(large.cid, large.bytes));
  ASSERT_TRUE(read(std::string_view(message).substr(0, 20'000)));
  EXPECT_EQ(reader.stall(), MessageReader::Stall::none);
  ASSERT_TRUE(reader.holds_room());
  std::vector<Chunk> others;
  while (Chunk chunk = memory.chunks.take(memory.holder)) others.push_back(std::move(chunk));
  ASSERT_TRUE(read(std::string_view(message).substr(20'000)));
  ASSERT_EQ(sink.blocks.size(), 1u);
  EXPECT_EQ(sink.blocks[0].second, large.bytes);
  // Now there is no room for another one: it waits with its first chunk.
  others.pop_back();
  ASSERT_TRUE(sink.block_room.take(50'000)) << "but one may always be alone";
  const BlockRoom::Grant alone = sink.block_room.take(50'000);
  EXPECT_FALSE(sink.block_room.take(50'000));
}

TEST_F(MessageReaderTest, ItStopsWithoutChunksAndGoesOnWithThem) {
  blocks.set_quota(chunk_bytes);
  ASSERT_TRUE(read(framed(payload(large.cid, large.bytes))));
  EXPECT_EQ(reader.stall(), MessageReader::Stall::chunk);
  blocks.set_quota(std::size_t{1} << 20);
  ASSERT_TRUE(read(std::string(rest)));
  ASSERT_EQ(sink.blocks.size(), 1u);
  EXPECT_EQ(sink.blocks[0].second, large.bytes);
}

TEST_F(MessageReaderTest, ItStopsWhereABlockOrAWantFindsNoRoom) {
  sink.room = false;
  sink.wants_allowed = 1;
  const WantText want{text_of(small.cid)};
  ASSERT_TRUE(read(framed(payload(small.cid, small.bytes) + wantlist({want, want}))));
  EXPECT_EQ(reader.stall(), MessageReader::Stall::block);
  sink.room = true;
  ASSERT_TRUE(read(std::string(rest)));
  EXPECT_EQ(sink.blocks.size(), 1u);
  EXPECT_EQ(reader.stall(), MessageReader::Stall::want);
  EXPECT_EQ(sink.wants.size(), 1u);
  sink.wants_allowed = 1;
  ASSERT_TRUE(reader.feed({}));
  EXPECT_EQ(reader.stall(), MessageReader::Stall::none);
  EXPECT_EQ(sink.wants.size(), 2u);
  EXPECT_EQ(sink.messages, 1u);
}

TEST_F(MessageReaderTest, CidsThatAreTooLongArePassedOver) {
  const std::string long_digest = std::string("\x01\x55\x12") + varint_text(140) + std::string(140, 'd');
  ASSERT_TRUE(read(framed(wantlist({{std::string(169, 'c')}, {long_digest}, {text_of(small.cid)}}))));
  ASSERT_EQ(sink.wants.size(), 1u);
  EXPECT_EQ(sink.wants[0].cid, small.cid);
}

TEST_F(MessageReaderTest, BlocksOfUnknownFunctionsOrAbove2MibArePassedOver) {
  const std::string md5 = std::string("\x01\x55") + varint_text(0xd5) + varint_text(16);
  const std::string identity = std::string("\x01\x55") + std::string(1, '\0') + varint_text(5);
  for (const std::string& prefix : {md5, identity}) {
    ASSERT_TRUE(read(framed(bytes_field(
        field::payload, bytes_field(field::prefix, prefix) + bytes_field(field::data, "bytes")))));
  }
  ASSERT_TRUE(read(framed(payload(large.cid, std::string(store::block_bytes_max + 1, 'x')))));
  EXPECT_TRUE(sink.begun.empty());
  EXPECT_EQ(sink.messages, 3u);
}

TEST_F(MessageReaderTest, WhatIsMalformedIsRefused) {
  const auto alone = [&](const std::string& message) {
    NotingSink each(memory.chunks);
    MessageReader one(intake, each);
    const auto used = one.feed(as_bytes(message));
    EXPECT_FALSE(used);
    return used ? MessageError::too_many_parts : used.error();
  };
  EXPECT_EQ(alone(varint_text(message_bytes_max + 1)), MessageError::too_long);
  EXPECT_EQ(alone(std::string(11, '\xff')), MessageError::malformed);
  EXPECT_EQ(alone(framed(wantlist({{""}}))), MessageError::missing_cid);
  EXPECT_EQ(alone(framed(bytes_field(field::wantlist, bytes_field(field::entries, "")))),
            MessageError::missing_cid);
  EXPECT_EQ(alone(framed(bytes_field(field::presences, number_field(field::presence_type, 1)))),
            MessageError::missing_cid);
  EXPECT_EQ(alone(framed(wantlist({{"nonsense"}}))), MessageError::bad_cid);
  EXPECT_EQ(alone(framed(bytes_field(field::payload, ""))), MessageError::missing_prefix);
  EXPECT_EQ(alone(framed(bytes_field(field::payload, bytes_field(field::data, "front") +
                                                         bytes_field(field::prefix, prefix_of(small.cid))))),
            MessageError::missing_prefix);
  EXPECT_EQ(alone(framed(bytes_field(field::payload, bytes_field(field::prefix, "\x01\x55")))),
            MessageError::bad_prefix);
  EXPECT_EQ(alone(framed(bytes_field(field::payload, bytes_field(field::prefix, std::string(99, 'p'))))),
            MessageError::bad_prefix);
  EXPECT_EQ(alone(framed(number_field(field::wantlist, 1))), MessageError::malformed);
  EXPECT_EQ(alone(framed(std::string("\x03"))), MessageError::malformed) << "a group";
  EXPECT_EQ(alone(framed(varint_text(field::wantlist << 3 | 2) + varint_text(50))), MessageError::malformed)
      << "longer than the message";
}

TEST_F(MessageReaderTest, AMessageOfNothingButSmallPartsIsRefused) {
  std::string parts;
  for (std::uint32_t i = 0; i <= MessageReader::parts_max; ++i)
    parts += number_field(field::pending_bytes, 1);
  EXPECT_EQ(error_of(framed(parts)), MessageError::too_many_parts);
}

TEST_F(MessageReaderTest, EveryCutOfAMessageIsHarmless) {
  const std::string message = framed(wantlist({{text_of(small.cid)}}) + payload(small.cid, small.bytes) +
                                     payload(large.cid, large.bytes));
  for (std::size_t end = 0; end < message.size(); end += end < 2000 ? 1 : 997) {
    NotingSink each(memory.chunks);
    MessageReader one(intake, each);
    ASSERT_TRUE(one.feed(as_bytes(std::string_view(message).substr(0, end))));
    EXPECT_EQ(one.between_messages(), end == 0);
  }
  EXPECT_EQ(memory.chunks.stats().used, 0u);
}

}  // namespace
}  // namespace masu::bitswap
