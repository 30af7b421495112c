#include "core/repo.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace masu::core {
namespace {

using Result = std::expected<void, std::string>;

constexpr std::string_view datastore_spec = R"({"blocks":"blocks","index":"index","type":"masu"})";

std::string failed(std::string_view what, const std::string& path, int error) {
  return std::string(what) + " " + path + ": " + std::strerror(error);
}

// The whole file, of at most `bytes_max` bytes.
std::expected<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(failed("open", path, errno));
  std::string text;
  std::array<char, 16 * 1024> buffer;
  ssize_t got = 0;
  while ((got = ::read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > bytes_max) break;
  }
  const int error = errno;
  ::close(fd);
  if (got < 0) return std::unexpected(failed("read", path, error));
  if (text.size() > bytes_max)
    return std::unexpected(path + " is larger than " + std::to_string(bytes_max) + " bytes");
  return text;
}

Result sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(failed("open", path, errno));
  const bool synced = ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!synced) return std::unexpected(failed("sync", path, error));
  return {};
}

Result write_and_sync(int fd, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return std::unexpected(failed("write", path, errno));
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(fd) != 0) return std::unexpected(failed("sync", path, errno));
  return {};
}

// A reader sees the old file or the new one, also after a power cut.
Result replace_file(const std::string& directory, std::string_view name, std::string_view text, mode_t mode) {
  const std::string path = directory + "/" + std::string(name);
  const std::string beside = path + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return std::unexpected(failed("open", beside, errno));
  Result done = write_and_sync(fd, beside, text);
  ::close(fd);
  if (done && ::rename(beside.c_str(), path.c_str()) != 0)
    done = std::unexpected(failed("rename to", path, errno));
  if (!done) {
    ::unlink(beside.c_str());
    return done;
  }
  return sync_directory(directory);
}

Result make_directory(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return std::unexpected(failed("mkdir", path, errno));
}

Result make_directories(const std::string& path, mode_t mode) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (auto made = make_directory(path.substr(0, slash), 0755); !made) return made;
  }
  return make_directory(path, mode);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

Result check_version(const std::string& path) {
  auto version = read_file(path + "/version", 64);
  if (!version) return std::unexpected(version.error());
  const std::string_view found = trimmed(*version);
  if (found == Repo::version) return {};
  return std::unexpected("the repo at " + path + " has version " + std::string(found) +
                         ", this program works with " + std::string(Repo::version));
}

Result check_spec(const std::string& path) {
  auto spec = read_file(path + "/datastore_spec", 64 * 1024);
  if (!spec) return std::unexpected(spec.error());
  if (trimmed(*spec) == datastore_spec) return {};
  return std::unexpected("the blocks at " + path + " are stored by another program (" +
                         std::string(trimmed(*spec)) +
                         "); export them there with 'ipfs dag export' and import them into a repo of masu");
}

std::expected<int, std::string> take_lock(const std::string& path) {
  const std::string file = path + "/repo.lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return std::unexpected(failed("open", file, errno));
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd, F_SETLK, &lock) == 0) return fd;
  const int error = errno;
  ::close(fd);
  if (error == EACCES || error == EAGAIN)
    return std::unexpected("lock " + file + ": someone else has the lock");
  return std::unexpected(failed("lock", file, error));
}

}  // namespace

std::string Repo::default_path() {
  if (const char* path = std::getenv("IPFS_PATH"); path != nullptr && *path != '\0') return path;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::string(home) + "/.masu";
  return "/.masu";
}

bool Repo::exists(const std::string& path) { return ::access((path + "/config").c_str(), F_OK) == 0; }

std::expected<void, std::string> Repo::init(const std::string& path, const Config& config) {
  if (exists(path)) {
    return std::unexpected(
        "ipfs configuration file already exists!\nReinitializing would overwrite your keys");
  }
  if (auto made = make_directories(path, 0700); !made) return made;
  for (std::string_view name : {"blocks", "datastore", "keystore"}) {
    const mode_t mode = name == "keystore" ? 0700 : 0755;
    if (auto made = make_directory(path + "/" + std::string(name), mode); !made) return made;
  }
  const std::string version_line = std::string(version) + "\n";
  if (auto done = replace_file(path, "datastore_spec", datastore_spec, 0600); !done) return done;
  if (auto done = replace_file(path, "version", version_line, 0644); !done) return done;
  // Last: with it the repo exists.
  return replace_file(path, "config", config.to_text(), 0600);
}

std::expected<Config, std::string> Repo::read_config(const std::string& path) {
  if (!exists(path)) {
    return std::unexpected("no IPFS repo found in " + path + ".\nplease run: 'masu init'");
  }
  auto text = read_file(path + "/config", Config::text_bytes_max);
  if (!text) return std::unexpected(text.error());
  auto config = Config::parse(*text);
  if (!config) return std::unexpected(path + "/config: " + config.error());
  return config;
}

std::expected<std::unique_ptr<Repo>, std::string> Repo::open(const std::string& path) {
  auto config = read_config(path);
  if (!config) return std::unexpected(config.error());
  if (auto good = check_version(path); !good) return std::unexpected(good.error());
  if (auto good = check_spec(path); !good) return std::unexpected(good.error());
  auto lock = take_lock(path);
  if (!lock) return std::unexpected(lock.error());
  auto repo = std::unique_ptr<Repo>(new Repo(path, *lock, std::move(*config)));
  // Another daemon left it when it was killed; whoever has the lock decides.
  ::unlink((path + "/api").c_str());
  ::unlink((path + "/gateway").c_str());
  return repo;
}

Repo::~Repo() {
  if (wrote_notes_) {
    ::unlink((path_ + "/api").c_str());
    ::unlink((path_ + "/gateway").c_str());
  }
  ::close(lock_);
}

std::expected<void, std::string> Repo::save_config() {
  return replace_file(path_, "config", config_.to_text(), 0600);
}

std::expected<void, std::string> Repo::write_note(std::string_view name, std::string_view text) {
  wrote_notes_ = true;
  return replace_file(path_, name, text, 0644);
}

}  // namespace masu::core
