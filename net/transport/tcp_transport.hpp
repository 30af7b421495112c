// TcpTransport: links over TCP, on IPv4 and IPv6. One of the two drivers of net; the only one that knows
// Asio.
//
// Owned by core, loop thread only. Links and dials lie in slabs, with the memory of their Asio operations
// inside: nothing is allocated for a read or a write. Socket buffers are small, because the kernel's memory
// counts too; a few busy links may have larger ones. Bounds: links, dials, the backlog, bytes moved in one
// turn of a link.
//
// Dials go out from a port that is listened on where that is possible (SO_REUSEPORT), so that the NAT
// mappings and the observed addresses of peers are those of our listener.
#pragma once

#include "alloc/budget.hpp"
#include "net/clock.hpp"
#include "net/link.hpp"
#include "net/timers.hpp"

#include <cstddef>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace masu::net {

struct TcpOptions {
  std::size_t links_max = 128;
  std::size_t dials_max = 32;
  // What SO_RCVBUF and SO_SNDBUF are given (the kernel doubles it for its own overhead).
  std::size_t receive_buffer_bytes = 8 * 1024;
  std::size_t send_buffer_bytes = 8 * 1024;
  std::size_t busy_links_max = 6;
  std::size_t busy_send_bytes = 128 * 1024;
  std::size_t busy_receive_bytes = 208 * 1024;
  // Busy links that receive faster than they read. The kernel grants no more than `net.core.rmem_max`.
  std::size_t wide_links_max = 1;
  std::size_t wide_receive_bytes = 1024 * 1024;
  int backlog = 16;  // of each listener
  bool reuse_port = true;
};

class TcpTransport final : public Transport {
 public:
  // `account` holds links and dials. All must outlive the transport.
  TcpTransport(boost::asio::io_context& context, const Clock& clock, TimerQueue& timers, Account& account,
               const TcpOptions& options);
  ~TcpTransport() override;

  bool can_dial(const MultiaddrView& address) const override;
  LinkDialHandle dial(const MultiaddrView& address, Duration timeout, LinkDialHandler& handler) override;
  bool can_listen(const MultiaddrView& address) const override;
  std::expected<Multiaddr, std::string> listen(const MultiaddrView& address, LinkAcceptor& acceptor) override;
  std::vector<Multiaddr> reachable_at(const Multiaddr& bound) const override;
  void pause_accepting(bool paused) override;
  // While it is not allowed no link is wide: those that are become as busy ones when they are read next.
  void set_growth(bool allowed);
  void close() override;
  bool closed() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace masu::net
