#include "http/connection.hpp"

#include "http/status.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>
#include <poll.h>
#include <sys/socket.h>

namespace masu::http {
namespace {

constexpr std::size_t first_buffer_bytes = 2048;
constexpr unsigned chunk_waits_each_second = 100;
constexpr std::size_t crowd_tick_bytes_min = 512;    // less in a tick is next to nothing
constexpr std::size_t large_from_bytes = 64 * 1024;  // an exchange that moved as much has large buffers

}  // namespace

Connection::Connection(ConnectionHost& host, boost::asio::io_context& context, FileHandle fd,
                       std::uint16_t port)
    : host_(host),
      descriptor_(context.get_executor()),
      port_(port),
      out_head_(&host.memory()),
      trailers_(&host.memory()) {
  reading_.what = StreamDescriptor::wait_read;
  writing_.what = StreamDescriptor::wait_write;
  boost::system::error_code error;
  descriptor_.assign(fd.get(), error);
  if (!error) fd.release();
}

Connection::~Connection() {
  if (large_) host_.give_large();
  free_buffer();
}

void Connection::run() {
  ++upcalls_;
  if (!descriptor_.is_open()) {
    done_ = true;
  } else {
    try {
      run_.start(serve(host_.own_memory()), *this);
    } catch (const std::bad_alloc&) {
      on_task_done(TaskOutcome::out_of_memory);
    }
  }
  --upcalls_;
  release_if_unused();
}

void Connection::on_task_done(TaskOutcome outcome) noexcept {
  // No frame for the task, as the process itself has no memory: what is refused of the account of requests
  // ends in serve() and answer().
  if (outcome == TaskOutcome::out_of_memory) {
    host_.on_refused();
    if (state_ == State::head || state_ == State::idle) refuse(503, "out of memory");
  }
  done_ = true;
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  if (upcalls_ == 0) release_if_unused();
}

void Connection::release_if_unused() {
  if (done_ && upcalls_ == 0 && !posted_ && !reading_.pending && !writing_.pending) {
    host_.on_connection_released(*this);
  }
}

// --- The task ---

Task<void> Connection::serve(TaskMemory memory) {
  for (;;) {
    bool more = false;
    try {
      more = co_await read_head(memory);
    } catch (const std::bad_alloc&) {
      host_.on_refused();
      refuse(503, "out of memory");
    }
    if (!more) break;
    begin_request();
    co_await answer(memory);
    co_await finish(memory);
    const bool again = keep_alive_ && !cut_ && !gone_ && !stopping_;
    end_request();
    if (!again) break;
  }
  const bool linger_now = !gone_ && !cut_ && !stopping_ && state_ == State::lingering;
  if (linger_now) co_await linger(memory);
}

Task<bool> Connection::read_head(TaskMemory) {
  std::size_t searched = 0;
  for (;;) {
    // Empty lines in front of a head are left over from clients that send one behind a body.
    while (buffer_.text().starts_with("\r\n")) buffer_.begin += 2;
    const std::string_view text = buffer_.text();
    if (const std::size_t end = find_head_end(text, searched)) {
      const auto head = parse_request_head(text.substr(0, end), host_.head_limits());
      if (!head) {
        refuse(status_of(head.error()), name_of(head.error()));
        co_return false;
      }
      head_ = *head;
      buffer_.begin += end;
      head_bytes_ = buffer_.begin;
      co_return true;
    }
    if (const auto wrong = check_unfinished_head(text, host_.head_limits())) {
      refuse(status_of(*wrong), name_of(*wrong));
      co_return false;
    }
    searched = text.size();
    if (text.empty()) {
      free_buffer();
      if (stopping_) co_return false;
      enter(State::idle);
      Ready ready(*this, reading_);
      const bool is_ready = co_await ready;
      if (!is_ready) co_return false;
    }
    grow_buffer();
    const ssize_t got = ::recv(descriptor_.native_handle(), buffer_.data + buffer_.size,
                               buffer_.capacity - buffer_.size, MSG_DONTWAIT);
    if (got > 0) {
      buffer_.size += static_cast<std::size_t>(got);
      if (state_ != State::head) enter(State::head);
      continue;
    }
    if (got == 0 || !is_would_block(errno)) co_return false;
    if (text.empty()) continue;
    Ready ready(*this, reading_);
    const bool is_ready = co_await ready;
    if (!is_ready) co_return false;
  }
}

Task<void> Connection::answer(TaskMemory) {
  watch();
  try {
    co_await host_.handler().handle(host_.memory(), *this);
  } catch (const std::bad_alloc&) {
    host_.on_refused();
    // What was started and not sent yet is taken back.
    const bool sent = started_ && out_head_.empty();
    out_head_.clear();
    if (!sent) refuse(503, "out of memory");
    cut_ = sent;
    started_ = true;
    framing_ = Framing::none;
  }
  listener_ = nullptr;
}

Task<void> Connection::finish(TaskMemory memory) {
  if (cut_ || gone_) co_return;
  if (!started_) {
    const bool sent = co_await respond(memory, 500, "text/plain", "the request was not answered\n");
    if (!sent) co_return;
  }
  // An announced length that was not reached is a cut: the client must not take it for the whole.
  Outgoing out = outgoing(0);
  if (framing_ == Framing::chunked) {
    out.parts[1] = as_bytes("0\r\n");
    out.parts[2] = as_bytes(trailers_);
    out.parts[3] = as_bytes("\r\n");
  }
  if (!out.empty()) co_await send(memory, std::move(out));
}

Task<void> Connection::linger(TaskMemory) {
  ::shutdown(descriptor_.native_handle(), SHUT_WR);
  for (;;) {
    Ready ready(*this, reading_);
    const bool is_ready = co_await ready;
    if (!is_ready || !discard_input()) co_return;
  }
}

// --- The request ---

void Connection::begin_request() {
  enter(State::exchange);
  host_.on_request(*this);
  started_ = false;
  framing_ = Framing::none;
  body_left_ = head_.content_length;
  body_ended_ = !head_.has_body();
  continue_due_ = head_.expects_continue && !body_ended_;
  decoder_ = ChunkedDecoder();
  keep_alive_ = head_.keep_alive;
  watched_ = true;
}

void Connection::end_request() {
  answered_ = answered_ || (!cut_ && !gone_);
  moved_bytes_ = moved_at_crowd_tick_ = 0;
  crowd_ticks_ = 0;
  if (std::exchange(large_, false)) {
    host_.give_large();
    if (descriptor_.is_open()) {
      set_send_buffer(descriptor_.native_handle(), host_.options().small_socket_bytes);
      set_receive_buffer(descriptor_.native_handle(), host_.options().small_socket_bytes);
    }
  }
  // What comes behind an unfinished body cannot be told from it.
  if (!body_ended_) enter(State::lingering);
  head_ = RequestHead();
  out_head_.clear();
  out_head_.shrink_to_fit();
  trailers_.clear();
  trailers_.shrink_to_fit();
}

std::string_view Connection::header(std::string_view name) const {
  return head_.headers.find(name).value_or(std::string_view());
}

Task<std::expected<ChunkChain, BodyError>> Connection::read_body(TaskMemory memory, Account& holder) {
  ChunkChain chain;
  if (continue_due_ && !started_) send_now("HTTP/1.1 100 Continue\r\n\r\n");
  continue_due_ = false;
  bool blocked = false;
  while (chain.empty() && !body_ended_) {
    if (blocked || turn_is_over()) {
      Ready ready(*this, reading_);
      const bool is_ready = co_await ready;
      if (!is_ready) co_return std::unexpected(BodyError::gone);
    }
    if (gone_) co_return std::unexpected(BodyError::gone);
    std::array<Chunk, body_chunks> chunks;
    chunks[0] = host_.chunks().take(holder);
    if (!chunks[0]) {
      chunks[0] = co_await wait_for_chunk(memory, holder);
      if (!chunks[0]) co_return std::unexpected(gone_ ? BodyError::gone : BodyError::out_of_memory);
    }
    const bool from_buffer = !buffer_.text().empty();
    if (!from_buffer) {
      for (std::size_t i = 1; i < body_chunks; ++i) chunks[i] = host_.chunks().take(holder, Need::optional);
    }
    const std::ptrdiff_t got = receive_body(chunks);
    if (got == 0 || (got < 0 && !is_would_block(-got))) {
      lose_client();
      co_return std::unexpected(BodyError::gone);
    }
    blocked = got < 0;
    if (got > 0) count_moved(static_cast<std::size_t>(got), set_receive_buffer);
    for (Chunk& chunk : chunks) {
      if (!chunk || chunk.data().empty()) break;
      if (!decode_body(chunk, from_buffer)) co_return std::unexpected(BodyError::malformed);
      if (!chunk.data().empty()) chain.append(std::move(chunk));
    }
  }
  if (body_ended_) watch();
  co_return chain;
}

std::ptrdiff_t Connection::receive_body(std::span<Chunk> chunks) {
  const std::uint64_t wanted = head_.chunked ? ~std::uint64_t{0} : body_left_;
  if (const std::string_view text = buffer_.text(); !text.empty()) {
    const std::size_t bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>({text.size(), chunks[0].space().size(), wanted}));
    std::memcpy(chunks[0].space().data(), text.data(), bytes);
    chunks[0].fill(bytes);
    buffer_.begin += bytes;
    return static_cast<std::ptrdiff_t>(bytes);
  }
  std::array<iovec, body_chunks> pieces{};
  std::size_t count = 0;
  std::uint64_t room = 0;
  for (Chunk& chunk : chunks) {
    if (!chunk || room >= wanted) break;
    const std::size_t bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(chunk.space().size(), wanted - room));
    pieces[count++] = {chunk.space().data(), bytes};
    room += bytes;
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  ssize_t got = 0;
  do got = ::recvmsg(descriptor_.native_handle(), &message, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  std::size_t left = static_cast<std::size_t>(got);
  for (std::size_t i = 0; i < count && left > 0; ++i) {
    const std::size_t bytes = std::min(left, pieces[i].iov_len);
    chunks[i].fill(bytes);
    left -= bytes;
  }
  return got;
}

// Takes the framing out; bytes of a next request go back into the buffer.
bool Connection::decode_body(Chunk& chunk, bool from_buffer) {
  if (!head_.chunked) {
    body_left_ -= chunk.data().size();
    body_ended_ = body_left_ == 0;
    return true;
  }
  const auto result = decoder_.decode(chunk.mutable_data());
  if (!result) {
    keep_alive_ = false;
    return false;
  }
  body_ended_ = decoder_.done();
  const Bytes behind = chunk.data().subspan(result->consumed);
  if (!behind.empty()) put_back(behind, from_buffer);
  chunk.truncate(result->produced);
  return true;
}

// Bytes of the next request, which a client sent without waiting for the answer.
void Connection::put_back(Bytes bytes, bool from_buffer) {
  if (from_buffer) {
    buffer_.begin -= bytes.size();
    return;
  }
  if (buffer_.text().empty()) buffer_.begin = buffer_.size = head_bytes_;
  if (bytes.size() <= buffer_.capacity - buffer_.size) {
    std::memcpy(buffer_.data + buffer_.size, bytes.data(), bytes.size());
    buffer_.size += bytes.size();
  } else {
    // The head's views point into the buffer, so it cannot grow now; the client sends it again.
    keep_alive_ = false;
  }
}

Task<Chunk> Connection::wait_for_chunk(TaskMemory, Account& holder) {
  const std::size_t waits = std::size_t{host_.options().starved_seconds} * chunk_waits_each_second;
  for (std::size_t i = 0; i < waits && !gone_; ++i) {
    if (host_.crowded() && i >= chunk_waits_each_second / 2) break;
    Completion<bool> done;
    starved_ = &done;
    host_.wait_for_chunk(*this);
    const bool again = co_await done;
    starved_ = nullptr;
    if (!again) break;
    Chunk chunk = host_.chunks().take(holder);
    if (chunk) co_return chunk;
  }
  co_return Chunk();
}

void Connection::on_chunk_time() {
  ++upcalls_;
  if (starved_ != nullptr) std::exchange(starved_, nullptr)->complete(!gone_);
  --upcalls_;
  release_if_unused();
}

// --- The socket ---

void Connection::wait(Operation& operation) {
  if (operation.pending) return;
  operation.pending = true;
  descriptor_.async_wait(
      operation.what, boost::asio::bind_allocator(OperationAllocator<void>(operation.memory),
                                                  [this, &operation](const boost::system::error_code& error) {
                                                    on_ready(operation, static_cast<bool>(error));
                                                  }));
}

void Connection::on_ready(Operation& operation, bool failed) {
  operation.pending = false;
  turn_bytes_ = 0;
  ++upcalls_;
  if (operation.waiter != nullptr) {
    std::exchange(operation.waiter, nullptr)->complete(!failed && descriptor_.is_open() && !gone_);
  } else if (&operation == &reading_ && !failed) {
    on_watch();
  }
  --upcalls_;
  release_if_unused();
}

// The body is read to its end: what can be read now is the next request, or the end of the connection.
void Connection::watch() {
  if (state_ == State::exchange && body_ended_ && watched_ && !gone_ && descriptor_.is_open()) {
    wait(reading_);
  }
}

void Connection::on_watch() {
  if (state_ != State::exchange || gone_ || !body_ended_) return;
  char byte = 0;
  const ssize_t got = ::recv(descriptor_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) {
    watched_ = false;  // from here on tick() looks
  } else if (got < 0 && is_would_block(errno)) {
    watch();
  } else {
    set_gone();
  }
}

void Connection::enter(State state) {
  state_ = state;
  ticks_ = crowd_ticks_ = 0;
  if (state == State::idle) host_.on_idle(*this);
}

void Connection::tick() {
  ++upcalls_;
  ++ticks_;
  const ServerOptions& options = host_.options();
  switch (state_) {
    case State::idle:
      if (ticks_ > options.idle_seconds) close();
      break;
    case State::head:
      if (ticks_ > options.head_seconds) close();
      break;
    case State::lingering:
      if (ticks_ > options.linger_seconds) close();
      break;
    case State::exchange: {
      // A server that closes waits for an answer that is under way, not for a request that may never be
      // whole.
      if (stopping_ && (reading_.waiter != nullptr || ticks_ > options.linger_seconds)) {
        close();
        set_gone();
        break;
      }
      pollfd poll{descriptor_.is_open() ? descriptor_.native_handle() : -1, POLLRDHUP, 0};
      const bool hung_up = ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
      // While its body is not read, an end of the client shows behind the body only.
      if (hung_up && (body_ended_ || (poll.revents & (POLLHUP | POLLERR)) != 0)) set_gone();
      break;
    }
  }
  --upcalls_;
  release_if_unused();
}

unsigned Connection::crowd_tick() {
  const std::size_t moved = moved_bytes_ - std::exchange(moved_at_crowd_tick_, moved_bytes_);
  const bool client_is_due = state_ == State::head || state_ == State::lingering ||
                             reading_.waiter != nullptr || writing_.waiter != nullptr;
  if (state_ == State::idle || !client_is_due || moved >= crowd_tick_bytes_min)
    crowd_ticks_ = 0;
  else
    ++crowd_ticks_;
  return crowd_ticks_;
}

void Connection::give_up() {
  ++upcalls_;
  close();
  set_gone();
  --upcalls_;
  release_if_unused();
}

void Connection::stop() {
  ++upcalls_;
  stopping_ = true;
  if (state_ == State::exchange) {
    ticks_ = 0;
    if (listener_ != nullptr) std::exchange(listener_, nullptr)->on_gone();
  } else {
    close();
  }
  --upcalls_;
  release_if_unused();
}

// The task ends when what it waits for says that the socket is gone.
void Connection::close() {
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  if (starved_ != nullptr) std::exchange(starved_, nullptr)->complete(false);
}

void Connection::lose_client() {
  if (std::exchange(gone_, true) || posted_) return;
  posted_ = true;
  boost::asio::post(descriptor_.get_executor(),
                    boost::asio::bind_allocator(OperationAllocator<void>(posting_), [this] {
                      posted_ = false;
                      ++upcalls_;
                      if (listener_ != nullptr) std::exchange(listener_, nullptr)->on_gone();
                      --upcalls_;
                      release_if_unused();
                    }));
}

void Connection::set_gone() {
  if (std::exchange(gone_, true)) return;
  if (writing_.waiter != nullptr) std::exchange(writing_.waiter, nullptr)->complete(false);
  if (reading_.waiter != nullptr) std::exchange(reading_.waiter, nullptr)->complete(false);
  if (starved_ != nullptr) std::exchange(starved_, nullptr)->complete(false);
  if (listener_ != nullptr) std::exchange(listener_, nullptr)->on_gone();
}

bool Connection::discard_input() {
  std::array<char, 16 * 1024> bytes;
  for (int turn = 0; turn < 4; ++turn) {
    const ssize_t got = ::recv(descriptor_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && !is_would_block(errno))) return false;
    if (got < 0) return true;
  }
  return true;
}

void Connection::count_moved(std::size_t bytes, void (*set_buffer)(int fd, std::size_t bytes)) {
  turn_bytes_ += bytes + call_cost_bytes;
  moved_bytes_ += bytes;
  if (large_ || moved_bytes_ < large_from_bytes || !host_.take_large()) return;
  large_ = true;
  set_buffer(descriptor_.native_handle(), host_.options().large_socket_bytes);
}

// --- The buffer ---

// Room for at least one byte.
void Connection::grow_buffer() {
  if (buffer_.begin > 0) {
    std::memmove(buffer_.data, buffer_.data + buffer_.begin, buffer_.size - buffer_.begin);
    buffer_.size -= std::exchange(buffer_.begin, 0);
  }
  if (buffer_.size < buffer_.capacity) return;
  const std::size_t capacity = std::max(first_buffer_bytes, buffer_.capacity * 2);
  auto* const data = static_cast<std::uint8_t*>(memory_of_buffer(capacity).allocate(capacity, 1));
  if (buffer_.size > 0) std::memcpy(data, buffer_.data, buffer_.size);
  const std::size_t size = buffer_.size;
  free_buffer();
  buffer_ = {data, capacity, 0, size};
}

AccountResource& Connection::memory_of_buffer(std::size_t capacity) {
  return capacity == first_buffer_bytes ? host_.own_memory() : host_.memory();
}

void Connection::free_buffer() {
  if (buffer_.data != nullptr)
    memory_of_buffer(buffer_.capacity).deallocate(buffer_.data, buffer_.capacity, 1);
  buffer_ = Buffer();
}

}  // namespace masu::http
