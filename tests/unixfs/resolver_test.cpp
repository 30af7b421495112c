#include "unixfs/read/resolver.hpp"

#include "tests/unixfs/dag_source.hpp"
#include "unixfs/dag/hamt_hash.hpp"
#include "unixfs/read/quote.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs {
namespace {

using test::dag_pb_block;
using test::shard_block;
using test::TestLink;
using test::unixfs_message;

Task<> follow(TaskMemory memory, test::DagTest& dag, ContentPath path, Result<Cid>& out) {
  out = co_await resolve(memory, dag.context, path);
}

class ResolverTest : public ::testing::Test, protected test::DagTest {
 protected:
  ~ResolverTest() override { EXPECT_EQ(holder.live_bytes(), 0u) << "a block was kept"; }

  Result<Cid> find(const std::string& text) {
    const auto path = ContentPath::parse(text);
    if (!path) return std::unexpected(path.error());
    Result<Cid> out;
    Listener listener;
    spawn(follow(memory, *this, *path, out), listener);
    source.run();
    EXPECT_TRUE(listener.done);
    return out;
  }
  std::string error_of(const std::string& text) {
    const auto found = find(text);
    return found ? "no error" : found.error().text;
  }
  Cid put_pb(const std::vector<TestLink>& links, std::string_view message) {
    return source.put(Codec::dag_pb, dag_pb_block(links, message));
  }

  Cid file_ = source.put(Codec::raw, "content");
  Cid inner_ = put_pb({{"file", file_, 7}}, unixfs_message(NodeType::directory));
  Cid root_ = put_pb({{"dir", inner_, 60}, {"a%2Fb", file_, 7}, {"file", file_, 7}},
                     unixfs_message(NodeType::directory));
};

TEST_F(ResolverTest, FollowsAPathInAllItsForms) {
  const std::string root = root_.to_string();
  for (const std::string& text :
       {root + "/dir/file", "/ipfs/" + root + "/dir/file", "/ipfs/" + root + "//dir/./file/",
        "/ipfs/" + root + "/dir/../dir/file", "ipfs://" + root + "/dir/file", "ipfs:" + root + "/dir/file",
        "IPFS://" + root + "/dir/file", "ipfs:///" + root + "/dir/file", root + "/a%2Fb"}) {
    const auto found = find(text);
    ASSERT_TRUE(found) << text << ": " << found.error().text;
    EXPECT_EQ(*found, file_) << text;
  }
  EXPECT_EQ(*find(root), root_);
  EXPECT_EQ(*find("/ipld/" + root), root_);
}

TEST_F(ResolverTest, BadPathsSayWhyInKubosWords) {
  EXPECT_EQ(error_of("/ipfs/"), "invalid path \"/ipfs/\": path does not have enough components");
  EXPECT_EQ(error_of("foo"), "invalid path \"foo\": path does not have enough components");
  EXPECT_EQ(error_of("/foo/bar"), "invalid path \"/foo/bar\": unknown namespace: \"foo\"");
  EXPECT_EQ(error_of("/ipfs/b"), "invalid path \"/ipfs/b\": invalid cid: cid too short");
  EXPECT_EQ(error_of("/ipfs/!abc"),
            "invalid path \"/ipfs/!abc\": invalid cid: selected encoding not supported");
  EXPECT_EQ(error_of("a\n\"\x01\xff\xe2\x80\x8b\xc3\xa9"),
            "invalid path \"a\\n\\\"\\x01\\xff\\u200b\xc3\xa9\": path does not have enough components");
}

TEST_F(ResolverTest, AMissingLinkIsNamedWithItsDirectory) {
  EXPECT_EQ(error_of(root_.to_string() + "/nope/more"), "no link named \"nope\" under " + root_.to_string());
  EXPECT_EQ(error_of(root_.to_string() + "/dir/nope"), "no link named \"nope\" under " + inner_.to_string());
  EXPECT_EQ(error_of(root_.to_string() + "/a/b"), "no link named \"a\" under " + root_.to_string());
}

TEST_F(ResolverTest, NothingLiesBehindAFile) {
  EXPECT_EQ(
      error_of(file_.to_string() + "/x"),
      "func called on wrong kind: \"LookupBySegment\" called on a bytes node (kind: bytes), but only makes "
      "sense on map or list");
  EXPECT_EQ(error_of(file_.to_string() + "/x/y"), "no link named \"x\" under " + file_.to_string());
  const Cid large = put_pb({{"", file_, 7}}, unixfs_message(NodeType::file, {}, {7}, 7));
  EXPECT_EQ(find(large.to_string() + "/0").error().code, ErrorCode::not_directory);
  // An empty map of dag-cbor.
  EXPECT_EQ(find(source.put(Codec::dag_cbor, "\xa0").to_string() + "/x").error().code, ErrorCode::no_link);
}

TEST_F(ResolverTest, NodesThatAreNoUnixfsAreLookedUpByTheirLinks) {
  const Cid plain = put_pb({{"name", file_, 7}}, "");
  EXPECT_EQ(*find(plain.to_string() + "/name"), file_);
}

TEST_F(ResolverTest, IpldPathsSpeakTheDataModel) {
  const std::string root = "/ipld/" + root_.to_string();
  EXPECT_EQ(*find(root + "/Links/0/Hash/Links/0/Hash"), file_);
  EXPECT_EQ(error_of(root + "/dir"), "no link named \"dir\" under " + root_.to_string());
  EXPECT_EQ(error_of(root + "/Links/3/Hash"), "no link named \"3\" under " + root_.to_string());
  EXPECT_FALSE(find(root + "/Links/0/Name"));
}

TEST_F(ResolverTest, GoesThroughCborByKeysAndPlaces) {
  // {"a": {"b": [1, "two", LINK]}, "l": LINK to the root}
  const auto link = [](const Cid& cid) {
    const std::string bytes = std::string(1, '\0') + std::string(as_text(cid.bytes()));
    return std::string("\xd8\x2a\x58") + static_cast<char>(bytes.size()) + bytes;
  };
  const std::string map = std::string("\xa2\x61") + "a" + "\xa1\x61" + "b" + "\x83\x01\x63" + "two" +
                          link(file_) + "\x61" + "l" + link(root_);
  const Cid cid = source.put(Codec::dag_cbor, map);
  const std::string root = cid.to_string();
  EXPECT_EQ(*find(root + "/a/b/2"), file_);
  EXPECT_EQ(*find(root + "/l/dir/file"), file_);
  EXPECT_EQ(*find(root + "/a/b"), cid);
  EXPECT_EQ(*find(root + "/a/b/1"), cid);
  EXPECT_EQ(error_of(root + "/a/zz"), "key not found: \"zz\"");
  EXPECT_EQ(error_of(root + "/zz/y"), "no link named \"zz\" under " + root);
  EXPECT_EQ(error_of(root + "/a/b/9"), "key not found: \"9\"");
  EXPECT_EQ(error_of(root + "/a/b/x"),
            "invalid segment for lookup on a list: \"x\": strconv.ParseInt: parsing \"x\": invalid syntax");
  EXPECT_EQ(
      error_of(root + "/a/b/0/x"),
      "func called on wrong kind: \"LookupBySegment\" called on a int node (kind: int), but only makes sense "
      "on map or list");
  EXPECT_EQ(find(root + "/a/b/2/x").error().code, ErrorCode::not_directory);
  for (std::size_t bytes = 0; bytes + 1 < map.size(); ++bytes) {
    const Cid cut = source.put(Codec::dag_cbor, map.substr(0, bytes));
    EXPECT_FALSE(find(cut.to_string() + "/l")) << bytes;
  }
  for (const char* lie : {"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",
                          "\x9f\xff", "\xa1\x7b\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    EXPECT_FALSE(find(
        source.put(Codec::dag_cbor, std::string("\xa2\x61") + "a" + lie + "\x61" + "l" + "\x01").to_string() +
        "/l"));
    EXPECT_FALSE(find(source.put(Codec::dag_cbor, lie).to_string() + "/3/4"));
  }
}

TEST_F(ResolverTest, GoesDownOneWayInAShardedDirectory) {
  const HamtShape shape(256);
  std::map<std::uint32_t, std::map<std::uint32_t, TestLink>> below;
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) {
    const std::string name = "n" + std::to_string(i);
    const std::uint64_t hash = hamt_hash(as_bytes(name));
    auto& shard = below[shape.index(hash, 0)];
    if (!shard.emplace(shape.index(hash, 1), TestLink{name, file_, 7}).second) continue;
    names.push_back(name);
  }
  std::map<std::uint32_t, TestLink> links;
  for (const auto& [slot, shard] : below) {
    links[slot] = {"", source.put(Codec::dag_pb, shard_block(256, shard)), 1};
  }
  const Cid root = source.put(Codec::dag_pb, shard_block(256, links));
  for (const std::string& name : names) {
    source.gets = 0;
    EXPECT_EQ(*find(root.to_string() + "/" + name), file_) << name;
    EXPECT_EQ(source.gets, 2u);
  }
  EXPECT_EQ(error_of(root.to_string() + "/absent"), "no link named \"absent\" under " + root.to_string());
}

TEST_F(ResolverTest, MalformedShardsAreErrors) {
  const std::uint32_t slot = HamtShape(256).index(hamt_hash(as_bytes("a")), 0);
  const auto in_slot = [this, slot](const TestLink& link) {
    return source.put(Codec::dag_pb, shard_block(256, {{slot, link}})).to_string();
  };
  EXPECT_EQ(*find(in_slot({"a", file_, 7}) + "/a"), file_);
  EXPECT_EQ(find(in_slot({"b", file_, 7}) + "/a").error().code, ErrorCode::no_link);
  EXPECT_EQ(find(in_slot({"", file_, 7}) + "/a").error().code, ErrorCode::malformed);
  EXPECT_EQ(find(in_slot({"", root_, 7}) + "/a").error().code, ErrorCode::hostile);
  const Cid other = source.put(Codec::dag_pb, shard_block(8, {}));
  EXPECT_EQ(find(in_slot({"", other, 7}) + "/a").error().code, ErrorCode::hostile);
  Cid deep = source.put(Codec::dag_pb, shard_block(256, {{slot, {"a", file_, 7}}}));
  for (unsigned level = 8; level-- > 0;) {
    deep = source.put(
        Codec::dag_pb,
        shard_block(256, {{HamtShape(256).index(hamt_hash(as_bytes("a")), level), {"", deep, 1}}}));
  }
  EXPECT_EQ(error_of(deep.to_string() + "/a"), "sharded directory too deep");
}

TEST_F(ResolverTest, AnyGetMayFail) {
  for (std::size_t n = 1; n <= 2; ++n) {
    source.gets = 0;
    source.fail_get = n;
    EXPECT_EQ(find(root_.to_string() + "/dir/file").error().code, ErrorCode::block_failed);
  }
}

TEST(QuoteTest, ListingsEscapeOnlyWhatCannotBeSeen) {
  EXPECT_EQ(escape_unprintable("plain \"quoted\" \xc3\xa9"), "plain \"quoted\" \xc3\xa9");
  EXPECT_EQ(escape_unprintable("tab\there \"q\""), "tab\\there \"q\"");
  EXPECT_EQ(escape_unprintable("back\\slash"), "back\\\\slash");
  EXPECT_EQ(escape_unprintable("\xff"), "\xff");
}

}  // namespace
}  // namespace masu::unixfs
