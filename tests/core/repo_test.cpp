#include "core/repo.hpp"

#include "tests/failing_calls.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace masu::core {
namespace {

class RepoTest : public ::testing::Test {
 protected:
  RepoTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "masu-repo-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/deep/repo";
  }
  ~RepoTest() override { std::filesystem::remove_all(directory_); }

  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }
  // What another process is told when it opens the repo.
  std::string error_in_another_process() const {
    std::array<int, 2> ends;
    EXPECT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto repo = Repo::open(path_);
      const std::string error = repo ? "" : repo.error();
      [[maybe_unused]] const ssize_t put = ::write(ends[1], error.data(), error.size());
      ::_exit(0);
    }
    ::close(ends[1]);
    std::string error(4096, '\0');
    const ssize_t got = ::read(ends[0], error.data(), error.size());
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    error.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return error;
  }

  std::string directory_, path_;
};

TEST_F(RepoTest, AFreshRepoHasWhatProgramsLookFor) {
  ASSERT_TRUE(Repo::init(path_, Config::defaults()));
  EXPECT_EQ(read(path_ + "/version"), "18\n");
  EXPECT_TRUE(std::filesystem::is_directory(path_ + "/blocks"));
  EXPECT_TRUE(std::filesystem::is_directory(path_ + "/keystore"));
  const auto again = Repo::init(path_, Config::defaults());
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().find("already exists"), std::string::npos);
}

TEST_F(RepoTest, NoRepoIsAnErrorThatSaysWhatToDo) {
  const auto repo = Repo::open(path_);
  ASSERT_FALSE(repo);
  EXPECT_NE(repo.error().find("no IPFS repo found in " + path_), std::string::npos);
}

TEST_F(RepoTest, OneProcessAtATime) {
  ASSERT_TRUE(Repo::init(path_, Config::defaults()));
  {
    const auto repo = Repo::open(path_);
    ASSERT_TRUE(repo) << repo.error();
    EXPECT_NE(error_in_another_process().find("someone else has the lock"), std::string::npos);
  }
  EXPECT_EQ(error_in_another_process(), "");
}

TEST_F(RepoTest, AConfigThatIsNoJsonIsLeftAlone) {
  ASSERT_TRUE(Repo::init(path_, Config::defaults()));
  write(path_ + "/config", "{ this is no JSON");
  const auto repo = Repo::open(path_);
  ASSERT_FALSE(repo);
  EXPECT_NE(repo.error().find("config"), std::string::npos);
  EXPECT_EQ(read(path_ + "/config"), "{ this is no JSON");
}

TEST_F(RepoTest, ARepoOfAnotherVersionOrProgramIsRefused) {
  ASSERT_TRUE(Repo::init(path_, Config::defaults()));
  write(path_ + "/version", "19\n");
  EXPECT_FALSE(Repo::open(path_));
  write(path_ + "/version", "18");
  EXPECT_TRUE(Repo::open(path_));
  write(path_ + "/datastore_spec", R"({"mounts":[],"type":"mount"})");
  const auto repo = Repo::open(path_);
  ASSERT_FALSE(repo);
  EXPECT_NE(repo.error().find("another program"), std::string::npos);
}

TEST_F(RepoTest, TheApiFileLivesAsLongAsTheRepoIsOpen) {
  ASSERT_TRUE(Repo::init(path_, Config::defaults()));
  {
    auto repo = Repo::open(path_);
    ASSERT_TRUE(repo);
    ASSERT_TRUE((*repo)->write_api("/ip4/127.0.0.1/tcp/5001"));
    EXPECT_EQ(read(path_ + "/api"), "/ip4/127.0.0.1/tcp/5001");
  }
  EXPECT_FALSE(std::filesystem::exists(path_ + "/api"));
  write(path_ + "/api", "/ip4/127.0.0.1/tcp/1");
  EXPECT_TRUE(Repo::open(path_));
  EXPECT_FALSE(std::filesystem::exists(path_ + "/api")) << "what a killed daemon left behind stays";
}

TEST_F(RepoTest, AConfigIsSavedAsAWhole) {
  ASSERT_TRUE(Repo::init(path_, Config::defaults()));
  auto repo = Repo::open(path_);
  ASSERT_TRUE(repo);
  ASSERT_TRUE((*repo)->config().set("Of.Nobody", 7));
  ASSERT_TRUE((*repo)->save_config());
  const auto config = Repo::read_config(path_);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->integer("Of.Nobody"), 7);
}

// What a walk over the system calls of `work` met, in order: each fails once, or is the last of its process.
// `check` looks at the repo after each.
template <class Work, class Check>
std::vector<std::string> walk_calls(int error, Work&& work, Check&& check) {
  std::vector<std::string> met;
  for (std::uint64_t number = 0; number < 100; ++number) {
    SCOPED_TRACE("call " + std::to_string(number) + (error == 0 ? " ends the process" : " fails"));
    const auto outcome = test::run_in_child({{number}, error}, [&] {
      const auto done = work(number);
      return done ? std::string() : done.error();
    });
    EXPECT_TRUE(outcome.ran);
    if (outcome.call.empty()) {
      EXPECT_EQ(outcome.said, "");
      return met;
    }
    if (error != 0) {
      EXPECT_EQ(outcome.said.find(outcome.call), 0u) << outcome.said;
      EXPECT_TRUE(outcome.said.ends_with(std::strerror(error))) << outcome.said;
    }
    met.push_back(outcome.call);
    check(number, outcome);
    if (::testing::Test::HasFailure()) return met;
  }
  ADD_FAILURE() << "the work does not end";
  return met;
}

TEST_F(RepoTest, EachCallOfSavingAConfigFailsOrIsTheLast) {
  ASSERT_TRUE(Repo::init(path_, Config::defaults()));
  const std::string beside = path_ + "/config.new";
  for (const int error : {EIO, ENOSPC, 0}) {
    std::int64_t before = Repo::read_config(path_)->integer("Of.Nobody").value_or(0);
    const auto save = [&](std::uint64_t number) -> std::expected<void, std::string> {
      auto repo = Repo::open(path_);
      if (!repo) return std::unexpected(repo.error());
      EXPECT_TRUE((*repo)->config().set("Of.Nobody", static_cast<std::int64_t>(1000 + number)));
      return (*repo)->save_config();
    };
    const auto met = walk_calls(error, save, [&](std::uint64_t number, const test::CallOutcome& outcome) {
      const auto config = Repo::read_config(path_);
      ASSERT_TRUE(config) << config.error();
      const std::int64_t now = config->integer("Of.Nobody").value_or(0);
      EXPECT_TRUE(now == before || now == static_cast<std::int64_t>(1000 + number)) << now;
      if (outcome.call == "rename") {
        EXPECT_EQ(now, before);
      }
      before = now;
      if (error == 0) return;
      EXPECT_NE(outcome.said.find(path_), std::string::npos) << outcome.said;
      EXPECT_FALSE(std::filesystem::exists(beside));
    });
    // The lock; the file beside; the directory.
    const std::vector<std::string> calls = {"open", "open", "write", "sync", "rename", "open", "sync"};
    EXPECT_EQ(met, calls);
    EXPECT_FALSE(std::filesystem::exists(beside)) << "what an ended process left behind stays";
  }
}

TEST_F(RepoTest, EachCallOfMakingARepoFailsOrIsTheLast) {
  for (const int error : {EIO, ENOSPC, 0}) {
    const auto make = [&](std::uint64_t) { return Repo::init(path_, Config::defaults()); };
    const auto met = walk_calls(error, make, [&](std::uint64_t, const test::CallOutcome& outcome) {
      // The directories above are made if they are not there.
      const std::string named = outcome.call == "mkdir" ? "/" : directory_;
      if (error != 0) {
        EXPECT_NE(outcome.said.find(named), std::string::npos) << outcome.said;
      }
      if (!Repo::exists(path_)) {
        const auto again = Repo::init(path_, Config::defaults());
        EXPECT_TRUE(again) << again.error();
      }
      const auto repo = Repo::open(path_);
      EXPECT_TRUE(repo) << repo.error();
      std::filesystem::remove_all(directory_ + "/deep");
    });
    EXPECT_EQ(std::ranges::count(met, "rename"), 3);
    EXPECT_EQ(std::ranges::count(met, "sync"), 6);
    std::filesystem::remove_all(directory_ + "/deep");
  }
}

}  // namespace
}  // namespace masu::core
