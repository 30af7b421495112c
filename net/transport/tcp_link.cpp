#include "net/transport/tcp_link.hpp"

#include "alloc/socket_memory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>
#include <sys/socket.h>
#include <sys/uio.h>

namespace masu::net {
namespace {

// In one turn of the loop, so that no link keeps the others waiting.
constexpr std::size_t bytes_read_in_turn = 128 * 1024;
constexpr std::size_t bytes_written_in_turn = 256 * 1024;
// A Noise frame of 64 KiB in one call, wherever in its first chunk it begins.
constexpr std::size_t chunks_in_call = 5;
constexpr std::size_t pieces_in_call = 4;

// As send() of the pieces in order.
ssize_t send_pieces(int fd, std::span<const Bytes> pieces) {
  std::array<iovec, pieces_in_call> parts;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    parts[i] = {const_cast<std::uint8_t*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = pieces.size();
  return ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// As recv() into the chunks in order.
ssize_t receive_chunks(int fd, std::span<Chunk> chunks) {
  std::array<iovec, chunks_in_call> parts;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    parts[i] = {chunks[i].space().data(), chunks[i].space().size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = chunks.size();
  const ssize_t got = ::recvmsg(fd, &message, MSG_DONTWAIT);
  std::size_t left = got > 0 ? static_cast<std::size_t>(got) : 0;
  for (Chunk& chunk : chunks) {
    const std::size_t part = std::min(left, chunk.space().size());
    chunk.fill(part);
    left -= part;
  }
  return got;
}

}  // namespace

TcpLink::TcpLink(TcpLinkHost& host, boost::asio::io_context& context, FileHandle fd)
    : host_(host),
      descriptor_(context.get_executor()),
      local_(masu::net::local_address(fd.get()).to_multiaddr()),
      remote_(masu::net::remote_address(fd.get()).to_multiaddr()) {
  set_no_delay(fd.get());
  set_socket_buffers(fd.get(), host.options().receive_buffer_bytes, host.options().send_buffer_bytes);
  boost::system::error_code error;
  descriptor_.assign(fd.get(), error);
  if (!error) fd.release();
}

void TcpLink::start(LinkUser& user) {
  user_ = &user;
  // A descriptor that the reactor did not take is told of as any other end: from the loop.
  post(Side::reading);
}

void TcpLink::destroy() noexcept {
  destroyed_ = true;
  user_ = nullptr;
  if (busy_) host_.give_busy();
  if (wide_) host_.give_wide();
  busy_ = wide_ = false;
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  if (!in_upcall_) release_if_unused();
}

bool TcpLink::release_if_unused() {
  if (!destroyed_ || reading_.pending() || writing_.pending()) return false;
  host_.on_link_released(*this);
  return true;
}

void TcpLink::want_write() { ask(Side::writing); }

void TcpLink::resume_reading() { ask(Side::reading); }

void TcpLink::ask(Side side) {
  Operation& operation = this->operation(side);
  if (user_ == nullptr || operation.pending()) return;
  if (operation.state == Operation::State::running) {
    operation.again = true;
  } else {
    post(side);
  }
}

bool TcpLink::set_busy(bool busy) {
  if (busy == busy_) return true;
  if (destroyed_ || !descriptor_.is_open() || (busy && !host_.take_busy())) return false;
  if (!busy) host_.give_busy();
  if (wide_) host_.give_wide();
  wide_ = false;
  busy_ = busy;
  const TcpOptions& options = host_.options();
  set_socket_buffers(descriptor_.native_handle(),
                     busy ? options.busy_receive_bytes : options.receive_buffer_bytes,
                     busy ? options.busy_send_bytes : options.send_buffer_bytes);
  if (busy) set_window_clamp(descriptor_.native_handle(), 2 * options.busy_receive_bytes);
  return true;
}

// Wide at once where there is a place: the kernel promises as much as fits when it comes in the largest
// pieces it has seen. The first answers come in smaller ones, which need more memory each, fill the buffer of
// a busy link before the promise is used up, and what is dropped then comes again with the timeout of the
// sender.
bool TcpLink::expect_bytes() {
  if (busy_) return true;
  if (!host_.may_expect() || !set_busy(true)) return false;
  widen();
  return true;
}

// A link with more to read than a turn takes: its peer would be stopped by the buffer.
void TcpLink::widen() {
  if (!busy_ || wide_ || !host_.take_wide()) return;
  wide_ = true;
  const TcpOptions& options = host_.options();
  set_socket_buffers(descriptor_.native_handle(), options.wide_receive_bytes, options.busy_send_bytes);
  set_window_clamp(descriptor_.native_handle(), 2 * options.wide_receive_bytes);
}

void TcpLink::narrow() {
  host_.give_wide();
  wide_ = false;
  const TcpOptions& options = host_.options();
  set_socket_buffers(descriptor_.native_handle(), options.busy_receive_bytes, options.busy_send_bytes);
  set_window_clamp(descriptor_.native_handle(), 2 * options.busy_receive_bytes);
}

std::size_t TcpLink::parked_bytes() {
  return descriptor_.is_open() ? parked_socket_bytes(descriptor_.native_handle()) : 0;
}

// Calls on_ready() when the socket can be read or written.
void TcpLink::wait(Side side) {
  Operation& operation = this->operation(side);
  operation.state = Operation::State::pending;
  const auto what = side == Side::reading ? TcpDescriptor::wait_read : TcpDescriptor::wait_write;
  descriptor_.async_wait(what,
                         boost::asio::bind_allocator(OperationAllocator<void>(operation.memory),
                                                     [this, side](const boost::system::error_code& error) {
                                                       on_ready(side, static_cast<bool>(error));
                                                     }));
}

// Calls on_ready() when the others have had their turn.
void TcpLink::post(Side side) {
  Operation& operation = this->operation(side);
  operation.state = Operation::State::pending;
  boost::asio::post(descriptor_.get_executor(),
                    boost::asio::bind_allocator(OperationAllocator<void>(operation.memory),
                                                [this, side] { on_ready(side, false); }));
}

void TcpLink::on_ready(Side side, bool failed) {
  Operation& operation = this->operation(side);
  operation.state = Operation::State::running;
  operation.again = false;
  in_upcall_ = true;
  if (user_ != nullptr) {
    if (failed || !descriptor_.is_open()) {
      fail("the socket is gone");
    } else if (side == Side::reading) {
      read();
    } else {
      write();
    }
  }
  in_upcall_ = false;
  if (!operation.pending()) operation.state = Operation::State::idle;
  if (release_if_unused()) return;
  if (operation.again) ask(side);
}

void TcpLink::read() {
  if (wide_ && !host_.may_be_wide()) narrow();
  for (std::size_t read = 0; read < bytes_read_in_turn;) {
    std::array<Chunk, chunks_in_call> chunks;
    chunks[0] = user_->chunk_for_reading();
    if (destroyed_ || !chunks[0]) return;  // until resume_reading()
    const std::size_t count = 1 + user_->chunks_behind(std::span(chunks).subspan(1));
    std::size_t space = 0;
    for (std::size_t i = 0; i < count; ++i) space += chunks[i].space().size();
    const ssize_t got = receive_chunks(descriptor_.native_handle(), std::span(chunks).first(count));
    const int error = errno;
    for (std::size_t i = 0; i < count; ++i) {
      user_->on_bytes(std::move(chunks[i]));
      if (destroyed_) return;
    }
    if (got == 0) return fail("closed by the peer");
    if (got < 0 && error == EINTR) continue;
    if (got < 0 && error != EAGAIN && error != EWOULDBLOCK) return fail(error_text(error));
    // A short read has emptied the socket.
    if (got < 0 || static_cast<std::size_t>(got) < space) return wait(Side::reading);
    read += space;
  }
  widen();
  post(Side::reading);
}

void TcpLink::write() {
  for (std::size_t written = 0; written < bytes_written_in_turn;) {
    std::array<Bytes, pieces_in_call> pieces;
    pieces[0] = user_->bytes_to_send();
    if (destroyed_ || pieces[0].empty()) return;  // until want_write()
    const std::size_t count = 1 + user_->bytes_behind(std::span(pieces).subspan(1));
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += pieces[i].size();
    const ssize_t sent = send_pieces(descriptor_.native_handle(), std::span(pieces).first(count));
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return wait(Side::writing);
      return fail(error_text(errno));
    }
    written += static_cast<std::size_t>(sent);
    const bool full = static_cast<std::size_t>(sent) < offered;
    user_->on_sent(static_cast<std::size_t>(sent));
    if (destroyed_) return;
    if (full) return wait(Side::writing);
  }
  post(Side::writing);
}

void TcpLink::fail(std::string_view why) {
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  std::exchange(user_, nullptr)->on_link_closed(why);
}

}  // namespace masu::net
