#include "store/disk/segment_file.hpp"

#include "multiformats/digest.hpp"
#include "store/disk/crc32c.hpp"
#include "store/disk/segment_writer.hpp"
#include "tests/store/fault_files.hpp"

#include <array>
#include <memory_resource>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

using test::ByteStream;
using test::FaultFiles;

TEST(Crc32cTest, MatchesTheVectorsOfRfc3720) {
  const std::vector<std::uint8_t> zeros(32, 0), ones(32, 0xff);
  std::vector<std::uint8_t> up(32);
  for (std::size_t i = 0; i < up.size(); ++i) up[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(crc32c(zeros), 0x8a9136aau);
  EXPECT_EQ(crc32c(ones), 0x62a8ab43u);
  EXPECT_EQ(crc32c(up), 0x46dd794eu);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c({}), 0u);
}

TEST(Crc32cTest, GoesOnInPiecesAndWithoutTheInstruction) {
  const auto bytes = ByteStream(1).take(20000);
  for (std::size_t cut = 0; cut <= bytes.size(); cut += 997) {
    const Bytes whole(bytes);
    EXPECT_EQ(crc32c(whole.subspan(cut), crc32c(whole.first(cut))), crc32c_portable(whole));
    EXPECT_EQ(crc32c_portable(whole.subspan(cut), crc32c_portable(whole.first(cut))), crc32c(whole));
  }
}

TEST(SegmentFormatTest, NamesTellTheirSegment) {
  EXPECT_EQ(segment_name(12), "0000000012.seg");
  EXPECT_EQ(segment_id("0000000012.seg"), 12u);
  EXPECT_EQ(segment_id(segment_name(~0u)), ~0u);
  for (const char* name :
       {"", "0000000000.seg", "12.seg", "0000000012.sex", "000000001x.seg", "9999999999.seg"}) {
    EXPECT_FALSE(segment_id(name)) << name;
  }
}

TEST(SegmentFormatTest, ARecordHeaderIsRefusedWhenAnyBitIsWrong) {
  const RecordHeader header{*multihash_of(HashCode::sha2_256, as_bytes("x")), 12345, 678};
  std::array<std::uint8_t, record_header_bytes_max> buffer;
  const Bytes encoded = encode_record_header(header, buffer);
  EXPECT_EQ(encoded.size(), header.bytes());
  const auto decoded = decode_record_header(buffer);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->hash, header.hash);
  EXPECT_EQ(decoded->data_bytes, 12345u);
  EXPECT_EQ(decoded->data_crc, 678u);
  EXPECT_FALSE(decode_record_header(encoded.first(encoded.size() - 1)));
  for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
    buffer[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(decode_record_header(encoded)) << bit;
    buffer[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
  }
}

class SegmentTest : public ::testing::Test {
 protected:
  SegmentLocation append(std::size_t bytes, std::uint64_t seed) {
    const auto data = ByteStream(seed).take(bytes);
    const RecordHeader header{*multihash_of(HashCode::sha2_256, data), static_cast<std::uint32_t>(bytes),
                              crc32c(data)};
    const Bytes whole(data);
    const std::array<Bytes, 3> pieces{whole.first(bytes / 2), Bytes(), whole.subspan(bytes / 2)};
    const auto location = writer_.append(header, pieces);
    EXPECT_TRUE(location) << location.error().detail;
    written_.push_back({location->offset, header});
    return *location;
  }
  // The offsets of what a scan finds.
  std::vector<std::uint32_t> scan(std::uint64_t end) {
    const auto file = files_.open("blocks/" + segment_name(1), Files::Mode::read);
    std::vector<std::uint8_t> buffer(SegmentScanner::buffer_bytes_min);
    SegmentScanner scanner(**file, end, buffer);
    std::vector<std::uint32_t> offsets;
    for (auto record = scanner.next(); record.value(); record = scanner.next()) {
      offsets.push_back((*record)->offset);
    }
    damaged_ = scanner.damaged_bytes();
    return offsets;
  }

  FaultFiles files_{1};
  StoreState state_{*std::pmr::get_default_resource(), 16 * 1024};
  SegmentWriter writer_{files_, "blocks", 1 << 20, state_};
  std::vector<SegmentScanner::Record> written_;
  std::uint64_t damaged_ = 0;
};

TEST_F(SegmentTest, AScanFindsEveryRecordAndGoesOnBehindDamage) {
  std::vector<std::uint32_t> offsets;
  std::uint32_t end = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const SegmentLocation location = append(i * 131, i);
    offsets.push_back(location.offset);
    end = location.offset + record_bytes(written_.back().header.hash, location.data_bytes);
  }
  EXPECT_EQ(scan(end), offsets);
  EXPECT_EQ(damaged_, 0u);
  files_.corrupt_byte("blocks/" + segment_name(1), offsets[5] + 3);
  auto expected = offsets;
  expected.erase(expected.begin() + 5);
  EXPECT_EQ(scan(end), expected);
  EXPECT_EQ(damaged_, written_[5].header.record_bytes());
  // A segment that ends in the middle of its last record.
  files_.truncate_behind_back("blocks/" + segment_name(1), end - 1);
  expected.pop_back();
  EXPECT_EQ(scan(end - 1), expected);
  EXPECT_EQ(scan(end).size(), offsets.size() - 1);
}

TEST_F(SegmentTest, AFullSegmentIsFollowedByTheNext) {
  SegmentWriter small(files_, "small", 8 * 1024, state_);
  const auto data = ByteStream(1).take(3000);
  const RecordHeader header{*multihash_of(HashCode::sha2_256, data), 3000, crc32c(data)};
  const Bytes piece(data);
  std::vector<std::uint32_t> segments;
  for (int i = 0; i < 5; ++i) segments.push_back(small.append(header, {&piece, 1})->segment);
  EXPECT_EQ(segments, (std::vector<std::uint32_t>{1, 1, 2, 2, 3}));
  // A record above the size of a segment has one to itself.
  const auto large = ByteStream(2).take(20'000);
  const RecordHeader large_header{*multihash_of(HashCode::sha2_256, large), 20'000, crc32c(large)};
  const Bytes large_piece(large);
  EXPECT_EQ(small.append(large_header, {&large_piece, 1})->segment, 4u);
  EXPECT_EQ(small.append(header, {&piece, 1})->segment, 5u);
  const auto unsynced = small.take_unsynced();
  EXPECT_EQ(unsynced.segments.size(), 5u);
  EXPECT_TRUE(unsynced.created);
  EXPECT_TRUE(small.take_unsynced().segments.empty());
}

TEST_F(SegmentTest, AFailedAppendLeavesNothingBehind) {
  append(3000, 1);
  const std::uint64_t before = files_.used_bytes();
  const auto data = ByteStream(2).take(3000);
  const RecordHeader header{*multihash_of(HashCode::sha2_256, data), 3000, crc32c(data)};
  const Bytes piece(data);
  files_.fail_after(0, ENOSPC);
  EXPECT_EQ(writer_.append(header, {&piece, 1}).error().code, StoreErrorCode::disk_full);
  EXPECT_EQ(files_.used_bytes(), before);
  const SegmentLocation next = append(3000, 3);
  EXPECT_EQ(next.offset, before);
}

TEST_F(SegmentTest, ACopyChecksTheData) {
  const SegmentLocation first = append(9000, 1);
  const auto from = writer_.current();
  std::vector<std::uint8_t> buffer(4096);
  const auto copied = writer_.append_copy(written_[0].header, *from, first.offset, buffer);
  ASSERT_TRUE(copied) << copied.error().detail;
  EXPECT_TRUE(from->read_header(*copied, written_[0].header.hash));
  const std::uint64_t before = files_.used_bytes();
  files_.corrupt_byte("blocks/" + segment_name(1), first.offset + 5000);
  EXPECT_EQ(writer_.append_copy(written_[0].header, *from, first.offset, buffer).error().code,
            StoreErrorCode::corrupt);
  EXPECT_EQ(files_.used_bytes(), before);
}

}  // namespace
}  // namespace masu::store
