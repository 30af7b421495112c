#include "store/disk/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

namespace masu::store {

StoreError file_error(int error_number, const char* what, const std::string& path) {
  StoreErrorCode code = StoreErrorCode::io;
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG) {
    code = StoreErrorCode::disk_full;
  } else if (error_number == ENOENT) {
    code = StoreErrorCode::not_found;
  }
  return {code, std::string(what) + " " + path + ": " + std::generic_category().message(error_number)};
}

namespace {

constexpr std::size_t iovecs_max = 64;

std::unexpected<StoreError> failed(const char* what, const std::string& path) {
  return std::unexpected(file_error(errno, what, path));
}

// The next iovecs of `pieces` behind `skip` bytes; returns how many.
template <class Piece>
std::size_t gather(std::span<const Piece> pieces, std::size_t skip, std::span<iovec> out) {
  std::size_t count = 0;
  for (const Piece& piece : pieces) {
    if (skip >= piece.size()) {
      skip -= piece.size();
      continue;
    }
    if (count == out.size()) break;
    const auto rest = piece.subspan(skip);
    skip = 0;
    out[count++] = {const_cast<std::uint8_t*>(rest.data()), rest.size()};
  }
  return count;
}

class PosixFile final : public File {
 public:
  PosixFile(int file, std::string path) : file_(file), path_(std::move(path)) {}
  ~PosixFile() override { ::close(file_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  StoreResult<std::uint64_t> size() override {
    struct stat status;
    if (::fstat(file_, &status) != 0) return failed("look at", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  StoreResult<std::size_t> read(std::uint64_t offset, std::span<const MutableBytes> pieces) override {
    std::array<iovec, iovecs_max> parts;
    std::size_t done = 0;
    while (const std::size_t count = gather(pieces, done, parts)) {
      const ssize_t got =
          ::preadv(file_, parts.data(), static_cast<int>(count), static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed("read", path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  StoreResult<void> write(std::uint64_t offset, std::span<const Bytes> pieces) override {
    std::array<iovec, iovecs_max> parts;
    std::size_t done = 0;
    while (const std::size_t count = gather(pieces, done, parts)) {
      const ssize_t put =
          ::pwritev(file_, parts.data(), static_cast<int>(count), static_cast<off_t>(offset + done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return failed("write", path_);
      done += static_cast<std::size_t>(put);
    }
    return {};
  }

  StoreResult<void> truncate(std::uint64_t bytes) override {
    if (::ftruncate(file_, static_cast<off_t>(bytes)) != 0) return failed("cut", path_);
    return {};
  }

  StoreResult<void> sync() override {
    if (::fdatasync(file_) != 0) return failed("sync", path_);
    return {};
  }

  void start_writeback(std::uint64_t offset, std::uint64_t bytes) noexcept override {
    ::sync_file_range(file_, static_cast<off_t>(offset), static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE);
  }

 private:
  const int file_;
  const std::string path_;
};

class PosixFiles final : public Files {
 public:
  StoreResult<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    int flags = O_CLOEXEC;
    if (mode == Mode::read) flags |= O_RDONLY;
    if (mode == Mode::read_write) flags |= O_RDWR;
    if (mode == Mode::create) flags |= O_RDWR | O_CREAT | O_EXCL;
    const int file = ::open(path.c_str(), flags, 0600);
    if (file < 0) return failed("open", path);
    return std::make_unique<PosixFile>(file, path);
  }

  StoreResult<void> unlink(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return failed("remove", path);
    return {};
  }

  StoreResult<void> make_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("make the directory", path);
    return {};
  }

  StoreResult<void> sync_directory(const std::string& path) override {
    const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return failed("open the directory", path);
    const int result = ::fsync(directory);
    const int error_number = errno;
    ::close(directory);
    if (result != 0) return std::unexpected(file_error(error_number, "sync the directory", path));
    return {};
  }

  StoreResult<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs status;
    if (::statvfs(path.c_str(), &status) != 0) return failed("look at the disk of", path);
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }

  StoreResult<std::vector<std::string>> list(const std::string& path) override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return failed("list", path);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(directory)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int error_number = errno;
    ::closedir(directory);
    if (error_number != 0) return std::unexpected(file_error(error_number, "list", path));
    return names;
  }
};

}  // namespace

Files& posix_files() {
  static PosixFiles files;
  return files;
}

}  // namespace masu::store
