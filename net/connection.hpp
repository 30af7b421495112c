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
#include "multiformats/peer_id.hpp"
#include "net/connection_owner.hpp"
#include "net/connection_resources.hpp"
#include "net/security/secure_reader.hpp"
#include "net/security/secure_writer.hpp"
#include "net/session.hpp"
#include "net/stream.hpp"
#include "net/upgrade.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

class Connection final : private SessionHost, private MemoryUser {
 public:
  // `expected`: whom we dialled, checked before anything of ours but a key is sent; none for a listener, or
  // when anyone will do. `resources` and `owner` must outlive the connection.
  Connection(ConnectionResources& resources, ConnectionOwner& owner, ConnectionRole role,
             std::optional<PeerId> expected, TimePoint now);
  // Streams that are still there get their on_closed(connection_lost); the owner gets no upcall but
  // on_stream_gone().
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- Input. ---

  // As LinkUser. An empty chunk: not now; wants_read() says when. The chunk may hold a part of a frame in
  // front of its space: it must come back by on_bytes(), also when nothing was read into it. So must further
  // ones, in order.
  Chunk chunk_for_reading();
  std::size_t chunks_behind(std::span<Chunk> chunks);
  void on_bytes(Chunk chunk, TimePoint now);
  // The next bytes for the link, empty when there are none. Makes upcalls: streams write into the output
  // here. Valid until on_sent().
  Bytes bytes_to_send(TimePoint now);
  // What follows them and is ready: fills `pieces` from the front, and says how many it used.
  std::size_t bytes_behind(std::span<Bytes> pieces) const { return writer_.behind_front(pieces); }
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
  // program. Requires: established(), 1 to multistream_choices_max protocols. The outcome comes by `handler`:
  // on_open(), or on_closed(nullptr, …). `lazy`: the peer is known to serve protocols[0]: on_open() comes at
  // once, what is written travels with the proposal, and a refusal ends the stream as `refused`. An error:
  // not begun (closing, caps, no memory), and `handler` is not called.
  [[nodiscard]] std::expected<void, StreamEnd> open_stream(std::span<const std::string_view> protocols,
                                                           StreamHandler& handler, bool lazy);
  // Ends it with a GoAway: streams are closed on the next turn, and on_connection_ended() comes when the link
  // took what was queued, after a second at the latest.
  void close();
  // Gives up the stream of which most is held here. False: none holds anything.
  bool reset_heaviest_stream() { return state_ == State::open && session_.reset_heaviest(); }

  // --- What it is. ---

  bool established() const;
  bool ended() const;  // on_connection_ended() has come: destroy it
  ConnectionRole role() const;
  const PeerId& peer() const override;  // Requires: established().
  // Who is at the other end, also when it was the wrong one; nullopt: it did not come to that.
  const std::optional<PeerId>& answered() const { return peer_; }
  // `visit(std::string_view protocol, bool inbound)` for each stream; an empty text: it is being negotiated.
  template <class Visitor>
  void for_each_stream(Visitor&& visit) const {
    session_.for_each_stream(visit);
  }
  ConnectionStats stats() const;

 private:
  enum class State : std::uint8_t { upgrading, open, closing, ended };
  class Input;  // one input: what handlers mark inside of it needs no turn

  ConnectionOwner& owner() override { return owner_; }
  void on_session_marked() override;
  void on_peer_goes_away(std::uint32_t code) override;
  void on_memory_back() override;
  void on_frame_taken() override;
  bool is_of_use() const override { return state_ == State::open && owner_.is_peer_of_use(); }
  bool has_slot() const override { return reader_.has_slot(); }
  TimePoint gathers_since() const override {
    return reader_.has_slot() ? frame_since_ : std::min(frame_since_, blocked_since_);
  }
  std::size_t gathered_bytes() const override { return reader_.gathered_bytes(); }

  SecureReader::Claim claim() const;
  void on_read_blocked();
  void process(TimePoint now);
  void advance_upgrade(TimePoint now);
  void establish(TimePoint now);
  void read_frames(TimePoint now);
  void settle(TimePoint now);
  void settle_clocks(TimePoint now);
  void settle_frame(TimePoint now);
  void wake_others();
  void retry_later(TimePoint now);
  void check_deadlines(TimePoint now);
  void fail(ConnectionEnd end, std::string_view detail, TimePoint now);
  void end();
  bool output_pending() const;

  ConnectionResources& resources_;
  ConnectionOwner& owner_;
  const ConnectionRole role_;
  State state_ = State::upgrading;
  ConnectionEnd end_ = ConnectionEnd::closed_by_us;
  std::string_view end_detail_;
  std::optional<PeerId> peer_;
  SecureReader reader_;
  SecureWriter writer_;
  Session session_;
  SlabPool<Upgrade>::Handle upgrade_;

  bool in_input_ = false;
  bool turn_asked_ = false;
  bool close_marked_ = false;
  bool upgrade_waits_output_ = true;  // at first: both sides begin with a line
  bool read_blocked_ = false;         // no chunk or slot
  bool write_blocked_ = false;        // no chunk for output
  bool memory_back_ = false;
  bool frame_taken_ = false;  // others need what it holds
  bool held_slot_ = false;    // at the end of the last input
  bool stall_noted_ = false;  // the writer knows that the link takes nothing
  std::optional<std::uint32_t> peer_goes_away_;
  std::uint8_t retries_ = 0;

  TimePoint now_;                               // of the last input
  TimePoint phase_deadline_;                    // of the upgrade, or of closing
  TimePoint retry_at_ = TimePoint::max();       // for memory
  TimePoint stalled_since_ = TimePoint::max();  // no memory for a stream's bytes
  TimePoint blocked_since_ = TimePoint::max();  // no chunk or slot to read into
  TimePoint frame_since_ = TimePoint::max();    // a part of a frame is here, and reading it goes on
  TimePoint output_since_ = TimePoint::max();   // the link took nothing of what is pending
  std::size_t held_bytes_ = 0;                  // of net.receive, at the end of the last input
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
};

}  // namespace masu::net
