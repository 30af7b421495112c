// cat, get, ls, refs, block get, block stat and resolve: answers as Kubo 0.42 gives them.
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/ls_entry.hpp"
#include "core/rpc/json_text.hpp"
#include "tests/core/fake_call.hpp"
#include "tests/unixfs/dag_source.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace masu::core::rpc {
namespace {

using test::FakeCall;
using unixfs::NodeType;
using unixfs::test::dag_pb_block;
using unixfs::test::TestLink;
using unixfs::test::unixfs_message;

class ReadingCommandsTest : public ::testing::Test {
 protected:
  ~ReadingCommandsTest() override {
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
                    const FakeCall::Options& options = {}) {
    FakeCall call(node_, spec, std::move(arguments), options);
    call.run();
    EXPECT_TRUE(call.failed);
    EXPECT_EQ(call.body, "");
    return call.error;
  }
  Cid put_pb(const std::vector<TestLink>& links, std::string_view message) {
    return node_.put(Codec::dag_pb, dag_pb_block(links, message));
  }

  test::FakeNode node_;
  // What `ipfs add -r` makes of a.txt ("hello\n"), empty, link -> a.txt and sub/b ("world").
  Cid a_ = put_pb({}, unixfs_message(NodeType::file, "hello\n", {}, 6));
  Cid empty_ = put_pb({}, unixfs_message(NodeType::file, {}, {}, 0));
  Cid link_ = put_pb({}, unixfs_message(NodeType::symlink, "a.txt"));
  Cid b_ = put_pb({}, unixfs_message(NodeType::file, "world", {}, 5));
  Cid sub_ = put_pb({{"b", b_, 13}}, unixfs_message(NodeType::directory));
  Cid root_ = put_pb({{"a.txt", a_, 14}, {"empty", empty_, 6}, {"link", link_, 11}, {"sub", sub_, 61}},
                     unixfs_message(NodeType::directory));
  const std::string root = root_.to_string();
};

TEST_F(ReadingCommandsTest, TheCidsAreThoseOfKubo) {
  EXPECT_EQ(a_.to_string(), "QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN");
  EXPECT_EQ(empty_.to_string(), "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH");
  EXPECT_EQ(link_.to_string(), "QmS9U51FvTAqDDVLJ5okMzeLjsEeg8JEG1rPmSq2oPahF6");
  EXPECT_EQ(sub_.to_string(), "QmNquTmBtVAh9RPhprsg3iTgjYU8G846xtcZEY9dmt6gUj");
}

// --- cat ---

TEST_F(ReadingCommandsTest, CatGivesTheBytes) {
  FakeCall call(node_, commands::cat, {root + "/a.txt"});
  call.run();
  EXPECT_EQ(call.body, "hello\n");
  EXPECT_EQ(call.content_type, "text/plain");
  EXPECT_EQ(call.headers["X-Content-Length"], "6");
  EXPECT_FALSE(call.single_value);
  EXPECT_EQ(body(commands::cat, {root + "/link"}), "a.txt");
}

TEST_F(ReadingCommandsTest, CatOfManyIsOneBehindTheOther) {
  const std::vector<std::string> both = {root + "/a.txt", root + "/sub/b"};
  const auto cut = [&](const char* offset, const char* length) {
    FakeCall call(node_, commands::cat, both, {{"offset", offset}, {"length", length}});
    call.run();
    EXPECT_FALSE(call.failed) << call.error;
    EXPECT_EQ(call.headers["X-Content-Length"], std::to_string(call.body.size()));
    return call.body;
  };
  EXPECT_EQ(body(commands::cat, both), "hello\nworld");
  EXPECT_EQ(cut("8", "100"), "rld");
  EXPECT_EQ(cut("4", "3"), "o\nw");
  EXPECT_EQ(cut("6", "5"), "world");
  EXPECT_EQ(cut("2", "4"), "llo\n");
  EXPECT_EQ(cut("100", "1"), "");
  EXPECT_EQ(cut("0", "0"), "");
}

TEST_F(ReadingCommandsTest, CatSaysWhatIsWrongInKubosWords) {
  EXPECT_EQ(error(commands::cat, {root}), "this dag node is a directory");
  EXPECT_EQ(error(commands::cat, {root + "/a.txt", root + "/nope"}), "no link named \"nope\" under " + root);
  EXPECT_EQ(error(commands::cat, {root + "/a.txt"}, {{"offset", "-1"}}), "cannot specify negative offset");
  EXPECT_EQ(error(commands::cat, {root + "/a.txt"}, {{"length", "-1"}}), "cannot specify negative length");
  EXPECT_EQ(error(commands::cat, {"foo"}), "invalid path \"foo\": path does not have enough components");
  const std::string absent = "bafkreigks6arfsq3xxfpvqrrwonchxcnu6do76auprhhfomao6c273sixm";
  EXPECT_EQ(error(commands::cat, {absent}),
            "block was not found locally (offline): ipld: could not find " + absent);
}

TEST_F(ReadingCommandsTest, CatEndsWhenTheClientIsGone) {
  FakeCall call(node_, commands::cat, {root + "/a.txt", root + "/sub/b"});
  call.writes_max = 1;
  call.run();
  EXPECT_EQ(call.body, "hello\n");
  FakeCall stopped(node_, commands::cat, {root + "/a.txt"});
  stopped.stop = true;
  EXPECT_EQ(stopped.run().error, "context canceled");
}

// --- get ---

TEST_F(ReadingCommandsTest, GetIsATarWhateverItIs) {
  FakeCall call(node_, commands::get, {root});
  call.run();
  EXPECT_EQ(call.content_type, "application/x-tar");
  const std::size_t blocks = node_.memory_store().size(root_.hash())->value() + 14 + 6 + 11 + 61;
  EXPECT_EQ(call.headers["X-Content-Length"], std::to_string(blocks));
  EXPECT_NE(call.body.find("PaxHeaders.0/" + root), std::string::npos);
  FakeCall archive(node_, commands::get, {root + "/sub"}, {{"archive", "true"}});
  archive.run();
  EXPECT_EQ(archive.body.substr(0, 4), std::string("sub\0", 4));
  EXPECT_EQ(archive.body.size(), 512u * 5);
  FakeCall file(node_, commands::get, {root + "/a.txt"});
  EXPECT_EQ(file.run().headers["X-Content-Length"], "6");
}

TEST_F(ReadingCommandsTest, MemoryIsLookedAtBeforeMuchIsRead) {
  body(commands::resolve, {root + "/sub"});
  EXPECT_EQ(node_.looks, 0);
  body(commands::get, {root});
  EXPECT_EQ(node_.looks, 1);
  body(commands::cat, {root + "/a.txt"});
  EXPECT_EQ(node_.looks, 2);
}

TEST_F(ReadingCommandsTest, GetCompressesAFileAsItIsAndATarOfTheRest) {
  const auto unzip = [](const std::string& bytes) {
    z_stream stream{};
    inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string out(1 << 20, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
  };
  FakeCall file(node_, commands::get, {root + "/a.txt"}, {{"compress", "true"}});
  file.run();
  EXPECT_EQ(file.content_type, "application/gzip");
  EXPECT_EQ(unzip(file.body), "hello\n");
  FakeCall tar(node_, commands::get, {root},
               {{"compress", "true"}, {"archive", "true"}, {"compression-level", "9"}});
  EXPECT_EQ(unzip(tar.run().body).size(), 512u * (6 + 2 + 2));
  EXPECT_EQ(error(commands::get, {root}, {{"compress", "true"}}), "file is not regular");
  EXPECT_EQ(error(commands::get, {root}, {{"compress", "true"}, {"compression-level", "10"}}),
            "compression level must be between 1 and 9");
}

// --- ls ---

TEST_F(ReadingCommandsTest, LsAsJsonIsOneObject) {
  FakeCall call(node_, commands::ls, {root});
  call.run();
  const std::string rest = ",\"Mode\":0,\"ModTime\":\"0001-01-01T00:00:00Z\"}";
  EXPECT_EQ(call.body, "{\"Objects\":[{\"Hash\":\"" + root +
                           "\",\"Links\":["
                           "{\"Name\":\"a.txt\",\"Hash\":\"QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN\","
                           "\"Size\":6,\"Type\":2,"
                           "\"Target\":\"\"" +
                           rest +
                           ",{\"Name\":\"empty\",\"Hash\":\"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH\","
                           "\"Size\":0,\"Type\":2,"
                           "\"Target\":\"\"" +
                           rest +
                           ",{\"Name\":\"link\",\"Hash\":\"QmS9U51FvTAqDDVLJ5okMzeLjsEeg8JEG1rPmSq2oPahF6\","
                           "\"Size\":5,\"Type\":4,"
                           "\"Target\":\"a.txt\"" +
                           rest +
                           ",{\"Name\":\"sub\",\"Hash\":\"QmNquTmBtVAh9RPhprsg3iTgjYU8G846xtcZEY9dmt6gUj\","
                           "\"Size\":0,\"Type\":1,"
                           "\"Target\":\"\"" +
                           rest + "]}]}\n");
  EXPECT_EQ(call.content_type, "application/json");
  EXPECT_TRUE(call.single_value);
  EXPECT_EQ(body(commands::ls, {root + "/a.txt"}, {}, false),
            "{\"Objects\":[{\"Hash\":\"" + root + "/a.txt\",\"Links\":[]}]}\n");
}

TEST_F(ReadingCommandsTest, LsAsTextIsAlignedAsKuboAlignsIt) {
  EXPECT_EQ(body(commands::ls, {root}),
            "QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN 6 a.txt\n"
            "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH 0 empty\n"
            "QmS9U51FvTAqDDVLJ5okMzeLjsEeg8JEG1rPmSq2oPahF6 5 link\n"
            "QmNquTmBtVAh9RPhprsg3iTgjYU8G846xtcZEY9dmt6gUj - sub/\n");
  EXPECT_EQ(body(commands::ls, {root + "/sub", root + "/a.txt"}, {{"headers", "true"}}),
            root +
                "/sub:\n"
                "Hash                                           Size Name\n"
                "QmNyJpQkU1cEkBwMDhDNFstr42q55mqG5GE5Mgwug4xyGk 5    b\n"
                "\n" +
                root + "/a.txt:\nHash Size Name\n");
  EXPECT_EQ(body(commands::ls, {root}, {{"size", "false"}, {"resolve-type", "false"}}),
            "QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN a.txt\n"
            "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH empty\n"
            "QmS9U51FvTAqDDVLJ5okMzeLjsEeg8JEG1rPmSq2oPahF6 link\n"
            "QmNquTmBtVAh9RPhprsg3iTgjYU8G846xtcZEY9dmt6gUj sub\n");
  EXPECT_EQ(body(commands::ls, {root + "/sub"}, {{"long", "true"}}),
            "- QmNyJpQkU1cEkBwMDhDNFstr42q55mqG5GE5Mgwug4xyGk 5 - b\n");
}

TEST_F(ReadingCommandsTest, LsStreamsOneByOne) {
  EXPECT_EQ(body(commands::ls, {root + "/sub"}, {{"stream", "true"}}),
            "QmNyJpQkU1cEkBwMDhDNFstr42q55mqG5GE5Mgwug4xyGk 5         b\n");
  FakeCall call(node_, commands::ls, {root}, {{"stream", "true"}});
  call.run();
  EXPECT_EQ(call.headers["X-Chunked-Output"], "1");
  EXPECT_EQ(call.writes, 4u);
  EXPECT_EQ(
      call.body.substr(0, call.body.find('\n')),
      "{\"Objects\":[{\"Hash\":\"" + root + "\",\"Links\":[{\"Name\":\"a.txt\",\"Hash\":\"" + a_.to_string() +
          "\",\"Size\":6,\"Type\":2,\"Target\":\"\",\"Mode\":0,\"ModTime\":\"0001-01-01T00:00:00Z\"}]}]}");
}

TEST_F(ReadingCommandsTest, LsOfAFileListsItsBlocks) {
  const Cid leaf = node_.put(Codec::raw, "leaf");
  const Cid file = put_pb({{"", leaf, 4}, {"", leaf, 4}}, unixfs_message(NodeType::file, {}, {4, 4}, 8));
  EXPECT_EQ(body(commands::ls, {file.to_string()}), leaf.to_string() + " 4 \n" + leaf.to_string() + " 4 \n");
  EXPECT_EQ(body(commands::ls, {leaf.to_string()}), "");
}

TEST_F(ReadingCommandsTest, LsSortsByName) {
  const Cid mixed =
      put_pb({{"b", b_, 1}, {"a", a_, 1}, {"B", b_, 1}, {"", a_, 1}}, unixfs_message(NodeType::directory));
  EXPECT_EQ(
      body(commands::ls, {mixed.to_string()}, {{"size", "false"}}),
      a_.to_string() + " \n" + b_.to_string() + " B\n" + a_.to_string() + " a\n" + b_.to_string() + " b\n");
}

TEST_F(ReadingCommandsTest, LsOfManyEntriesGoesOutInPiecesAndTakesFlatMemory) {
  std::vector<TestLink> links;
  for (int i = 20'000; i-- > 0;) links.push_back({"entry-" + std::to_string(100'000 + i), a_, 14});
  const Cid directory = put_pb(links, unixfs_message(NodeType::directory));
  FakeCall call(node_, commands::ls, {directory.to_string()}, {{"resolve-type", "false"}, {"size", "false"}});
  call.run();
  EXPECT_FALSE(call.failed) << call.error;
  EXPECT_LE(call.largest_write, 64u * 1024);
  EXPECT_LE(node_.import_account().peak_bytes(), 512u * 1024);
  EXPECT_LE(call.account().peak_bytes(), 32u * 1024);
  std::size_t at = 0;
  for (int i = 0; i < 20'000; ++i) {
    at = call.body.find("\"entry-" + std::to_string(100'000 + i) + "\"", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(ReadingCommandsTest, LsFailsAsAWholeWhenAChildIsMissing) {
  const Cid lost = put_pb({}, unixfs_message(NodeType::file, "lost"));
  const Cid directory = put_pb({{"a", a_, 1}, {"z", lost, 1}}, unixfs_message(NodeType::directory));
  ASSERT_TRUE(node_.memory_store().remove(lost.hash()));
  EXPECT_EQ(error(commands::ls, {directory.to_string()}),
            "block was not found locally (offline): ipld: could not find " + lost.to_string());
}

// --- The line of ls ---

TEST(LsEntryTest, ModesAndTimesReadAsKuboWritesThem) {
  using commands::LsColumns;
  using commands::LsEntry;
  LsEntry entry{.name = "n", .cid = Cid(), .size = 1, .type = 2, .target = "", .metadata = {}};
  const auto line = [&entry](std::int64_t now) {
    LsColumns columns{.size = true, .long_format = true, .width_min = 1, .widths = {}};
    std::string out;
    columns.append_line(out, entry, "H", now);
    return out;
  };
  constexpr std::int64_t now = 1'700'000'000;  // 2023-11-14 22:13:20
  EXPECT_EQ(line(now), "- H 1 - n\n");
  entry.metadata = {.mode = 04751, .mtime = unixfs::Timestamp{now - 3600, 0}};
  EXPECT_EQ(line(now), "-rwsr-x--x H 1 Nov 14 21:13 n\n");
  entry.metadata = {.mode = 07000, .mtime = unixfs::Timestamp{now + 86400, 0}};
  EXPECT_EQ(line(now), "---S--S--T H 1 Nov 15  2023 n\n");
  entry.metadata = {.mode = 0644, .mtime = unixfs::Timestamp{1'684'102'400, 0}};  // 2023-05-14 22:13:20
  EXPECT_EQ(line(now), "-rw-r--r-- H 1 May 14  2023 n\n");
  entry.metadata.mtime->seconds += 1;
  EXPECT_EQ(line(now), "-rw-r--r-- H 1 May 14 22:13 n\n");
  entry.type = 1;
  entry.metadata = {.mode = 01777, .mtime = unixfs::Timestamp{-1, 0}};
  EXPECT_EQ(line(now), "drwxrwxrwt H - Dec 31  1969 n/\n");

  std::string json;
  entry.metadata = {.mode = 0755, .mtime = unixfs::Timestamp{now, 120'000'000}};
  append_ls_json(json, entry, "H");
  EXPECT_EQ(
      json,
      "{\"Name\":\"n\",\"Hash\":\"H\",\"Size\":1,\"Type\":1,\"Target\":\"\",\"Mode\":2147484141,\"ModTime\":"
      "\"2023-11-14T22:13:20.12Z\"}");
}

TEST(LsEntryTest, WhatIsPackedIsUnpacked) {
  const commands::LsEntry entry{.name = "name",
                                .cid = Cid::v1(Codec::raw, *multihash_of(HashCode::sha2_512, as_bytes("x"))),
                                .size = 1ull << 60,
                                .type = 4,
                                .target = std::string("t\0x", 3),
                                .metadata = {.mode = 0777, .mtime = unixfs::Timestamp{-7, 9}}};
  const commands::LsEntry back = commands::unpack_ls_entry(entry.name, pack_ls_entry(entry));
  EXPECT_EQ(back.cid, entry.cid);
  EXPECT_EQ(back.size, entry.size);
  EXPECT_EQ(back.type, entry.type);
  EXPECT_EQ(back.target, entry.target);
  EXPECT_EQ(back.metadata.mode, entry.metadata.mode);
  EXPECT_EQ(back.metadata.mtime, entry.metadata.mtime);
}

TEST(JsonTextTest, IsEscapedAsGoDoes) {
  std::string out;
  append_json_text(out, "a\"\\\n\t\x01<>&\x7f\xc3\xa9\xe2\x80\xa8\xff\xed\xa0\x80");
  EXPECT_EQ(out,
            "\"a\\\"\\\\\\n\\t\\u0001\\u003c\\u003e\\u0026\x7f\xc3\xa9\\u2028\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

// --- refs ---

TEST_F(ReadingCommandsTest, RefsListsLinks) {
  EXPECT_EQ(body(commands::refs, {root}), a_.to_string() + "\n" + empty_.to_string() + "\n" +
                                              link_.to_string() + "\n" + sub_.to_string() + "\n");
  EXPECT_EQ(body(commands::refs, {root + "/sub"}, {{"edges", "true"}}),
            sub_.to_string() + " -> " + b_.to_string() + "\n");
  EXPECT_EQ(body(commands::refs, {root + "/sub"}, {{"format", "<src>-<dst>-<linkname>"}}),
            sub_.to_string() + "-" + b_.to_string() + "-b\n");
  EXPECT_EQ(body(commands::refs, {root + "/sub"}, {}, false),
            "{\"Ref\":\"" + b_.to_string() + "\",\"Err\":\"\"}\n");
  EXPECT_EQ(error(commands::refs, {root}, {{"edges", "true"}, {"format", "x"}}),
            "using format argument with edges is not allowed");
}

TEST_F(ReadingCommandsTest, RefsGoesDown) {
  const std::string direct =
      a_.to_string() + "\n" + empty_.to_string() + "\n" + link_.to_string() + "\n" + sub_.to_string() + "\n";
  EXPECT_EQ(body(commands::refs, {root}, {{"recursive", "true"}}), direct + b_.to_string() + "\n");
  EXPECT_EQ(body(commands::refs, {root}, {{"recursive", "true"}, {"max-depth", "1"}}), direct);
  EXPECT_EQ(body(commands::refs, {root}, {{"recursive", "true"}, {"max-depth", "0"}}), "");
  const Cid twice =
      put_pb({{"x", sub_, 1}, {"y", sub_, 1}, {"z", b_, 1}}, unixfs_message(NodeType::directory));
  const std::string s = sub_.to_string() + "\n", b = b_.to_string() + "\n";
  EXPECT_EQ(body(commands::refs, {twice.to_string()}, {{"recursive", "true"}}), s + b + s + b + b);
  EXPECT_EQ(body(commands::refs, {twice.to_string()}, {{"recursive", "true"}, {"unique", "true"}}), s + b);
  EXPECT_EQ(body(commands::refs, {twice.to_string(), root}, {{"recursive", "true"}, {"unique", "true"}}),
            s + b + a_.to_string() + "\n" + empty_.to_string() + "\n" + link_.to_string() + "\n");
  EXPECT_EQ(body(commands::refs, {twice.to_string()},
                 {{"recursive", "true"}, {"unique", "true"}, {"max-depth", "1"}}),
            s + b);
}

TEST_F(ReadingCommandsTest, RefsOfWhatIsMissingIsAnErrorOfItsRoot) {
  const std::string absent = "bafkreigks6arfsq3xxfpvqrrwonchxcnu6do76auprhhfomao6c273sixm";
  const std::string text = "block was not found locally (offline): ipld: could not find " + absent;
  EXPECT_EQ(body(commands::refs, {absent, root + "/sub"}, {}, false),
            "{\"Ref\":\"\",\"Err\":\"" + text + "\"}\n{\"Ref\":\"" + b_.to_string() + "\",\"Err\":\"\"}\n");
  FakeCall call(node_, commands::refs, {root + "/sub", absent}, {}, true);
  call.run();
  EXPECT_EQ(call.error, text);
  EXPECT_EQ(call.body, b_.to_string() + "\n");
}

// --- block, resolve ---

TEST_F(ReadingCommandsTest, BlocksAreGivenAsTheyAre) {
  FakeCall call(node_, commands::block_get, {root + "/a.txt"});
  call.run();
  EXPECT_EQ(call.body, dag_pb_block({}, unixfs_message(NodeType::file, "hello\n", {}, 6)));
  EXPECT_EQ(call.content_type, "application/vnd.ipld.raw");
  EXPECT_EQ(body(commands::block_stat, {root + "/a.txt"}), "Key: " + a_.to_string() + "\nSize: 14\n");
  EXPECT_EQ(body(commands::block_stat, {"bafkqaaa"}, {}, false), "{\"Key\":\"bafkqaaa\",\"Size\":0}\n");
  EXPECT_EQ(body(commands::block_get, {"bafkqaaa"}), "");
}

TEST_F(ReadingCommandsTest, ResolveGivesTheImmutablePath) {
  EXPECT_EQ(body(commands::resolve, {root + "/a.txt"}), "/ipfs/" + a_.to_string() + "\n");
  EXPECT_EQ(body(commands::resolve, {"/ipfs/" + root + "/sub/"}, {}, false),
            "{\"Path\":\"/ipfs/" + sub_.to_string() + "\"}\n");
  EXPECT_EQ(body(commands::resolve, {"/ipfs/" + root_.to_v1().to_string(Multibase::base36) + "/a.txt"}),
            "/ipfs/" + a_.to_v1().to_string(Multibase::base36) + "\n");
  EXPECT_EQ(body(commands::resolve, {root + "/a.txt"}, {{"cid-base", "base32"}}),
            "/ipfs/" + a_.to_v1().to_string() + "\n");
  EXPECT_EQ(body(commands::resolve, {"/ipld/" + root}), "/ipld/" + root + "\n");
  const std::string cbor = node_.put(Codec::dag_cbor, "\xa1\x61\x61\x81\x01").to_string();
  EXPECT_EQ(body(commands::resolve, {cbor + "/a/0/"}), "/ipfs/" + cbor + "/a/0\n");
}

}  // namespace
}  // namespace masu::core::rpc
