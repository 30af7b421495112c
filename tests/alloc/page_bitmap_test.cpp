#include "alloc/page_bitmap.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

TEST(PageBitmapTest, FindsTheLowestRunThatFitsAndIsAligned) {
  std::array<std::uint64_t, 4> words{};
  PageBitmap map(words.data(), 256);
  EXPECT_EQ(map.find_clear_run(0, 256, 1, 0), 0u);
  map.set(1, 2);
  EXPECT_EQ(map.find_clear_run(0, 1, 1, 0), 0u);
  EXPECT_EQ(map.find_clear_run(0, 2, 1, 0), 3u);
  EXPECT_EQ(map.find_clear_run(0, 4, 4, 0), 4u);
  EXPECT_EQ(map.find_clear_run(0, 4, 4, 2), 6u) << "alignment counts from the bias";
  EXPECT_EQ(map.find_clear_run(0, 253, 1, 0), 3u);
  EXPECT_EQ(map.find_clear_run(0, 254, 1, 0), PageBitmap::npos);
}

TEST(PageBitmapTest, AgreesWithAPlainArrayOnRandomOperations) {
  constexpr std::size_t pages = 200;
  std::mt19937 random(7);
  std::array<std::uint64_t, 4> words{};
  PageBitmap map(words.data(), pages);
  std::vector<bool> model(pages);
  for (int step = 0; step < 20000; ++step) {
    const std::size_t first = random() % pages;
    const std::size_t count = random() % (pages - first) + 1;
    const bool value = random() % 2 == 0;
    if (value) {
      map.set(first, count);
    } else {
      map.clear(first, count);
    }
    std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(first), count, value);
    const auto begin = model.begin();
    ASSERT_EQ(map.count(0, pages), static_cast<std::size_t>(std::count(begin, model.end(), true)));
    const std::size_t from = random() % pages;
    const auto found = std::find(begin + static_cast<std::ptrdiff_t>(from), model.end(), true);
    ASSERT_EQ(map.find(true, from, pages), static_cast<std::size_t>(found - begin));
  }
}

}  // namespace
}  // namespace masu
