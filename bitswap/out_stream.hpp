// OutStream: the stream on which messages go to one peer, opened when there is something to say and kept for
// what comes after. Bytes are pulled: the next message is composed when the stream can take it.
//
// Base of a peer's two senders: what we want (client/) and what we give (server/). Loop thread; belongs to
// the peer, and lives until settled(). Holds a small message, or the head of a larger one whose body comes in
// pieces. A message that is not taken in time (two seconds and 100 kbit/s, between 10 s and 2 min) ends the
// stream. After a failure it waits, 100 ms at first; after three in a row, or when the peer speaks no
// Bitswap or its last connection is lost, it has given up.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "bitswap/message_writer.hpp"
#include "bitswap/protocol.hpp"
#include "multiformats/peer_id.hpp"
#include "net/host.hpp"

#include <cstddef>
#include <cstdint>

namespace masu::bitswap {

class OutStream : private net::StreamHandler, private net::Timer {
 public:
  OutStream(net::Host& host, const PeerId& peer) : host_(host), peer_(peer) {}
  OutStream(const OutStream&) = delete;
  OutStream& operator=(const OutStream&) = delete;

  const PeerId& peer() const { return peer_; }
  // There is something to say: compose() is called when the stream can take it.
  void wake();
  // Says nothing any more.
  void retire();
  // Ends the stream without a call to on_lost(), as after a failure.
  void abandon();
  // For so long nothing of a message was taken.
  Duration stalled_for() const;
  // Nobody calls it back any more: it may be destroyed once it is retired.
  bool settled() const { return state_ != State::opening && state_ != State::leaving && stream_ == nullptr; }
  bool given_up() const { return state_ == State::given_up; }

 protected:
  ~OutStream() = default;

  // Stages the next message with a MessageWriter, and sets the body if it has one. False: nothing to say now.
  virtual bool compose() = 0;
  // Of the body that was announced the rest is to be given to add_body(), now or later.
  virtual void want_body() = 0;
  virtual void on_message_sent() = 0;
  // So many bytes of the message were taken within a quarter of a second. If it is few, the memory of the
  // body may be used better (take_back_body()).
  virtual void on_pace(std::size_t bytes) = 0;
  // The stream is gone, and what was sent may not have arrived. `late`: a message was not taken in time.
  // When it has given up nothing more will be sent.
  virtual void on_lost(bool late) = 0;

  net::Host& host() { return host_; }
  Staging& staging() { return staging_; }
  Dialect dialect() const { return dialect_; }
  bool in_message() const { return in_message_; }
  bool has_body() const { return !body_.empty(); }
  void set_body(ChunkChain front, std::size_t bytes);  // `bytes` in all
  void add_body(ChunkChain more);
  // Drops what is not sent yet of the body, to be asked for again.
  void take_back_body();
  // Of the body that was announced, what was not given yet.
  std::size_t body_bytes_missing() const { return body_missing_; }
  // Ends the stream as failed.
  void fail() { end(false); }
  // Composes a message before the stream asks for one, so that its time runs.
  void compose_early();

 private:
  // leaving: retired while it was being opened.
  enum class State : std::uint8_t { closed, waiting, opening, open, leaving, given_up, retired };
  static constexpr std::uint8_t failures_max = 3;

  void on_open(net::Stream& stream) final;
  std::size_t on_data(net::Stream&, Bytes bytes) final { return bytes.size(); }  // nothing is expected
  void on_writable(net::Stream& stream) final;
  void on_remote_close(net::Stream&) final {}
  void on_closed(net::Stream* stream, net::StreamEnd end) final;
  void on_timer(TimePoint now) final;

  void open();
  void begin_message();
  void end(bool late);
  void drop_message();
  void lose(bool for_good, bool late);
  bool write_message(net::Stream& stream);

  net::Host& host_;
  const PeerId& peer_;
  net::Stream* stream_ = nullptr;
  State state_ = State::closed;
  bool wanted_ = false;  // wake() was called while it could not be served
  bool in_message_ = false;
  std::uint8_t failures_ = 0;
  Dialect dialect_;
  Staging staging_;
  ChunkChain body_;
  std::size_t body_missing_ = 0;  // behind body_
  TimePoint deadline_{};          // of the message
  std::uint64_t bytes_taken_ = 0;
  std::uint64_t bytes_at_tick_ = 0;
  TimePoint progress_at_{};
};

}  // namespace masu::bitswap
