// dag import and dag export: answers as Kubo 0.42 gives them.
#include "core/rpc/commands/commands.hpp"
#include "store/car/car_format.hpp"
#include "tests/core/fake_call.hpp"
#include "tests/store/bytes.hpp"
#include "tests/store/dag_builder.hpp"

#include <gtest/gtest.h>

namespace masu::core::rpc {
namespace {

using store::test::DagBuilder;
using test::FakeCall;
using test::FakeNode;

class CarCommandsTest : public ::testing::Test {
 protected:
  ~CarCommandsTest() override {
    EXPECT_EQ(node_.block_account().live_bytes(), 0u) << "a block was kept";
    EXPECT_EQ(node_.import_account().live_bytes(), 0u) << "memory was kept";
  }

  static std::string car(const std::vector<Cid>& roots,
                         const std::vector<std::pair<Cid, std::string>>& blocks) {
    std::string all(as_text(store::car::header_of(roots, *std::pmr::get_default_resource())));
    for (const auto& [cid, block] : blocks) {
      all.append(as_text(store::car::section_front(cid, block.size()))).append(block);
    }
    return all;
  }
  struct Answer {
    std::string body, error;
    bool operator==(const Answer&) const = default;
  };
  Answer import(std::vector<std::string> files, const FakeCall::Options& options = {}, bool text = true,
                std::size_t piece = 1000) {
    FakeCall call(node_, commands::dag_import, {}, options, text);
    call.files = std::move(files);
    call.upload_piece = piece;
    call.run();
    return {call.body, call.error};
  }
  Answer dag_export(const std::string& path, const FakeCall::Options& options = {}) {
    FakeCall call(node_, commands::dag_export, {path}, options);
    call.run();
    if (call.error.empty()) {
      EXPECT_EQ(call.content_type, "application/vnd.ipld.car");
    }
    return {call.body, call.error};
  }
  bool here(const Cid& cid) { return node_.blocks().size(cid.hash()).value().has_value(); }
  void empty_store() {
    FakeCall gc(node_, commands::repo_gc, {});
    gc.run();
    ASSERT_EQ(node_.blocks().usage().value().objects, 0u);
  }

  FakeNode node_{FakeNode::Blocks::on_disk};
  DagBuilder dag_{node_.blocks()};
  const std::string leaf_block = "leaf", other_block = std::string(300000, 'o');
  const Cid leaf_ = store::test::cid_of(Codec::raw, leaf_block),
            other_ = store::test::cid_of(Codec::raw, other_block);
  const std::string root_block = store::test::pb_block({{leaf_, "a"}, {other_, "b"}, {leaf_, "c"}}, "root");
  const Cid root_ = store::test::cid_of(Codec::dag_pb, root_block);
  const std::string root = root_.to_string();
  const std::string whole = car({root_}, {{root_, root_block}, {leaf_, leaf_block}, {other_, other_block}});
  const std::string not_found = "block was not found locally (offline): ipld: could not find ";
};

TEST_F(CarCommandsTest, WhatIsImportedComesOutAgain) {
  for (const std::size_t piece : {1000, 16384, 100000}) {
    EXPECT_EQ(import({whole}, {}, true, piece), (Answer{"Pinned root\t" + root + "\tsuccess\n", ""}));
    EXPECT_EQ(node_.pins().find(root_).value()->mode, store::PinMode::recursive);
    EXPECT_EQ(dag_export(root), (Answer{whole, ""}));
    EXPECT_EQ(dag_export("/ipfs/" + root + "/b").body, car({other_}, {{other_, other_block}}));
    ASSERT_TRUE(node_.pins().unpin(root_, true));
    empty_store();
  }
}

TEST_F(CarCommandsTest, MemoryIsLookedAtBeforeEachBegins) {
  import({whole});
  EXPECT_EQ(node_.looks, 1);
  dag_export(root);
  EXPECT_EQ(node_.looks, 2);
}

TEST_F(CarCommandsTest, ImportTellsAsAsked) {
  EXPECT_EQ(import({whole}, {{"stats", "true"}}, false).body,
            "{\"Root\":{\"Cid\":{\"/\":\"" + root +
                "\"},\"PinErrorMsg\":\"\"}}\n"
                "{\"Stats\":{\"BlockCount\":3,\"BlockBytesCount\":" +
                std::to_string(root_block.size() + 4 + 300000) + "}}\n");
  EXPECT_EQ(import({whole}, {{"silent", "true"}, {"stats", "true"}}).body, "");
  ASSERT_TRUE(node_.pins().unpin(root_, true));
  EXPECT_EQ(import({whole}, {{"pin-roots", "false"}}).body, "");
  EXPECT_FALSE(node_.pins().find(root_).value());
  EXPECT_EQ(import({whole}, {{"local-only", "true"}, {"stats", "true"}}).body,
            "Imported 3 blocks (" + std::to_string(root_block.size() + 4 + 300000) + " bytes)\n");
  EXPECT_EQ(import({whole}, {{"local-only", "true"}, {"pin-roots", "true"}}).error,
            "--local-only implies --pin-roots=false and cannot be combined with --pin-roots=true; please "
            "drop one of "
            "them");
}

TEST_F(CarCommandsTest, DagsMaySpanFiles) {
  const std::string first = car({root_, root_}, {{root_, root_block}}),
                    second = car({}, {{leaf_, leaf_block}});
  EXPECT_EQ(import({first, second, car({root_}, {{other_, other_block}})}).body,
            "Pinned root\t" + root + "\tsuccess\n");
}

TEST_F(CarCommandsTest, RootsThatCannotBePinnedSayWhy) {
  const Cid absent = store::test::cid_of(Codec::raw, "absent");
  const std::string partial = car({root_}, {{root_, root_block}, {leaf_, leaf_block}});
  EXPECT_EQ(import({partial}).error,
            "pinning root \"" + root + "\" FAILED: " + not_found + other_.to_string());
  EXPECT_EQ(import({car({absent}, {})}, {}, false).body, "{\"Root\":{\"Cid\":{\"/\":\"" + absent.to_string() +
                                                             "\"},\"PinErrorMsg\":\"ipld: could not find " +
                                                             absent.to_string() + "\"}}\n");
  EXPECT_TRUE(here(leaf_));
}

TEST_F(CarCommandsTest, ImportNamesTheLastGoodBlock) {
  std::string mangled = whole;
  mangled.back() ^= 1;
  EXPECT_TRUE(import({mangled}).error.starts_with(
      "import failed after block \"" + leaf_.to_string() +
      "\": mismatch in content integrity, expected: " + other_.to_string()));
  EXPECT_EQ(import({whole.substr(0, whole.size() - 1)}).error,
            "import failed after block \"" + leaf_.to_string() + "\": unexpected EOF");
  const std::string header = car({root_}, {});
  EXPECT_EQ(import({whole.substr(0, header.size() + 5)}).error, "import failed: unexpected EOF");
  EXPECT_EQ(import({whole.substr(0, 20)}).error, "unexpected EOF");
  EXPECT_EQ(import({""}).error, "EOF");
  EXPECT_TRUE(import({"\x03\xff\xff\xff"}).error.starts_with("invalid header: "));
  const Cid no_pb = store::test::cid_of(Codec::dag_pb, "no protobuf");
  EXPECT_TRUE(import({car({}, {{no_pb, "no protobuf"}})})
                  .error.starts_with("import failed at block \"" + no_pb.to_string() + "\": "));
  EXPECT_FALSE(here(no_pb));
  // What came before an error stays, unpinned, as in Kubo.
  EXPECT_TRUE(here(leaf_));
  EXPECT_FALSE(node_.pins().find(root_).value());
}

TEST_F(CarCommandsTest, ExportSaysWhatIsMissing) {
  EXPECT_EQ(dag_export(root), (Answer{"", not_found + root}));
  EXPECT_EQ(import({car({}, {{root_, root_block}, {leaf_, leaf_block}})}).error, "");
  const std::string begun = car({root_}, {{root_, root_block}, {leaf_, leaf_block}});
  const std::string error =
      "walk failed: could not load link \"" + other_.to_string() + "\": " + not_found + other_.to_string();
  EXPECT_EQ(dag_export(root),
            (Answer{begun, error + " (currently offline, perhaps retry after attaching to the "
                                   "network)"}));
  EXPECT_EQ(dag_export(root, {{"offline", "true"}}).error,
            error + " (currently offline, perhaps retry without the offline flag)");
  EXPECT_EQ(dag_export(root, {{"local-only", "true"}}), (Answer{begun, ""}));
  EXPECT_EQ(
      dag_export(root, {{"local-only", "true"}, {"offline", "false"}}).error,
      "--local-only implies --offline and cannot be combined with --offline=false; please drop one of them");
}

TEST_F(CarCommandsTest, InlinedBlocksTravelUnlessLocal) {
  const Cid inlined = Cid::v1(Codec::raw, Multihash::make(HashCode::identity, as_bytes("inline")));
  const std::string block = store::test::pb_block({{inlined, "i"}}, "x");
  const Cid cid = store::test::cid_of(Codec::dag_pb, block);
  const std::string with = car({cid}, {{cid, block}, {inlined, "inline"}});
  EXPECT_EQ(import({with}).error, "");
  EXPECT_EQ(dag_export(cid.to_string()).body, with);
  EXPECT_EQ(dag_export(cid.to_string(), {{"local-only", "true"}}).body, car({cid}, {{cid, block}}));
}

TEST_F(CarCommandsTest, LargeDagsStayWithinTheirAccounts) {
  std::vector<std::pair<Cid, std::string>> blocks;
  std::vector<store::test::NamedLink> links;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const auto bytes = store::test::ByteStream(i).take(250000);
    const std::string block(as_text(bytes));
    blocks.emplace_back(store::test::cid_of(Codec::raw, block), block);
    links.push_back({blocks.back().first, ""});
  }
  const std::string top = store::test::pb_block(links, "top");
  const Cid cid = store::test::cid_of(Codec::dag_pb, top);
  blocks.insert(blocks.begin(), {cid, top});
  const std::string large = car({cid}, blocks);
  EXPECT_EQ(import({large}, {}, true, 16 * 1024).error, "");
  EXPECT_EQ(dag_export(cid.to_string()).body, large);
}

}  // namespace
}  // namespace masu::core::rpc
