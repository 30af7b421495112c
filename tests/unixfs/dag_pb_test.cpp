#include "unixfs/dag/dag_pb.hpp"

#include "tests/unixfs/bytes.hpp"
#include "unixfs/dag/node.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs {
namespace {

using test::from_hex;

// A Hash field with an identity CID: short enough to read in hexadecimal.
constexpr const char* hash_field =
    "0a06"
    "015500026869";

std::string hex_byte(std::size_t value) {
  const std::uint8_t byte = static_cast<std::uint8_t>(value);
  return test::to_hex(Bytes(&byte, 1));
}
std::string field(const char* tag, const std::string& hex) { return tag + hex_byte(hex.size() / 2) + hex; }
std::string link(const std::string& hex) { return field("12", hex); }
std::string data(const std::string& hex) { return field("0a", hex); }

struct Parsed {
  explicit Parsed(const std::string& hex)
      : bytes(from_hex(hex)), node(DagPbNode::parse(Rope(as_bytes(bytes)))) {}
  std::string bytes;
  Result<DagPbNode> node;
};

std::string text_of(Rope rope) {
  std::string out;
  append(out, rope);
  return out;
}

TEST(DagPbTest, ReadsANodeOfKubo) {
  // A directory with "a" (raw) and "b" (dag-pb), as `ipfs block get` gives it.
  const Parsed block(link("0a24"
                          "01551220"
                          "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
                          "120161"
                          "1801") +
                     link("0a22"
                          "1220"
                          "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
                          "120162"
                          "1809") +
                     data("0801"));
  ASSERT_TRUE(block.node) << block.node.error().text;
  EXPECT_EQ(block.node->link_count, 2u);
  ASSERT_TRUE(block.node->data);
  EXPECT_EQ(Node::parse(*block.node->data)->type, NodeType::directory);
  DagPbLinks links = block.node->links();
  const auto a = links.next(), b = links.next();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->cid.to_string(), "bafkreigks6arfsq3xxfpvqrrwonchxcnu6do76auprhhfomao6c273sixm");
  EXPECT_EQ(text_of(a->name), "a");
  EXPECT_EQ(a->tsize, 1u);
  EXPECT_EQ(b->cid.version(), 0);
  EXPECT_EQ(b->tsize, 9u);
  EXPECT_FALSE(links.next());
}

TEST(DagPbTest, AnEmptyBlockIsANodeWithoutAnything) {
  const Parsed block("");
  ASSERT_TRUE(block.node);
  EXPECT_EQ(block.node->link_count, 0u);
  EXPECT_FALSE(block.node->data);
  EXPECT_FALSE(block.node->links().next());
}

TEST(DagPbTest, LinksComeBeforeDataOrBehindIt) {
  const std::string two = link(hash_field) + link(hash_field);
  for (const std::string& hex : {two + data("0801"), data("0801") + two}) {
    const Parsed block(hex);
    ASSERT_TRUE(block.node) << hex;
    EXPECT_EQ(block.node->link_count, 2u);
    DagPbLinks links = block.node->links();
    EXPECT_TRUE(links.skip());
    EXPECT_TRUE(links.next());
    EXPECT_FALSE(links.skip());
  }
}

TEST(DagPbTest, ALeafIsOneDataFieldAndNothingElse) {
  const auto is_leaf = [](const std::string& hex) {
    const std::string bytes = from_hex(hex);
    return store::is_dag_pb_leaf(Rope(as_bytes(bytes)));
  };
  EXPECT_TRUE(is_leaf(data("080268")));
  EXPECT_TRUE(is_leaf(data("")));
  EXPECT_FALSE(is_leaf("")) << "it may be one, and costs nothing to parse";
  EXPECT_FALSE(is_leaf(link(hash_field)));
  EXPECT_FALSE(is_leaf(link(hash_field) + data("08")));
  EXPECT_FALSE(is_leaf(data("08") + link(hash_field)));
  EXPECT_FALSE(is_leaf(data("08") + data("08")));
  EXPECT_FALSE(is_leaf("0a0208")) << "cut";
  EXPECT_FALSE(is_leaf("0800"));
}

TEST(DagPbTest, NameAndSizeMayBeMissing) {
  const Parsed block(link(hash_field) + link(std::string(hash_field) + "1200" + "1800"));
  ASSERT_TRUE(block.node);
  DagPbLinks links = block.node->links();
  const auto bare = links.next(), zero = links.next();
  EXPECT_FALSE(bare->tsize);
  EXPECT_TRUE(bare->name.empty());
  EXPECT_EQ(zero->tsize, 0u);
}

TEST(DagPbTest, BytesBehindTheCidOfALinkAreIgnored) {
  const Parsed block(
      link("0a08"
           "015500026869"
           "ffff"));
  ASSERT_TRUE(block.node);
  EXPECT_EQ(block.node->links().next()->cid.bytes().size(), 6u);
}

TEST(DagPbTest, RefusesWhatKuboRefuses) {
  const std::string hash = hash_field;
  for (const std::string& hex : {
           data("0801") + data("0801"),             // two Data fields
           link(hash) + data("0801") + link(hash),  // two runs of links
           std::string("0801"),                     // a varint where bytes belong
           field("1a", "00"),                       // an unknown field
           std::string("0a0508"),                   // Data longer than the block
           std::string("12ffffffffffffffffff7f"),   // a length of more than 64 bits
           std::string("12ffffffff0f"),             // a length of 4 GiB
           link(""),                                // a link without a CID
           link("120161"),                          // the same
           link("0a00"),                            // an empty CID
           link("0a04"
                "01550030"),  // a CID that is cut
           link("0a03"
                "025500"),                    // a version that is none
           link(hash + hash),                 // two CIDs
           link("120161" + hash),             // the name before the CID
           link(hash + "120161" + "120161"),  // two names
           link(hash + "1801" + "120161"),    // the size before the name
           link(hash + "1801" + "1801"),      // two sizes
           link(hash + "18"),                 // a size that is cut
           link(hash + "1a0161"),             // a size of the wrong type
           link(hash + "220161"),             // an unknown field
           link("0b" + hash),                 // a group
       }) {
    const Parsed block(hex);
    EXPECT_FALSE(block.node) << hex;
    if (!block.node) {
      EXPECT_EQ(block.node.error().code, ErrorCode::malformed);
    }
  }
}

TEST(DagPbTest, ReadsANodeWhosePiecesAreCutAnywhere) {
  Budget budget{"test", 16 << 20};
  Account pages{budget, "test.pages", Lifetime::block, 16 << 20};
  Account holder{budget, "test.holder", Lifetime::block, 16 << 20};
  ChunkPool pool{pages, 64};
  const std::string bytes =
      from_hex(link(std::string(hash_field) + "1203616263" + "18ac02") + data("080112026869") + "");
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    ChunkChain chain;
    for (const Bytes part : {as_bytes(bytes).first(cut), as_bytes(bytes).subspan(cut)}) {
      Chunk chunk = pool.take(holder);
      std::copy(part.begin(), part.end(), chunk.space().begin());
      chunk.fill(part.size());
      chain.append(std::move(chunk));
    }
    const auto node = DagPbNode::parse(Rope(chain));
    ASSERT_TRUE(node) << cut;
    const auto read = node->links().next();
    EXPECT_EQ(text_of(read->name), "abc");
    EXPECT_EQ(read->tsize, 300u);
    EXPECT_EQ(text_of(*node->data), from_hex("080112026869"));
  }
}

TEST(DagPbTest, EveryCutOfABlockIsRefusedOrWhole) {
  const std::string bytes = from_hex(link(std::string(hash_field) + "1203616263" + "18ac02") + data("0801"));
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    const auto node = DagPbNode::parse(Rope(as_bytes(bytes).first(length)));
    EXPECT_EQ(node.has_value(), length == bytes.size() - 4) << "whole only behind the link";
  }
}

}  // namespace
}  // namespace masu::unixfs
