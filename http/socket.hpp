// What HTTP needs of the kernel: stream sockets that listen or connect at a multiaddr. Thin functions over
// system calls, without Asio. Any thread.
#pragma once

#include "alloc/file_handle.hpp"
#include "multiformats/multiaddr.hpp"

#include <cstddef>
#include <expected>
#include <string>

namespace masu::http {

struct Listening {
  FileHandle fd;        // non-blocking
  Multiaddr address;    // really bound
  std::string path;     // of a unix socket: removed when it is closed
  unsigned short port;  // of TCP, else 0
};

struct ListenOptions {
  std::size_t backlog = 1;  // so many wait to be accepted; at least one
  // The buffer for receiving of one that waits; who accepts it sets another.
  std::size_t waiting_bytes = 4 * 1024;
  std::size_t accepted_bytes = 16 * 1024;  // the least that it has from then on
};
// /ip4|ip6/…/tcp/… or /unix/…. A unix socket in the file system that nobody listens on is replaced; it is for
// its owner only. The error is a text for people.
std::expected<Listening, std::string> open_listener(const MultiaddrView& address,
                                                    const ListenOptions& options);
// Begins to listen, or changes how many may wait. False: an errno says why.
bool set_backlog(int fd, std::size_t backlog);
void set_receive_buffer(int fd, std::size_t bytes);
void set_send_buffer(int fd, std::size_t bytes);

struct ConnectError {
  int error = 0;  // an errno; EAFNOSUPPORT: not such an address
  std::string detail;
};
// Blocks until connected. Also takes /dns4|dns6|dns/localhost/tcp/…, tried as the loopback addresses.
std::expected<FileHandle, ConnectError> connect_to(const MultiaddrView& address);

// "127.0.0.1:5001", "[::1]:5001", "localhost" of a unix socket: for the Host header.
std::string host_of(const MultiaddrView& address);

}  // namespace masu::http
