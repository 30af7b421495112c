// Connection: one secured, multiplexed connection to a peer, without IO: multistream-select, Noise,
// early muxer selection, yamux and the stream negotiations put together.
//
// Bytes from the link come in as chunks, bytes for the link are polled out; deadlines are polled too. Owned
// by the swarm (a part of its slab entry), loop thread only.
//
// Its law. Inputs are on_bytes(), on_sent(), bytes_to_send(), on_link_closed(), on_deadline(), turn(); only
// inside of them does a connection make upcalls, to its owner and to the handlers of its streams. After
// each input (and when told by on_turn_wanted()), the owner drains: it destroys the connection if ended(),
// resumes reading if wants_read(), calls Link::want_write() if wants_write(), and arms next_deadline().
// Everything else (open_stream(), close(), all calls on a Stream) only marks, and may be called at any time,
// also in any upcall. The owner must not destroy a connection inside one of its upcalls.
//
// Memory: an idle connection holds this object and nothing else: no chunk, no cipher object (one cipher
// context is shared by the thread, keys lie here). Handshake state lives in the handshake account and dies at
// `established`. Received chunks are charged to net.receive, output chunks to net.send; a Noise frame of more
// than one chunk needs a frame slot. Streams come from the stream slab: at its cap an inbound stream is
// reset. When memory is short, wants_read() is false, nothing is lost, and reading goes on later.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "alloc/clock.hpp"
#include "multiformats/key.hpp"
#include "multiformats/peer_id.hpp"
#include "net/stream.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

class ConnectionResources;  // net/connection_resources.hpp: pools, accounts, slots, keys, limits

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
  // The last upcall; all streams were closed before. `detail` is for people, valid inside the call.
  virtual void on_connection_ended(ConnectionEnd end, std::string_view detail) = 0;
  // There is work that did not come from an input (a handler marked something, memory came back): call
  // turn() and drain soon, from the loop. Not an upcall in the sense above: it may come inside any call, also
  // one on another connection, and must not call back. At most once until the next turn().
  virtual void on_turn_wanted() = 0;

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
  std::size_t output_held_bytes = 0;    // chunks of net.send
  std::optional<Duration> round_trip;   // smoothed, from yamux pings
  TimePoint last_active{};              // the last payload of a stream, either way
};

class Connection {
 public:
  // `expected`: whom we dialled, checked before anything of ours but a key is sent; none for a listener, or
  // when anyone will do. `resources` and `owner` must outlive the connection.
  Connection(ConnectionResources& resources, ConnectionOwner& owner, ConnectionRole role,
             std::optional<PeerId> expected, TimePoint now);
  // Streams that are still there get their on_closed(connection_lost); the owner gets no upcall.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- Input. ---

  // As LinkUser. An empty chunk: not now; wants_read() says when. The chunk may hold a part of a frame in
  // front of its space: it must come back by on_bytes(), also when nothing was read into it.
  Chunk chunk_for_reading();
  void on_bytes(Chunk chunk, TimePoint now);
  // The next bytes for the link, empty when there are none. Makes upcalls: streams write into the output
  // here. Valid until on_sent().
  Bytes bytes_to_send(TimePoint now);
  void on_sent(std::size_t bytes, TimePoint now);
  // The link is gone: the connection ends.
  void on_link_closed(std::string_view why, TimePoint now);
  void on_deadline(TimePoint now);
  // Does what was marked since the last input.
  void turn(TimePoint now);

  // --- What it waits for. ---

  bool wants_read() const;
  bool wants_write() const;
  std::optional<TimePoint> next_deadline() const;

  // --- Marks; upcalls come with a later turn. ---

  // Opens a stream with the first of `protocols` that the peer knows; their texts live as long as the
  // program. Requires: established() and `protocols` not empty. The outcome comes by `handler`: on_open(), or
  // on_closed(nullptr, …). `lazy`: the peer is known to serve protocols[0]: on_open() comes at once, what is
  // written travels with the proposal, and a refusal ends the stream as `refused`.
  // An error: not begun (closing, caps, no memory), and `handler` is not called.
  [[nodiscard]] std::expected<void, StreamEnd> open_stream(std::span<const std::string_view> protocols,
                                                           StreamHandler& handler, bool lazy);
  // Ends it with a GoAway: streams are closed on the next turn, and on_connection_ended() comes when the link
  // took what was queued, after a second at the latest.
  void close();

  // --- What it is. ---

  bool established() const;
  bool ended() const;  // on_connection_ended() has come: destroy it
  ConnectionRole role() const;
  const PeerId& peer() const;  // Requires: established().
  ConnectionStats stats() const;
};

}  // namespace masu::net
