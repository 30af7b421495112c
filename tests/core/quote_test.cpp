#include "core/cli/quote.hpp"

#include <gtest/gtest.h>

namespace masu::core::cli {
namespace {

TEST(Quote, escapes_what_terminals_must_not_see) {
  EXPECT_EQ(quoted("a\"b\\c\n\x1b"), R"("a\"b\\c\n\x1b")");
  EXPECT_EQ(quoted("\x7f\xff\a"), R"("\x7f\xff\a")");
  EXPECT_EQ(quoted("\xe2\x80\xae\xf3\xa0\x80\x81"), R"("\u202e\U000e0001")");  // writes backwards; a tag
}

TEST(Quote, leaves_names_in_any_language_alone) {
  for (std::string_view name : {"file-1.txt", "naïve \"x\"", "枡", "😀"}) EXPECT_EQ(printable(name), name);
  EXPECT_EQ(printable("a\tb\""), "a\\tb\"");
  EXPECT_EQ(printable("a\\b"), "a\\\\b");
  // Cut off, overlong, a surrogate.
  EXPECT_EQ(printable("\xe6\x9e"), "\\xe6\\x9e");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

}  // namespace
}  // namespace masu::core::cli
