// ConnectionOwner: what a connection asks of whoever owns it, and the words both use. See connection.hpp.
#pragma once

#include "alloc/clock.hpp"
#include "multiformats/key.hpp"
#include "multiformats/peer_id.hpp"
#include "net/stream.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace masu::net {

enum class ConnectionRole : std::uint8_t { dialer, listener };

enum class ConnectionEnd : std::uint8_t {
  closed_by_us,
  closed_by_peer,    // GoAway or the link's end
  handshake_failed,  // what is in the error text
  wrong_peer,        // dialled one peer, another answered
  protocol_error,    // Noise or yamux rules broken
  timed_out,         // handshake, keep-alive, write or frame deadline
  out_of_memory,
};
std::string_view name_of(ConnectionEnd);

// What the connection asks of its owner (the swarm). One owner object per connection.
class ConnectionOwner {
 public:
  // The handshake is over: who it is. False closes it (gater, duplicate, cap).
  virtual bool on_established(const PeerId& peer, const PublicKey& key) = 0;
  // The permanent text of `protocol` if this node serves it, else an empty one (answered with `na`). The peer
  // may ask for several before it settles; nothing is opened by this.
  virtual std::string_view find_protocol(std::string_view protocol) = 0;
  // A new inbound stream settled on `protocol` (a text of find_protocol()): its handler, which gets on_open()
  // next; or null: a limit is reached and the stream is reset.
  virtual StreamHandler* on_inbound_stream(std::string_view protocol) = 0;
  // A stream which had a handler is gone (after its on_closed(), or when its handler let it go). For inbound
  // streams `protocol` is what on_inbound_stream() was given; for outbound ones that never settled it is
  // empty.
  virtual void on_stream_gone(std::string_view protocol, bool inbound) = 0;
  // So many bytes of a stream were taken by its handler, or from it; with those of its negotiation, for which
  // `protocol` is empty as long as it is not settled.
  virtual void on_stream_bytes(std::string_view protocol, std::size_t in, std::size_t out) = 0;
  // The last upcall; all streams were closed before. `detail` is for people, valid inside the call.
  virtual void on_connection_ended(ConnectionEnd end, std::string_view detail) = 0;
  // There is work that did not come from an input (a handler marked something, memory came back): call
  // turn() and drain soon, from the loop. Not an upcall in the sense above: it may come inside any call, also
  // one on another connection, and must not call back. At most once until the next turn().
  virtual void on_turn_wanted() = 0;

  // Whether the peer is of use to this node, and served before strangers when memory is short.
  virtual bool is_peer_of_use() const { return false; }

 protected:
  ~ConnectionOwner() = default;
};

struct ConnectionStats {
  std::uint64_t bytes_in = 0;  // on the link, with all framing
  std::uint64_t bytes_out = 0;
  std::uint64_t stream_bytes_in = 0;  // payload of streams
  std::uint64_t stream_bytes_out = 0;
  std::size_t streams_inbound = 0;  // open now
  std::size_t streams_outbound = 0;
  std::size_t received_held_bytes = 0;  // chunks of net.receive
  std::size_t streams_held_bytes = 0;   // of them, what handlers have not taken
  std::size_t output_held_bytes = 0;    // chunks of net.send
  std::optional<Duration> round_trip;   // smoothed, from yamux pings
  TimePoint last_active{};              // the last payload of a stream, either way
};

}  // namespace masu::net
