#include "store/car/car_reader.hpp"

#include "alloc/resource.hpp"
#include "tests/store/bytes.hpp"
#include "tests/store/dag_builder.hpp"

#include <gtest/gtest.h>

namespace masu::store::car {
namespace {

using store::test::cid_of;
using store::test::from_hex;
using store::test::to_hex;

std::string text_of(const ChunkChain& chain) {
  std::string text(chain.size(), '\0');
  chain.copy_to(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

struct Content {
  std::vector<Cid> roots;
  std::vector<std::pair<Cid, std::string>> blocks;
  std::string error;
  std::optional<Cid> last_good;
  bool operator==(const Content&) const = default;
};

class CarReaderTest : public ::testing::Test {
 protected:
  std::string v1(const std::vector<Cid>& roots, const std::vector<std::pair<Cid, std::string>>& blocks) {
    const auto header = header_of(roots, *std::pmr::get_default_resource());
    std::string car(as_text(header));
    for (const auto& [cid, block] : blocks) {
      car.append(as_text(section_front(cid, block.size()))).append(block);
    }
    return car;
  }
  static std::string little_endian(std::uint64_t value) {
    std::string out;
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
    return out;
  }
  static std::string v2(const std::string& payload, std::size_t padding = 0, std::string index = "an index") {
    return from_hex("0aa16776657273696f6e02") + std::string(16, '\0') + little_endian(51 + padding) +
           little_endian(payload.size()) + little_endian(0) + std::string(padding, '\0') + payload + index;
  }
  // Reads a stream in pieces of `piece` bytes.
  Content read(std::string_view car, std::size_t piece) {
    CarReader reader(chunks_, holder_, memory_);
    Content content;
    const auto failed = [&](const StoreError& error) {
      content.error = error.detail;
      content.last_good = reader.last_good();
      return content;
    };
    for (Bytes rest = as_bytes(car); !rest.empty();) {
      Bytes now = rest.first(std::min(piece, rest.size()));
      rest = rest.subspan(now.size());
      while (true) {
        const auto event = reader.read(now);
        if (!event) return failed(event.error());
        if (*event == CarReader::Event::need_more) break;
        if (*event == CarReader::Event::root) content.roots.push_back(reader.root());
        if (*event == CarReader::Event::block) {
          const ChunkChain block = reader.take_block();
          content.blocks.emplace_back(reader.cid(), text_of(block));
        }
      }
      EXPECT_TRUE(now.empty());
    }
    if (const auto finished = reader.finish(); !finished) return failed(finished.error());
    content.last_good = reader.last_good();
    return content;
  }
  // The same in pieces of every kind.
  Content read(std::string_view car) {
    const Content whole = read(car, car.size() + 1);
    for (const std::size_t piece : {1, 2, 7, 50, 1000}) {
      if (piece * 20000 > car.size()) EXPECT_EQ(read(car, piece), whole) << piece;
    }
    EXPECT_EQ(holder_.live_bytes(), 0u);
    return whole;
  }

  Budget budget_{"test", 64 << 20};
  Account pages_{budget_, "test.pages", Lifetime::block, 64 << 20};
  Account holder_{budget_, "test.holder", Lifetime::block, 8 << 20};
  Account account_{budget_, "test.memory", Lifetime::request, 1 << 20};
  AccountResource memory_{account_};
  ChunkPool chunks_{pages_, 1024};
  const std::pair<Cid, std::string> a_{cid_of(Codec::raw, "block a"), "block a"};
  const std::pair<Cid, std::string> b_{Cid::v0(cid_of(Codec::dag_pb, "block b").hash()), "block b"};
  const std::pair<Cid, std::string> empty_{cid_of(Codec::raw, ""), ""};
};

TEST_F(CarReaderTest, HeadersAreKubos) {
  // The beginning of what `ipfs dag export` writes for QmZLRFWaz9Kypt2ACNMDzA5uzACDRiCqwdkNSP1UZsu56D.
  const Cid root = *Cid::parse("QmZLRFWaz9Kypt2ACNMDzA5uzACDRiCqwdkNSP1UZsu56D");
  EXPECT_EQ(to_hex(header_of({&root, 1}, memory_)),
            "38a265726f6f747381d82a582300" + to_hex(root.bytes()) + "6776657273696f6e01");
  EXPECT_EQ(to_hex(section_front(root, 100)), "8601" + to_hex(root.bytes()));
}

TEST_F(CarReaderTest, ReadsRootsAndBlocks) {
  const std::vector<Cid> roots = {a_.first, b_.first};
  const Content content = read(v1(roots, {a_, empty_, b_, a_}));
  EXPECT_EQ(content.error, "");
  EXPECT_EQ(content.roots, roots);
  EXPECT_EQ(content.blocks, (std::vector<std::pair<Cid, std::string>>{a_, empty_, b_, a_}));
  EXPECT_EQ(content.last_good, a_.first);
  EXPECT_EQ(read(v1({}, {})), Content());
}

TEST_F(CarReaderTest, ReadsThePayloadOfVersionTwo) {
  const std::string payload = v1({a_.first}, {a_, b_});
  Content expected = read(payload);
  for (const std::size_t padding : {0, 1, 1000}) {
    EXPECT_EQ(read(v2(payload, padding)), expected);
    EXPECT_EQ(read(v2(payload, padding, "")), expected);
  }
  EXPECT_EQ(read(v2(v2(payload))).error, "invalid data payload header version; expected 1, got 2");
}

TEST_F(CarReaderTest, ReadsLargeBlocksAndOtherHashes) {
  const auto bytes = store::test::ByteStream().take(block_bytes_max);
  const std::string large(as_text(bytes));
  const Cid cid = Cid::v1(Codec::raw, *multihash_of(HashCode::blake3, bytes));
  const Cid identity = Cid::v1(Codec::raw, Multihash::make(HashCode::identity, as_bytes("inline")));
  const Content content = read(v1({}, {{cid, large}, {identity, "inline"}}));
  EXPECT_EQ(content.error, "");
  ASSERT_EQ(content.blocks.size(), 2u);
  EXPECT_EQ(content.blocks[0].second, large);
  EXPECT_EQ(content.blocks[1].second, "inline");
}

TEST_F(CarReaderTest, ChecksEachBlock) {
  const Content content = read(v1({}, {a_, {b_.first, "block c"}}));
  EXPECT_EQ(content.error, "mismatch in content integrity, expected: " + b_.first.to_string() +
                               ", got: " + Cid::v0(cid_of(Codec::dag_pb, "block c").hash()).to_string());
  EXPECT_EQ(content.last_good, a_.first);
  const Cid identity = Cid::v1(Codec::raw, Multihash::make(HashCode::identity, as_bytes("inline")));
  EXPECT_TRUE(read(v1({}, {{identity, "other"}})).error.starts_with("mismatch"));
  EXPECT_TRUE(read(v1({}, {{identity, std::string(200, 'i')}})).error.starts_with("mismatch"));
  const Cid md5 = Cid::v1(Codec::raw, Multihash::make(HashCode::md5, as_bytes("0123456789abcdef")));
  EXPECT_EQ(read(v1({}, {{md5, "x"}})).error, "potentially insecure hash functions not allowed");
}

TEST_F(CarReaderTest, LengthsAreBoundedAndNeverBelieved) {
  EXPECT_EQ(read(from_hex("ffffffffffffffff7f")).error,
            "invalid header data, length of read beyond allowable maximum");
  const std::string header = v1({}, {});
  EXPECT_EQ(read(header + from_hex("ffffffffffffffff7f")).error,
            "invalid section data, length of read beyond allowable maximum");
  EXPECT_TRUE(read(header + from_hex("ffffffffffffffffff")).error.starts_with("varints malformed"));
  EXPECT_TRUE(read(header + from_hex("00")).error.starts_with("invalid cid"));
  // A section that is within its limit, with a block that is not.
  const std::string over(block_bytes_max + 10, 'x');
  EXPECT_TRUE(
      read(v1({}, {{cid_of(Codec::raw, over), over}})).error.starts_with("produced block is over 2MiB"));
  EXPECT_LE(holder_.peak_bytes(), 2 * chunk_bytes);
  EXPECT_EQ(read(v2("").substr(0, 51)).error, "invalid data payload size: 0");
  EXPECT_EQ(read(from_hex("0aa16776657273696f6e02") + std::string(40, '\xff')).error,
            "invalid data payload offset: 18446744073709551615");
}

TEST_F(CarReaderTest, MalformedHeaders) {
  const auto with_length = [](const std::string& hex) {
    return std::string(1, static_cast<char>(hex.size() / 2)) + from_hex(hex);
  };
  EXPECT_EQ(read(with_length("a16776657273696f6e03")).error, "invalid car version: 3");
  for (const char* hex :
       {"", "80", "a0", "a101", "a1617601", "a16776657273696f6e61", "a16776657273696f6e0101",
        "a26776657273696f6e016776657273696f6e01", "a265726f6f7473816776657273696f6e01",
        "a265726f6f747381d82a4100", "a265726f6f74739bffffffffffffffff6776657273696f6e01", "bf", "a3"}) {
    EXPECT_TRUE(read(with_length(hex)).error.starts_with("invalid header: ")) << hex;
  }
}

TEST_F(CarReaderTest, EveryCutIsNoticedButThoseBetweenBlocks) {
  const std::string header = v1({a_.first}, {});
  const std::string car = v1({a_.first}, {a_, b_});
  const std::string after_a = v1({a_.first}, {a_});
  for (std::size_t cut = 0; cut < car.size(); ++cut) {
    const Content content = read(car.substr(0, cut), 1000);
    const bool clean = cut == header.size() || cut == after_a.size();
    EXPECT_EQ(content.error, clean ? "" : cut == 0 ? "EOF" : "unexpected EOF") << cut;
    EXPECT_EQ(content.last_good.has_value(), cut >= after_a.size());
  }
  // A version 2 says how long it is.
  const std::string two = v2(car, 5);
  for (std::size_t cut = 1; cut < two.size() - 8; ++cut) {
    EXPECT_EQ(read(two.substr(0, cut), 1000).error, "unexpected EOF") << cut;
  }
  std::string shorter = v2(car);
  shorter[11 + 16 + 8] = static_cast<char>(car.size() - 3);  // its payload ends inside of a block
  EXPECT_EQ(read(shorter).error, "unexpected EOF");
}

TEST_F(CarReaderTest, ARefusedChunkIsTriedAgain) {
  const std::string large(100000, 'x');
  const std::pair<Cid, std::string> block{cid_of(Codec::raw, large), large};
  const std::string car = v1({}, {a_, block, b_});
  holder_.set_quota(3 * chunk_bytes);
  CarReader reader(chunks_, holder_, memory_);
  int refused = 0, blocks = 0;
  Bytes in = as_bytes(car);
  while (true) {
    const auto event = reader.read(in);
    if (!event) {
      ASSERT_EQ(event.error().code, StoreErrorCode::out_of_memory);
      holder_.set_quota(holder_.quota_bytes() + chunk_bytes);
      ++refused;
      continue;
    }
    if (*event == CarReader::Event::need_more) break;
    ++blocks;
    static_cast<void>(reader.take_block());
  }
  EXPECT_TRUE(reader.finish());
  EXPECT_EQ(blocks, 3);
  EXPECT_EQ(refused, 4);
}

}  // namespace
}  // namespace masu::store::car
