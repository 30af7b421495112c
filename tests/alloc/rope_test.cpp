#include "alloc/rope.hpp"

#include "alloc/budget.hpp"
#include "tests/store/bytes.hpp"

#include <gtest/gtest.h>

namespace masu {
namespace {

class RopeTest : public ::testing::Test {
 protected:
  // `bytes` in chunks that hold 1, 2, 3, ... bytes each.
  ChunkChain uneven_chain(Bytes bytes) {
    ChunkChain chain;
    for (std::size_t length = 1; !bytes.empty(); ++length) {
      const std::size_t now = std::min(length, bytes.size());
      Chunk chunk = pool_.take(holder_);
      std::copy_n(bytes.begin(), now, chunk.space().begin());
      chunk.fill(now);
      chain.append(std::move(chunk));
      bytes = bytes.subspan(now);
    }
    return chain;
  }

  Budget budget_{"test", 16 << 20};
  Account pages_{budget_, "test.pages", Lifetime::block, 16 << 20};
  Account holder_{budget_, "test.holder", Lifetime::block, 16 << 20};
  ChunkPool pool_{pages_, 64};
  const std::vector<std::uint8_t> bytes_ = store::test::ByteStream().take(200);
};

TEST_F(RopeTest, WalksTheBytesOfAChainInOrder) {
  const ChunkChain chain = uneven_chain(bytes_);
  std::vector<std::uint8_t> out;
  append(out, Rope(chain));
  EXPECT_EQ(out, bytes_);
}

TEST_F(RopeTest, TakesAndSkipsAcrossPieces) {
  const ChunkChain chain = uneven_chain(bytes_);
  for (std::size_t from = 0; from <= bytes_.size(); from += 7) {
    for (std::size_t length = 0; from + length <= bytes_.size(); length += 11) {
      Rope rope(chain);
      rope.skip(from);
      const Rope part = rope.take(length);
      EXPECT_EQ(part.size(), length);
      EXPECT_EQ(rope.size(), bytes_.size() - from - length);
      std::vector<std::uint8_t> out(length);
      part.copy_to(out);
      EXPECT_TRUE(std::equal(out.begin(), out.end(), bytes_.begin() + static_cast<long>(from)));
      EXPECT_EQ(rope.front().empty(), rope.empty());
    }
  }
}

TEST_F(RopeTest, ComparesWithTextAcrossPieces) {
  const std::string text = "a rope is compared piece by piece";
  const ChunkChain chain = uneven_chain(as_bytes(text));
  EXPECT_TRUE(Rope(chain) == text);
  EXPECT_FALSE(Rope(chain) == text + "!");
  EXPECT_FALSE(Rope(chain) == "a rope is compared piece by piecE");
  EXPECT_TRUE(Rope() == "");
}

TEST_F(RopeTest, ASpanIsARopeOfOnePiece) {
  Rope rope{Bytes(bytes_)};
  EXPECT_EQ(rope.front().size(), bytes_.size());
  EXPECT_EQ(rope.take_byte(), bytes_[0]);
  rope.shorten(3);
  EXPECT_EQ(rope.front().size(), 3u);
  rope.skip(3);
  EXPECT_TRUE(rope.empty());
  EXPECT_TRUE(rope.front().empty());
}

}  // namespace
}  // namespace masu
