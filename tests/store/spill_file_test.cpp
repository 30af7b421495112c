#include "store/sort/spill_file.hpp"

#include "tests/store/bytes.hpp"

#include <gtest/gtest.h>

namespace masu::store {
namespace {

TEST(SpillFileTest, GivesBackWhatWasAppended) {
  SpillFile file(::testing::TempDir());
  const auto first = test::ByteStream(1).take(100000), second = test::ByteStream(2).take(10);
  const auto at_first = file.append(first), at_second = file.append(second);
  ASSERT_TRUE(at_first && at_second) << at_first.error().detail;
  EXPECT_EQ(*at_second, *at_first + first.size());
  std::vector<std::uint8_t> out(second.size());
  ASSERT_TRUE(file.read(*at_second, out));
  EXPECT_EQ(out, second);
  ASSERT_TRUE(file.write(*at_first + 5, second));
  ASSERT_TRUE(file.read(*at_first + 5, out));
  EXPECT_EQ(out, second);
}

TEST(SpillFileTest, ReleasedSpaceIsUsedAgain) {
  SpillFile file(::testing::TempDir());
  const auto bytes = test::ByteStream().take(5000);
  const auto first = file.append(bytes), second = file.append(bytes);
  ASSERT_TRUE(first && second);
  file.release(*first, bytes.size());
  std::vector<std::uint8_t> out(bytes.size());
  ASSERT_TRUE(file.read(*second, out));
  EXPECT_EQ(out, bytes);
  file.release(*second, bytes.size());
  EXPECT_EQ(file.live_bytes(), 0u);
  EXPECT_EQ(*file.append(bytes), 0u);
}

TEST(SpillFileTest, NamesTheDirectoryItCannotUse) {
  SpillFile file("/nonexistent/directory");
  const auto appended = file.append(as_bytes("x"));
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, StoreErrorCode::io);
  EXPECT_NE(appended.error().detail.find("/nonexistent/directory"), std::string::npos);
}

}  // namespace
}  // namespace masu::store
