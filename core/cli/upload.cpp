#include "core/cli/upload.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace masu::core::cli {
namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
// A file is read into the buffer up to this size.
constexpr std::size_t small_bytes_max = 64 * 1024;
// Room that must be left to begin a part: its head, with a name of the longest path, and a small file.
constexpr std::size_t part_bytes_max = small_bytes_max + 3 * 4096 + 1024;
static_assert(buffer_bytes >= 2 * part_bytes_max);

// A mode as Go prints it: "prw-r--r--".
std::string mode_text(mode_t mode) {
  std::string text = S_ISFIFO(mode)   ? "p"
                     : S_ISSOCK(mode) ? "S"
                     : S_ISCHR(mode)  ? "Dc"
                     : S_ISBLK(mode)  ? "D"
                                      : "?";
  constexpr std::string_view letters = "rwxrwxrwx";
  for (std::size_t at = 0; at < letters.size(); ++at) text += (mode >> (8 - at) & 1) != 0 ? letters[at] : '-';
  return text;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::string joined(const std::string& directory, const std::string& name) {
  if (directory.empty()) return name;
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

}  // namespace

Upload::Upload(std::vector<Root> roots, Options options)
    : roots_(std::move(roots)), options_(std::move(options)), buffer_(buffer_bytes) {}

std::expected<http::BodyPiece, std::string> Upload::next() {
  used_ = 0;
  large_ = File();
  large_bytes_ = 0;
  while (!ended_ && !large_ && room() >= part_bytes_max) {
    Result result;
    if (stream_) {
      // What has come is sent before more is waited for.
      if (used_ > 0) break;
      result = read_stream();
    } else if (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.next == level.entries.size()) {
        levels_.pop_back();
        continue;
      }
      const Entry& entry = level.entries[level.next++];
      // Copies: a directory makes the levels grow.
      const std::string disk_path = joined(level.disk_path, entry.name);
      const std::string sent_path = joined(level.sent_path, entry.name);
      result = add_entry(disk_path, sent_path, entry.kind);
    } else if (next_root_ < roots_.size()) {
      Root& root = roots_[next_root_++];
      result = root.path.empty() ? add_stream(root) : add_entry(root.path, root.name, Kind::unknown);
    } else {
      append(writer_.end());
      ended_ = true;
    }
    if (!result) return std::unexpected(std::move(result.error()));
  }
  return http::BodyPiece{{buffer_.data(), used_}, large_.fd(), large_bytes_};
}

Upload::Result Upload::add_entry(const std::string& disk_path, const std::string& sent_path, Kind kind) {
  bool follow = options_.follow_symlinks && (kind == Kind::symlink || kind == Kind::unknown);
  if (kind == Kind::unknown || follow) {
    struct stat status;
    int failed = follow ? ::stat(disk_path.c_str(), &status) : ::lstat(disk_path.c_str(), &status);
    if (failed != 0) return std::unexpected(system_error(follow ? "stat" : "lstat", disk_path));
    if (S_ISREG(status.st_mode))
      kind = Kind::file;
    else if (S_ISDIR(status.st_mode))
      kind = Kind::directory;
    else if (S_ISLNK(status.st_mode))
      kind = Kind::symlink;
    else
      return std::unexpected("unrecognized file type for " + disk_path + ": " + mode_text(status.st_mode));
  }
  switch (kind) {
    case Kind::directory: return add_directory(disk_path, sent_path);
    case Kind::symlink: return add_symlink(disk_path, sent_path);
    case Kind::file:
    case Kind::unknown: break;
  }
  return add_file(disk_path, sent_path);
}

Upload::Result Upload::add_directory(const std::string& disk_path, const std::string& sent_path) {
  Directory directory(::opendir(disk_path.c_str()));
  if (!directory) return std::unexpected(system_error("open", disk_path));
  struct stat status{};
  if (options_.metadata && ::fstat(::dirfd(directory.get()), &status) != 0)
    return std::unexpected(system_error("stat", disk_path));
  begin_part(sent_path, PartKind::directory, status);
  Level level{disk_path, sent_path, {}, 0};
  while (const dirent* found = ::readdir(directory.get())) {
    std::string name = found->d_name;
    if (name == "." || name == ".." || options_.ignore.excludes(name)) continue;
    Kind kind = found->d_type == DT_REG   ? Kind::file
                : found->d_type == DT_DIR ? Kind::directory
                : found->d_type == DT_LNK ? Kind::symlink
                                          : Kind::unknown;
    level.entries.push_back({std::move(name), kind});
  }
  std::ranges::sort(level.entries, {}, &Entry::name);
  levels_.push_back(std::move(level));
  return {};
}

Upload::Result Upload::add_symlink(const std::string& disk_path, const std::string& sent_path) {
  std::array<char, 4096> target;
  ssize_t bytes = ::readlink(disk_path.c_str(), target.data(), target.size());
  if (bytes < 0) return std::unexpected(system_error("readlink", disk_path));
  struct stat status{};
  if (options_.metadata && ::lstat(disk_path.c_str(), &status) != 0)
    return std::unexpected(system_error("lstat", disk_path));
  begin_part(sent_path, PartKind::symlink, status);
  append({target.data(), static_cast<std::size_t>(bytes)});
  return {};
}

Upload::Result Upload::add_file(const std::string& disk_path, const std::string& sent_path) {
  File file(::open(disk_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::unexpected(system_error("open", disk_path));
  struct stat status{};
  if (options_.metadata && ::fstat(file.fd(), &status) != 0)
    return std::unexpected(system_error("stat", disk_path));
  begin_part(sent_path, PartKind::file, status);
  // One read shows whether it is small: of a file it gives less than was asked for only at the end.
  const std::size_t wanted = std::min(room(), small_bytes_max);
  ssize_t got = ::read(file.fd(), buffer_.data() + used_, wanted);
  if (got < 0) return std::unexpected(system_error("read", disk_path));
  used_ += static_cast<std::size_t>(got);
  if (got == 0 || static_cast<std::size_t>(got) < wanted) return {};
  if (::fstat(file.fd(), &status) != 0) return std::unexpected(system_error("stat", disk_path));
  if (status.st_size > got) {
    large_bytes_ = static_cast<std::uint64_t>(status.st_size - got);
    large_ = std::move(file);
  } else {
    // No size is known (a file of /proc): read to its end.
    stream_ = std::move(file);
  }
  return {};
}

Upload::Result Upload::add_stream(Root& root) {
  stream_ = std::move(root.file);
  const struct stat status{};
  begin_part(root.name, PartKind::file, status);
  return {};
}

Upload::Result Upload::read_stream() {
  ssize_t got = 0;
  do {
    got = ::read(stream_.fd(), buffer_.data() + used_, room() / 2);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return std::unexpected(system_error("read", "/dev/stdin"));
  used_ += static_cast<std::size_t>(got);
  if (got == 0) stream_ = File();
  return {};
}

void Upload::begin_part(const std::string& sent_path, PartKind kind, const struct stat& status) {
  http::MultipartFile part{.kind = kind, .path = sent_path};
  if (options_.metadata && status.st_mode != 0) {
    part.mode = status.st_mode & 07777;
    part.mtime_seconds = status.st_mtim.tv_sec;
    part.mtime_nanos = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
  }
  append(writer_.part_begin(part));
}

void Upload::append(std::string_view text) {
  // A path may be longer than the room that is kept for it.
  if (text.size() > room()) buffer_.resize(used_ + text.size() + part_bytes_max);
  std::memcpy(buffer_.data() + used_, text.data(), text.size());
  used_ += text.size();
}

std::uint64_t Upload::total_bytes() const {
  std::uint64_t total = 0;
  std::vector<std::pair<std::string, Kind>> left;
  for (const Root& root : roots_)
    if (!root.path.empty()) left.emplace_back(root.path, Kind::unknown);
  while (!left.empty()) {
    auto [path, kind] = std::move(left.back());
    left.pop_back();
    struct stat status;
    int failed = options_.follow_symlinks ? ::stat(path.c_str(), &status) : ::lstat(path.c_str(), &status);
    if (failed != 0) continue;
    if (S_ISREG(status.st_mode)) total += static_cast<std::uint64_t>(status.st_size);
    Directory directory(S_ISDIR(status.st_mode) ? ::opendir(path.c_str()) : nullptr);
    while (const dirent* found = directory ? ::readdir(directory.get()) : nullptr) {
      std::string name = found->d_name;
      if (name != "." && name != ".." && !options_.ignore.excludes(name))
        left.emplace_back(joined(path, name), Kind::unknown);
    }
  }
  return total;
}

LinesBody::LinesBody(std::span<const std::string> lines) {
  const http::MultipartFile part{.path = "stdin"};
  text_ = writer_.part_begin(part);
  for (const std::string& line : lines) text_.append(line).append("\n");
  text_ += writer_.end();
}

std::expected<http::BodyPiece, std::string> LinesBody::next() {
  if (std::exchange(sent_, true)) return http::BodyPiece();
  return http::BodyPiece{as_bytes(text_)};
}

}  // namespace masu::core::cli
