#include "core/cli/run.hpp"

#include "core/cli/files.hpp"
#include "core/version.hpp"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::core::cli {
namespace {

namespace fs = std::filesystem;

// One end of a socket pair whose other end answers one request with a text given before.
class ScriptedNode final : public NodeHandle {
 public:
  ScriptedNode(std::string answer, std::string& request) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    socket_ = ends[0];
    server_ = std::thread([end = File(ends[1]), answer = std::move(answer), &request]() mutable {
      char piece[4096];
      while (!ended(request)) {
        ssize_t got = ::read(end.fd(), piece, sizeof piece);
        if (got <= 0) return;
        request.append(piece, static_cast<std::size_t>(got));
      }
      write_all(end.fd(), answer);
    });
  }
  ~ScriptedNode() override { server_.join(); }
  int take_socket() override { return socket_; }

 private:
  // With its last chunk, when it has a body.
  static bool ended(std::string_view request) {
    std::size_t head = request.find("\r\n\r\n");
    if (head == request.npos) return false;
    return !request.substr(0, head).contains("chunked") || request.ends_with("0\r\n\r\n");
  }

  int socket_ = -1;
  std::thread server_;
};

class FakeHost final : public Host {
 public:
  std::expected<std::unique_ptr<NodeHandle>, std::string> start_node(const std::string& repo_path) override {
    started_in = repo_path;
    if (!start_error.empty()) return std::unexpected(start_error);
    return std::make_unique<ScriptedNode>(answer, request);
  }
  int run_init(const InitOptions& options) override { return init = options, 0; }
  int run_daemon(const DaemonOptions& options) override { return daemon = options, 0; }

  std::string answer, start_error;
  std::string request, started_in;
  InitOptions init;
  DaemonOptions daemon;
};

// The program in a directory that may hold a repo.
class RunTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "masu-run-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    repo_ = "--repo-dir=" + dir_.string();
    write("config", "{}");
    answer("200 OK", "text/plain", "");
  }
  void TearDown() override { fs::remove_all(dir_); }

  void write(const std::string& path, std::string_view text) { std::ofstream(dir_ / path) << text; }
  void answer(std::string_view status, std::string_view type, std::string_view body) {
    host_.answer = "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: " + std::string(type) +
                   "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                   std::string(body);
  }

  int run(std::vector<std::string_view> words, std::string_view standard_input = "") {
    words.push_back(repo_);
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    File in(ends[0]), writer(ends[1]), out(::memfd_create("out", 0)), err(::memfd_create("err", 0));
    write_all(writer.fd(), standard_input);
    writer = File();
    host_.request.clear();
    int code = cli::run(words, host_, {.in = in.fd(), .out = out.fd(), .err = err.fd()});
    out_ = text_of(out);
    err_ = text_of(err);
    return code;
  }
  static std::string text_of(const File& file) {
    ::lseek(file.fd(), 0, SEEK_SET);
    return read_all(file.fd(), 1 << 20).value_or("");
  }
  std::string request_line() const { return host_.request.substr(0, host_.request.find("\r\n")); }

  fs::path dir_;
  std::string repo_;
  FakeHost host_;
  std::string out_, err_;
};

TEST_F(RunTest, version_needs_no_node) {
  fs::remove(dir_ / "config");
  EXPECT_EQ(run({"version"}), 0);
  EXPECT_EQ(out_, "masu version " + std::string(version_number) + "\n");
  EXPECT_EQ(run({"version", "--repo"}), 0);
  EXPECT_EQ(out_, "18\n");
  EXPECT_EQ(run({"version", "--enc=json"}), 0);
  EXPECT_TRUE(out_.starts_with("{\"Version\":\"" + std::string(version_number)) && out_.ends_with("}\n"))
      << out_;
  EXPECT_EQ(version_number, MASU_VERSION);
  EXPECT_EQ(host_.started_in, "");
}

TEST_F(RunTest, commands_are_listed_with_their_flags) {
  EXPECT_EQ(run({"commands"}), 0);
  EXPECT_TRUE(out_.starts_with("masu\n"));
  EXPECT_NE(out_.find("\nmasu config show\n"), std::string::npos);
  EXPECT_EQ(run({"commands", "-f"}), 0);
  EXPECT_NE(out_.find("\nmasu version --number / masu version -n\n"), std::string::npos);
}

TEST_F(RunTest, usage_errors_show_the_help_below) {
  EXPECT_EQ(run({"config"}), 1);
  EXPECT_TRUE(err_.starts_with("Error: argument \"key\" is required\n\nUSAGE\n  masu config")) << err_;
  EXPECT_EQ(run({"nothing"}), 1);
  EXPECT_EQ(err_, "Error: Unknown Command \"nothing\"\n\n");
  EXPECT_EQ(run({"version", "--timeout=x"}), 1);
  EXPECT_EQ(err_, "Error: time: invalid duration \"x\"\n");
  EXPECT_EQ(out_, "");
}

TEST_F(RunTest, help_comes_before_everything_else) {
  for (auto words : {std::vector<std::string_view>{"config", "--help"},
                     {"help", "config"},
                     {"config", "a", "b", "c", "--help"}}) {
    EXPECT_EQ(run(words), 0);
    EXPECT_TRUE(out_.starts_with("USAGE\n  masu config <key> [<value>] - ")) << out_;
  }
  EXPECT_EQ(run({"stats"}), 0);
  EXPECT_NE(out_.find("masu stats memory  - "), std::string::npos);
}

TEST_F(RunTest, without_a_repo_it_says_where_it_looked) {
  fs::remove(dir_ / "config");
  EXPECT_EQ(run({"config", "X"}), 1);
  EXPECT_EQ(err_, "Error: no IPFS repo found in " + dir_.string() + ".\nplease run: 'masu init'\n");
}

TEST_F(RunTest, without_a_daemon_a_node_is_opened_here) {
  answer("200 OK", "text/plain", "10GB\n");
  EXPECT_EQ(run({"config", "Datastore.StorageMax", "--json"}), 0);
  EXPECT_EQ(out_, "10GB\n");
  EXPECT_EQ(host_.started_in, dir_.string());
  EXPECT_EQ(
      request_line(),
      "POST /api/v0/config?json=true&encoding=text&stream-channels=true&arg=Datastore.StorageMax HTTP/1.1");
  host_.start_error = "lock repo.lock: someone else has the lock";
  EXPECT_EQ(run({"config", "X"}), 1);
  EXPECT_EQ(err_, "Error: lock repo.lock: someone else has the lock\n");
}

TEST_F(RunTest, a_stale_api_file_is_passed_over_unless_it_was_asked_for) {
  // A port of this machine that nobody can listen on.
  write("api", "/ip4/127.0.0.1/tcp/0\n");
  EXPECT_EQ(run({"config", "show"}), 0);
  EXPECT_EQ(host_.started_in, dir_.string());
  EXPECT_EQ(run({"--api=/ip4/127.0.0.1/tcp/0", "config", "show"}), 1);
  EXPECT_TRUE(err_.starts_with("Error: cannot connect to the api. Is the daemon running?")) << err_;
  EXPECT_EQ(run({"--api=nonsense", "config", "show"}), 1);
  EXPECT_EQ(err_, "Error: failed to parse multiaddr \"nonsense\": must begin with /\n");
  write("api", std::string(3000, 'x'));
  EXPECT_EQ(run({"config", "show"}), 1);
  EXPECT_TRUE(err_.starts_with("Error: API file too large")) << err_;
}

TEST_F(RunTest, what_needs_a_daemon_says_so) {
  EXPECT_EQ(run({"shutdown"}), 1);
  EXPECT_EQ(err_, "Error: daemon not running\n");
}

TEST_F(RunTest, errors_of_the_node_are_the_commands) {
  answer("500 Internal Server Error", "application/json",
         R"({"Message":"no such key","Code":0,"Type":"error"})");
  EXPECT_EQ(run({"config", "X"}), 1);
  EXPECT_EQ(err_, "Error: no such key\n");
  EXPECT_EQ(out_, "");
}

TEST_F(RunTest, files_are_uploaded) {
  write("new.json", "{\"a\":1}");
  const std::string path = dir_ / "new.json";
  EXPECT_EQ(run({"config", "replace", path}), 0) << err_;
  EXPECT_NE(host_.request.find("filename=\"new.json\""), std::string::npos);
  EXPECT_NE(host_.request.find("{\"a\":1}"), std::string::npos);
}

TEST_F(RunTest, init_and_daemon_get_their_options) {
  EXPECT_EQ(run({"init", "-p", "test,server", "-a=rsa", "--bits=2048"}), 0);
  EXPECT_EQ(host_.init.repo_path, dir_.string());
  EXPECT_EQ(host_.init.profiles, (std::vector<std::string>{"test", "server"}));
  EXPECT_EQ(host_.init.algorithm, "rsa");
  EXPECT_EQ(host_.init.bits, 2048);
  EXPECT_EQ(run({"init", "-e=false"}), 1) << "there are no help files";
  EXPECT_EQ(run({"daemon", "--memory-budget=48M", "--init", "--offline", "--enable-gc", "--migrate=true"}),
            0);
  EXPECT_EQ(host_.daemon.memory_budget, "48M");
  EXPECT_TRUE(host_.daemon.init);
  EXPECT_TRUE(host_.daemon.offline);
  EXPECT_TRUE(host_.daemon.enable_gc);
  EXPECT_EQ(run({"daemon", "--mount"}), 1);
  EXPECT_EQ(run({"init", "--api=/ip4/127.0.0.1/tcp/5001"}), 1);
  EXPECT_EQ(err_, "Error: api flag specified but command cannot be run on the daemon\n");
}

TEST_F(RunTest, the_plan_of_a_budget_is_shown_without_a_node) {
  EXPECT_EQ(run({"memory", "plan", "--memory-budget=64M"}), 0);
  EXPECT_NE(out_.find("64"), std::string::npos);
  EXPECT_EQ(run({"memory", "plan", "--memory-budget=1M"}), 1);
  EXPECT_NE(out_, "");
  EXPECT_TRUE(err_.starts_with("Error: "));
  EXPECT_EQ(run({"memory", "plan", "--memory-budget=much"}), 1);
  EXPECT_EQ(err_, "Error: --memory-budget: \"much\" is not a size (64M, 48MiB, 100000000)\n");
}

}  // namespace
}  // namespace masu::core::cli
