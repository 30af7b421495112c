#include "http/socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace masu::http {
namespace {

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

SocketName tcp_name(const IpAddress& ip, std::uint16_t port) {
  SocketName name;
  const Bytes bytes = ip.bytes();
  if (ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&name.storage, &v4, sizeof v4);
    name.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&name.storage, &v6, sizeof v6);
    name.size = sizeof v6;
  }
  return name;
}

std::optional<SocketName> unix_name(std::string_view path) {
  sockaddr_un local{};
  if (path.empty() || path.size() >= sizeof local.sun_path) return std::nullopt;
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, path.data(), path.size());
  SocketName name;
  std::memcpy(&name.storage, &local, sizeof local);
  name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return name;
}

std::uint16_t bound_port(int fd) {
  SocketName name;
  name.size = sizeof name.storage;
  if (::getsockname(fd, name.get(), &name.size) != 0) return 0;
  sockaddr_in v4;  // the port is at the same place in both
  std::memcpy(&v4, &name.storage, sizeof v4);
  return ntohs(v4.sin_port);
}

// The path of /unix/…, absolute as Kubo has it.
std::optional<std::string> unix_path(const MultiaddrView& address) {
  const auto part = address.find(AddressProtocol::unix_path);
  if (!part) return std::nullopt;
  std::string path = part->value_text();
  if (!path.starts_with('/')) path.insert(path.begin(), '/');
  return path;
}

bool is_tcp(const MultiaddrView& address) { return address.ip() && address.tcp_port(); }

bool is_localhost(const MultiaddrView& address) {
  return address.is_dns() && address.tcp_port() && (*address.begin()).value_text() == "localhost";
}

void set_option(int fd, int level, int name, int value) {
  // None of them is needed for being right; the kernel may refuse some.
  ::setsockopt(fd, level, name, &value, sizeof value);
}

// A socket file that nobody listens on is a leftover of a process that was killed.
void remove_dead_socket(const std::string& path, const SocketName& name) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const FileHandle probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (probe && ::connect(probe.get(), name.get(), name.size) != 0 && errno == ECONNREFUSED) {
    ::unlink(path.c_str());
  }
}

}  // namespace

void set_receive_buffer(int fd, std::size_t bytes) {
  set_option(fd, SOL_SOCKET, SO_RCVBUF, static_cast<int>(bytes));
}

void set_send_buffer(int fd, std::size_t bytes) {
  set_option(fd, SOL_SOCKET, SO_SNDBUF, static_cast<int>(bytes));
}

// The kernel takes one more than it is told.
bool set_backlog(int fd, std::size_t backlog) { return ::listen(fd, static_cast<int>(backlog) - 1) == 0; }

std::expected<Listening, std::string> open_listener(const MultiaddrView& address,
                                                    const ListenOptions& options) {
  const auto failed = [&address](const std::string& why) {
    return std::unexpected("listen on " + address.to_string() + ": " + why);
  };
  const std::optional<std::string> path = unix_path(address);
  std::optional<SocketName> name;
  if (path) {
    name = unix_name(*path);
    if (!name) return failed("the path of a unix socket is too long");
    remove_dead_socket(*path, *name);
  } else if (is_tcp(address)) {
    name = tcp_name(*address.ip(), *address.tcp_port());
  } else {
    return failed("neither a TCP nor a unix address");
  }
  Listening listening{
      .fd = FileHandle(::socket(name->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      .address = Multiaddr(address),
      .path = path.value_or(""),
      .port = 0};
  if (!listening.fd) return failed(error_text(errno));
  const int fd = listening.fd.get();
  if (!path) set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (name->family() == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  set_send_buffer(fd, options.accepted_bytes);
  set_receive_buffer(fd, options.waiting_bytes);  // before a client may send: later would be too late
  // A segment that is larger than the buffer is never full, and waits for a delayed ACK each time: over
  // loopback, whose segments are 64 KiB, 16 KiB buffers moved 2 MiB/s without this and 3.6 GiB/s with it.
  if (!path) set_option(fd, IPPROTO_TCP, TCP_MAXSEG, static_cast<int>(options.accepted_bytes / 4));
  // The file is made by bind(): it is never open to others, also not for a moment.
  const mode_t before = path ? ::umask(0177) : 0;
  const int bound = ::bind(fd, name->get(), name->size);
  const int error = errno;
  if (path) ::umask(before);
  if (bound != 0) return failed(error_text(error));
  if (!set_backlog(fd, options.backlog)) return failed(error_text(errno));
  if (!path) {
    listening.port = bound_port(fd);
    listening.address = Multiaddr::tcp(*address.ip(), listening.port);
  }
  return listening;
}

std::expected<FileHandle, ConnectError> connect_to(const MultiaddrView& address) {
  std::vector<SocketName> names;
  if (const auto path = unix_path(address)) {
    if (const auto name = unix_name(*path)) names.push_back(*name);
  } else if (is_tcp(address)) {
    names.push_back(tcp_name(*address.ip(), *address.tcp_port()));
  } else if (is_localhost(address)) {
    IpAddress::V6 loopback{};
    loopback.back() = 1;
    names.push_back(tcp_name(IpAddress(IpAddress::V4{127, 0, 0, 1}), *address.tcp_port()));
    names.push_back(tcp_name(IpAddress(loopback), *address.tcp_port()));
  }
  ConnectError error{EAFNOSUPPORT, address.to_string() + ": not an address of a TCP or unix socket"};
  for (const SocketName& name : names) {
    FileHandle fd(::socket(name.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd && ::connect(fd.get(), name.get(), name.size) == 0) {
      if (name.family() != AF_UNIX) set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
      return fd;
    }
    error = {errno, address.to_string() + ": " + error_text(errno)};
  }
  return std::unexpected(error);
}

std::string host_of(const MultiaddrView& address) {
  const std::optional<std::uint16_t> port = address.tcp_port();
  if (!port) return "localhost";
  const std::optional<IpAddress> ip = address.ip();
  const std::string host = ip ? ip->to_string() : "localhost";
  const bool in_brackets = ip && !ip->is_v4();
  return (in_brackets ? "[" + host + "]" : host) + ":" + std::to_string(*port);
}

}  // namespace masu::http
