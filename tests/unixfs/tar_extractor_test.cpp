#include "unixfs/tar/tar_extractor.hpp"

#include "unixfs/tar/tar_writer.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace masu::unixfs::tar {
namespace {

namespace fs = std::filesystem;

class TarExtractorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::path(::testing::TempDir()) / "extract.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    home_ = name;
  }
  void TearDown() override { fs::remove_all(home_); }

  void add(const Entry& entry, std::string_view data = {}) {
    ASSERT_TRUE(put_header(tar_, entry, Format::pax));
    tar_.insert(tar_.end(), data.begin(), data.end());
    tar_.insert(tar_.end(), padding(data.size()), 0);
  }
  void directory(std::string_view path, std::uint32_t mode = 0755, Timestamp mtime = {1000, 0}) {
    add({.path = path, .type = EntryType::directory, .mode = mode, .mtime = mtime});
  }
  void file(std::string_view path, std::string_view data, std::uint32_t mode = 0644,
            Timestamp mtime = {2000, 5}) {
    add({.path = path, .mode = mode, .bytes = data.size(), .mtime = mtime}, data);
  }
  void link(std::string_view path, std::string_view target) {
    add({.path = path, .type = EntryType::symlink, .mode = 0777, .link_target = target, .mtime = {3000, 0}});
  }
  Result<> extract(const fs::path& output) {
    put_end(tar_);
    TarExtractor extractor(output.string());
    TarReader reader(extractor, *std::pmr::get_default_resource());
    if (auto fed = reader.feed(tar_); !fed) return fed;
    if (auto ended = reader.finish(); !ended) return ended;
    return extractor.finish();
  }
  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static struct stat status(const fs::path& path) {
    struct stat out{};
    EXPECT_EQ(::lstat(path.c_str(), &out), 0) << path;
    return out;
  }

  fs::path home_;
  ByteBuffer tar_;
};

TEST_F(TarExtractorTest, WritesATreeWithModesAndTimes) {
  directory("root", 0711);
  file("root/a", "content");
  directory("root/sub", 0500, {1500, 0});
  file("root/sub/b", "", 0600);
  directory("root/sub/deeper");
  link("root/up", "../anywhere");
  file("root/z", std::string(100000, 'z'));
  const auto done = extract(home_ / "new" / "out");
  ASSERT_TRUE(done) << done.error().text;
  const fs::path out = home_ / "new" / "out";
  EXPECT_EQ(content(out / "a"), "content");
  EXPECT_EQ(content(out / "z"), std::string(100000, 'z'));
  EXPECT_EQ(fs::read_symlink(out / "up"), "../anywhere");
  EXPECT_EQ(status(out).st_mode & 07777, 0711u);
  EXPECT_EQ(status(out).st_mtim.tv_sec, 1000);
  EXPECT_EQ(status(out / "a").st_mtim.tv_nsec, 5);
  EXPECT_EQ(status(out / "sub").st_mode & 07777, 0500u);
  EXPECT_EQ(status(out / "sub").st_mtim.tv_sec, 1500);
  EXPECT_EQ(status(out / "sub" / "b").st_mode & 07777, 0600u);
  EXPECT_EQ(status(out / "up").st_mtim.tv_sec, 3000);
  EXPECT_TRUE(fs::is_directory(out / "sub" / "deeper"));
  fs::permissions(out / "sub", fs::perms::owner_all);
}

TEST_F(TarExtractorTest, ALoneFileIsTheOutputOrGoesIntoIt) {
  file("QmName", "one");
  ASSERT_TRUE(extract(home_ / "file"));
  EXPECT_EQ(content(home_ / "file"), "one");
  fs::create_directory(home_ / "directory");
  tar_.clear();
  file("QmName", "two");
  ASSERT_TRUE(extract(home_ / "directory"));
  EXPECT_EQ(content(home_ / "directory" / "QmName"), "two");
  tar_.clear();
  link("QmLink", "file");
  ASSERT_TRUE(extract(home_ / "link/"));
  EXPECT_EQ(fs::read_symlink(home_ / "link"), "file");
}

TEST_F(TarExtractorTest, ReplacesFilesSymlinksAndEmptyDirectories) {
  fs::create_directories(home_ / "out" / "empty");
  fs::create_directories(home_ / "out" / "kept");
  fs::create_symlink("/nonexistent", home_ / "out" / "link");
  std::ofstream(home_ / "out" / "file") << "old";
  directory("r");
  file("r/empty", "1");
  file("r/link", "2");
  file("r/file", "3");
  directory("r/kept");
  const auto done = extract(home_ / "out");
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(content(home_ / "out" / "empty"), "1");
  EXPECT_EQ(content(home_ / "out" / "link"), "2");
  EXPECT_FALSE(fs::is_symlink(home_ / "out" / "link"));
  EXPECT_EQ(content(home_ / "out" / "file"), "3");
}

TEST_F(TarExtractorTest, NeverFollowsASymlink) {
  fs::create_directory(home_ / "outside");
  directory("r");
  link("r/door", (home_ / "outside").string());
  file("r/door/evil", "x");
  const auto through = extract(home_ / "out");
  ASSERT_FALSE(through);
  EXPECT_EQ(through.error().code, ErrorCode::hostile);
  EXPECT_TRUE(fs::is_empty(home_ / "outside"));

  tar_.clear();  // a directory member does not turn a symlink into a way out
  directory("r");
  directory("r/door");
  EXPECT_FALSE(extract(home_ / "out"));
  EXPECT_TRUE(fs::is_empty(home_ / "outside"));

  tar_.clear();  // nor does the output itself
  fs::create_directory_symlink(home_ / "outside", home_ / "alias");
  directory("r");
  file("r/evil", "x");
  EXPECT_FALSE(extract(home_ / "alias"));
  EXPECT_TRUE(fs::is_empty(home_ / "outside"));
}

TEST_F(TarExtractorTest, HasOneRoot) {
  file("a", "1");
  file("b", "2");
  EXPECT_FALSE(extract(home_ / "out"));
  tar_.clear();
  directory("a");
  file("b/c", "2");
  EXPECT_FALSE(extract(home_ / "out2"));
  tar_.clear();
  file("a/b", "2");
  EXPECT_FALSE(extract(home_ / "out3"));
  tar_.clear();
  const auto empty = extract(home_ / "out4");
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().text, "empty tar file");
}

TEST_F(TarExtractorTest, BitsOfStrangersAreNotSet) {
  file("f", "#!", 06755);
  ASSERT_TRUE(extract(home_ / "f"));
  EXPECT_EQ(status(home_ / "f").st_mode & 07777, 0755u);
}

TEST_F(TarExtractorTest, WritesIntoNothing) {
  directory("r");
  file("r/f", "x");
  EXPECT_TRUE(extract("/dev/null"));
}

TEST_F(TarExtractorTest, AFileIsWholeOrNotThere) {
  ByteBuffer header;
  ASSERT_TRUE(put_header(header, {.path = "f", .bytes = 100}, Format::pax));
  {
    TarExtractor extractor((home_ / "f").string());
    TarReader reader(extractor, *std::pmr::get_default_resource());
    ASSERT_TRUE(reader.feed(header));
    ASSERT_TRUE(reader.feed(as_bytes("half")));
    EXPECT_FALSE(reader.finish());
  }
  EXPECT_TRUE(fs::is_empty(home_));
}

TEST_F(TarExtractorTest, NestingIsBounded) {
  std::string path = "r";
  directory(path);
  for (std::size_t i = 0; i < TarExtractor::depth_max; ++i) directory(path += "/d");
  const auto done = extract(home_ / "out");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::limit);
}

}  // namespace
}  // namespace masu::unixfs::tar
