#include "core/cli/upload.hpp"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace masu::core::cli {
namespace {

namespace fs = std::filesystem;

// A directory of this test, and what an upload of something in it looks like on the wire.
class UploadTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "masu-upload-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { fs::remove_all(dir_); }

  void write(const std::string& path, std::string_view text) {
    fs::create_directories((dir_ / path).parent_path());
    std::ofstream(dir_ / path) << text;
  }

  std::expected<std::string, std::string> body(Upload& upload) {
    std::string result;
    for (;;) {
      auto piece = upload.next();
      if (!piece) return std::unexpected(piece.error());
      if (piece->empty()) return result;
      result += as_text(piece->bytes);
      std::string file(piece->file_bytes, '\0');
      if (piece->file >= 0)
        EXPECT_EQ(::read(piece->file, file.data(), file.size()), static_cast<ssize_t>(file.size()));
      result += file;
    }
  }

  // "TYPE NAME=CONTENT" for each part, in order.
  static std::vector<std::string> parts(Upload& upload, std::string_view body) {
    std::string content_type = upload.content_type();
    std::string boundary = "--" + content_type.substr(content_type.find('=') + 1);
    std::vector<std::string> result;
    EXPECT_TRUE(body.starts_with(boundary));
    body.remove_prefix(std::min(boundary.size(), body.size()));
    while (!body.starts_with("--")) {
      std::size_t end = std::min(body.find("\r\n" + boundary), body.size());
      std::string_view part = body.substr(0, end);
      body.remove_prefix(std::min(end + 2 + boundary.size(), body.size()));
      auto value = [&](std::string_view key, std::string_view stop) {
        std::size_t at = part.find(key) + key.size();
        return std::string(part.substr(at, part.find(stop, at) - at));
      };
      std::string type = value("Content-Type: application/", "\r\n");
      std::size_t content = part.find("\r\n\r\n") + 4;
      result.push_back(type + " " + value("filename=\"", "\"") + "=" + std::string(part.substr(content)));
    }
    EXPECT_EQ(body, "--\r\n");
    return result;
  }

  std::vector<std::string> send(const std::string& root, Upload::Options options = {}) {
    std::vector<Upload::Root> roots;
    roots.push_back({root, dir_ / root, File()});
    Upload upload(std::move(roots), std::move(options));
    auto sent = body(upload);
    EXPECT_TRUE(sent) << sent.error();
    return sent ? parts(upload, *sent) : std::vector<std::string>();
  }

  fs::path dir_;
};

TEST_F(UploadTest, walks_depth_first_in_the_order_of_bytes) {
  write("t/b", "2");
  write("t/a.txt", "1");
  write("t/a/z", "3");
  write("t/B", "0");
  fs::create_directory(dir_ / "t/c");
  fs::create_symlink("a/z", dir_ / "t/d");
  EXPECT_EQ(send("t"), (std::vector<std::string>{"x-directory t=", "octet-stream t%2FB=0",
                                                 "x-directory t%2Fa=", "octet-stream t%2Fa%2Fz=3",
                                                 "octet-stream t%2Fa.txt=1", "octet-stream t%2Fb=2",
                                                 "x-directory t%2Fc=", "symlink t%2Fd=a/z"}));
}

TEST_F(UploadTest, leaves_out_hidden_and_ignored_names_at_every_depth) {
  for (std::string path : {"t/.h", "t/x.log", "t/keep.log", "t/s/.h", "t/s/y.log", "t/s/z"}) write(path, "");
  Upload::Options options;
  options.ignore.add("*.log");
  options.ignore.add("!keep.log");
  EXPECT_EQ(send("t", std::move(options)),
            (std::vector<std::string>{"x-directory t=", "octet-stream t%2Fkeep.log=", "x-directory t%2Fs=",
                                      "octet-stream t%2Fs%2Fz="}));
  EXPECT_EQ(send("t", {.ignore = IgnoreRules(true)}).size(), 8U);
}

TEST_F(UploadTest, follows_symlinks_when_told_to) {
  write("out/f", "x");
  fs::create_directory(dir_ / "t");
  fs::create_symlink("../out", dir_ / "t/link");
  EXPECT_EQ(send("t"), (std::vector<std::string>{"x-directory t=", "symlink t%2Flink=../out"}));
  EXPECT_EQ(
      send("t", {.follow_symlinks = true}),
      (std::vector<std::string>{"x-directory t=", "x-directory t%2Flink=", "octet-stream t%2Flink%2Ff=x"}));
}

TEST_F(UploadTest, files_of_every_size_arrive_whole) {
  for (std::size_t bytes : {0U, 1U, 65'535U, 65'536U, 65'537U, 300'000U, 1'000'000U}) {
    std::string content;
    for (std::size_t at = 0; at < bytes; ++at) content += char('a' + at % 23);
    write("f", content);
    auto sent = send("f");
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_TRUE(sent[0] == "octet-stream f=" + content) << bytes;
  }
}

TEST_F(UploadTest, ten_thousand_small_files_need_few_pieces) {
  for (int number = 0; number < 2000; ++number) write("t/" + std::to_string(number), std::string(50, 'x'));
  std::vector<Upload::Root> roots;
  roots.push_back({"t", dir_ / "t", File()});
  Upload upload(std::move(roots), {});
  std::size_t pieces = 0;
  for (;; ++pieces) {
    auto piece = upload.next();
    ASSERT_TRUE(piece);
    if (piece->empty()) break;
  }
  EXPECT_LE(pieces, 10U);
}

TEST_F(UploadTest, modes_and_times_go_along_when_asked_for) {
  write("f", "x");
  fs::permissions(dir_ / "f", fs::perms(0640));
  timespec times[2] = {{1'000'000'000, 5}, {1'000'000'000, 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / "f").c_str(), times, 0), 0);
  std::vector<Upload::Root> roots;
  roots.push_back({"f", dir_ / "f", File()});
  Upload upload(std::move(roots), {.metadata = true});
  EXPECT_NE(body(upload)->find("name=\"file?mode=0640&mtime=1000000000&mtime-nsecs=5\"; filename=\"f\""),
            std::string::npos);
}

TEST_F(UploadTest, a_stream_is_sent_as_it_comes) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::vector<Upload::Root> roots;
  roots.push_back({"", "", File(ends[0])});
  Upload upload(std::move(roots), {});
  auto head = upload.next();
  ASSERT_TRUE(head);
  EXPECT_TRUE(as_text(head->bytes).ends_with("\r\n\r\n"));
  ASSERT_EQ(::write(ends[1], "abc", 3), 3);
  EXPECT_EQ(as_text(upload.next()->bytes), "abc");
  ::close(ends[1]);
  EXPECT_TRUE(as_text(upload.next()->bytes).ends_with("--\r\n"));
  EXPECT_TRUE(upload.next()->empty());
}

TEST_F(UploadTest, what_is_neither_file_nor_directory_is_refused) {
  fs::create_directory(dir_ / "t");
  ASSERT_EQ(::mkfifo((dir_ / "t/p").c_str(), 0600), 0);
  std::vector<Upload::Root> roots;
  roots.push_back({"t", dir_ / "t", File()});
  Upload upload(std::move(roots), {});
  auto sent = body(upload);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error(), "unrecognized file type for " + (dir_ / "t/p").string() + ": prw-------");
}

TEST_F(UploadTest, the_total_counts_what_is_sent) {
  write("t/a", "12345");
  write("t/s/b", "123");
  write("t/.hidden", "1234567");
  std::vector<Upload::Root> roots;
  roots.push_back({"t", dir_ / "t", File()});
  EXPECT_EQ(Upload(std::move(roots), {}).total_bytes(), 8U);
}

TEST(LinesBody, is_one_file_of_lines) {
  std::vector<std::string> lines = {"a", "b"};
  LinesBody body(lines);
  EXPECT_NE(as_text(body.next()->bytes).find("\r\n\r\na\nb\n\r\n--"), std::string_view::npos);
  EXPECT_TRUE(body.next()->empty());
}

TEST(IgnoreRules, match_names_as_kubo_does) {
  IgnoreRules rules;
  for (std::string_view rule :
       {"# a comment", "", "  *.tmp  ", "/top", "**/any", "under/**", "dir/", "a?c", "\\#hash"})
    rules.add(rule);
  for (std::string name : {"x.tmp", "top", "any", "under", "a?c", "#hash", ".hidden"})
    EXPECT_TRUE(rules.excludes(name)) << name;
  for (std::string name : {"# a comment", "tmp", "dir", "abc", "file"})
    EXPECT_FALSE(rules.excludes(name)) << name;
}

TEST(IgnoreRules, a_missing_file_is_an_error_that_names_it) {
  IgnoreRules rules;
  EXPECT_EQ(rules.add_file("/no/such").error(), "open /no/such: no such file or directory");
}

}  // namespace
}  // namespace masu::core::cli
