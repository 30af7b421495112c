#include "core/cli/outputs.hpp"

#include "core/cli/files.hpp"
#include "core/cli/json_lines.hpp"
#include "core/cli/progress_bar.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace masu::core::cli {
namespace {

namespace fs = std::filesystem;

// The answer of a command that was called with `words`, and what the user sees of it.
class OutputsTest : public testing::Test {
 protected:
  OutputsTest() : out_(::memfd_create("out", 0)), err_(::memfd_create("err", 0)) {
    streams_ = {.in = 0, .out = out_.fd(), .err = err_.fd()};
    command_.path = "add";
  }

  void call(std::string_view path, std::vector<rpc::OptionSpec> options,
            std::vector<std::string> values = {}) {
    command_.path = path;
    options_ = std::move(options);
    command_.options = options_;
    invocation_.command = &command_;
    for (std::size_t at = 0; at < options_.size(); ++at)
      invocation_.options.push_back({&options_[at], at < values.size() ? values[at] : "true"});
    auto presentation = present(invocation_, argument_, streams_, [] { return std::uint64_t{0}; });
    ASSERT_TRUE(presentation) << presentation.error();
    encoding_ = presentation->encoding;
    output_ = std::move(presentation->output);
    sink_.emplace(*output_);
  }
  // The answer in pieces of one byte.
  std::optional<std::string> answer(std::string_view body, std::string_view trailer = "",
                                    unsigned status = 200) {
    if (!sink_->on_head({.status = status, .headers = {}})) return sink_->finish();
    for (const char& c : body)
      if (!sink_->on_body(as_bytes({&c, 1}))) return sink_->finish();
    if (!trailer.empty()) sink_->on_trailer("x-stream-error", trailer);
    return sink_->finish();
  }
  static std::string text_of(const File& file) {
    ::lseek(file.fd(), 0, SEEK_SET);
    return read_all(file.fd(), 1 << 20).value_or("");
  }

  File out_, err_;
  Streams streams_;
  rpc::CommandSpec command_;
  std::vector<rpc::OptionSpec> options_;
  Invocation invocation_{.command = nullptr, .options = {}, .arguments = {}};
  std::string argument_ = "/ipfs/QmX/name";
  std::string encoding_;
  std::unique_ptr<Output> output_;
  std::optional<AnswerSink> sink_;
};

constexpr std::string_view added =
    R"({"Name":"a","Bytes":3}
{"Name":"d/a\t","Hash":"Qm1","Size":"3"}
{"Name":"d","Hash":"Qm2","Size":"9"}
)";

TEST_F(OutputsTest, add_prints_a_line_for_each_file) {
  call("add", {});
  EXPECT_EQ(encoding_, "json");
  EXPECT_EQ(answer(added), std::nullopt);
  EXPECT_EQ(text_of(out_), "added Qm1 d/a\\t\nadded Qm2 d\n");
}

TEST_F(OutputsTest, add_quiet_prints_hashes) {
  call("add", {{.name = "quiet"}});
  EXPECT_EQ(answer(added), std::nullopt);
  EXPECT_EQ(text_of(out_), "Qm1\nQm2\n");
}

TEST_F(OutputsTest, add_quieter_prints_the_last_hash) {
  call("add", {{.name = "quieter"}});
  EXPECT_EQ(answer(added), std::nullopt);
  EXPECT_EQ(text_of(out_), "Qm2\n");
}

TEST_F(OutputsTest, add_shows_a_bar_when_asked_to) {
  call("add", {{.name = "progress"}});
  EXPECT_EQ(answer(added), std::nullopt);
  EXPECT_NE(text_of(err_).find("3 B"), std::string::npos);
}

TEST_F(OutputsTest, errors_come_as_a_status_or_behind_a_good_start) {
  call("id", {});
  EXPECT_EQ(answer(R"({"Message":"no such thing","Code":0,"Type":"error"})", "", 500), "no such thing");
  call("id", {});
  EXPECT_EQ(answer("argument \"x\" is required\n", "", 400), "argument \"x\" is required");
  call("id", {});
  EXPECT_EQ(answer("404 page not found", "", 404), "Command not found.");
  call("id", {});
  EXPECT_EQ(answer("", "", 503), "the node answered with status 503");
  call("id", {});
  EXPECT_EQ(answer("half", "it broke"), "it broke");
  EXPECT_EQ(text_of(out_), "half");
}

TEST_F(OutputsTest, an_answer_that_is_no_json_is_an_error) {
  call("add", {});
  EXPECT_TRUE(answer("added Qm1 a\n").has_value());
  call("add", {});
  EXPECT_EQ(answer(std::string(JsonLines::line_bytes_max + 2, 'x')), "a line of the answer is too long");
}

TEST_F(OutputsTest, pin_add_counts_on_standard_error) {
  call("pin add", {{.name = "progress"}, {.name = "recursive"}});
  EXPECT_EQ(answer("{\"Progress\":7,\"Bytes\":1500}\n{\"Pins\":[\"Qm1\"]}\n"), std::nullopt);
  EXPECT_EQ(text_of(err_), "Fetched/Processed 7 nodes (1.5 kB)\r");
  EXPECT_EQ(text_of(out_), "pinned Qm1 recursively\n");
}

TEST_F(OutputsTest, block_rm_tells_what_stays_on_standard_error) {
  call("block rm", {});
  EXPECT_EQ(encoding_, "json");
  EXPECT_EQ(
      answer("{\"Hash\":\"Qm1\"}\n{\"Hash\":\"Qm2\",\"Error\":\"pinned: direct\"}\n{\"Hash\":\"Qm3\"}\n"),
      "some blocks not removed");
  EXPECT_EQ(text_of(out_), "removed Qm1\nremoved Qm3\n");
  EXPECT_EQ(text_of(err_), "cannot remove Qm2: pinned: direct\n");
  call("block rm", {});
  EXPECT_EQ(answer("{\"Hash\":\"Qm1\"}\n"), std::nullopt);
}

TEST_F(OutputsTest, get_names_its_file_as_kubo_does) {
  const std::string path = fs::temp_directory_path() / ("masu-get-" + std::to_string(::getpid()));
  call("get", {{.name = "output", .type = rpc::OptionType::text}, {.name = "archive"}, {.name = "compress"}},
       {path, "true", "true"});
  EXPECT_EQ(answer("bytes"), std::nullopt);
  EXPECT_EQ(text_of(out_), "Saving archive to " + path + ".tar.gz\n");
  std::string content;
  std::ifstream(path + ".tar.gz") >> content;
  EXPECT_EQ(content, "bytes");
  fs::remove(path + ".tar.gz");
}

TEST_F(OutputsTest, get_says_when_an_archive_is_cut_off) {
  const std::string path = fs::temp_directory_path() / ("masu-get-" + std::to_string(::getpid()));
  call("get", {{.name = "output", .type = rpc::OptionType::text}}, {path});
  EXPECT_TRUE(answer(std::string(100, '\0')).has_value());
  EXPECT_EQ(text_of(out_), "Saving file(s) to " + path + "\n");
}

TEST_F(OutputsTest, get_checks_the_level) {
  command_.path = "get";
  options_ = {{.name = "compress"}, {.name = "compression-level", .type = rpc::OptionType::integer}};
  command_.options = options_;
  for (std::string level : {"0", "10", "-1"}) {
    invocation_ = {
        .command = &command_, .options = {{&options_[0], "true"}, {&options_[1], level}}, .arguments = {}};
    auto result = present(invocation_, "x", streams_, [] { return std::uint64_t{0}; });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), "compression level must be between 1 and 9");
  }
}

TEST(ProgressBar, says_how_far_it_is) {
  ProgressBar::Clock::time_point start{};
  using std::chrono::seconds;
  ProgressBar bar(-1, 8 << 20, start);
  bar.set(2 << 20, start + seconds(1));
  EXPECT_EQ(bar.line(start + seconds(2)),
            "2.00 MiB / 8.00 MiB [======>-----------------] 1.00 MiB/s 25.00% ETA 6s");
  EXPECT_EQ(ProgressBar(-1, 100, start).line(start),
            "0 B / 100 B [>-----------------------] ?/s 0.00% ETA ?");
  ProgressBar open(-1, 0, start);
  open.set(1536, start);
  EXPECT_EQ(open.line(start + seconds(1)), "1.50 KiB 1.50 KiB/s");
}

}  // namespace
}  // namespace masu::core::cli
