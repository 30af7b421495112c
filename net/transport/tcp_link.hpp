// TcpLink: one connected TCP socket. Internal to the TCP transport; net/link.hpp is its contract.
//
// Asio only waits; reading and writing are plain system calls on a non-blocking socket. A link that is
// destroyed while the kernel or Asio still knows of it closes its socket at once and gives its slab entry
// back later.
#pragma once

#include "alloc/operation_memory.hpp"
#include "net/link.hpp"
#include "net/transport/tcp_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace masu::net {

using TcpDescriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

class TcpLink;

// What links ask of their transport.
class TcpLinkHost {
 public:
  virtual const TcpOptions& options() const = 0;
  // One of the few that may have large buffers. False: all are taken.
  virtual bool take_busy() = 0;
  virtual void give_busy() = 0;
  // Whether one may have them for what is expected to come.
  virtual bool may_expect() const = 0;
  // As those, of the fewer that may have the largest buffer for receiving.
  virtual bool take_wide() = 0;
  virtual void give_wide() = 0;
  virtual bool may_be_wide() const = 0;
  // Nobody knows of it any more: its memory is to be given back.
  virtual void on_link_released(TcpLink& link) = 0;

 protected:
  ~TcpLinkHost() = default;
};

class TcpLink final : public Link {
 public:
  // Takes the connected socket `fd`.
  TcpLink(TcpLinkHost& host, boost::asio::io_context& context, FileHandle fd);

  void destroy() noexcept override;
  void start(LinkUser& user) override;
  void want_write() override;
  void resume_reading() override;
  const Multiaddr& remote_address() const override { return remote_; }
  const Multiaddr& local_address() const override { return local_; }
  bool set_busy(bool busy) override;
  bool expect_bytes() override;
  std::size_t parked_bytes() override;

 private:
  enum class Side : std::uint8_t { reading, writing };
  struct Operation {
    OperationMemory memory;
    enum class State : std::uint8_t { idle, pending, running } state = State::idle;
    bool again = false;  // asked for while it was running
    bool pending() const { return state == State::pending; }
  };

  void ask(Side side);
  void wait(Side side);
  void post(Side side);
  void on_ready(Side side, bool failed);
  void read();
  void write();
  void fail(std::string_view why);
  bool release_if_unused();
  void widen();
  void narrow();
  Operation& operation(Side side) { return side == Side::reading ? reading_ : writing_; }

  TcpLinkHost& host_;
  TcpDescriptor descriptor_;
  LinkUser* user_ = nullptr;  // null before start(), and when it was told of the end
  Multiaddr local_;
  Multiaddr remote_;
  Operation reading_;
  Operation writing_;
  bool in_upcall_ = false;
  bool destroyed_ = false;
  bool busy_ = false;
  bool wide_ = false;  // only while busy
};

}  // namespace masu::net
