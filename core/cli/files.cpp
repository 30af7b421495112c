#include "core/cli/files.hpp"

#include <cctype>
#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace masu::core::cli {

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

// Go has the texts of the C library in lower case, but for the name of a signal or a protocol.
std::string system_error() {
  std::string text = std::strerror(errno);
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])))
    text[0] = char(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

std::string system_error(std::string_view operation, std::string_view path) {
  return std::string(operation).append(" ").append(path).append(": ").append(system_error());
}

ssize_t read_full(int fd, MutableBytes out) {
  std::size_t done = 0;
  while (done < out.size()) {
    ssize_t got = ::read(fd, out.data() + done, out.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

std::optional<std::string> read_all(int fd, std::size_t bytes_max) {
  constexpr std::size_t step = 64 * 1024;
  std::string text;
  for (;;) {
    const std::size_t old = text.size();
    text.resize(old + step);
    ssize_t got = read_full(fd, {reinterpret_cast<std::uint8_t*>(text.data()) + old, step});
    if (got < 0) return std::nullopt;
    text.resize(old + static_cast<std::size_t>(got));
    if (text.size() > bytes_max) return std::nullopt;
    if (static_cast<std::size_t>(got) < step) return text;
  }
}

bool write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace masu::core::cli
