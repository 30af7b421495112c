// What TCP needs of the kernel: sockets with their options, and socket addresses as multiaddrs. Thin
// functions over system calls, without Asio. Any thread.
#pragma once

#include "alloc/file_handle.hpp"
#include "multiformats/multiaddr.hpp"
#include "net/transport/tcp_transport.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

namespace masu::net {

class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const IpAddress& ip, std::uint16_t port);
  // Of /ip4/…/tcp/… and /ip6/…/tcp/…, and nothing behind it.
  static std::optional<SocketAddress> from_multiaddr(const MultiaddrView& address);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  socklen_t* size_for_kernel() {
    size_ = sizeof storage_;
    return &size_;
  }
  int family() const { return storage_.ss_family; }
  IpAddress ip() const;
  std::uint16_t port() const;
  Multiaddr to_multiaddr() const { return Multiaddr::tcp(ip(), port()); }
  friend bool operator==(const SocketAddress& a, const SocketAddress& b) {
    return a.family() == b.family() && a.ip() == b.ip() && a.port() == b.port();
  }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

// A non-blocking TCP socket as it listens or connects: with a small buffer for sending, and the one for
// receiving as large as it may become. Segments are of Ethernet's size also on loopback: what the first
// window promised would not fit a buffer that was made smaller in segments of 64 KiB, and be dropped again
// and again.
std::expected<FileHandle, int> open_tcp_socket(int family, const TcpOptions& options);
// Of such a socket.
std::size_t receive_bytes_at_start(const TcpOptions& options);
// Buffers for a connected socket.
void set_socket_buffers(int fd, std::size_t receive_bytes, std::size_t send_bytes);
// What the window may become at most.
void set_window_clamp(int fd, std::size_t bytes);
void set_no_delay(int fd);
// Allows several sockets on one local port.
void set_reuse(int fd, bool reuse_port);
// The next close sends a reset and leaves nothing behind in the kernel.
void set_reset_on_close(int fd);
SocketAddress local_address(int fd);
SocketAddress remote_address(int fd);
// What became of a connect(): 0, or an errno.
int connect_result(int fd);
// This machine's addresses of that family; those of interfaces that are up.
std::vector<IpAddress> interface_addresses(int family);

}  // namespace masu::net
