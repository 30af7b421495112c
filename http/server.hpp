// Server: HTTP/1.1 over TCP and unix sockets, one handler for all requests.
//
// Made by core for the RPC (and for the gateway); loop thread only. A connection is an entry of a fixed pool.
// Reading is pulled: a body is read when the handler asks for it and a chunk can be had, so a slow handler
// slows the client through its socket. Writing waits until the kernel has taken the bytes; nothing is queued.
//
// Memory: what a connection needs to read a common head, to refuse and to linger is an account of its own,
// "http.connection": when requests have filled theirs, clients are told so.
//
// Limits: `connections_max` connections; when all are in use `backlog` wait in the kernel. Then answers end
// their connections, one that is idle for the longest (seconds, not less) is closed, and so is one whose
// client has kept it waiting (nothing, or next to nothing, sent of a request or taken of an answer): first
// the one that waits for the longest of those that never had an answer nor moved much (`crowd_patience`),
// then of the others (`crowd_patience_proven`). With no place for `full_seconds` those who wait get a 503.
// Head: 16 KiB of headers, 64 KiB of target. A handler that is refused memory ends as a 503, or, behind the
// first byte of its answer, as a closed connection.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/task.hpp"
#include "multiformats/multiaddr.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace masu::http {

enum class BodyError : std::uint8_t {
  gone,           // the client went away before the end
  malformed,      // not a chunked body
  out_of_memory,  // no chunk could be had for long
};
std::string_view name_of(BodyError);

// Told once when the client is gone, from the loop, never from inside of a call.
class GoneListener {
 public:
  virtual void on_gone() = 0;

 protected:
  ~GoneListener() = default;
};

// One request and its answer, for the handler's task. Not to be used after the handler has ended.
class Exchange {
 public:
  // --- The request. Views are valid until the handler ends. ---
  virtual std::string_view method() const = 0;
  virtual std::string_view target() const = 0;  // as sent: "/api/v0/cat?arg=Qm…"
  std::string_view path() const { return target().substr(0, target().find('?')); }
  std::string_view query() const;  // behind the '?', without it
  // The first header of that name (in any case); empty when there is none.
  virtual std::string_view header(std::string_view name) const = 0;
  virtual bool has_header(std::string_view name) const = 0;
  // The port that the listener has; 0 for unix sockets and adopted ones.
  virtual std::uint16_t local_port() const = 0;
  virtual bool has_body() const = 0;
  virtual bool body_ended() const = 0;  // all of it was read, or there is none
  // The next bytes of the body, charged to `holder`; an empty chain at its end. Also after the answer began.
  virtual Task<std::expected<ChunkChain, BodyError>> read_body(TaskMemory memory, Account& holder) = 0;

  // --- The answer. ---
  // Status and headers travel with the first bytes. Requires: not started().
  virtual void start(unsigned status) = 0;
  virtual bool started() const = 0;
  // Until the first bytes are sent, also before start(). What is not fit for a header is left out.
  virtual void add_header(std::string_view name, std::string_view value) = 0;
  // Bytes of the body, as the next chunk of a chunked answer. False: the client is gone.
  virtual Task<bool> write(TaskMemory memory, Bytes bytes) = 0;
  virtual Task<bool> write_chain(TaskMemory memory, ChunkChain chain) = 0;
  // Sends status and headers now, before there is a body.
  virtual Task<bool> flush(TaskMemory memory) = 0;
  // Behind the body. Announce its name with a `Trailer` header.
  virtual void add_trailer(std::string_view name, std::string_view value) = 0;
  // A whole answer of known length. Requires: not started().
  virtual Task<bool> respond(TaskMemory memory, unsigned status, std::string_view content_type,
                             std::string_view body) = 0;
  // No answer (any more): the connection is cut, so that the client sees that something is missing.
  virtual void abort() = 0;

  // The client has closed its connection, or the server closes.
  virtual bool gone() const = 0;
  // Others wait for a place: who waits for something that may take long had better end.
  virtual bool crowded() const = 0;
  // Null: nobody. A listener that goes away before the exchange takes itself off.
  virtual void set_gone_listener(GoneListener* listener) = 0;

 protected:
  ~Exchange() = default;
};

// Of each connection, beside its request.
inline constexpr std::size_t connection_memory_bytes = 8 * 1024;

class Handler {
 public:
  // Answers one request, from head to end: when the task ends, the answer is over. What of the body was not
  // read is dropped. A task that ends without start() makes a 500.
  virtual Task<void> handle(TaskMemory memory, Exchange& exchange) = 0;

 protected:
  ~Handler() = default;
};

struct ServerOptions {
  std::size_t connections_max = 8;
  std::size_t headers_bytes_max = 16 * 1024;
  std::size_t target_bytes_max = 64 * 1024;
  std::size_t headers_max = 100;
  unsigned head_seconds = 15;   // for a head, from its first byte
  unsigned idle_seconds = 120;  // between two requests
  unsigned full_seconds = 10;
  std::chrono::milliseconds crowd_patience{500};
  std::chrono::milliseconds crowd_patience_proven{1500};
  unsigned linger_seconds = 3;    // for the client to take an answer that came before the end of its request
  unsigned starved_seconds = 30;  // for a chunk to read into
  // So many wait in the kernel to be accepted, over all listeners (one each at least); those beyond are not
  // answered, and their kernels ask again after a second.
  std::size_t backlog = 24;
  // Buffers of sockets (the kernel doubles them): of those that wait, small ones, and a larger one for a few
  // that move much.
  std::size_t waiting_socket_bytes = 4 * 1024;
  std::size_t small_socket_bytes = 16 * 1024;
  std::size_t large_socket_bytes = 64 * 1024;
  std::size_t large_sockets_max = 2;
};

struct ServerStats {
  std::size_t connections = 0;
  std::size_t active = 0;  // with a request in hand
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;  // 503 because all were at work, or for want of memory
};

class Server {
 public:
  // `account` is charged for the memory of requests and for long heads.
  Server(boost::asio::io_context& context, ChunkPool& chunks, Account& account, Handler& handler,
         const ServerOptions& options);
  // Requires: closed().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // /ip4/…/tcp/…, /ip6/…/tcp/… or /unix/…; gives the address really bound. A unix socket that nobody
  // listens on any more is replaced. The error is a text for people.
  std::expected<Multiaddr, std::string> listen(const MultiaddrView& address);
  // Serves a connected stream socket (of a socketpair), and owns it. False: no room; it stays the caller's.
  bool adopt(int fd);
  // No new connections; exchanges see gone(), idle connections are closed. One that waits for its client's
  // body loses the client at once, others `linger_seconds` later. The loop must run until closed().
  void close();
  bool closed() const;

  ServerStats stats() const;
  // What the kernel holds unread and unsent for all connections.
  std::size_t parked_bytes() const;
  // A second has gone by. The server does so by itself; tests do it for it.
  void tick();
  // The same for a tenth of a second in which others waited.
  void crowd_tick();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace masu::http
