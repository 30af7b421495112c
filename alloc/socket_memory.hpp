// What the kernel holds for a socket. Any thread.
#pragma once

#include <cstddef>

namespace masu {

// Bytes that lie unread or unsent in `fd`, as the kernel counts them (SO_MEMINFO): no part of RSS, but of a
// cgroup's count. Of a unix socket those that its other end has not read. 0: not a socket.
std::size_t parked_socket_bytes(int fd);

}  // namespace masu
