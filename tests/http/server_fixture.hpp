// A server over real sockets in the loop of the test, a handler that does what the target says, and clients
// that send raw bytes.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "alloc/completion.hpp"
#include "http/server.hpp"
#include "http/socket.hpp"

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::http {

class TestHandler final : public Handler {
 public:
  explicit TestHandler(ChunkPool& its_chunks, Account& its_holder) : chunks(its_chunks), holder(its_holder) {}

  Task<void> handle(TaskMemory memory, Exchange& exchange) override {
    ++handled;
    last_target = exchange.target();
    const std::string_view path = exchange.path();
    if (path == "/echo") return echo(memory, exchange);
    if (path == "/count") return count(memory, exchange);
    if (path == "/early") return early(memory, exchange);
    if (path == "/hang") return hang(memory, exchange);
    if (path == "/bytes") return bytes(memory, exchange);
    if (path == "/cut") return cut(memory, exchange);
    if (path == "/greedy") return greedy(memory, exchange);
    if (path == "/silent") return silent(memory, exchange);
    return hello(memory, exchange);
  }
  // Waits until its client is gone.
  class Hanging final : public GoneListener {
   public:
    Hanging(TestHandler& handler, Exchange& exchange) : handler_(handler), exchange_(exchange) {
      exchange.set_gone_listener(this);
    }
    Hanging(const Hanging&) = delete;
    Hanging& operator=(const Hanging&) = delete;
    ~Hanging() { exchange_.set_gone_listener(nullptr); }
    void on_gone() override {
      ++handler_.told_gone;
      done.complete(true);
    }
    Completion<bool> done;

   private:
    TestHandler& handler_;
    Exchange& exchange_;
  };

  // Answers with the body, as it comes.
  Task<void> echo(TaskMemory memory, Exchange& exchange) {
    exchange.start(200);
    exchange.add_header("Trailer", "X-Sum");
    std::size_t sum = 0;
    for (;;) {
      auto part = co_await exchange.read_body(memory, holder);
      if (!part) {
        body_error = part.error();
        exchange.abort();
        co_return;
      }
      if (part->empty()) break;
      sum += part->size();
      const bool on = co_await exchange.write_chain(memory, std::move(*part));
      if (!on) co_return;
    }
    exchange.add_trailer("X-Sum", std::to_string(sum));
  }
  // Reads all, then says how much it was.
  Task<void> count(TaskMemory memory, Exchange& exchange) {
    std::size_t sum = 0;
    for (;;) {
      auto part = co_await exchange.read_body(memory, holder);
      if (!part) {
        body_error = part.error();
        co_await exchange.respond(memory, 400, "text/plain", name_of(part.error()));
        co_return;
      }
      if (part->empty()) break;
      sum += part->size();
    }
    const std::string text = std::to_string(sum);
    co_await exchange.respond(memory, 200, "text/plain", text);
  }
  // Refuses without looking at the body.
  Task<void> early(TaskMemory memory, Exchange& exchange) {
    co_await exchange.respond(memory, 400, "text/plain", "no\n");
  }
  // Waits until the client is gone.
  Task<void> hang(TaskMemory memory, Exchange& exchange) {
    exchange.start(200);
    const bool sent = co_await exchange.flush(memory);
    if (!sent) co_return;
    Hanging hanging(*this, exchange);
    co_await hanging.done;
    saw_gone = exchange.gone();
  }
  // As many bytes as the query says.
  Task<void> bytes(TaskMemory memory, Exchange& exchange) {
    exchange.start(200);
    std::size_t left = std::stoul(std::string(exchange.query()));
    while (left > 0) {
      ChunkChain chain;
      while (left > 0 && chain.chunks() < 16) {
        Chunk chunk = chunks.take(holder);
        if (!chunk) break;
        const std::size_t now = std::min(left, chunk.space().size());
        std::memset(chunk.space().data(), 'x', now);
        chunk.fill(now);
        chain.append(std::move(chunk));
        left -= now;
      }
      const bool on = co_await exchange.write_chain(memory, std::move(chain));
      if (!on) {
        write_failed = true;
        co_return;
      }
    }
  }
  // Ends in the middle.
  Task<void> cut(TaskMemory memory, Exchange& exchange) {
    exchange.start(200);
    co_await exchange.write(memory, as_bytes("half"));
    exchange.abort();
  }
  // Takes memory until it is refused; `?late` after the first byte.
  Task<void> greedy(TaskMemory memory, Exchange& exchange) {
    if (exchange.query() == "late") {
      exchange.start(200);
      co_await exchange.write(memory, as_bytes("first"));
    }
    std::pmr::string text(&memory.resource());
    for (;;) text.append(4096, 'x');
  }
  Task<void> silent(TaskMemory, Exchange&) { co_return; }
  Task<void> hello(TaskMemory memory, Exchange& exchange) {
    exchange.start(200);
    exchange.add_header("Content-Type", "text/plain");
    co_await exchange.write(memory, as_bytes("hello "));
    co_await exchange.write(memory, as_bytes(exchange.path()));
  }

  ChunkPool& chunks;
  Account& holder;
  std::size_t handled = 0;
  std::size_t told_gone = 0;
  bool saw_gone = false;
  bool write_failed = false;
  std::string last_target;
  std::optional<BodyError> body_error;
};

class ServerTest : public testing::Test {
 protected:
  // The far end of a connection, which the loop of the test serves.
  class Peer {
   public:
    Peer(ServerTest& test, FileHandle fd) : test_(test), fd_(std::move(fd)) {
      ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
    }
    // Sends all of it while the loop runs.
    bool send(std::string_view text) {
      return test_.run_until([&] {
        const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
        return text.empty() || (sent < 0 && errno != EAGAIN);
      }) && text.empty();
    }
    // Everything that came so far.
    const std::string& take_now() {
      char bytes[65536];
      for (;;) {
        const ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
        if (got > 0) {
          received.append(bytes, static_cast<std::size_t>(got));
          continue;
        }
        if (got == 0 || errno != EAGAIN) closed = true;
        return received;
      }
    }
    bool receive_until(std::string_view text) {
      return test_.run_until([&] { return take_now().find(text) != std::string::npos || closed; }) &&
             received.find(text) != std::string::npos;
    }
    bool receive_to_end() {
      return test_.run_until([&] {
        take_now();
        return closed;
      });
    }
    void shut_down_writing() { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }
    int fd() const { return fd_.get(); }

    std::string received;
    bool closed = false;

   private:
    ServerTest& test_;
    FileHandle fd_;
  };

  Server& server() {
    if (!server_) server_.emplace(context_, chunks_, account_, handler_, options_);
    return *server_;
  }
  Peer connect() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    EXPECT_TRUE(server().adopt(ends[0]));
    return Peer(*this, FileHandle(ends[1]));
  }
  // Runs handlers until `done()`. False: nothing happened for ten real seconds.
  template <class Condition>
  bool run_until(Condition&& done) {
    const auto begin = std::chrono::steady_clock::now();
    while (!done()) {
      context_.restart();
      context_.run_one_for(std::chrono::milliseconds(5));
      if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(20)) return false;
    }
    return true;
  }
  void poll() {
    context_.restart();
    while (context_.poll() > 0) {
    }
  }
  void pass_seconds(unsigned count) {
    for (unsigned i = 0; i < count; ++i) server().tick();
    poll();
  }
  // Tenths of a second; they count when somebody waits for a place.
  void pass_crowd_ticks(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      server().crowd_tick();
      poll();
    }
  }
  void TearDown() override {
    if (!server_) return;
    server_->close();
    EXPECT_TRUE(run_until([&] { return server_->closed(); }));
    server_.reset();
    EXPECT_EQ(account_.live_bytes(), 0u);
    EXPECT_EQ(body_account_.live_bytes(), 0u);
    EXPECT_EQ(chunks_.stats().used, 0u);
  }

  static constexpr std::size_t chunk_count = 64;
  boost::asio::io_context context_{1};
  Budget budget_{"test", std::size_t{64} << 20};
  Account pool_account_{budget_, "chunks", Lifetime::block, 0};
  Account account_{budget_, "http.request", Lifetime::request, std::size_t{1} << 20};
  Account body_account_{budget_, "http.body", Lifetime::request, chunk_count* chunk_bytes};
  ChunkPool chunks_{pool_account_, chunk_count};
  TestHandler handler_{chunks_, body_account_};
  ServerOptions options_;
  std::optional<Server> server_;
};

class TcpServerTest : public ServerTest {
 protected:
  Peer dial(const Multiaddr& address) {
    auto fd = connect_to(address);
    EXPECT_TRUE(fd) << fd.error().detail;
    return Peer(*this, std::move(*fd));
  }
  Multiaddr listen(const std::string& text) {
    const auto bound = server().listen(Multiaddr::parse(text).value());
    EXPECT_TRUE(bound) << bound.error();
    return *bound;
  }
};

}  // namespace masu::http
