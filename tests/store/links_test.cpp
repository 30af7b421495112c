#include "store/links.hpp"

#include "multiformats/digest.hpp"
#include "tests/store/bytes.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace masu::store {
namespace {

using test::from_hex;

// CIDs with an identity hash: short enough to read in hexadecimal. "a1": bafkqaalb, "a2": bafkqaalc.
const std::string cid_a = from_hex("0155000161"), cid_b = from_hex("0155000162");

class LinksTest : public ::testing::Test {
 protected:
  // The links as text, or the error behind those that came before it.
  std::string links(Codec codec, std::string_view block) {
    std::string whole = links_of(codec, Rope(as_bytes(block)));
    // The same in chunks of one byte each.
    ChunkChain chain;
    for (const char byte : block.substr(0, 200)) {
      Chunk chunk = pool_.take(holder_);
      chunk.space()[0] = static_cast<std::uint8_t>(byte);
      chunk.fill(1);
      chain.append(std::move(chunk));
    }
    if (block.size() <= 200) EXPECT_EQ(links_of(codec, Rope(chain)), whole);
    return whole;
  }
  std::string links_of(Codec codec, Rope block) {
    std::string all;
    const auto visited = for_each_link(codec, block, [&](const Cid& cid) {
      all.append(cid.to_string()).append(" ");
      return true;
    });
    return visited ? all : all + "! " + visited.error().detail;
  }

  Budget budget_{"test", 16 << 20};
  Account holder_{budget_, "test.holder", Lifetime::block, 16 << 20};
  ChunkPool pool_{holder_, 256};
};

TEST_F(LinksTest, OfDagPb) {
  const std::string link = from_hex("12070a05") + cid_a,
                    other = from_hex("12090a05") + cid_b + from_hex("1200");
  EXPECT_EQ(links(Codec::dag_pb, ""), "");
  EXPECT_EQ(links(Codec::dag_pb, link + other + link + from_hex("0a020801")),
            "bafkqaalb bafkqaalc bafkqaalb ");
  EXPECT_EQ(links(Codec::dag_pb, link + from_hex("1a00")),
            "! protobuf: (PBNode) invalid fieldNumber, expected 1 or 2, got 3");
}

TEST_F(LinksTest, OfCodecsWithoutLinks) {
  EXPECT_EQ(links(Codec::raw, "anything"), "");
  EXPECT_EQ(links(Codec::libp2p_key, "anything"), "");
  EXPECT_EQ(links(Codec::json, "{\"/\":\"bafkqaalb\"}"), "");
  EXPECT_EQ(links(Codec::git_raw, "tree"), "! no decoder registered for multicodec code 120 (0x78)");
}

std::string cbor_link(const std::string& cid) { return from_hex("d82a4600") + cid; }

TEST_F(LinksTest, OfDagCbor) {
  // {"a": [1, CID, h'00'], "b": {"c": CID}}, null, floats and a negative number among them.
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("a2616184") + from_hex("01") + cbor_link(cid_a) +
                                       from_hex("4100") + from_hex("fb3ff0000000000000") +
                                       from_hex("6162a2616320") + from_hex("6164") + cbor_link(cid_b)),
            "bafkqaalb bafkqaalc ");
  EXPECT_EQ(links(Codec::dag_cbor, cbor_link(cid_a)), "bafkqaalb ");
  EXPECT_EQ(links(Codec::cbor, from_hex("80")), "");
  // Indefinite lengths, as Kubo's decoder takes them.
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("9f01") + cbor_link(cid_a) + from_hex("bf61615f41004100ffff") +
                                       cbor_link(cid_b) + from_hex("ff")),
            "bafkqaalb bafkqaalc ");
}

TEST_F(LinksTest, OfMalformedDagCbor) {
  EXPECT_EQ(links(Codec::dag_cbor, ""), "! cbor: unexpected EOF");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("0101")), "! cbor: bytes behind the value");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("d82b4100")), "! cbor: unhandled cbor tag");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("d82a6100")), "! cbor: a link that is no byte string");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("d82a40")), "! cbor: a link that is no CID");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("d82a4601") + cid_a),
            "! cbor: a link without its multibase prefix");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("d82a420055")), "! cbor: a link that is no CID");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("ff")), "! cbor: a break outside of a collection");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("f0")), "! cbor: an unknown simple value");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("1c")), "! cbor: a reserved length");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("5f01ff")), "! cbor: a string of other pieces");
  // Lengths that claim more than there is cost nothing.
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("9bffffffffffffffff")), "! cbor: unexpected EOF");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("bb800000000000000000")), "! cbor: unexpected EOF");
  EXPECT_EQ(links(Codec::dag_cbor, from_hex("5bffffffffffffffff")), "! cbor: unexpected EOF");
}

TEST_F(LinksTest, DepthIsBounded) {
  const std::string deep(link_depth_max, '\x81'), deep_json(link_depth_max, '[');
  EXPECT_EQ(links(Codec::dag_cbor, deep + "\x01"), "");
  EXPECT_EQ(links(Codec::dag_cbor, "\x81" + deep + "\x01"),
            "! cbor: message structure exceeded maximum nesting depth");
  EXPECT_EQ(links(Codec::dag_json, deep_json + std::string(link_depth_max, ']')), "");
  EXPECT_EQ(links(Codec::dag_json, "[" + deep_json + "]"),
            "! json: message structure exceeded maximum nesting depth");
  EXPECT_EQ(links(Codec::dag_cbor, std::string(2 << 20, '\x9f')),
            "! cbor: message structure exceeded maximum nesting depth");
}

TEST_F(LinksTest, OfDagJson) {
  EXPECT_EQ(links(Codec::dag_json,
                  R"({"a":[1,-2.5e3,{"/":"bafkqaalb"},true],"b":{"c":{"/":"bafkqaalc"}},"d":null})"),
            "bafkqaalb bafkqaalc ");
  EXPECT_EQ(links(Codec::dag_json, " { \"/\" : \"bafkqaalb\" } \n"), "bafkqaalb ");
  EXPECT_EQ(links(Codec::dag_json, R"({"\/":"bafkqa\u0061lb"})"), "bafkqaalb ");
  EXPECT_EQ(links(Codec::dag_json, R"({"/":{"bytes":"AAA"}})"), "");
  EXPECT_EQ(links(Codec::dag_json, R"({"/":"bafkqaalb","more":1})"), "");
  EXPECT_EQ(links(Codec::dag_json, R"({"more":1,"/":"bafkqaalb"})"), "");
  EXPECT_EQ(links(Codec::dag_json, R"({"/":["bafkqaalb"]})"), "");
  EXPECT_EQ(links(Codec::dag_json, R"([{"/":1},{"/":null},{},[],"x"])"), "");
}

TEST_F(LinksTest, OfMalformedDagJson) {
  EXPECT_EQ(links(Codec::dag_json, ""), "! json: unexpected EOF");
  EXPECT_EQ(links(Codec::dag_json, R"([{"/":"bafkqaalb"},)"), "bafkqaalb ! json: unexpected EOF");
  EXPECT_EQ(links(Codec::dag_json, "{\"/\":\"nothing\"}"), "! json: a link that is no CID");
  EXPECT_EQ(links(Codec::dag_json, "{\"/\":\"" + std::string(100000, 'b') + "\"}"),
            "! json: a link that is no CID");
  EXPECT_EQ(links(Codec::dag_json, "[1}"), "! json: a bracket that closes another one");
  EXPECT_EQ(links(Codec::dag_json, "{\"/\":\"bafkqaalb\"]"), "! json: a bracket that closes another one");
  EXPECT_EQ(links(Codec::dag_json, "[] x"), "! json: unexpected content after end of json object");
  EXPECT_EQ(links(Codec::dag_json, "\"\\q\""), "! json: a bad escape in a string");
  EXPECT_EQ(links(Codec::dag_json, "{1:2}"), "! json: a key that is no string");
  EXPECT_EQ(links(Codec::dag_json, "{\"a\" 2}"), "! json: a key without a value");
  EXPECT_EQ(links(Codec::dag_json, "[1 2]"), "! json: a value without a comma behind it");
  EXPECT_EQ(links(Codec::dag_json, "nulL"), "! json: an unknown word");
}

TEST_F(LinksTest, AVisitorCanStop) {
  const std::string pb = from_hex("12070a05") + cid_a + from_hex("12070a05") + cid_b;
  const std::string cbor = from_hex("82") + cbor_link(cid_a) + cbor_link(cid_b);
  const std::string json = R"([{"/":"bafkqaalb"},{"/":"bafkqaalc"}])";
  for (const auto& [codec, block] :
       {std::pair(Codec::dag_pb, pb), std::pair(Codec::dag_cbor, cbor), std::pair(Codec::dag_json, json)}) {
    int count = 0;
    EXPECT_TRUE(for_each_link(codec, Rope(as_bytes(block)), [&](const Cid&) { return ++count, false; }));
    EXPECT_EQ(count, 1);
  }
}

TEST_F(LinksTest, EveryCutIsAnErrorOrLess) {
  const std::string cbor = from_hex("a26161839f01ff") + cbor_link(cid_a) + from_hex("fb3ff0000000000000") +
                           from_hex("6162") + cbor_link(cid_b);
  const std::string json = R"({"a":[{"/":"bafkqaalb"},"\u0041",tr)"
                           R"(ue],"b":{"/":"bafkqaalc"}})";
  EXPECT_EQ(links(Codec::dag_cbor, cbor), "bafkqaalb bafkqaalc ");
  EXPECT_EQ(links(Codec::dag_json, json), "bafkqaalb bafkqaalc ");
  for (std::size_t cut = 0; cut < cbor.size(); ++cut) {
    EXPECT_NE(links(Codec::dag_cbor, cbor.substr(0, cut)).find('!'), std::string::npos) << cut;
  }
  for (std::size_t cut = 0; cut < json.size(); ++cut) {
    EXPECT_NE(links(Codec::dag_json, json.substr(0, cut)).find('!'), std::string::npos) << cut;
  }
}

}  // namespace
}  // namespace masu::store
