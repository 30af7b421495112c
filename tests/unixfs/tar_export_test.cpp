#include "unixfs/read/tar_export.hpp"

#include "tests/unixfs/dag_source.hpp"
#include "unixfs/tar/tar_reader.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs {
namespace {

using test::dag_pb_block;
using test::TestLink;
using test::unixfs_message;

class Collector final : public ByteSink {
 public:
  Task<Result<>> write(TaskMemory, Bytes more) override {
    bytes.append(as_text(more));
    co_return Result<>();
  }
  Task<Result<>> write_chain(TaskMemory, ChunkChain chain) override {
    append(bytes, Rope(chain));
    if (bytes.size() > full) co_return fail(ErrorCode::stopped, "the client is gone");
    co_return Result<>();
  }
  std::string bytes;
  std::size_t full = ~std::size_t{0};
};

// Members as one line each.
class Lister final : public tar::Visitor {
 public:
  Result<> on_entry(const tar::Entry& entry) override {
    char mode[8];
    std::snprintf(mode, sizeof(mode), "%o", entry.mode);
    text += std::string(1, static_cast<char>(entry.type)) + " " + std::string(entry.path) + " " + mode + " " +
            std::to_string(entry.mtime.seconds) + "." + std::to_string(entry.mtime.nanos) + " " +
            std::to_string(entry.bytes) + " " + std::string(entry.link_target) + ":";
    return {};
  }
  Result<> on_data(Bytes bytes) override {
    text += as_text(bytes);
    return {};
  }
  Result<> on_entry_end() override {
    text += "\n";
    return {};
  }
  std::string text;
};

Task<> make(TaskMemory memory, test::DagTest& dag, Cid root, TarOptions options, ByteSink& sink,
            Result<>& out) {
  LoadedNode node;
  out = co_await node.load(memory, dag.context, root);
  if (!out) co_return;
  out = co_await export_tar(memory, dag.context, node, options, sink);
}

class TarExportTest : public ::testing::Test, protected test::DagTest {
 protected:
  ~TarExportTest() override { EXPECT_EQ(holder.live_bytes(), 0u) << "a block was kept"; }

  Result<> get(const Cid& root, tar::Format format = tar::Format::any) {
    Result<> out;
    Listener listener;
    sink_.bytes.clear();
    const TarOptions options{.root_name = "root", .format = format, .now = {1700000000, 5}};
    spawn(make(memory, *this, root, options, sink_, out), listener);
    source.run();
    EXPECT_TRUE(listener.done);
    return out;
  }
  std::string list() const {
    Lister lister;
    tar::TarReader reader(lister, memory);
    EXPECT_TRUE(reader.feed(as_bytes(sink_.bytes)));
    EXPECT_TRUE(reader.finish());
    return lister.text;
  }
  Cid put_pb(const std::vector<TestLink>& links, std::string_view message) {
    return source.put(Codec::dag_pb, dag_pb_block(links, message));
  }
  Cid put_directory(const std::vector<TestLink>& links) {
    return put_pb(links, unixfs_message(NodeType::directory));
  }

  Collector sink_;
  Cid file_ = source.put(Codec::raw, "content");
};

TEST_F(TarExportTest, WritesADirectoryMemberForMember) {
  const std::string times = test::bytes_field(8, test::varint_field(1, 1600000000));
  const Cid link =
      put_pb({}, unixfs_message(NodeType::symlink, "../a") + test::varint_field(7, 0123) + times);
  const Cid script =
      put_pb({}, unixfs_message(NodeType::file, "run", {}, 3) + test::varint_field(7, 0755) + times);
  const Cid inner = put_directory({{"empty", put_directory({}), 4}, {"link", link, 5}});
  const Cid root = put_directory({{"a", file_, 7}, {"b", inner, 90}, {"c", script, 3}});
  ASSERT_TRUE(get(root));
  EXPECT_EQ(list(),
            "5 root 755 1700000000.0 0 :\n"
            "0 root/a 644 1700000000.0 7 :content\n"
            "5 root/b 755 1700000000.0 0 :\n"
            "5 root/b/empty 755 1700000000.0 0 :\n"
            "2 root/b/link 777 1600000000.0 0 ../a:\n"
            "0 root/c 755 1600000000.0 3 :run\n");
  EXPECT_EQ(sink_.bytes.size(), 512u * (6 + 2 + 2));
  ASSERT_TRUE(get(root, tar::Format::pax));
  EXPECT_NE(list().find("0 root/a 644 1700000000.5 7 :content\n"), std::string::npos) << "to the nanosecond";
}

TEST_F(TarExportTest, AFileOrASymlinkIsALoneMember) {
  ASSERT_TRUE(get(file_));
  EXPECT_EQ(list(), "0 root 644 1700000000.0 7 :content\n");
  ASSERT_TRUE(get(put_pb({}, unixfs_message(NodeType::symlink, "target"))));
  EXPECT_EQ(list(), "2 root 777 1700000000.0 0 target:\n");
}

TEST_F(TarExportTest, LargeFilesComeThroughInPieces) {
  std::string content;
  for (int i = 0; i < 200'000; ++i) content += static_cast<char>('a' + i % 26);
  ASSERT_TRUE(get(put_directory({{"large", put_file(content, 1000, 7, false), 1}})));
  EXPECT_NE(list().find(content), std::string::npos);
}

TEST_F(TarExportTest, NamesThatLeaveTheirDirectoryEndIt) {
  for (const std::string name : {"..", ".", "", "a/b", "/etc", "../up"}) {
    const Result<> out = get(put_directory({{name, file_, 7}}));
    ASSERT_FALSE(out) << name;
    EXPECT_EQ(out.error().text, "relative UnixFS paths outside the root are not allowed, use CAR instead");
  }
  EXPECT_FALSE(get(put_directory({{std::string("nul\0", 4), file_, 7}})));
  EXPECT_TRUE(get(put_directory({{"..a", file_, 7}})));
}

TEST_F(TarExportTest, DirectoriesAreWalkedToABound) {
  Cid below = put_directory({});
  for (std::size_t level = 1; level < TarOptions::levels_max; ++level)
    below = put_directory({{"d", below, 1}});
  EXPECT_TRUE(get(below));
  EXPECT_EQ(get(put_directory({{"d", below, 1}})).error().code, ErrorCode::limit);
}

TEST_F(TarExportTest, ABombOfDirectoriesStopsWithItsReader) {
  Cid below = put_directory({{"f", file_, 7}});
  for (int level = 0; level < 30; ++level) below = put_directory({{"a", below, 1}, {"b", below, 1}});
  sink_.full = 1 << 20;
  EXPECT_EQ(get(below).error().code, ErrorCode::stopped);
}

TEST_F(TarExportTest, AFileThatIsNotAsLongAsItSaysEndsIt) {
  const Cid lie = put_pb({{"", file_, 7}}, unixfs_message(NodeType::file, {}, {}, 9));
  EXPECT_EQ(get(lie).error().text, "archive/tar: missed writing 2 bytes");
  const Cid more = put_pb({{"", file_, 7}}, unixfs_message(NodeType::file, {}, {}, 3));
  EXPECT_EQ(get(more).error().text, "archive/tar: write too long");
}

TEST_F(TarExportTest, AnyGetMayFail) {
  const Cid root =
      put_directory({{"a", file_, 7}, {"b", put_directory({{"c", file_, 7}}), 9}, {"d", file_, 7}});
  for (std::size_t n = 1;; ++n) {
    source.gets = 0;
    source.fail_get = n;
    const Result<> out = get(root);
    if (out) {
      EXPECT_GT(n, 5u);
      break;
    }
    EXPECT_EQ(out.error().code, ErrorCode::block_failed);
  }
}

TEST_F(TarExportTest, AnnouncesTheSizesThatKuboDoes) {
  const auto size = [this](const Cid& cid) {
    LoadedNode node;
    ChunkChain chain;
    EXPECT_TRUE(chain.append_copy(pool, holder, as_bytes(source.block(cid))));
    EXPECT_TRUE(node.take(cid, std::move(chain)));
    return announced_size(node).value_or(~0ull);
  };
  EXPECT_EQ(size(file_), 7u);
  EXPECT_EQ(size(put_pb({}, unixfs_message(NodeType::file, "run", {}, 3))), 3u);
  EXPECT_EQ(size(put_pb({}, unixfs_message(NodeType::symlink, "there"))), 5u);
  const Cid directory = put_directory({{"a", file_, 1000}, {"b", file_, 7}});
  EXPECT_EQ(size(directory), 1007u + source.block(directory).size());
}

}  // namespace
}  // namespace masu::unixfs
