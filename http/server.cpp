#include "http/server.hpp"

#include "alloc/check.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/slab_pool.hpp"
#include "http/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::http {
namespace {

constexpr int accepted_in_turn = 8;
constexpr std::chrono::milliseconds chunk_wait{10};
constexpr std::chrono::milliseconds crowd_interval{100};

using LoopTimer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                                    boost::asio::io_context::executor_type>;

// One listening socket.
class Listener {
 public:
  class Host {
   public:
    virtual bool full() const = 0;
    // False: not yet; somebody idle may be on its way out.
    virtual bool make_room() = 0;
    virtual void on_accepted(FileHandle fd, std::uint16_t port) = 0;

   protected:
    ~Host() = default;
  };

  Listener(Host& host, boost::asio::io_context& context, Listening listening)
      : host_(host),
        descriptor_(context.get_executor()),
        port_(listening.port),
        path_(std::move(listening.path)) {
    boost::system::error_code error;
    descriptor_.assign(listening.fd.get(), error);
    if (!error) listening.fd.release();
  }

  void wait() {
    if (pending_ || !descriptor_.is_open()) return;
    pending_ = true;
    descriptor_.async_wait(StreamDescriptor::wait_read,
                           boost::asio::bind_allocator(OperationAllocator<void>(memory_),
                                                       [this](const boost::system::error_code& failed) {
                                                         pending_ = false;
                                                         if (!failed && descriptor_.is_open()) accept();
                                                       }));
  }

  // One connection that waits in the kernel, if there is one.
  FileHandle take() {
    if (!descriptor_.is_open()) return FileHandle();
    return FileHandle(::accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }

  void set_backlog(std::size_t backlog) {
    if (descriptor_.is_open()) http::set_backlog(descriptor_.native_handle(), backlog);
  }

  void close() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    if (!path_.empty()) ::unlink(path_.c_str());
    path_.clear();
  }
  bool closed() const { return !descriptor_.is_open() && !pending_; }

 private:
  void accept() {
    for (int turn = 0; turn < accepted_in_turn; ++turn) {
      if (turn > 0 && host_.full()) break;  // whether one more waits is not known yet
      if (!host_.make_room()) return;       // the host calls wait() when there is room again
      FileHandle fd = take();
      // Without descriptors or memory in the kernel there is nothing to do but to try again later.
      if (!fd && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) return;
      if (!fd) break;
      host_.on_accepted(std::move(fd), port_);
    }
    wait();
  }

  Host& host_;
  StreamDescriptor descriptor_;
  const std::uint16_t port_;
  std::string path_;
  OperationMemory memory_;
  bool pending_ = false;
};

}  // namespace

struct Server::Impl final : ConnectionHost, Listener::Host {
  Impl(boost::asio::io_context& its_context, ChunkPool& its_chunks, Account& account, Handler& its_handler,
       const ServerOptions& its_options)
      : context(its_context),
        chunk_pool(its_chunks),
        resource(account),
        own_account(account.budget(), "http.connection", Lifetime::connection,
                    its_options.connections_max * connection_memory_bytes),
        own_resource(own_account),
        request_handler(its_handler),
        server_options(its_options),
        limits{its_options.target_bytes_max, its_options.headers_bytes_max, its_options.headers_max},
        connections(own_account, its_options.connections_max),
        second(its_context.get_executor()),
        starvation(its_context.get_executor()),
        crowd(its_context.get_executor()) {}

  // ConnectionHost:
  const ServerOptions& options() const override { return server_options; }
  const HeadLimits& head_limits() const override { return limits; }
  ChunkPool& chunks() override { return chunk_pool; }
  AccountResource& memory() override { return resource; }
  AccountResource& own_memory() override { return own_resource; }
  Handler& handler() override { return request_handler; }

  void wait_for_chunk(StarvedReader& reader) override {
    if (!reader.linked()) starved.push_back(reader);
    if (starvation_pending) return;
    starvation_pending = true;
    starvation.expires_after(chunk_wait);
    starvation.async_wait(boost::asio::bind_allocator(OperationAllocator<void>(starvation_memory),
                                                      [this](const boost::system::error_code&) {
                                                        starvation_pending = false;
                                                        feed_starved();
                                                      }));
  }
  void feed_starved() {
    for (std::size_t left = starved.size(); left > 0 && !starved.empty(); --left) {
      starved.pop_front()->on_chunk_time();
    }
  }

  void on_request(Connection& connection) override {
    static_cast<IntrusiveListNode<Connection, IdleTag>&>(connection).unlink();
    ++requests;
  }
  void on_idle(Connection& connection) override {
    static_cast<IntrusiveListNode<Connection, IdleTag>&>(connection).unlink();
    idle.push_back(connection);
  }
  bool crowded() const override { return waiting_for_room; }
  void on_refused() override { ++refused; }
  bool take_large() override {
    if (large == server_options.large_sockets_max) return false;
    ++large;
    return true;
  }
  void give_large() override { --large; }
  void on_connection_released(Connection& connection) override {
    connections.destroy(&connection);
    if (closing && all.empty()) second.cancel();  // nobody is left to wait for
    if (std::exchange(waiting_for_room, false)) {
      for (const auto& listener : listeners) listener->wait();
    }
  }

  // Listener::Host:
  bool full() const override { return connections.full(); }
  bool make_room() override {
    if (!connections.full()) return true;
    if (!waiting_for_room) full_ticks = 0;
    waiting_for_room = true;
    stop_idle();
    arm_crowd();
    return false;
  }
  void arm_crowd() {
    if (crowd_pending || closing) return;
    crowd_pending = true;
    crowd.expires_after(crowd_interval);
    crowd.async_wait(boost::asio::bind_allocator(OperationAllocator<void>(crowd_memory),
                                                 [this](const boost::system::error_code&) {
                                                   crowd_pending = false;
                                                   crowd_tick();
                                                   if (waiting_for_room) arm_crowd();
                                                 }));
  }
  // Whoever keeps its place by doing nothing loses it: one of them at a time, as one place is asked for.
  void crowd_tick() {
    if (!waiting_for_room) return;
    Connection* slowest = nullptr;
    unsigned most = 0;
    for (Connection& connection : all) {
      const unsigned ticks = connection.crowd_tick();
      const bool proven = connection.is_proven();
      const auto patience = proven ? server_options.crowd_patience_proven : server_options.crowd_patience;
      if (ticks * crowd_interval < patience) continue;
      const bool before = slowest == nullptr || (slowest->is_proven() && !proven);
      if (!before && (slowest->is_proven() != proven || ticks <= most)) continue;
      slowest = &connection;
      most = ticks;
    }
    if (slowest != nullptr) slowest->give_up();
  }
  // The one that is idle for the longest gives its place. One that has just become idle does not: a client
  // that reuses it sends its next request at the same moment, and would see it fail.
  void stop_idle() {
    if (idle.empty() || !idle.front().rests()) return;
    idle.pop_front()->stop();
  }
  void on_accepted(FileHandle fd, std::uint16_t port) override {
    const int on = 1;
    if (port != 0) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    start_connection(fd, port);
  }

  // False: no room; the socket stays in `fd`.
  bool start_connection(FileHandle& fd, std::uint16_t port) {
    set_send_buffer(fd.get(), server_options.small_socket_bytes);
    set_receive_buffer(fd.get(), server_options.small_socket_bytes);
    Connection* const connection = connections.create(*this, context, std::move(fd), port);
    if (connection == nullptr) {
      ++refused;
      return false;
    }
    all.push_back(*connection);
    arm_second();
    connection->run();
    return true;
  }

  // Also while the server closes: an exchange has its seconds to end, no more.
  void arm_second() {
    if (second_pending || (closing && all.empty())) return;
    second_pending = true;
    second.expires_after(std::chrono::seconds(1));
    second.async_wait(boost::asio::bind_allocator(OperationAllocator<void>(second_memory),
                                                  [this](const boost::system::error_code& cancelled) {
                                                    second_pending = false;
                                                    if (cancelled && closing && all.empty()) return;
                                                    tick();
                                                    if (!all.empty() || waiting_for_room) arm_second();
                                                  }));
  }

  void tick() {
    // A connection may end inside of its tick; the next one is found by the count, never by a pointer.
    for (std::size_t left = all.size(); left > 0 && !all.empty(); --left) {
      Connection& connection = all.front();
      static_cast<IntrusiveListNode<Connection>&>(connection).unlink();
      all.push_back(connection);
      connection.tick();
    }
    if (waiting_for_room) stop_idle();
    if (waiting_for_room && ++full_ticks > server_options.full_seconds) refuse_waiting();
    for (const auto& listener : listeners) {
      if (!waiting_for_room) listener->wait();
    }
  }

  // Those who wait in the kernel for long get an answer instead of silence.
  void refuse_waiting() {
    static constexpr std::string_view answer =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
        "Content-Type: text/plain\r\nContent-Length: 28\r\n\r\nall connections are at work\n";
    for (const auto& listener : listeners) {
      for (int turn = 0; turn < accepted_in_turn; ++turn) {
        const FileHandle fd = listener->take();
        if (!fd) break;
        ++refused;
        ::send(fd.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        ::shutdown(fd.get(), SHUT_WR);
        // Unread bytes would turn the close into a reset, which may overtake the answer.
        std::array<char, 4096> request;
        static_cast<void>(::recv(fd.get(), request.data(), request.size(), MSG_DONTWAIT));
      }
    }
  }

  void close() {
    closing = true;
    waiting_for_room = false;
    for (const auto& listener : listeners) listener->close();
    for (std::size_t left = all.size(); left > 0 && !all.empty(); --left) {
      Connection& connection = all.front();
      static_cast<IntrusiveListNode<Connection>&>(connection).unlink();
      all.push_back(connection);
      connection.stop();
    }
    second.cancel();
    crowd.cancel();
  }
  bool closed() const {
    if (!closing || connections.used() > 0 || second_pending || starvation_pending || crowd_pending)
      return false;
    for (const auto& listener : listeners) {
      if (!listener->closed()) return false;
    }
    return true;
  }

  boost::asio::io_context& context;
  ChunkPool& chunk_pool;
  AccountResource resource;
  Account own_account;
  AccountResource own_resource;
  Handler& request_handler;
  const ServerOptions server_options;
  const HeadLimits limits;
  SlabPool<Connection> connections;
  IntrusiveList<Connection> all;
  IntrusiveList<Connection, IdleTag> idle;  // longest first
  IntrusiveList<StarvedReader> starved;
  std::vector<std::unique_ptr<Listener>> listeners;  // as many as the configuration names
  OperationMemory second_memory;
  OperationMemory starvation_memory;
  OperationMemory crowd_memory;
  LoopTimer second;
  LoopTimer starvation;
  LoopTimer crowd;
  bool second_pending = false;
  bool starvation_pending = false;
  bool crowd_pending = false;
  bool waiting_for_room = false;
  bool closing = false;
  unsigned full_ticks = 0;
  std::size_t large = 0;  // sockets with large buffers
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;
};

std::string_view name_of(BodyError error) {
  switch (error) {
    case BodyError::gone: return "the client is gone";
    case BodyError::malformed: return "malformed chunked encoding";
    case BodyError::out_of_memory: return "out of memory for the request's body";
  }
  return "";
}

std::string_view Exchange::query() const {
  const std::string_view text = target();
  const std::size_t mark = text.find('?');
  return mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
}

Server::Server(boost::asio::io_context& context, ChunkPool& chunks, Account& account, Handler& handler,
               const ServerOptions& options)
    : impl_(std::make_unique<Impl>(context, chunks, account, handler, options)) {}

Server::~Server() {
  MASU_CHECK(closed(), "a server is closed, and the loop runs until nothing is left of it");
}

std::expected<Multiaddr, std::string> Server::listen(const MultiaddrView& address) {
  const ServerOptions& options = impl_->server_options;
  const std::size_t share = std::max<std::size_t>(options.backlog / (impl_->listeners.size() + 1), 1);
  auto listening = open_listener(address, {share, options.waiting_socket_bytes, options.small_socket_bytes});
  if (!listening) return std::unexpected(listening.error());
  for (const auto& listener : impl_->listeners) listener->set_backlog(share);
  Multiaddr bound = listening->address;
  impl_->listeners.push_back(std::make_unique<Listener>(*impl_, impl_->context, std::move(*listening)));
  impl_->listeners.back()->wait();
  return bound;
}

bool Server::adopt(int fd) {
  if (impl_->closing) return false;
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  FileHandle owned(fd);
  const bool taken = impl_->start_connection(owned, 0);
  owned.release();
  return taken;
}

void Server::close() { impl_->close(); }

bool Server::closed() const { return impl_->closed(); }

ServerStats Server::stats() const {
  ServerStats stats{
      .connections = impl_->connections.used(), .requests = impl_->requests, .refused = impl_->refused};
  for (const Connection& connection : impl_->all) stats.active += connection.at_work() ? 1 : 0;
  return stats;
}

std::size_t Server::parked_bytes() const {
  std::size_t bytes = 0;
  for (const Connection& connection : impl_->all) bytes += connection.parked_bytes();
  return bytes;
}

void Server::tick() { impl_->tick(); }

void Server::crowd_tick() { impl_->crowd_tick(); }

}  // namespace masu::http
