#include "core/repo.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

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

}  // namespace
}  // namespace masu::core
