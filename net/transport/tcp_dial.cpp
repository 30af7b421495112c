#include "net/transport/tcp_dial.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>
#include <sys/socket.h>

namespace masu::net {
namespace {

// Another connection between the same two ports is there, or has just been.
bool port_is_taken(int error) { return error == EADDRINUSE || error == EADDRNOTAVAIL; }

}  // namespace

TcpDial::TcpDial(TcpDialHost& host, boost::asio::io_context& context, const SocketAddress& target,
                 LinkDialHandler& handler)
    : host_(host), descriptor_(context.get_executor()), target_(target), handler_(&handler) {}

void TcpDial::start(TimerQueue& timers, TimePoint deadline) {
  timers.arm(*this, deadline);
  int error = connect(true);
  if (port_is_taken(error)) error = connect(false);
  if (error == 0) {
    wait();
  } else {
    report_later(error);
  }
}

int TcpDial::connect(bool from_listen_port) {
  boost::system::error_code failed;
  descriptor_.close(failed);
  auto fd = open_tcp_socket(target_.family(), host_.options());
  if (!fd) return fd.error();
  const auto from = from_listen_port ? host_.dial_from(target_) : std::nullopt;
  from_listen_port_ = from.has_value();
  if (from) {
    set_reuse(fd->get(), true);
    if (::bind(fd->get(), from->get(), from->size()) != 0) return errno;
  }
  if (::connect(fd->get(), target_.get(), target_.size()) != 0 && errno != EINPROGRESS) return errno;
  descriptor_.assign(fd->get(), failed);
  if (failed) return failed.value();
  fd->release();
  return 0;
}

void TcpDial::wait() {
  pending_ = true;
  descriptor_.async_wait(
      TcpDescriptor::wait_write,
      boost::asio::bind_allocator(
          OperationAllocator<void>(memory_), [this](const boost::system::error_code& failed) {
            on_ready(failed ? failed.value() : connect_result(descriptor_.native_handle()));
          }));
}

void TcpDial::report_later(int error) {
  pending_ = true;
  boost::asio::post(
      descriptor_.get_executor(),
      boost::asio::bind_allocator(OperationAllocator<void>(memory_), [this, error] { on_ready(error); }));
}

void TcpDial::on_ready(int error) {
  pending_ = false;
  if (handler_ != nullptr && port_is_taken(error) && from_listen_port_) {
    error = connect(false);
    if (error == 0) return wait();
  }
  in_upcall_ = true;
  if (handler_ == nullptr) {
    // Given up, or timed out.
  } else if (error == 0) {
    succeed();
  } else {
    std::string why = error_text(error);
    // As Go's network library says it, which users know.
    if (!why.empty() && why.front() >= 'A' && why.front() <= 'Z')
      why.front() = static_cast<char>(why.front() - 'A' + 'a');
    fail("connect: " + why);
  }
  in_upcall_ = false;
  release_if_unused();
}

void TcpDial::succeed() {
  const int socket = descriptor_.native_handle();
  if (local_address(socket) == remote_address(socket)) return fail("connected to itself");
  cancel();
  FileHandle fd(descriptor_.release());
  LinkHandle link = host_.make_link(std::move(fd));
  if (!link) return fail("no room for another link");
  std::exchange(handler_, nullptr)->on_link(std::move(link));
}

void TcpDial::fail(std::string_view why) {
  cancel();
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  const bool v4 = target_.ip().is_v4();
  std::string text =
      v4 ? "dial tcp4 " + target_.ip().to_string() : "dial tcp6 [" + target_.ip().to_string() + "]";
  text.append(":").append(std::to_string(target_.port())).append(": ").append(why);
  std::exchange(handler_, nullptr)->on_link_failed(text);
}

void TcpDial::on_timer(TimePoint) {
  in_upcall_ = true;
  fail("i/o timeout");
  in_upcall_ = false;
  release_if_unused();
}

void TcpDial::destroy() noexcept {
  destroyed_ = true;
  handler_ = nullptr;
  cancel();
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  if (!in_upcall_) release_if_unused();
}

bool TcpDial::release_if_unused() {
  if (!destroyed_ || pending_) return false;
  host_.on_dial_released(*this);
  return true;
}

}  // namespace masu::net
