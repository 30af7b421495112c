#include "store/disk/file.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace masu::store {
namespace {

namespace fs = std::filesystem;

class PosixFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "masu-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  Files& files_ = posix_files();
  std::string directory_;
};

TEST_F(PosixFilesTest, ReadsWhatWasWrittenInManyPieces) {
  auto file = files_.open(directory_ + "/a", Files::Mode::create);
  ASSERT_TRUE(file);
  std::string text;
  for (int i = 0; i < 1000; ++i) text.push_back(static_cast<char>(i * 7));
  std::vector<Bytes> pieces;
  for (std::size_t i = 0; i < text.size(); i += 5) pieces.push_back(as_bytes(text).subspan(i, 5));
  pieces.insert(pieces.begin() + 3, Bytes());
  ASSERT_TRUE((*file)->write(10, pieces));
  ASSERT_TRUE((*file)->sync());
  (*file)->start_writeback(0, 1010);
  EXPECT_EQ((*file)->size(), 1010u);
  std::vector<std::uint8_t> out(1500);
  std::vector<MutableBytes> parts;
  for (std::size_t i = 0; i < out.size(); i += 7) {
    parts.push_back(MutableBytes(out).subspan(i, std::min<std::size_t>(7, out.size() - i)));
  }
  EXPECT_EQ((*file)->read(10, parts), 1000u);
  EXPECT_TRUE(equal(Bytes(out).first(1000), as_bytes(text)));
  EXPECT_EQ((*file)->read(2000, MutableBytes(out)), 0u);
  ASSERT_TRUE((*file)->truncate(500));
  EXPECT_EQ((*file)->size(), 500u);
}

TEST_F(PosixFilesTest, NamesComeAndGo) {
  EXPECT_EQ(files_.open(directory_ + "/none", Files::Mode::read).error().code, StoreErrorCode::not_found);
  ASSERT_TRUE(files_.make_directory(directory_ + "/sub"));
  ASSERT_TRUE(files_.make_directory(directory_ + "/sub"));
  ASSERT_TRUE(files_.open(directory_ + "/sub/a", Files::Mode::create));
  EXPECT_EQ(files_.open(directory_ + "/sub/a", Files::Mode::create).error().code, StoreErrorCode::io);
  ASSERT_TRUE(files_.sync_directory(directory_ + "/sub"));
  EXPECT_EQ(files_.list(directory_ + "/sub"), std::vector<std::string>{"a"});
  ASSERT_TRUE(files_.unlink(directory_ + "/sub/a"));
  EXPECT_EQ(files_.unlink(directory_ + "/sub/a").error().code, StoreErrorCode::not_found);
  EXPECT_GT(files_.free_bytes(directory_).value(), 0u);
  EXPECT_EQ(files_.list(directory_ + "/none").error().code, StoreErrorCode::not_found);
}

TEST_F(PosixFilesTest, ErrorsTellTheirKind) {
  EXPECT_EQ(file_error(ENOSPC, "write", "x").code, StoreErrorCode::disk_full);
  EXPECT_EQ(file_error(EDQUOT, "write", "x").code, StoreErrorCode::disk_full);
  const StoreError error = file_error(EIO, "write", "/x/y");
  EXPECT_EQ(error.code, StoreErrorCode::io);
  EXPECT_EQ(error.detail, "write /x/y: Input/output error");
  // The kernel's own full disk.
  const auto full = files_.open("/dev/full", Files::Mode::read_write);
  ASSERT_TRUE(full);
  const Bytes piece = as_bytes("x");
  EXPECT_EQ((*full)->write(0, {&piece, 1}).error().code, StoreErrorCode::disk_full);
}

}  // namespace
}  // namespace masu::store
