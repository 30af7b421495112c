#include "net/transport/tcp_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace masu::net {
namespace {

// What peers may send in one segment: as on Ethernet, also where the device takes 64 KiB (loopback). A small
// receive buffer that is smaller than half a segment is fed by the sender's timer only: a link that had been
// busy went from 690 MB/s to 0.1 there; with these segments it keeps 400, and small buffers from the
// beginning give 300 instead of 80.
constexpr int segment_bytes = 1460;

void set_option(int fd, int level, int name, int value) {
  // None of them is needed for being right; the kernel may refuse some.
  ::setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

SocketAddress::SocketAddress(const IpAddress& ip, std::uint16_t port) {
  const Bytes bytes = ip.bytes();
  if (ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&storage_, &v4, sizeof v4);
    size_ = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&storage_, &v6, sizeof v6);
    size_ = sizeof v6;
  }
}

std::optional<SocketAddress> SocketAddress::from_multiaddr(const MultiaddrView& address) {
  const std::optional<IpAddress> ip = address.ip();
  const std::optional<std::uint16_t> port = address.tcp_port();
  // Two components: an address with a zone, or with a protocol over TCP, is not ours.
  if (!ip || !port || std::distance(address.begin(), address.end()) != 2) return std::nullopt;
  return SocketAddress(*ip, *port);
}

IpAddress SocketAddress::ip() const {
  if (storage_.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage_, sizeof v4);
    IpAddress::V4 bytes;
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return IpAddress(bytes);
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &storage_, sizeof v6);
  IpAddress::V6 bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return IpAddress(bytes);
}

std::uint16_t SocketAddress::port() const {
  // At the same place in both.
  sockaddr_in v4;
  std::memcpy(&v4, &storage_, sizeof v4);
  return ntohs(v4.sin_port);
}

std::expected<FileHandle, int> open_tcp_socket(int family, const TcpOptions& options) {
  FileHandle fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) return std::unexpected(errno);
  if (family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  set_option(fd.get(), IPPROTO_TCP, TCP_MAXSEG, segment_bytes);
  // The scale of the window is settled when a connection is made, by the buffer of that moment: with a small
  // one there could never be more than 64 KiB in flight. The link makes the buffer small.
  set_socket_buffers(fd.get(), receive_bytes_at_start(options), options.send_buffer_bytes);
  return fd;
}

std::size_t receive_bytes_at_start(const TcpOptions& options) {
  return options.wide_links_max > 0 ? options.wide_receive_bytes : options.busy_receive_bytes;
}

void set_socket_buffers(int fd, std::size_t receive_bytes, std::size_t send_bytes) {
  set_option(fd, SOL_SOCKET, SO_RCVBUF, static_cast<int>(receive_bytes));
  set_option(fd, SOL_SOCKET, SO_SNDBUF, static_cast<int>(send_bytes));
}

void set_window_clamp(int fd, std::size_t bytes) {
  set_option(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, static_cast<int>(bytes));
}

void set_no_delay(int fd) { set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

void set_reuse(int fd, bool reuse_port) {
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

void set_reset_on_close(int fd) {
  const linger at_once{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

SocketAddress local_address(int fd) {
  SocketAddress address;
  ::getsockname(fd, address.get(), address.size_for_kernel());
  return address;
}

SocketAddress remote_address(int fd) {
  SocketAddress address;
  ::getpeername(fd, address.get(), address.size_for_kernel());
  return address;
}

int connect_result(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

std::vector<IpAddress> interface_addresses(int family) {
  std::vector<IpAddress> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != family) continue;
    if ((entry->ifa_flags & IFF_UP) == 0) continue;
    SocketAddress address;
    const std::size_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::memcpy(address.get(), entry->ifa_addr, size);
    const IpAddress ip = address.ip();
    // A link-local IPv6 address is of use only with its zone, which is another one on each machine.
    if (!ip.is_v4() && ip.is_link_local()) continue;
    if (std::find(found.begin(), found.end(), ip) == found.end()) found.push_back(ip);
  }
  ::freeifaddrs(list);
  return found;
}

}  // namespace masu::net
