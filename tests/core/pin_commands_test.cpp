// Pins, collection, block rm and CARs: answers as Kubo 0.42 gives them, over a store on disk.
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/human_bytes.hpp"
#include "store/car/car_format.hpp"
#include "tests/core/fake_call.hpp"
#include "tests/store/dag_builder.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace masu::core::rpc {
namespace {

using store::test::DagBuilder;
using store::test::NamedLink;
using test::FakeCall;
using test::FakeNode;

class PinCommandsTest : public ::testing::Test {
 protected:
  ~PinCommandsTest() override {
    EXPECT_EQ(node_.block_account().live_bytes(), 0u) << "a block was kept";
    EXPECT_EQ(node_.import_account().live_bytes(), 0u) << "memory was kept";
  }

  std::string body(const CommandSpec& spec, std::vector<std::string> arguments,
                   const FakeCall::Options& options = {}, bool text = true) {
    FakeCall call(node_, spec, std::move(arguments), options, text);
    call.run();
    EXPECT_FALSE(call.failed) << call.error;
    return call.body;
  }
  std::string error(const CommandSpec& spec, std::vector<std::string> arguments,
                    const FakeCall::Options& options = {}, bool text = true) {
    FakeCall call(node_, spec, std::move(arguments), options, text);
    call.run();
    EXPECT_TRUE(call.failed);
    return call.error;
  }
  bool here(const Cid& cid) { return node_.blocks().size(cid.hash()).value().has_value(); }
  void pin(const Cid& cid, store::PinMode mode = store::PinMode::recursive, std::string_view name = "") {
    ASSERT_TRUE(node_.pins().pin(cid, mode, name));
  }
  static std::vector<std::string> lines(std::string_view text) {
    std::vector<std::string> all;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      all.emplace_back(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    std::ranges::sort(all);
    return all;
  }

  FakeNode node_{FakeNode::Blocks::on_disk};
  DagBuilder dag_{node_.blocks()};
  const Cid leaf_ = dag_.add(Codec::raw, std::vector<Cid>(), "leaf");
  const Cid other_ = dag_.add(Codec::raw, std::vector<Cid>(), "other");
  const Cid root_ = dag_.add(Codec::dag_pb, std::vector<NamedLink>{{leaf_, "a"}, {other_, "b"}}, "root");
  const std::string leaf = leaf_.to_string(), other = other_.to_string(), root = root_.to_string();
  const std::string missing = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
  const std::string not_found = "block was not found locally (offline): ipld: could not find ";
};

// --- pin add, pin rm ---

TEST_F(PinCommandsTest, AddPins) {
  EXPECT_EQ(body(commands::pin_add, {root}), "pinned " + root + " recursively\n");
  EXPECT_EQ(node_.pins().find(root_).value()->mode, store::PinMode::recursive);
  EXPECT_EQ(body(commands::pin_add, {root + "/a", "/ipfs/" + other}, {{"recursive", "false"}, {"name", "x"}}),
            "pinned " + leaf + " directly\npinned " + other + " directly\n");
  EXPECT_EQ(node_.pins().find(leaf_).value()->name, "x");
  EXPECT_EQ(body(commands::pin_add, {root, leaf}, {}, false),
            "{\"Pins\":[\"" + root + "\",\"" + leaf + "\"]}\n");
  FakeCall call(node_, commands::pin_add, {root});
  call.run();
  EXPECT_TRUE(call.single_value);
}

TEST_F(PinCommandsTest, AddSaysWhatIsWrong) {
  EXPECT_EQ(error(commands::pin_add, {missing}), "pin: " + not_found + missing);
  EXPECT_EQ(error(commands::pin_add, {"nothing"}),
            "invalid path \"nothing\": path does not have enough components");
  EXPECT_EQ(error(commands::pin_add, {root}, {{"name", std::string(300, 'n')}}),
            "pin name is 300 bytes (max 255 bytes)");
  pin(root_);
  EXPECT_EQ(error(commands::pin_add, {root}, {{"recursive", "false"}}),
            "pin: " + root + " already pinned recursively");
  ASSERT_TRUE(node_.blocks().remove(other_.hash()));
  const Cid again = dag_.add(Codec::dag_pb, {root_}, "again");
  EXPECT_EQ(error(commands::pin_add, {again.to_string()}), "pin: " + not_found + other);
  EXPECT_FALSE(node_.pins().find(again).value());
}

TEST_F(PinCommandsTest, AddTellsItsProgress) {
  FakeCall call(node_, commands::pin_add, {root}, {{"progress", "true"}});
  call.start();
  node_.advance(500ms);
  EXPECT_EQ(call.body, "{}\n");
  while (call.body.find("Pins") == std::string::npos) {
    ASSERT_TRUE(node_.sim_jobs().step());
    node_.advance(500ms);
  }
  call.finish();
  EXPECT_NE(call.body.find("{\"Progress\":1,\"Bytes\":"), std::string::npos);
  const std::size_t bytes = 4 + 5 + store::test::pb_block({{leaf_, "a"}, {other_, "b"}}, "root").size();
  EXPECT_TRUE(call.body.ends_with("{\"Progress\":3,\"Bytes\":" + std::to_string(bytes) + "}\n{\"Pins\":[\"" +
                                  root + "\"]}\n"))
      << call.body;
  EXPECT_FALSE(call.single_value);
  EXPECT_EQ(body(commands::pin_add, {root}, {{"progress", "true"}}), "pinned " + root + " recursively\n");
}

TEST_F(PinCommandsTest, AClientThatGoesEndsThePinning) {
  FakeCall call(node_, commands::pin_add, {root}, {{"progress", "true"}});
  call.writes_max = 0;
  call.start();
  node_.advance(500ms);
  call.finish();
  EXPECT_TRUE(call.failed);
  node_.sim_jobs().run_all();
  EXPECT_FALSE(node_.pins().find(root_).value());
}

TEST_F(PinCommandsTest, RmUnpins) {
  pin(root_);
  pin(leaf_, store::PinMode::direct);
  EXPECT_EQ(body(commands::pin_rm, {root, leaf}), "unpinned " + root + "\nunpinned " + leaf + "\n");
  pin(root_);
  EXPECT_EQ(body(commands::pin_rm, {root}, {}, false), "{\"Pins\":[\"" + root + "\"]}\n");
  EXPECT_EQ(error(commands::pin_rm, {root}), "not pinned or pinned indirectly");
  pin(root_);
  EXPECT_EQ(error(commands::pin_rm, {root}, {{"recursive", "false"}}), root + " is pinned recursively");
  EXPECT_EQ(error(commands::pin_rm, {leaf}), "not pinned or pinned indirectly");
}

// --- pin ls ---

TEST_F(PinCommandsTest, LsListsByType) {
  const Cid alone = dag_.add(Codec::dag_pb, std::vector<Cid>(), "alone");
  pin(root_, store::PinMode::recursive, "first");
  pin(leaf_, store::PinMode::direct);
  pin(alone, store::PinMode::recursive);
  const std::string a = alone.to_string();
  EXPECT_EQ(lines(body(commands::pin_ls, {})),
            lines(root + " recursive\n" + a + " recursive\n" + leaf + " direct\n" + other + " indirect\n"));
  EXPECT_EQ(lines(body(commands::pin_ls, {}, {{"type", "recursive"}})),
            lines(root + " recursive\n" + a + " recursive"));
  EXPECT_EQ(body(commands::pin_ls, {}, {{"type", "direct"}}), leaf + " direct\n");
  EXPECT_EQ(body(commands::pin_ls, {}, {{"type", "indirect"}}), other + " indirect\n");
  EXPECT_EQ(lines(body(commands::pin_ls, {}, {{"quiet", "true"}, {"names", "true"}})),
            lines(root + "\n" + a + "\n" + leaf + "\n" + other + "\n"));
  EXPECT_EQ(lines(body(commands::pin_ls, {}, {{"names", "true"}, {"type", "recursive"}})),
            lines(root + " recursive first\n" + a + " recursive\n"));
  EXPECT_EQ(body(commands::pin_ls, {}, {{"name", "irs"}}), root + " recursive first\n");
  EXPECT_EQ(body(commands::pin_ls, {}, {{"name", "second"}}), "");
  EXPECT_EQ(error(commands::pin_ls, {}, {{"type", "foo"}}),
            "invalid type 'foo', must be one of {direct, indirect, recursive, all}");
}

TEST_F(PinCommandsTest, LsIsOneObjectOrAStreamOfThem) {
  EXPECT_EQ(body(commands::pin_ls, {}, {}, false), "{}\n");
  EXPECT_EQ(body(commands::pin_ls, {}, {{"stream", "true"}}, false), "");
  pin(root_, store::PinMode::recursive, "a \"name\"");
  pin(leaf_, store::PinMode::direct);
  FakeCall call(node_, commands::pin_ls, {}, {{"type", "recursive"}, {"names", "true"}});
  call.run();
  EXPECT_EQ(call.body,
            "{\"Keys\":{\"" + root + "\":{\"Type\":\"recursive\",\"Name\":\"a \\\"name\\\"\"}}}\n");
  EXPECT_TRUE(call.single_value);
  EXPECT_EQ(call.content_type, "application/json");
  EXPECT_EQ(boost::json::parse(body(commands::pin_ls, {}, {}, false)).at("Keys").as_object().size(), 3u);
  EXPECT_EQ(body(commands::pin_ls, {}, {{"type", "direct"}, {"stream", "true"}}, false),
            "{\"Cid\":\"" + leaf + "\",\"Type\":\"direct\"}\n");
  EXPECT_EQ(body(commands::pin_ls, {}, {{"type", "recursive"}, {"stream", "true"}, {"names", "true"}}, false),
            "{\"Cid\":\"" + root + "\",\"Name\":\"a \\\"name\\\"\",\"Type\":\"recursive\"}\n");
  EXPECT_EQ(body(commands::pin_ls, {}, {{"type", "direct"}, {"stream", "true"}}), leaf + " direct\n");
  EXPECT_EQ(body(commands::pin_ls, {}, {{"type", "direct"}, {"stream", "true"}, {"quiet", "true"}}),
            leaf + "\n");
}

TEST_F(PinCommandsTest, LsTellsHowSomeArePinned) {
  pin(root_, store::PinMode::recursive, "n");
  EXPECT_EQ(body(commands::pin_ls, {root, root + "/a"}),
            root + " recursive\n" + leaf + " indirect through " + root + "\n");
  EXPECT_EQ(body(commands::pin_ls, {root}, {{"names", "true"}}), root + " recursive n\n");
  EXPECT_EQ(body(commands::pin_ls, {leaf}, {}, false),
            "{\"Keys\":{\"" + leaf + "\":{\"Type\":\"indirect through " + root + "\",\"Name\":\"\"}}}\n");
  EXPECT_EQ(error(commands::pin_ls, {leaf}, {{"type", "direct"}}), "path '" + leaf + "' is not pinned");
  EXPECT_EQ(error(commands::pin_ls, {root}, {{"type", "indirect"}}), "path '" + root + "' is not pinned");
  EXPECT_EQ(error(commands::pin_ls, {root, missing}), "path '" + missing + "' is not pinned");
  // What is pinned directly may be pinned indirectly as well.
  pin(leaf_, store::PinMode::direct);
  EXPECT_EQ(body(commands::pin_ls, {leaf}), leaf + " direct\n");
  EXPECT_EQ(body(commands::pin_ls, {leaf}, {{"type", "indirect"}}),
            leaf + " indirect through " + root + "\n");
}

TEST_F(PinCommandsTest, LsOfManyStaysWithinARequest) {
  const std::string name(200, 'n');
  for (int i = 0; i < 3000; ++i)
    pin(store::test::cid_of(Codec::dag_pb, std::to_string(i)), store::PinMode::direct, name);
  FakeCall call(node_, commands::pin_ls, {}, {{"names", "true"}});
  call.run();
  EXPECT_EQ(boost::json::parse(call.body).at("Keys").as_object().size(), 3000u);
  EXPECT_LE(call.largest_write, 8u * 1024);
  EXPECT_LE(node_.import_account().peak_bytes(), 300u * 1024);
  EXPECT_LE(call.account().peak_bytes(), 16u * 1024);
}

// --- repo ---

TEST_F(PinCommandsTest, GcRemovesWhatNothingKeeps) {
  pin(leaf_, store::PinMode::direct);
  const auto raw = [](const Cid& cid) { return Cid::v1(Codec::raw, cid.hash()).to_string(); };
  const std::vector<std::string> removed = lines(body(commands::repo_gc, {}));
  EXPECT_EQ(node_.looks, 1) << "memory is looked at before it begins";
  EXPECT_EQ(removed, lines("removed " + raw(root_) + "\nremoved " + other + "\n"));
  EXPECT_TRUE(here(leaf_));
  EXPECT_FALSE(here(root_) || here(other_));
  EXPECT_EQ(body(commands::repo_gc, {}), "");
  ASSERT_TRUE(node_.pins().unpin(leaf_, true));
  EXPECT_EQ(body(commands::repo_gc, {}, {}, false), "{\"Key\":{\"/\":\"" + leaf + "\"}}\n");
}

TEST_F(PinCommandsTest, GcWritesLess) {
  const std::string quiet = body(commands::repo_gc, {}, {{"quiet", "true"}});
  EXPECT_EQ(lines(quiet).size(), 3u);
  EXPECT_TRUE(quiet.starts_with("baf"));
  dag_.add(Codec::raw, std::vector<Cid>(), "more");
  EXPECT_EQ(body(commands::repo_gc, {}, {{"silent", "true"}}), "");
  EXPECT_EQ(node_.blocks().usage().value().objects, 0u);
}

TEST_F(PinCommandsTest, GcStopsAtAMissingBlock) {
  pin(root_);
  const Cid broken = dag_.add(Codec::dag_pb, {*Cid::parse(missing)}, "broken");
  pin(broken);
  const Cid garbage = dag_.add(Codec::raw, std::vector<Cid>(), "garbage");
  const std::string first = "could not retrieve links for " + missing + ": " + not_found + missing;
  const std::string last = "garbage collection aborted: could not retrieve some links";
  EXPECT_EQ(error(commands::repo_gc, {}), first + "; " + last);
  EXPECT_TRUE(here(garbage));
  FakeCall call(node_, commands::repo_gc, {}, {{"stream-errors", "true"}}, true);
  call.run();
  EXPECT_EQ(call.body, "Error: " + first + "\nError: " + last + "\n");
  EXPECT_EQ(call.error, "encountered errors during gc run");
  FakeCall json(node_, commands::repo_gc, {}, {{"stream-errors", "true"}});
  json.run();
  EXPECT_EQ(json.body,
            "{\"Key\":null,\"Error\":\"" + first + "\"}\n{\"Key\":null,\"Error\":\"" + last + "\"}\n");
}

TEST_F(PinCommandsTest, StatCounts) {
  const auto value = boost::json::parse(body(commands::repo_stat, {}, {}, false));
  EXPECT_EQ(value.at("NumObjects").to_number<int>(), 3);
  EXPECT_GT(value.at("RepoSize").to_number<int>(), 0);
  EXPECT_EQ(value.at("StorageMax").to_number<std::int64_t>(), 10000000000);
  EXPECT_EQ(std::string_view(value.at("RepoPath").as_string()), node_.repo().path());
  EXPECT_EQ(std::string_view(value.at("Version").as_string()), "fs-repo@18");
  const std::string text = body(commands::repo_stat, {}, {{"human", "true"}});
  EXPECT_TRUE(text.starts_with("NumObjects: 3\nRepoSize:   ")) << text;
  EXPECT_NE(text.find("StorageMax: 10 GB\nRepoPath:   " + node_.repo().path() + "\nVersion:    fs-repo@18\n"),
            std::string::npos);
  const std::string size = body(commands::repo_stat, {}, {{"size-only", "true"}});
  EXPECT_TRUE(size.starts_with("RepoSize:   "));
  EXPECT_TRUE(size.ends_with("\nStorageMax: 10000000000\n"));
  EXPECT_NE(body(commands::repo_stat, {}, {{"size-only", "true"}}, false)
                .find("\"NumObjects\":0,\"RepoPath\":\"\",\"Version\":\"\""),
            std::string::npos);
}

TEST_F(PinCommandsTest, VersionIsThatOfTheRepo) {
  EXPECT_EQ(body(commands::repo_version, {}), "ipfs repo version fs-repo@18\n");
  EXPECT_EQ(body(commands::repo_version, {}, {{"quiet", "true"}}), "fs-repo@18\n");
  EXPECT_EQ(body(commands::repo_version, {}, {}, false), "{\"Version\":\"18\"}\n");
}

TEST(HumanBytesTest, ReadAsKubos) {
  using commands::human_bytes;
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(5), "5 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(44169), "44 kB");
  EXPECT_EQ(human_bytes(9949), "9.9 kB");
  EXPECT_EQ(human_bytes(9950), "10 kB");
  EXPECT_EQ(human_bytes(10000000000), "10 GB");
  EXPECT_EQ(human_bytes(18446744073709551615u), "18 EB");
}

// --- block rm ---

TEST_F(PinCommandsTest, BlockRmRemovesWhatIsNotPinned) {
  pin(root_);
  EXPECT_EQ(error(commands::block_rm, {root, leaf, missing}), "some blocks not removed");
  FakeCall call(node_, commands::block_rm, {root, leaf, missing});
  call.run();
  EXPECT_FALSE(call.failed);
  EXPECT_EQ(call.body, "{\"Hash\":\"" + root + "\",\"Error\":\"pinned: recursive\"}\n{\"Hash\":\"" + leaf +
                           "\",\"Error\":\"pinned via " + root + "\"}\n{\"Hash\":\"" + missing +
                           "\",\"Error\":\"ipld: could not find " + missing + "\"}\n");
  EXPECT_TRUE(here(root_) && here(leaf_));
  EXPECT_EQ(body(commands::block_rm, {missing}, {{"force", "true"}}), "removed " + missing + "\n");
  ASSERT_TRUE(node_.pins().unpin(root_, true));
  EXPECT_EQ(body(commands::block_rm, {leaf}), "removed " + leaf + "\n");
  EXPECT_EQ(body(commands::block_rm, {other}, {{"quiet", "true"}}), "");
  EXPECT_FALSE(here(leaf_) || here(other_));
  EXPECT_EQ(body(commands::block_rm, {"bafkqaatbbi"}), "removed bafkqaatbbi\n");
}

}  // namespace
}  // namespace masu::core::rpc
