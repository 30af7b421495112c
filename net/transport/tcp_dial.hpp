// TcpDial: a connect() under way. Internal to the TCP transport; net/link.hpp is its contract.
#pragma once

#include "alloc/operation_memory.hpp"
#include "net/link.hpp"
#include "net/timers.hpp"
#include "net/transport/tcp_link.hpp"
#include "net/transport/tcp_socket.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace masu::net {

class TcpDial;

// What dials ask of their transport.
class TcpDialHost {
 public:
  virtual const TcpOptions& options() const = 0;
  // From where to dial `target`, so that the other side sees a port that we listen on.
  virtual std::optional<SocketAddress> dial_from(const SocketAddress& target) const = 0;
  // A link over the connected socket; null when there is no room.
  virtual LinkHandle make_link(FileHandle fd) = 0;
  virtual void on_dial_released(TcpDial& dial) = 0;

 protected:
  ~TcpDialHost() = default;
};

class TcpDial final : public LinkDial, private Timer {
 public:
  TcpDial(TcpDialHost& host, boost::asio::io_context& context, const SocketAddress& target,
          LinkDialHandler& handler);

  // Connects, and gives up at `deadline`.
  void start(TimerQueue& timers, TimePoint deadline);
  void destroy() noexcept override;

 private:
  // 0: under way; else an errno.
  int connect(bool from_listen_port);
  void wait();
  void report_later(int error);
  void on_ready(int error);
  void succeed();
  void fail(std::string_view why);
  void on_timer(TimePoint now) override;
  bool release_if_unused();

  TcpDialHost& host_;
  TcpDescriptor descriptor_;
  const SocketAddress target_;
  LinkDialHandler* handler_;  // null when it was told, or does not care any more
  OperationMemory memory_;
  bool pending_ = false;
  bool in_upcall_ = false;
  bool destroyed_ = false;
  bool from_listen_port_ = false;
};

}  // namespace masu::net
