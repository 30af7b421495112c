#include "unixfs/tar/tar_reader.hpp"

#include "tests/unixfs/bytes.hpp"
#include "unixfs/tar/tar_writer.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs::tar {
namespace {

struct Member {
  std::string path;
  EntryType type;
  std::uint32_t mode;
  std::uint64_t bytes;
  std::string link_target;
  Timestamp mtime;
  std::string data;
  bool ended = false;
};

class Recorder final : public Visitor {
 public:
  Result<> on_entry(const Entry& entry) override {
    members.push_back({std::string(entry.path), entry.type, entry.mode, entry.bytes,
                       std::string(entry.link_target), entry.mtime, "", false});
    return {};
  }
  Result<> on_data(Bytes bytes) override {
    members.back().data.append(as_text(bytes));
    return {};
  }
  Result<> on_entry_end() override {
    members.back().ended = true;
    return {};
  }
  std::vector<Member> members;
};

class TarReaderTest : public ::testing::Test {
 protected:
  void add(const Entry& entry, std::string_view data = {}) {
    ASSERT_TRUE(put_header(tar_, entry, Format::pax));
    tar_.insert(tar_.end(), data.begin(), data.end());
    tar_.insert(tar_.end(), padding(data.size()), 0);
  }
  // One header block with `type`, unpadded fields from `tweak`, and a good checksum.
  template <class Tweak>
  void add_raw(char type, std::string_view payload, Tweak&& tweak) {
    ByteBuffer header;
    ASSERT_TRUE(put_header(header, {.path = "name", .bytes = payload.size()}, Format::any));
    Block block;
    std::copy(header.begin(), header.end(), block.begin());
    block[field_type.offset] = static_cast<std::uint8_t>(type);
    tweak(block);
    std::uint32_t sum = checksum(block);
    for (std::size_t i = 6; i-- > 0; sum >>= 3) {
      block[field_checksum.offset + i] = static_cast<std::uint8_t>('0' + (sum & 7));
    }
    tar_.insert(tar_.end(), block.begin(), block.end());
    tar_.insert(tar_.end(), payload.begin(), payload.end());
    tar_.insert(tar_.end(), padding(payload.size()), 0);
  }
  void add_raw(char type, std::string_view payload) {
    add_raw(type, payload, [](Block&) {});
  }

  // Feeds everything in pieces of `step` bytes.
  Result<> read(std::size_t step) {
    recorder_.members.clear();
    TarReader reader(recorder_, *std::pmr::get_default_resource());
    for (Bytes rest = tar_; !rest.empty();) {
      const Bytes now = rest.first(std::min(step, rest.size()));
      rest = rest.subspan(now.size());
      if (auto fed = reader.feed(now); !fed) return fed;
    }
    return reader.finish();
  }

  ByteBuffer tar_;
  Recorder recorder_;
};

TEST_F(TarReaderTest, ReadsWhatTheWriterWritesInAnyPieces) {
  const std::string data(1000, 'x'), deep = std::string(200, 'p') + "/ü";
  add({.path = "root", .type = EntryType::directory, .mode = 0755, .mtime = {1700000000, 5}});
  add({.path = "root/file", .mode = 0640, .bytes = data.size(), .mtime = {-7, 250000000}}, data);
  add({.path = "root/empty"});
  add({.path = "root/link", .type = EntryType::symlink, .link_target = std::string(150, 't')});
  add({.path = "root/" + deep, .bytes = 512}, std::string(512, 'y'));
  put_end(tar_);
  tar_.insert(tar_.end(), 5000, 7);  // what follows the end does not count
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{3}, std::size_t{511}, std::size_t{512}, std::size_t{1000}, tar_.size()}) {
    const auto done = read(step);
    ASSERT_TRUE(done) << done.error().text;
    const auto& members = recorder_.members;
    ASSERT_EQ(members.size(), 5u);
    EXPECT_EQ(members[0].type, EntryType::directory);
    EXPECT_EQ(members[0].mtime, (Timestamp{1700000000, 5}));
    EXPECT_EQ(members[1].data, data);
    EXPECT_EQ(members[1].mode, 0640u);
    EXPECT_EQ(members[1].mtime, (Timestamp{-7, 250000000}));
    EXPECT_EQ(members[2].bytes, 0u);
    EXPECT_EQ(members[3].link_target, std::string(150, 't'));
    EXPECT_EQ(members[4].path, "root/" + deep);
    for (const Member& member : members) EXPECT_TRUE(member.ended) << member.path;
  }
}

TEST_F(TarReaderTest, ReadsGnuLongNamesAndBinaryNumbers) {
  const std::string name = "root/" + std::string(300, 'n');
  add_raw('L', name + std::string(1, '\0'));
  add_raw('0', "abc", [](Block& block) {
    const std::uint8_t binary[12] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3};
    std::copy(std::begin(binary), std::end(binary), block.begin() + field_size.offset);
    std::fill_n(block.begin() + field_mtime.offset, 12, std::uint8_t{0xff});  // -1
  });
  ASSERT_TRUE(read(100));
  ASSERT_EQ(recorder_.members.size(), 1u);
  EXPECT_EQ(recorder_.members[0].path, name);
  EXPECT_EQ(recorder_.members[0].data, "abc");
  EXPECT_EQ(recorder_.members[0].mtime.seconds, -1);
}

TEST_F(TarReaderTest, ReadsOldTarsAndSkipsGlobalRecords) {
  add_raw('g', "18 comment=nothing\n");
  add_raw('\0', "a");
  add_raw('0', "", [](Block& block) { std::memcpy(block.data(), "dir/", 5); });
  add_raw('5', "", [](Block& block) { std::memcpy(block.data(), "dir2/", 6); });
  const auto done = read(77);
  ASSERT_TRUE(done) << done.error().text;
  ASSERT_EQ(recorder_.members.size(), 3u);
  EXPECT_EQ(recorder_.members[0].type, EntryType::file);
  EXPECT_EQ(recorder_.members[1].type, EntryType::directory);
  EXPECT_EQ(recorder_.members[1].path, "dir");
  EXPECT_EQ(recorder_.members[2].path, "dir2");
}

TEST_F(TarReaderTest, RefusesPathsThatLeadOut) {
  for (const char* path : {"..", "../a", "a/../b", "/etc/passwd", "a//b", "./a", "a/.", ""}) {
    tar_.clear();
    add_raw('0', "", [path](Block& block) {
      std::fill_n(block.begin(), 100, std::uint8_t{0});
      std::memcpy(block.data(), path, std::strlen(path));
    });
    const auto done = read(512);
    ASSERT_FALSE(done) << path;
    EXPECT_EQ(done.error().code, ErrorCode::hostile) << path;
    EXPECT_TRUE(recorder_.members.empty());
    tar_.clear();
    const std::string record = "path=" + std::string(path) + "\n";
    const std::string length = std::to_string(record.size() + 3);
    add_raw('x', (length.size() == 1 ? "0" : "") + length + " " + record);
    add_raw('0', "");
    EXPECT_FALSE(read(512)) << path;
    EXPECT_TRUE(recorder_.members.empty());
  }
}

TEST_F(TarReaderTest, RefusesBrokenHeadersAndRecords) {
  const auto refused = [this](ErrorCode code) {
    const auto done = read(100);
    EXPECT_EQ(done ? "read" : name_of(done.error().code), name_of(code));
    tar_.clear();
  };
  add({.path = "a"});
  tar_[0] ^= 1;  // against the checksum
  refused(ErrorCode::malformed);
  for (const char* records :
       {"x", "99 path=a\n", "9 path=a", "09 path=a\n ", "6 patha\n", "7 =abc\n", "14 size=-1000\n",
        "29 size=99999999999999999999\n", "13 mtime=1.x\n", "-1 a=b\n"}) {
    add_raw('x', records);
    add_raw('0', "");
    refused(ErrorCode::malformed);
  }
  add_raw('0', "", [](Block& block) { block[field_size.offset] = '9'; });
  refused(ErrorCode::malformed);
  add_raw('0', "", [](Block& block) {
    std::fill_n(block.begin() + field_size.offset, 12, std::uint8_t{0xff});
  });  // -1
  refused(ErrorCode::malformed);
  add_raw('0', "", [](Block& block) {
    std::fill_n(block.begin() + field_size.offset, 12, std::uint8_t{0xbf});
  });  // too many bits
  refused(ErrorCode::malformed);
  add_raw('2', "", [](Block&) {});  // a symlink to nowhere
  refused(ErrorCode::malformed);
  add_raw('1', "");  // a hard link
  refused(ErrorCode::unsupported);
}

TEST_F(TarReaderTest, LongNamesAreBounded) {
  add_raw('x', std::string(TarReader::extension_bytes_max + 1, 'x'));
  const auto done = read(512);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::limit);
}

TEST_F(TarReaderTest, AnEndInTheMiddleIsAnError) {
  add({.path = "a", .bytes = 600}, std::string(600, 'x'));
  const std::size_t whole = tar_.size();
  for (const std::size_t cut :
       {std::size_t{1}, std::size_t{511}, std::size_t{512}, std::size_t{700}, whole - 1}) {
    tar_.resize(whole);
    tar_.resize(cut);
    EXPECT_FALSE(read(64)) << cut;
  }
  tar_.resize(0);
  add({.path = "a", .bytes = 600}, std::string(600, 'x'));
  EXPECT_TRUE(read(64));  // an archive may end without its end blocks
}

}  // namespace
}  // namespace masu::unixfs::tar
