#include "core/cli/arguments.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace masu::core::cli {
namespace {

namespace fs = std::filesystem;
using rpc::ArgumentSpec;

// Commands with arguments of each kind, files to name, and a pipe as standard input.
class ArgumentsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "masu-arguments-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    std::ofstream(dir_ / "f") << "x";
    fs::create_directories(dir_ / "d");
    std::ofstream(dir_ / "d/f") << "y";
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::expected<Arguments, std::string> gather(std::vector<ArgumentSpec> specs,
                                               std::vector<std::string> words,
                                               std::string_view standard_input = "") {
    specs_ = std::move(specs);
    command_ = {.path = "test", .arguments = specs_};
    invocation_ = {.command = &command_, .options = options_, .arguments = std::move(words)};
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    File in(ends[0]), out(ends[1]);
    EXPECT_TRUE(write_all(out.fd(), standard_input));
    out = File();
    auto result = gather_arguments(invocation_, in.fd());
    if (result && result->texts_from_stdin) {
      auto read = read_stdin_texts(command_, in.fd(), *result);
      if (!read) return std::unexpected(read.error());
    }
    return result;
  }
  std::string error(std::vector<ArgumentSpec> specs, std::vector<std::string> words,
                    std::string_view in = "") {
    auto result = gather(std::move(specs), std::move(words), in);
    return result ? "none" : result.error();
  }
  void give(const rpc::OptionSpec& option) { options_.push_back({&option, "true"}); }

  using Texts = std::vector<std::string>;
  static constexpr ArgumentSpec key{.name = "key", .required = true};
  static constexpr ArgumentSpec value{.name = "value"};
  static constexpr ArgumentSpec paths{
      .name = "ipfs-path", .required = true, .variadic = true, .accepts_stdin = true};
  static constexpr ArgumentSpec one_path{.name = "ipfs-path", .required = true, .accepts_stdin = true};
  static constexpr ArgumentSpec peer{.name = "peerid", .accepts_stdin = true};
  static constexpr ArgumentSpec files{.name = "path",
                                      .required = true,
                                      .variadic = true,
                                      .is_file = true,
                                      .recursive = true,
                                      .accepts_stdin = true};
  static constexpr ArgumentSpec config_file{.name = "file", .required = true, .is_file = true};
  static constexpr ArgumentSpec init_file{.name = "default-config", .is_file = true, .accepts_stdin = true};

  fs::path dir_;
  std::vector<ArgumentSpec> specs_;
  std::vector<GivenOption> options_;
  rpc::CommandSpec command_;
  Invocation invocation_{.command = nullptr, .options = {}, .arguments = {}};
};

TEST_F(ArgumentsTest, texts_are_counted) {
  EXPECT_EQ(gather({key, value}, {"a"})->texts, (Texts{"a"}));
  EXPECT_EQ(gather({key, value}, {"a", "b"})->texts, (Texts{"a", "b"}));
  EXPECT_EQ(error({key, value}, {}), "argument \"key\" is required");
  EXPECT_EQ(error({key, value}, {"a", "b", "c"}), "expected 2 argument(s), got 3");
  EXPECT_EQ(error({}, {"a"}), "expected 0 argument(s), got 1");
}

TEST_F(ArgumentsTest, optional_ones_get_a_value_when_there_are_enough) {
  EXPECT_EQ(gather({value, key}, {"a"})->texts, (Texts{"a"}));
  EXPECT_EQ(gather({value, key}, {"a", "b"})->texts, (Texts{"a", "b"}));
}

TEST_F(ArgumentsTest, missing_ones_come_from_standard_input) {
  EXPECT_EQ(gather({paths}, {}, "a\nb\r\nc")->texts, (Texts{"a", "b", "c"}));
  EXPECT_EQ(gather({one_path}, {}, "a\nb\n")->texts, (Texts{"a"}));
  EXPECT_EQ(gather({paths}, {"x"}, "a\n")->texts, (Texts{"x"}));
  EXPECT_EQ(error({paths}, {}), "argument \"ipfs-path\" is required");
  // Nobody waits for what may be left out.
  EXPECT_FALSE(gather({peer}, {})->texts_from_stdin);
}

TEST_F(ArgumentsTest, files_are_looked_at_before_they_are_sent) {
  const std::string missing = dir_ / "missing", directory = dir_ / "d";
  EXPECT_EQ(error({files}, {missing}), "lstat " + missing + ": no such file or directory");
  EXPECT_EQ(error({files}, {directory}),
            "'" + directory + "' is a directory, use the '-r' flag to specify directories");
  EXPECT_EQ(error({config_file}, {directory}),
            "invalid path '" + directory + "', argument 'file' does not support directories");
  EXPECT_EQ(error({config_file}, {}), "argument \"file\" is required");
}

TEST_F(ArgumentsTest, files_go_in_the_order_of_their_names_once_each) {
  static constexpr rpc::OptionSpec recursive{.name = "recursive"};
  give(recursive);
  command_.options = {&recursive, 1};
  const std::string f = dir_ / "f", d = dir_ / "d";
  auto result = gather({files}, {f, d + "/", f});
  ASSERT_TRUE(result) << result.error();
  ASSERT_EQ(result->roots.size(), 2U);
  EXPECT_EQ(result->roots[0].name, "d");
  EXPECT_EQ(result->roots[0].path, d);
  EXPECT_EQ(result->roots[1].name, "f");
  EXPECT_EQ(error({files}, {f, d + "/f"}),
            "file name f repeated under different import directories: " + d + " and " + dir_.string());
}

TEST_F(ArgumentsTest, a_dash_or_nothing_is_standard_input) {
  for (const auto& words : {Texts{}, Texts{"-"}}) {
    auto result = gather({files}, words, "content");
    ASSERT_TRUE(result);
    ASSERT_EQ(result->roots.size(), 1U);
    EXPECT_EQ(result->roots[0].path, "");
    EXPECT_EQ(read_all(result->roots[0].file.fd(), 100), "content");
  }
  EXPECT_TRUE(gather({init_file}, {}, "content")->roots.empty());
}

}  // namespace
}  // namespace masu::core::cli
