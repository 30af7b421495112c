// Connection: one connected socket of the server, with one request at a time. Internal to http/server.hpp.
//
// Asio only waits; reading and writing are plain system calls on a non-blocking socket. One task (run())
// lives as long as the connection; what it waits for is a Completion that the socket, a chunk or the end of
// the connection completes. Bytes of a request that were read too early lie in the head's buffer.
#pragma once

#include "alloc/completion.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/operation_memory.hpp"
#include "alloc/resource.hpp"
#include "alloc/socket_memory.hpp"
#include "http/chunked_decoder.hpp"
#include "http/head.hpp"
#include "http/server.hpp"
#include "http/socket.hpp"

#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/uio.h>

namespace masu::http {

using StreamDescriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

// Waits for a chunk to read into.
class StarvedReader : public IntrusiveListNode<StarvedReader> {
 public:
  virtual void on_chunk_time() = 0;

 protected:
  ~StarvedReader() = default;
};

class Connection;

// What connections ask of their server.
class ConnectionHost {
 public:
  virtual const ServerOptions& options() const = 0;
  virtual const HeadLimits& head_limits() const = 0;
  virtual ChunkPool& chunks() = 0;
  virtual AccountResource& memory() = 0;      // of requests
  virtual AccountResource& own_memory() = 0;  // of connections: nobody else's, so that a refusal can be sent
  virtual Handler& handler() = 0;
  // on_chunk_time() some milliseconds from now.
  virtual void wait_for_chunk(StarvedReader& reader) = 0;
  virtual void on_request(Connection& connection) = 0;  // one begins: it is not idle any more
  virtual void on_idle(Connection& connection) = 0;
  // Others wait for a place: connections are to end with their answer.
  virtual bool crowded() const = 0;
  virtual void on_refused() = 0;
  // One of the few that may have large buffers in the kernel. False: all are taken.
  virtual bool take_large() = 0;
  virtual void give_large() = 0;
  // Nobody knows of it any more: its memory is to be given back.
  virtual void on_connection_released(Connection& connection) = 0;

 protected:
  ~ConnectionHost() = default;
};

struct IdleTag;

class Connection final : public Exchange,
                         public IntrusiveListNode<Connection>,
                         public IntrusiveListNode<Connection, IdleTag>,
                         private TaskListener,
                         private StarvedReader {
 public:
  Connection(ConnectionHost& host, boost::asio::io_context& context, FileHandle fd, std::uint16_t port);
  ~Connection();

  // Begins. May release the connection before it returns.
  void run();
  // No more requests: an idle connection is closed, an exchange sees gone().
  void stop();
  // A second has gone by.
  void tick();
  // Idle for so long that its client will not send a request at this very moment.
  bool rests() const { return state_ == State::idle && ticks_ >= 2; }
  bool at_work() const { return state_ == State::head || state_ == State::exchange; }
  // Others wait for a place, and some time has gone by: for how long this one has waited for its client.
  unsigned crowd_tick();
  // Its client has had an answer, or has moved much.
  bool is_proven() const { return answered_ || moved_bytes_ >= proven_bytes; }
  // Its client loses the place to another.
  void give_up();
  // What the kernel holds unread and unsent.
  std::size_t parked_bytes() const {
    // Asio's handle is not constant: it may be given away.
    auto& descriptor = const_cast<StreamDescriptor&>(descriptor_);
    return descriptor.is_open() ? parked_socket_bytes(descriptor.native_handle()) : 0;
  }

  // Exchange:
  std::string_view method() const override { return head_.method; }
  std::string_view target() const override { return head_.target; }
  std::string_view header(std::string_view name) const override;
  bool has_header(std::string_view name) const override { return head_.headers.find(name).has_value(); }
  std::uint16_t local_port() const override { return port_; }
  bool has_body() const override { return head_.has_body(); }
  bool body_ended() const override { return body_ended_; }
  Task<std::expected<ChunkChain, BodyError>> read_body(TaskMemory memory, Account& holder) override;
  void start(unsigned status) override;
  bool started() const override { return started_; }
  void add_header(std::string_view name, std::string_view value) override;
  Task<bool> write(TaskMemory memory, Bytes bytes) override;
  Task<bool> write_chain(TaskMemory memory, ChunkChain chain) override;
  Task<bool> flush(TaskMemory memory) override;
  void add_trailer(std::string_view name, std::string_view value) override;
  Task<bool> respond(TaskMemory memory, unsigned status, std::string_view content_type,
                     std::string_view body) override;
  void abort() override { cut_ = true; }
  bool gone() const override { return gone_ || stopping_; }
  bool crowded() const override { return host_.crowded(); }
  void set_gone_listener(GoneListener* listener) override { listener_ = listener; }

 private:
  enum class State : std::uint8_t {
    idle,      // between requests
    head,      // a part of a head is there
    exchange,  // with the handler
    lingering  // the answer is out; the client is given time to take it
  };
  enum class Framing : std::uint8_t { none, length, chunked, until_close };
  struct Operation {
    OperationMemory memory;
    StreamDescriptor::wait_type what;
    Completion<bool>* waiter = nullptr;
    bool pending = false;
  };
  // Awaited: the socket is ready (true), or gone.
  class Ready {
   public:
    Ready(Connection& connection, Operation& operation) : operation_(operation) {
      operation.waiter = &done_;
      connection.wait(operation);
    }
    Ready(const Ready&) = delete;
    Ready& operator=(const Ready&) = delete;
    ~Ready() {
      if (operation_.waiter == &done_) operation_.waiter = nullptr;
    }
    auto operator co_await() noexcept { return done_.operator co_await(); }

   private:
    Operation& operation_;
    Completion<bool> done_;
  };
  // The head, and what came with it; grows up to the limits and is given back between requests.
  struct Buffer {
    std::uint8_t* data = nullptr;
    std::size_t capacity = 0;
    std::size_t begin = 0;  // what is in front is used up
    std::size_t size = 0;
    std::string_view text() const { return {reinterpret_cast<const char*>(data) + begin, size - begin}; }
  };
  // What is being sent, in order.
  struct Outgoing {
    std::array<Bytes, 4> parts;  // head, frame, bytes, end
    ChunkChain chain;            // between the last two
    bool empty() const;
    std::size_t to_iovec(std::span<iovec> out) const;
    void consume(std::size_t bytes);
  };
  static constexpr std::size_t proven_bytes = 64 * 1024;
  static constexpr std::size_t body_chunks = 4;  // read at once
  static constexpr std::size_t turn_bytes_max = 1024 * 1024;
  static constexpr std::size_t call_cost_bytes = 4096;  // what a small call counts for in a turn
  static bool is_would_block(std::ptrdiff_t error) { return error == EAGAIN || error == EWOULDBLOCK; }

  Task<void> serve(TaskMemory memory);
  Task<bool> read_head(TaskMemory memory);
  Task<void> answer(TaskMemory memory);
  Task<void> finish(TaskMemory memory);
  Task<void> linger(TaskMemory memory);
  Task<bool> send(TaskMemory memory, Outgoing out);
  Task<Chunk> wait_for_chunk(TaskMemory memory, Account& holder);

  void grow_buffer();
  void free_buffer();
  AccountResource& memory_of_buffer(std::size_t capacity);
  void enter(State state);
  void begin_request();
  void end_request();
  void refuse(unsigned status, std::string_view why);
  void send_now(std::string_view text);
  void write_head(unsigned status);
  void append_header(std::string_view name, std::string_view value);
  Outgoing outgoing(std::size_t body_bytes);
  std::ptrdiff_t send_some(const Outgoing& out);
  // Without a turn of the loop in between so much was moved that others are to have theirs.
  bool turn_is_over() const { return turn_bytes_ > turn_bytes_max; }
  // Bytes read, 0 at the end of the connection, or a negative errno.
  std::ptrdiff_t receive_body(std::span<Chunk> chunks);
  bool decode_body(Chunk& chunk, bool from_buffer);
  void put_back(Bytes bytes, bool from_buffer);
  bool discard_input();
  // An exchange that moves much has a larger buffer in the kernel, for the way that the bytes go.
  void count_moved(std::size_t bytes, void (*set_buffer)(int fd, std::size_t bytes));

  void wait(Operation& operation);
  void watch();
  void on_watch();
  void on_ready(Operation& operation, bool failed);
  void lose_client();  // from inside of the task
  void set_gone();     // from the loop
  void close();
  void release_if_unused();
  void on_task_done(TaskOutcome outcome) noexcept override;
  void on_chunk_time() override;

  ConnectionHost& host_;
  StreamDescriptor descriptor_;
  const std::uint16_t port_;
  TaskRun run_;
  Operation reading_;
  Operation writing_;
  OperationMemory posting_;
  Completion<bool>* starved_ = nullptr;
  GoneListener* listener_ = nullptr;
  unsigned ticks_ = 0;    // in this state
  unsigned upcalls_ = 0;  // under way: it is not released inside of one
  std::size_t turn_bytes_ = 0;
  std::size_t moved_bytes_ = 0;  // of this exchange
  std::size_t moved_at_crowd_tick_ = 0;
  unsigned crowd_ticks_ = 0;  // of those, so many in which its client did next to nothing
  State state_ = State::idle;
  Framing framing_ = Framing::none;  // of the answer
  bool answered_ = false;            // a request, to its end
  bool posted_ = false;
  bool done_ = false;  // the task has ended
  bool stopping_ = false;
  bool gone_ = false;
  bool cut_ = false;
  bool started_ = false;
  bool body_ended_ = true;
  bool continue_due_ = false;
  bool keep_alive_ = false;
  bool large_ = false;   // has large buffers
  bool watched_ = true;  // the socket is empty as far as is known

  Buffer buffer_;
  RequestHead head_;             // points into the buffer
  std::size_t head_bytes_ = 0;   // at the buffer's front
  std::uint64_t body_left_ = 0;  // unless chunked
  ChunkedDecoder decoder_;
  std::pmr::string out_head_;  // not sent yet
  std::pmr::string trailers_;
  std::array<char, 24> frame_{};
};

}  // namespace masu::http
