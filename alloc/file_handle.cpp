#include "alloc/file_handle.hpp"

#include <array>
#include <cstring>

#include <unistd.h>

namespace masu {

void FileHandle::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::string error_text(int error) {
  std::array<char, 128> buffer{};
  return strerror_r(error, buffer.data(), buffer.size());
}

}  // namespace masu
