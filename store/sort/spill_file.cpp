#include "store/sort/spill_file.hpp"

#include "alloc/check.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace masu::store {

SpillFile::~SpillFile() {
  if (file_ >= 0) ::close(file_);
}

StoreError SpillFile::failed(const char* what) const {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return {full ? StoreErrorCode::disk_full : StoreErrorCode::io,
          std::string("cannot ") + what + " a temporary file in " + directory_ + ": " + std::strerror(errno)};
}

StoreResult<void> SpillFile::open() {
  file_ = ::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file_ < 0 &&
      (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {  // a file system without O_TMPFILE
    std::string name = directory_ + "/spill.XXXXXX";
    file_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (file_ >= 0) ::unlink(name.c_str());
  }
  if (file_ < 0) return std::unexpected(failed("make"));
  return {};
}

StoreResult<std::uint64_t> SpillFile::append(Bytes bytes) {
  if (file_ < 0) {
    if (auto opened = open(); !opened) return std::unexpected(opened.error());
  }
  const std::uint64_t offset = end_;
  end_ += bytes.size();
  live_bytes_ += bytes.size();
  if (auto written = write(offset, bytes); !written) {
    release(offset, bytes.size());
    return std::unexpected(written.error());
  }
  return offset;
}

StoreResult<void> SpillFile::read(std::uint64_t offset, MutableBytes out) {
  MASU_CHECK(offset + out.size() <= end_, "spilled bytes are read within their end");
  while (!out.empty()) {
    const ssize_t got = ::pread(file_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = EIO;  // shorter than we wrote it
    if (got <= 0) return std::unexpected(failed("read"));
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

StoreResult<void> SpillFile::write(std::uint64_t offset, Bytes bytes) {
  MASU_CHECK(offset + bytes.size() <= end_, "spilled bytes are written within their end");
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return std::unexpected(failed("write"));
    offset += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

void SpillFile::release(std::uint64_t offset, std::uint64_t bytes) {
  live_bytes_ -= bytes;
  if (live_bytes_ == 0) {
    end_ = 0;
    if (::ftruncate(file_, 0) == 0) return;
  }
  // Blocks come back where the file system can do it; elsewhere when all of the file is released.
  ::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
              static_cast<off_t>(bytes));
}

}  // namespace masu::store
