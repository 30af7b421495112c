#include "core/cli/watch.hpp"

#include "core/cli/files.hpp"

#include <array>

#include <gtest/gtest.h>
#include <unistd.h>

namespace masu::core::cli {
namespace {

TEST(WatchScreenTest, AFrameReplacesWhatWasThere) {
  EXPECT_EQ(WatchScreen::frame("one\ntwo\n", 10, 10), "\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J");
  EXPECT_EQ(WatchScreen::frame("", 10, 10), "\x1b[H\x1b[J");
}

TEST(WatchScreenTest, AFrameIsCutToTheScreen) {
  EXPECT_EQ(WatchScreen::frame("1234567\n1\n2\n3\n", 3, 5), "\x1b[H12345\x1b[K\r\n1\x1b[K\r\n2\x1b[K\x1b[J");
}

TEST(WatchScreenTest, WithoutATerminalTextsFollowEachOther) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const File out(ends[0]);
  {
    const File in(ends[1]);
    WatchScreen screen(in.fd());
    EXPECT_FALSE(screen.is_terminal());
    EXPECT_TRUE(screen.show("one\n"));
    EXPECT_TRUE(screen.show("two\n"));
  }
  EXPECT_EQ(read_all(out.fd(), 100), "one\n\ntwo\n");
}

TEST(WatchScreenTest, AnAnswerThatNeverEndsIsRefused) {
  std::string text;
  TextOutput output(text);
  const std::string piece(1024 * 1024, 'x');
  EXPECT_TRUE(output.take(as_bytes(piece)));
  EXPECT_FALSE(output.take(as_bytes("y")));
  EXPECT_NE(output.error(), "");
}

}  // namespace
}  // namespace masu::core::cli
