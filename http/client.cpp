#include "http/client.hpp"

#include "http/chunked_decoder.hpp"
#include "http/head.hpp"
#include "http/socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::http {
namespace {

constexpr std::size_t receive_bytes = 256 * 1024;
constexpr std::size_t sendfile_bytes_max = 1024 * 1024;  // between two looks at the answer
constexpr HeadLimits head_limits{
    .target_bytes_max = 1024, .headers_bytes_max = 64 * 1024, .headers_max = 200};

bool is_would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

std::unexpected<ClientError> failed(ClientErrorCode code, std::string detail) {
  return std::unexpected(ClientError{code, std::move(detail)});
}

// sendfile() knows no MSG_NOSIGNAL.
ssize_t sendfile_without_signal(int to, int from, std::size_t bytes) {
  sigset_t pipe, before, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t sent = ::sendfile(to, from, nullptr, bytes);
  const int error = errno;
  if (sent < 0 && error == EPIPE && !was_pending) {
    const timespec at_once{};
    sigtimedwait(&pipe, nullptr, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return sent;
}

}  // namespace

std::string_view ResponseHead::header(std::string_view name) const {
  const auto at =
      std::ranges::find_if(headers, [name](const Header& h) { return equal_ignoring_case(h.name, name); });
  return at == headers.end() ? std::string_view() : std::string_view(at->value);
}

// One request and its answer.
class Client::Exchange {
 public:
  Exchange(int fd, const std::string& host, const ClientRequest& request, ResponseSink& sink)
      : fd_(fd),
        source_(request.body),
        sink_(sink),
        no_body_(request.method == "HEAD"),
        buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(receive_bytes)) {
    text_ = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + host + "\r\n";
    for (const Header& header : request.headers) text_ += header.name + ": " + header.value + "\r\n";
    text_ += source_ != nullptr                    ? "Transfer-Encoding: chunked\r\n\r\n"
             : request.method == "GET" || no_body_ ? "\r\n"
                                                   : "Content-Length: 0\r\n\r\n";
    bytes_ = as_bytes(text_);
    source_done_ = source_ == nullptr;
  }

  std::expected<void, ClientError> run() {
    while (state_ != State::done) {
      if (const auto ready = wait(); !ready) return ready;
      if (can_read_) {
        if (const auto read = receive(); !read) return read;
      }
      if (state_ != State::done && can_write_) {
        if (const auto sent = send(); !sent) return sent;
      }
    }
    return {};
  }
  bool reusable() const { return keep_alive_ && !sending(); }

 private:
  enum class State : std::uint8_t { head, body, done };

  bool sending() const { return !broken_ && (!bytes_.empty() || file_left_ > 0 || !source_done_); }
  bool needs_source() const { return bytes_.empty() && file_left_ == 0 && !source_done_; }

  std::expected<void, ClientError> wait() {
    std::array<pollfd, 2> list{};
    list[0] = {fd_, POLLIN, 0};
    const int source = sending() && needs_source() ? source_->wait_for() : -1;
    if (sending() && source < 0) list[0].events |= POLLOUT;
    list[1] = {source, POLLIN, 0};
    if (::poll(list.data(), source < 0 ? 1 : 2, -1) < 0 && errno != EINTR) {
      return failed(ClientErrorCode::broken, error_text(errno));
    }
    can_read_ = (list[0].revents & ~POLLOUT) != 0;
    can_write_ = sending() && (source < 0 ? (list[0].revents & POLLOUT) != 0 : list[1].revents != 0);
    return {};
  }

  // The next piece with its frame. False: the source failed.
  bool fetch() {
    const auto piece = source_->next();
    if (!piece) {
      source_error_ = piece.error();
      return false;
    }
    if (piece->empty()) {
      text_ = any_chunk_ ? "\r\n0\r\n\r\n" : "0\r\n\r\n";
      source_done_ = true;
      bytes_ = as_bytes(text_);
      return true;
    }
    std::array<char, 20> size{};
    char* const end =
        std::to_chars(size.data(), size.data() + size.size(), piece->bytes.size() + piece->file_bytes, 16)
            .ptr;
    // The frame before went out with the text; now it is the end of the last chunk and the begin of this one.
    text_ = (any_chunk_ ? "\r\n" : "") + std::string(size.data(), end) + "\r\n";
    any_chunk_ = true;
    bytes_ = as_bytes(text_);
    then_ = piece->bytes;
    file_ = piece->file;
    file_left_ = piece->file_bytes;
    return true;
  }

  std::expected<void, ClientError> send() {
    if (needs_source() && !fetch()) return failed(ClientErrorCode::body, source_error_);
    if (!bytes_.empty() || !then_.empty()) return send_bytes();
    return send_file();
  }

  std::expected<void, ClientError> send_bytes() {
    std::array<iovec, 2> pieces{iovec{const_cast<std::uint8_t*>(bytes_.data()), bytes_.size()},
                                iovec{const_cast<std::uint8_t*>(then_.data()), then_.size()}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const int more = file_left_ > 0 ? MSG_MORE : 0;
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL | more);
    if (sent < 0) return send_failed();
    std::size_t left = static_cast<std::size_t>(sent);
    for (Bytes* part : {&bytes_, &then_}) {
      const std::size_t now = std::min(left, part->size());
      *part = part->subspan(now);
      left -= now;
    }
    if (bytes_.empty()) bytes_ = std::exchange(then_, Bytes());
    return {};
  }

  std::expected<void, ClientError> send_file() {
    const ssize_t sent = sendfile_without_signal(
        fd_, file_, static_cast<std::size_t>(std::min<std::uint64_t>(file_left_, sendfile_bytes_max)));
    if (sent < 0) return send_failed();
    if (sent == 0) return failed(ClientErrorCode::body, "a file became shorter while it was read");
    file_left_ -= static_cast<std::uint64_t>(sent);
    return {};
  }

  std::expected<void, ClientError> send_failed() {
    if (is_would_block(errno) || errno == EINTR) return {};
    if (errno != EPIPE && errno != ECONNRESET) return failed(ClientErrorCode::body, error_text(errno));
    // The server wants no more; its answer may be there.
    broken_ = true;
    return {};
  }

  std::expected<void, ClientError> receive() {
    const ssize_t got = ::recv(fd_, buffer_.get() + filled_, receive_bytes - filled_, MSG_DONTWAIT);
    if (got < 0 && (is_would_block(errno) || errno == EINTR)) return {};
    if (got <= 0) {
      keep_alive_ = false;
      if (got == 0 && state_ == State::body && !chunked_ && !left_) {
        state_ = State::done;
        return {};
      }
      return failed(ClientErrorCode::broken, got < 0 ? error_text(errno) : "the connection was closed");
    }
    filled_ += static_cast<std::size_t>(got);
    while (state_ == State::head) {
      const std::size_t before = filled_;
      if (const auto parsed = take_head(); !parsed) return parsed;
      if (state_ == State::head && (filled_ == 0 || filled_ == before)) return {};
    }
    return state_ == State::body ? take_body() : std::expected<void, ClientError>();
  }

  std::expected<void, ClientError> take_head() {
    const std::string_view text = as_text({buffer_.get(), filled_});
    const std::size_t end = find_head_end(text, 0);
    if (end == 0) {
      if (check_unfinished_head(text, head_limits)) {
        return failed(ClientErrorCode::malformed, "the answer's head is too long");
      }
      return {};
    }
    const auto head = parse_response_head(text.substr(0, end), head_limits);
    if (!head) return failed(ClientErrorCode::malformed, "the answer is not HTTP");
    const bool interim = head->status < 200;
    if (!interim) {
      ResponseHead owned{.status = head->status, .headers = {}};
      HeaderLines lines = head->headers;
      while (const auto line = lines.next()) {
        owned.headers.push_back({std::string(line->name), std::string(line->value)});
      }
      chunked_ = head->chunked;
      left_ = head->content_length;
      keep_alive_ = head->keep_alive;
      state_ = State::body;
      if (no_body_ || head->status == 204 || head->status == 304) {
        chunked_ = false;
        left_ = 0;
      }
      if (!sink_.on_head(owned)) return failed(ClientErrorCode::sink, "");
    }
    filled_ -= end;
    std::memmove(buffer_.get(), buffer_.get() + end, filled_);
    return {};
  }

  std::expected<void, ClientError> take_body() {
    MutableBytes bytes(buffer_.get(), std::exchange(filled_, 0));
    if (chunked_) {
      const auto result = decoder_.decode(bytes);
      if (!result) return failed(ClientErrorCode::malformed, "the answer's chunks are malformed");
      bytes = bytes.first(result->produced);
    } else if (left_) {
      bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), *left_)));
      *left_ -= bytes.size();
    }
    if (!bytes.empty() && !sink_.on_body(bytes)) return failed(ClientErrorCode::sink, "");
    if (chunked_ ? !decoder_.done() : !left_ || *left_ > 0) return {};
    state_ = State::done;
    HeaderLines lines{std::string_view(trailers_)};
    while (const auto line = lines.next()) {
      if (!sink_.on_trailer(line->name, line->value)) return failed(ClientErrorCode::sink, "");
    }
    return {};
  }

  const int fd_;
  BodySource* const source_;
  ResponseSink& sink_;
  const bool no_body_;

  // What is being sent: `bytes_`, then `then_`, then the file.
  std::string text_;
  Bytes bytes_;
  Bytes then_;
  int file_ = -1;
  std::uint64_t file_left_ = 0;
  bool any_chunk_ = false;
  bool source_done_ = false;
  bool broken_ = false;
  std::string source_error_;

  const std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t filled_ = 0;
  State state_ = State::head;
  bool can_read_ = false;
  bool can_write_ = false;
  bool keep_alive_ = true;
  bool chunked_ = false;
  std::optional<std::uint64_t> left_;  // of a body with a length
  std::string trailers_;
  ChunkedDecoder decoder_{&trailers_};
};

std::expected<Client, ClientError> Client::connect(const MultiaddrView& address) {
  auto fd = connect_to(address);
  if (!fd) {
    const bool nobody = fd.error().error == ECONNREFUSED || fd.error().error == ENOENT;
    return failed(nobody ? ClientErrorCode::refused : ClientErrorCode::unreachable, fd.error().detail);
  }
  Client client(fd->release());
  client.host_ = host_of(address);
  return client;
}

Client& Client::operator=(Client&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(host_, other.host_);
  std::swap(open_, other.open_);
  return *this;
}

Client::~Client() {
  if (fd_ >= 0) ::close(fd_);
}

std::expected<void, ClientError> Client::exchange(const ClientRequest& request, ResponseSink& sink) {
  if (!open_ || fd_ < 0) return failed(ClientErrorCode::broken, "the connection was closed");
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  Exchange exchange(fd_, host_, request, sink);
  const auto done = exchange.run();
  open_ = done.has_value() && exchange.reusable();
  return done;
}

}  // namespace masu::http
