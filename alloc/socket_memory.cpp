#include "alloc/socket_memory.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <linux/sock_diag.h>
#include <sys/socket.h>

namespace masu {

std::size_t parked_socket_bytes(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> counts{};
  socklen_t size = sizeof counts;
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, counts.data(), &size) != 0) return 0;
  // TCP queues what is unsent; a unix socket has it in its other end, and is charged for it.
  const std::size_t unsent = std::max(counts[SK_MEMINFO_WMEM_QUEUED], counts[SK_MEMINFO_WMEM_ALLOC]);
  return std::size_t{counts[SK_MEMINFO_RMEM_ALLOC]} + counts[SK_MEMINFO_BACKLOG] + unsent;
}

}  // namespace masu
