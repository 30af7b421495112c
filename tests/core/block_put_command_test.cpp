// The answers in these tests are those of Kubo 0.42 to the same requests.
#include "core/rpc/commands/commands.hpp"
#include "tests/core/fake_call.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace masu::core::rpc::commands {
namespace {

using test::FakeCall;
using test::FakeNode;

struct BlockPutCommandTest : testing::Test {
  std::string put(const FakeCall::Options& options, const std::vector<std::string>& blocks) {
    call.emplace(node, commands::block_put, std::vector<std::string>(), options);
    call->files = blocks;
    call->run();
    node.sim_jobs().run_all();
    EXPECT_EQ(node.upload_account().live_bytes(), 0u);
    EXPECT_EQ(node.upload_slots().used(), 0u);
    EXPECT_EQ(node.import_account().live_bytes(), 0u);
    return call->failed ? "error: " + call->error : call->body;
  }
  void expect_key(const FakeCall::Options& options, std::string_view key) {
    EXPECT_EQ(put(options, {"hello"}), "{\"Key\":\"" + std::string(key) + "\",\"Size\":5}\n");
  }
  void expect_error(const FakeCall::Options& options, std::string_view error) {
    EXPECT_EQ(put(options, {"hello"}), "error: " + std::string(error));
  }

  FakeNode node{FakeNode::Blocks::on_disk};
  std::optional<FakeCall> call;
};

TEST_F(BlockPutCommandTest, ABlockIsNamedAsItsOptionsSay) {
  expect_key({}, "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
  expect_key({{"cid-codec", "dag-cbor"}}, "bafyreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
  expect_key({{"cid-codec", "0x71"}}, "bafyreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
  expect_key({{"cid-codec", "git-raw"}}, "baf4beibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
  expect_key({{"cid-codec", ""}}, "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
  expect_key({{"format", "v0"}}, "QmRN6wdp1S2A5EtjW9A3M1vKSBuQQGcgvuhoMUoEz4iiT5");
  expect_key({{"format", "protobuf"}}, "bafybeibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
  expect_key({{"format", "cbor"}}, "bafyreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
  expect_key({{"mhtype", "sha2-512"}},
             "bafkrgqe3ohjcjplc6n4f3fwunlj6upltggn7xqujbsvnvyw764srszz4u4rshq6ztos4chl4plgg4ffyyxnayrtdi5oc4x"
             "b2332g64"
             "5433aeg");
  expect_key({{"mhtype", "sha2-256"}, {"mhlen", "20"}}, "bafkrefbm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa");
  expect_key({{"mhtype", "blake2b-256"}}, "bafk2bzaceaze3tycpxkkgcutfrcb6ns2exugwfz556slrzmjjasti4nydnzm6");
  expect_key({{"mhtype", "blake3"}, {"mhlen", "64"}},
             "bafkr4qhkr4ld3m4gqkjf4reryxsy2s5tkbxprqkow6fin2iiyvreuzzab7uzeqc7bv4fwwm2fyzyp5wtjua7vth6wix3nf"
             "7ph7ktkqj"
             "edizyy");
  expect_key({{"mhtype", "identity"}}, "bafkqablimvwgy3y");
  expect_key({{"cid-base", "base58btc"}}, "zb2rhZfjRh2FHHB2RkHVEvL2vJnCTcu7kwRqgVsf9gpkLgteo");
}

TEST_F(BlockPutCommandTest, RefusalsAreKubos) {
  expect_error({{"cid-codec", "foo"}}, "unknown multicodec: \"foo\"");
  expect_error({{"format", "foo"}}, "unknown multicodec: \"foo\"");
  expect_error({{"format", "v0"}, {"mhtype", "sha2-512"}}, "only sha2-255-32 is allowed with CIDv0");
  expect_error({{"format", "v0"}, {"mhlen", "20"}}, "only sha2-255-32 is allowed with CIDv0");
  expect_error({{"format", "cbor"}, {"cid-codec", "dag-pb"}},
               "unable to use \"format\" (deprecated) and a custom \"cid-codec\" at the same time");
  expect_error({{"mhtype", "SHA2-256"}}, "unrecognized multihash function: SHA2-256");
  expect_error({{"mhlen", "10"}}, "digest too small: sha2-256 digest got 10 bytes, minimum 20");
  expect_error({{"mhlen", "33"}}, "invalid cid: requested length was too large for digest");
  expect_error({{"mhtype", "md5"}}, "potentially insecure hash functions not allowed");
  EXPECT_EQ(put({{"mhtype", "identity"}}, {std::string(200, 'x')}),
            "error: digest too large: identity digest got 200 bytes, maximum 128");
}

TEST_F(BlockPutCommandTest, ManyPartsAreManyBlocks) {
  std::vector<std::string> blocks;
  for (int i = 0; i < 200; ++i) blocks.push_back(std::to_string(i) + std::string(3000, '.'));
  const std::string answer = put({}, blocks);
  EXPECT_EQ(std::ranges::count(answer, '\n'), 200);
  EXPECT_EQ(node.looks, 200) << "memory is looked at before each";
  EXPECT_TRUE(node.blocks().size(*multihash_of(HashCode::sha2_256, as_bytes(blocks[150])))->has_value());
}

TEST_F(BlockPutCommandTest, ABlockOf2MiBIsTheLargest) {
  const std::string most(store::block_bytes_max, 'x');
  EXPECT_TRUE(put({}, {most}).starts_with("{\"Key\""));
  EXPECT_EQ(
      put({}, {most + "x"}),
      "error: produced block is over 2MiB: big blocks can't be exchanged with other peers. consider using "
      "UnixFS for automatic chunking of bigger files, or pass --allow-big-block to override");
  EXPECT_TRUE(put({{"allow-big-block", "true"}}, {most + "x"}).starts_with("error: a block of more than"));
}

TEST_F(BlockPutCommandTest, AnUploadInSmallPiecesTakesNoMoreThanItsSlotSays) {
  node.upload_account().set_quota(store::block_bytes_max + 2 * chunk_bytes);
  call.emplace(node, commands::block_put, std::vector<std::string>(), FakeCall::Options());
  call->files = {std::string(store::block_bytes_max, 'x')};
  call->upload_piece = 1000;
  EXPECT_TRUE(call->run().body.starts_with("{\"Key\"")) << call->error;
}

TEST_F(BlockPutCommandTest, OneThatHasNoSlotHoldsLittleAndWaits) {
  std::optional others = node.upload_slots().take();
  call.emplace(node, commands::block_put, std::vector<std::string>(), FakeCall::Options());
  call->files = {"small", std::string(100'000, 'x')};
  call->start();
  node.sim_jobs().run_all();
  EXPECT_EQ(std::ranges::count(call->body, '\n'), 1) << "what fits a chunk needs no slot";
  node.advance(5s);
  EXPECT_LE(node.upload_account().live_bytes(), 2 * chunk_bytes);
  others.reset();
  node.advance(20ms);
  call->finish();
  EXPECT_EQ(std::ranges::count(call->body, '\n'), 2) << call->error;
  EXPECT_EQ(node.upload_slots().used(), 0u);
}

TEST_F(BlockPutCommandTest, OneThatNeverGetsASlotIsToldSo) {
  const auto others = node.upload_slots().take();
  call.emplace(node, commands::block_put, std::vector<std::string>(), FakeCall::Options());
  call->files = {std::string(100'000, 'x')};
  call->start();
  for (int i = 0; i < 1100; ++i) node.advance(10ms);
  EXPECT_EQ(call->finish().error, "out of memory: others upload blocks (account upload)");
  EXPECT_EQ(node.upload_account().live_bytes(), 0u);
}

TEST_F(BlockPutCommandTest, OneThatWaitsGivesItsPlaceToOthers) {
  const auto others = node.upload_slots().take();
  call.emplace(node, commands::block_put, std::vector<std::string>(), FakeCall::Options());
  call->files = {std::string(100'000, 'x')};
  call->start();
  for (int i = 0; i < 100; ++i) node.advance(10ms);
  EXPECT_EQ(call->error, "") << "nobody else is there";
  call->others_wait = true;
  node.advance(10ms);
  EXPECT_EQ(call->finish().error, "out of memory: others upload blocks (account upload)");
}

TEST_F(BlockPutCommandTest, ABlockMayBePinned) {
  put({{"pin", "true"}}, {"hello"});
  const auto pin =
      node.pins().find(*Cid::parse("bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"));
  ASSERT_TRUE(pin && *pin);
  EXPECT_EQ((*pin)->mode, store::PinMode::recursive);
}

TEST_F(BlockPutCommandTest, ADirectoryIsNoBlock) {
  call.emplace(node, commands::block_put, std::vector<std::string>(), FakeCall::Options());
  call->files = {""};
  call->entries = {{.kind = UploadEntry::Kind::directory, .path = "x", .link_target = {}}};
  EXPECT_EQ(call->run().error, "expected a file");
}

TEST_F(BlockPutCommandTest, TextIsTheKeyAlone) {
  FakeCall text(node, commands::block_put, {}, {}, true);
  text.files = {"hello"};
  EXPECT_EQ(text.run().body, "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq\n");
}

}  // namespace
}  // namespace masu::core::rpc::commands
