// The answer's side of a Connection.
#include "alloc/check.hpp"
#include "http/connection.hpp"
#include "http/status.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include <sys/socket.h>

namespace masu::http {
namespace {

constexpr std::size_t pieces_max = 72;  // of one system call

}  // namespace

void Connection::write_head(unsigned status) {
  MASU_CHECK(!started_, "an answer begins once");
  keep_alive_ = keep_alive_ && body_ended_ && !stopping_ && !host_.crowded();
  std::array<char, 4> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), status).ptr;
  const std::pmr::string early = std::move(out_head_);  // headers that were added before
  out_head_.clear();
  out_head_.reserve(512 + early.size());
  out_head_.append("HTTP/1.1 ").append(digits.data(), end).append(" ");
  out_head_.append(reason_of(status)).append("\r\n");
  if (!keep_alive_) {
    append_header("Connection", "close");
  } else if (head_.is_http_1_0) {
    append_header("Connection", "keep-alive");
  }
  out_head_.append(early);
  started_ = true;  // whoever is refused memory before has begun nothing
}

void Connection::append_header(std::string_view name, std::string_view value) {
  out_head_.append(name).append(": ").append(value).append("\r\n");
}

void Connection::start(unsigned status) {
  const bool has_no_body = head_.method == "HEAD" || status == 204 || status == 304;
  if (!has_no_body && head_.is_http_1_0)
    keep_alive_ = false;  // the end of the connection is that of the body
  write_head(status);
  if (has_no_body) {
    framing_ = Framing::none;
  } else if (head_.is_http_1_0) {
    framing_ = Framing::until_close;
  } else {
    framing_ = Framing::chunked;
    append_header("Transfer-Encoding", "chunked");
  }
}

void Connection::add_header(std::string_view name, std::string_view value) {
  if (!is_header_name(name) || !is_header_value(value)) return;
  out_head_.append(name).append(": ").append(value).append("\r\n");
}

void Connection::add_trailer(std::string_view name, std::string_view value) {
  if (!is_header_name(name)) return;
  trailers_.append(name).append(": ");
  for (const char c : value) trailers_.push_back(is_header_value({&c, 1}) ? c : ' ');
  trailers_.append("\r\n");
}

// The head if it is still to be sent, and the frame of a piece of the body.
Connection::Outgoing Connection::outgoing(std::size_t body_bytes) {
  Outgoing out;
  if (started_ && !out_head_.empty()) {
    // The empty line that ends it.
    if (!out_head_.ends_with("\r\n\r\n")) out_head_.append("\r\n");
    out.parts[0] = as_bytes(out_head_);
  }
  if (framing_ != Framing::chunked || body_bytes == 0) return out;
  char* const end = std::to_chars(frame_.data(), frame_.data() + frame_.size() - 2, body_bytes, 16).ptr;
  std::memcpy(end, "\r\n", 2);
  out.parts[1] = as_bytes({frame_.data(), static_cast<std::size_t>(end + 2 - frame_.data())});
  out.parts[3] = as_bytes("\r\n");
  return out;
}

Task<bool> Connection::write(TaskMemory memory, Bytes bytes) {
  if (framing_ == Framing::none) bytes = Bytes();
  Outgoing out = outgoing(bytes.size());
  out.parts[2] = bytes;
  return send(memory, std::move(out));
}

Task<bool> Connection::write_chain(TaskMemory memory, ChunkChain chain) {
  if (framing_ == Framing::none) chain.clear();
  Outgoing out = outgoing(chain.size());
  out.chain = std::move(chain);
  return send(memory, std::move(out));
}

Task<bool> Connection::flush(TaskMemory memory) { return send(memory, outgoing(0)); }

Task<bool> Connection::respond(TaskMemory memory, unsigned status, std::string_view content_type,
                               std::string_view body) {
  write_head(status);
  framing_ = Framing::length;
  std::array<char, 20> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), body.size()).ptr;
  if (!content_type.empty()) append_header("Content-Type", content_type);
  if (status != 204) {
    append_header("Content-Length", {digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  Outgoing out = outgoing(0);
  if (head_.method != "HEAD") out.parts[2] = as_bytes(body);
  return send(memory, std::move(out));
}

bool Connection::Outgoing::empty() const {
  return chain.empty() && std::ranges::all_of(parts, [](Bytes part) { return part.empty(); });
}

std::size_t Connection::Outgoing::to_iovec(std::span<iovec> out) const {
  std::size_t count = 0;
  const auto add = [&out, &count](Bytes part) {
    if (!part.empty()) out[count++] = {const_cast<std::uint8_t*>(part.data()), part.size()};
  };
  for (std::size_t i = 0; i < 3; ++i) add(parts[i]);
  const std::size_t of_chain = chain.to_iovec(out.subspan(count, out.size() - count - 1));
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < of_chain; ++i) bytes += out[count + i].iov_len;
  count += of_chain;
  if (bytes == chain.size()) add(parts[3]);
  return count;
}

void Connection::Outgoing::consume(std::size_t bytes) {
  const auto drop = [&bytes](Bytes& part) {
    const std::size_t now = std::min(bytes, part.size());
    part = part.subspan(now);
    bytes -= now;
  };
  for (std::size_t i = 0; i < 3; ++i) drop(parts[i]);
  const std::size_t of_chain = std::min(bytes, chain.size());
  chain.consume(of_chain);
  bytes -= of_chain;
  drop(parts[3]);
}

Task<bool> Connection::send(TaskMemory, Outgoing out) {
  bool blocked = false;
  while (!out.empty()) {
    if (blocked || turn_is_over()) {
      Ready ready(*this, writing_);
      const bool is_ready = co_await ready;
      if (!is_ready) co_return false;
    }
    if (gone_ || cut_) co_return false;
    const std::ptrdiff_t sent = send_some(out);
    blocked = sent < 0 && is_would_block(-sent);
    if (sent < 0 && !blocked) {
      lose_client();
      co_return false;
    }
    if (blocked) continue;
    count_moved(static_cast<std::size_t>(sent), set_send_buffer);
    out.consume(static_cast<std::size_t>(sent));
  }
  if (started_) out_head_.clear();
  co_return !gone_;
}

std::ptrdiff_t Connection::send_some(const Outgoing& out) {
  std::array<iovec, pieces_max> pieces;
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = out.to_iovec(pieces);
  ssize_t sent = 0;
  do sent = ::sendmsg(descriptor_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

// A whole answer, sent as far as the socket takes it at once; nothing comes behind it.
void Connection::refuse(unsigned status, std::string_view why) {
  std::array<char, 256> text{};
  const int size = std::snprintf(text.data(), text.size(),
                                 "HTTP/1.1 %u %.*s\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: %zu\r\n\r\n%.*s\n",
                                 status, static_cast<int>(reason_of(status).size()), reason_of(status).data(),
                                 why.size() + 1, static_cast<int>(why.size()), why.data());
  send_now({text.data(), static_cast<std::size_t>(size)});
  keep_alive_ = false;
  body_ended_ = false;  // what the client still sends is not looked at
  if (state_ != State::exchange) enter(State::lingering);
}

void Connection::send_now(std::string_view text) {
  const ssize_t sent =
      ::send(descriptor_.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(text.size())) cut_ = true;
}

}  // namespace masu::http
