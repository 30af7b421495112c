#include "unixfs/read/gzip.hpp"

#include "alloc/resource.hpp"
#include "alloc/rope.hpp"
#include "tests/unixfs/bytes.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace masu::unixfs {
namespace {

class GzipTest : public ::testing::Test {
 protected:
  void take(Result<ChunkChain> chain) {
    ASSERT_TRUE(chain) << chain.error().text;
    append(out_, Rope(*chain));
  }
  static std::string unzip(const std::string& bytes) {
    z_stream stream{};
    inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    int outcome = Z_OK;
    while (outcome == Z_OK) {
      Bytef piece[4096];
      stream.next_out = piece;
      stream.avail_out = sizeof(piece);
      outcome = inflate(&stream, Z_NO_FLUSH);
      out.append(reinterpret_cast<char*>(piece), sizeof(piece) - stream.avail_out);
    }
    inflateEnd(&stream);
    EXPECT_EQ(outcome, Z_STREAM_END);
    EXPECT_EQ(stream.avail_in, 0u);
    return out;
  }

  Budget budget_{"test", 16 << 20};
  Account pages_{budget_, "test.pages", Lifetime::block, 16 << 20};
  Account holder_{budget_, "test.blocks", Lifetime::block, 16 << 20};
  Account heap_{budget_, "test.heap", Lifetime::request, 512 * 1024};
  AccountResource memory_{heap_};
  ChunkPool pool_{pages_, 256};
  std::string out_;
};

TEST_F(GzipTest, WhatIsZippedIsUnzipped) {
  std::string content(100'000, 'a');
  const auto noise = test::ByteStream().take(300'000);
  content.append(noise.begin(), noise.end());
  for (const int level : {1, GzipWriter::level_default, 9}) {
    out_.clear();
    GzipWriter gzip(level, pool_, holder_, memory_);
    take(gzip.write(as_bytes(content).first(5)));
    ChunkChain chain;
    ASSERT_TRUE(chain.append_copy(pool_, holder_, as_bytes(content).subspan(5)));
    take(gzip.write(std::move(chain)));
    take(gzip.finish());
    EXPECT_EQ(unzip(out_), content);
    EXPECT_EQ(out_.substr(0, 8), std::string("\x1f\x8b\x08\0\0\0\0\0", 8));
    EXPECT_EQ(out_[9], '\xff');
    EXPECT_EQ(holder_.live_bytes(), 0u);
  }
  EXPECT_EQ(heap_.live_bytes(), 0u);
}

TEST_F(GzipTest, NothingIsAStreamToo) {
  GzipWriter gzip(GzipWriter::level_default, pool_, holder_, memory_);
  take(gzip.finish());
  EXPECT_EQ(unzip(out_), "");
}

TEST_F(GzipTest, RefusedMemoryIsAValueOrAnException) {
  heap_.set_quota(64 * 1024);
  EXPECT_THROW(GzipWriter(1, pool_, holder_, memory_), std::bad_alloc);
  EXPECT_EQ(heap_.live_bytes(), 0u);
  heap_.set_quota(512 * 1024);
  GzipWriter gzip(1, pool_, holder_, memory_);
  holder_.set_quota(0);
  const auto refused = gzip.write(as_bytes("text"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::out_of_memory);
}

}  // namespace
}  // namespace masu::unixfs
