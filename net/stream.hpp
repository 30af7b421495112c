// Stream and StreamHandler: one libp2p stream as a protocol sees it.
//
// A Stream is owned by its connection and belongs to the loop thread. Its handler (identify, ping,
// bitswap, …) is owned by the protocol. Writing is pulled: nothing is queued behind the connection's one
// output buffer, a handler that has bytes asks for on_writable() and writes what fits. Reading is
// pushed: on_data() returns how many bytes it took; what it leaves stays with the stream (within the
// receive window), withholds the window update and so slows the peer, until resume_reading().
//
// Lifetime: a Stream& may be used until on_closed() returns, or until the handler itself calls reset() or
// release(), whichever is first. No upcall is made from inside a call the handler makes (they come from
// the connection's next turn), so that a handler may do anything in an upcall but destroy the connection.
#pragma once

#include "alloc/bytes.hpp"
#include "alloc/intrusive_list.hpp"
#include "multiformats/peer_id.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace masu::net {

enum class StreamEnd : std::uint8_t {
  finished,         // both sides closed their half after all bytes
  reset_by_peer,    // RST
  refused,          // no protocol of ours is known there, or it takes no more streams
  timed_out,        // negotiation or the handler's own deadline
  connection_lost,  // the connection under it is gone
  no_connection,    // open_stream(): not connected, and dialling failed or was not allowed
  out_of_memory,    // a budget of ours refused it
};
std::string_view name_of(StreamEnd);

class Stream {
 public:
  virtual const PeerId& peer() const = 0;
  // The negotiated protocol id; its text lives as long as the program.
  virtual std::string_view protocol() const = 0;
  virtual bool inbound() const = 0;

  // Takes as many bytes as the peer's window and the connection's output have room for; 0: none now.
  // After a short write on_writable() will come without asking.
  virtual std::size_t write(Bytes bytes) = 0;
  // Asks for an on_writable() on the connection's next turn (as soon as there is room).
  virtual void want_write() = 0;
  // No more bytes from us. Reading goes on.
  virtual void close_write() = 0;
  // Ends both halves at once (RST). The Stream must not be used after.
  virtual void reset() = 0;
  // Graceful end without a handler: closes writing, drops what still arrives, ends it within seconds.
  // The Stream must not be used after.
  virtual void release() = 0;
  // After on_data() took less than it was given: offers the rest again on the next turn.
  virtual void resume_reading() = 0;

 protected:
  ~Stream() = default;
};

// A node of the list of those who wait for the answer to an open_stream() that could not even begin.
class StreamHandler : public IntrusiveListNode<StreamHandler> {
 public:
  // The outcome of Host::open_stream(), or the first call for an inbound stream.
  virtual void on_open(Stream& stream) = 0;
  // Bytes in order, valid inside the call only; returns how many were taken.
  virtual std::size_t on_data(Stream& stream, Bytes bytes) = 0;
  virtual void on_writable(Stream& stream) = 0;
  // The peer closed its half: no more on_data().
  virtual void on_remote_close(Stream& stream) = 0;
  // The stream is gone; also the answer to an open_stream() that failed (then `stream` is null).
  // The last call; the handler may destroy itself in it.
  virtual void on_closed(Stream* stream, StreamEnd end) = 0;

 protected:
  ~StreamHandler() = default;
};

}  // namespace masu::net
