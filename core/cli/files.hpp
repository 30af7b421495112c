// Small helps with file descriptors: an owner, whole reads and writes, and errors in Go's words.
//
// Blocking; any thread.
#pragma once

#include "alloc/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace masu::core::cli {

class File {
 public:
  explicit File(int fd = -1) : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File();

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_;
};

// "open /x: no such file or directory", from errno.
std::string system_error(std::string_view operation, std::string_view path);
// From errno: the text alone.
std::string system_error();

// All that can be read; nothing: an error, or more than `bytes_max`.
std::optional<std::string> read_all(int fd, std::size_t bytes_max);
// As many bytes as fit, fewer only at the end. -1: an error.
ssize_t read_full(int fd, MutableBytes out);
bool write_all(int fd, Bytes bytes);
inline bool write_all(int fd, std::string_view text) { return write_all(fd, as_bytes(text)); }

}  // namespace masu::core::cli
