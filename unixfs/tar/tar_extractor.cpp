#include "unixfs/tar/tar_extractor.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace masu::unixfs::tar {
namespace {

constexpr int open_directory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t mode_of_strangers = 01777;  // no setuid, no setgid

std::array<timespec, 2> times_of(const Timestamp& mtime) {
  const timespec time{static_cast<time_t>(mtime.seconds), static_cast<long>(mtime.nanos)};
  return {time, time};
}

// A file descriptor that is closed unless it is taken.
struct Descriptor {
  int file;
  explicit Descriptor(int opened) : file(opened) {}
  ~Descriptor() {
    if (file >= 0) ::close(file);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void swap(int& other) { std::swap(file, other); }
};

std::string cleaned(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path.empty() ? "." : path;
}

auto invalid_root(const std::string& why) {
  return fail(ErrorCode::hostile, why + " : tar has invalid root");
}

}  // namespace

TarExtractor::TarExtractor(std::string output) : output_(cleaned(std::move(output))) {}

TarExtractor::~TarExtractor() {
  if (file_ >= 0) {
    ::close(file_);
    ::unlinkat(directory_, temporary_name_.c_str(), 0);
  }
  if (directory_ >= 0) ::close(directory_);
}

Error TarExtractor::failed(std::string_view what, std::string_view path) const {
  const int error = errno;
  return {ErrorCode::storage,
          "cannot " + std::string(what) + " " + std::string(path) + ": " + std::strerror(error)};
}

Result<> TarExtractor::on_entry(const Entry& entry) {
  if (output_ == "/dev/null") return {};
  if (root_name_.empty()) return begin_root(entry);
  if (!root_is_directory_) {
    return invalid_root("the root was not a directory and the tar has multiple entries");
  }
  if (!entry.path.starts_with(root_name_) || entry.path.substr(root_name_.size(), 1) != "/") {
    return invalid_root("contains more than one root or the root directory is not the first entry");
  }
  const std::size_t slash = entry.path.rfind('/');
  if (auto entered = enter_parent(entry.path.substr(0, slash)); !entered) return entered;
  const std::string name(entry.path.substr(slash + 1));
  switch (entry.type) {
    case EntryType::directory: return make_directory(name, entry);
    case EntryType::symlink: return make_symlink(name, entry);
    case EntryType::file: return begin_file(name, entry);
  }
  return {};
}

Result<> TarExtractor::begin_root(const Entry& entry) {
  if (entry.path.find('/') != std::string_view::npos) {
    return invalid_root("root name contains multiple components : \"" + std::string(entry.path) + "\"");
  }
  root_name_ = entry.path;
  root_is_directory_ = entry.type == EntryType::directory;
  if (!root_is_directory_) return begin_lone_root(entry);

  for (std::size_t slash = output_.find('/', 1); slash != std::string::npos;
       slash = output_.find('/', slash + 1)) {
    ::mkdir(output_.substr(0, slash).c_str(), 0755);  // what is missing shows at the last one
  }
  directory_path_ = "";
  directory_ = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_ < 0) return std::unexpected(failed("open", "."));
  if (::mkdirat(directory_, output_.c_str(), 0755) != 0 && errno != EEXIST) {
    return std::unexpected(failed("make the directory", output_));
  }
  return enter(output_, &entry);
}

// A file or a symlink by itself: at the output, or in it when that is a directory.
Result<> TarExtractor::begin_lone_root(const Entry& entry) {
  struct stat status{};
  const bool inside = ::lstat(output_.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  const std::size_t slash = output_.rfind('/');
  std::string parent = inside ? output_ : slash == std::string::npos ? "." : output_.substr(0, slash);
  if (parent.empty()) parent = "/";
  const std::string name = inside ? root_name_ : output_.substr(slash == std::string::npos ? 0 : slash + 1);
  directory_path_ = parent;
  directory_ = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_ < 0) return std::unexpected(failed("open", parent));
  return entry.type == EntryType::symlink ? make_symlink(name, entry) : begin_file(name, entry);
}

// Makes `parent`, a directory that is there, the innermost level.
Result<> TarExtractor::enter_parent(std::string_view parent) {
  const auto holds_parent = [&] {
    return parent.starts_with(directory_path_) &&
           (parent.size() == directory_path_.size() || parent[directory_path_.size()] == '/');
  };
  while (!holds_parent()) {
    if (auto left = leave(); !left) return left;
  }
  while (directory_path_.size() < parent.size()) {
    const std::string_view rest = parent.substr(directory_path_.size() + 1);
    if (auto entered = enter(std::string(rest.substr(0, rest.find('/'))), nullptr); !entered) return entered;
  }
  return {};
}

// Opens a directory in the innermost level, which it becomes. `entry`: what the archive says of it, if it
// does.
Result<> TarExtractor::enter(const std::string& name, const Entry* entry) {
  if (levels_.size() == depth_max) {
    return fail(ErrorCode::limit, "tar: directories are nested deeper than " + std::to_string(depth_max));
  }
  const std::string path = levels_.empty() ? root_name_ : directory_path_ + "/" + name;
  Descriptor opened(::openat(directory_, name.c_str(), open_directory));
  if (opened.file < 0 && (errno == ELOOP || errno == ENOTDIR)) {
    return fail(ErrorCode::hostile, "cannot traverse symlinks or other non-directory objects: " + path);
  }
  struct stat status{};
  if (opened.file < 0 || ::fstat(opened.file, &status) != 0) return std::unexpected(failed("open", path));
  opened.swap(directory_);
  directory_path_ = path;
  Level level{.device = status.st_dev, .inode = status.st_ino, .path_bytes = path.size()};
  if (entry != nullptr) {
    level.from_archive = true;
    level.mode = entry->mode & mode_of_strangers;
    level.mtime = entry->mtime;
  }
  levels_.push_back(level);
  return {};
}

// The innermost level gets its mode and time, and the one above becomes it.
Result<> TarExtractor::leave() {
  const Level left = levels_.back();
  // Opened first: the mode of the level may not let us pass afterwards.
  Descriptor above(levels_.size() > 1 ? ::openat(directory_, "..", open_directory) : -1);
  if (levels_.size() > 1) {
    struct stat status{};
    if (above.file < 0 || ::fstat(above.file, &status) != 0)
      return std::unexpected(failed("leave", directory_path_));
    const Level& expected = levels_[levels_.size() - 2];
    if (status.st_dev != expected.device || status.st_ino != expected.inode) {
      return fail(ErrorCode::storage, directory_path_ + " was moved while it was written");
    }
  }
  if (left.from_archive) {
    if (left.mode != 0 && ::fchmod(directory_, left.mode) != 0)
      return std::unexpected(failed("chmod", directory_path_));
    if (::futimens(directory_, times_of(left.mtime).data()) != 0) {
      return std::unexpected(failed("set the time of", directory_path_));
    }
  }
  above.swap(directory_);
  levels_.pop_back();
  directory_path_.resize(levels_.empty() ? 0 : levels_.back().path_bytes);
  return {};
}

Result<> TarExtractor::make_directory(const std::string& name, const Entry& entry) {
  if (::mkdirat(directory_, name.c_str(), 0755) != 0 && errno != EEXIST) {
    return std::unexpected(failed("make the directory", entry.path));
  }
  return enter(name, &entry);
}

Result<> TarExtractor::remove_existing(const std::string& name) {
  if (::unlinkat(directory_, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (::unlinkat(directory_, name.c_str(), AT_REMOVEDIR) == 0) return {};
  return std::unexpected(failed("replace", directory_path_ + "/" + name));
}

Result<> TarExtractor::make_symlink(const std::string& name, const Entry& entry) {
  if (auto removed = remove_existing(name); !removed) return removed;
  const std::string target(entry.link_target);
  if (::symlinkat(target.c_str(), directory_, name.c_str()) != 0 ||
      ::utimensat(directory_, name.c_str(), times_of(entry.mtime).data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return std::unexpected(failed("make the symlink", entry.path));
  }
  return {};
}

Result<> TarExtractor::begin_file(const std::string& name, const Entry& entry) {
  if (auto removed = remove_existing(name); !removed) return removed;
  temporary_name_ = ".masu-get-" + std::to_string(::getpid()) + "-" + std::to_string(++file_count_);
  file_ = ::openat(directory_, temporary_name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   0644);
  if (file_ < 0) return std::unexpected(failed("make the file", entry.path));
  file_name_ = name;
  file_mode_ = entry.mode & mode_of_strangers;
  file_mtime_ = entry.mtime;
  return {};
}

Result<> TarExtractor::on_data(Bytes bytes) {
  while (file_ >= 0 && !bytes.empty()) {
    const ssize_t put = ::write(file_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return std::unexpected(failed("write", directory_path_ + "/" + file_name_));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<> TarExtractor::on_entry_end() {
  if (file_ < 0) return {};
  const bool good = (file_mode_ == 0 || ::fchmod(file_, file_mode_) == 0) &&
                    ::futimens(file_, times_of(file_mtime_).data()) == 0 &&
                    ::renameat(directory_, temporary_name_.c_str(), directory_, file_name_.c_str()) == 0;
  if (!good) return std::unexpected(failed("finish", directory_path_ + "/" + file_name_));
  if (::close(std::exchange(file_, -1)) != 0)
    return std::unexpected(failed("finish", directory_path_ + "/" + file_name_));
  return {};
}

Result<> TarExtractor::finish() {
  if (output_ == "/dev/null") return {};
  if (root_name_.empty()) return fail(ErrorCode::malformed, "empty tar file");
  while (!levels_.empty()) {
    if (auto left = leave(); !left) return left;
  }
  return {};
}

}  // namespace masu::unixfs::tar
