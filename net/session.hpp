// Session: the streams of one established connection: yamux, the negotiation of a protocol on each stream,
// and the handlers' upcalls in the order that stream.hpp promises. A part of a connection; loop thread.
//
// Inputs are on_bytes(), pump(), run(), on_deadline() and close_all(): they make upcalls. What handlers call
// on streams only marks; the marks are worked off by run(), which the connection calls at the end of each
// input and on its turn. Streams are destroyed there too, never while an upcall is on the stack.
#pragma once

#include "net/connection_owner.hpp"
#include "net/connection_resources.hpp"
#include "net/connection_stream.hpp"
#include "net/muxer/yamux.hpp"
#include "net/security/secure_writer.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

// The connection, as its session sees it.
class SessionHost {
 public:
  virtual const PeerId& peer() const = 0;
  virtual ConnectionOwner& owner() = 0;
  // run() or pump() has work to do.
  virtual void on_session_marked() = 0;
  virtual void on_peer_goes_away(std::uint32_t code) = 0;

 protected:
  ~SessionHost() = default;
};

class Session final : private YamuxUser {
 public:
  Session(ConnectionResources& resources, SecureWriter& out, SessionHost& host, bool dialer);
  ~Session();  // Requires: close_all() when there are streams.

  Yamux& yamux() { return yamux_; }
  const Yamux& yamux() const { return yamux_; }

  std::expected<void, StreamEnd> open_stream(std::span<const std::string_view> protocols,
                                             StreamHandler& handler, bool lazy, TimePoint now);
  [[nodiscard]] std::expected<std::size_t, YamuxError> on_bytes(Bytes bytes, TimePoint now);
  void pump(TimePoint now);
  // Works off what was marked before the call; what is marked meanwhile waits for the next one.
  void run(TimePoint now);
  bool has_work() const { return yamux_.has_ready(); }
  // Resets the streams whose time is over.
  void on_deadline(TimePoint now);
  TimePoint next_deadline() const { return next_deadline_; }
  // The stream whose bytes find no memory is given up.
  void reset_stalled();
  // A mark: the stream of which most is held is given up. False: none holds anything.
  bool reset_heaviest();
  // Tells every handler, and forgets all streams. No stream can be opened any more.
  void close_all(StreamEnd end, TimePoint now);

  template <class Visitor>
  void for_each_stream(Visitor&& visit) const {
    yamux_.for_each_stream([&](const YamuxStream& base) {
      const auto& stream = static_cast<const ConnectionStream&>(base);
      if (!stream.over()) visit(stream.protocol(), stream.YamuxStream::inbound());
    });
  }
  SessionHost& host() { return host_; }

  // What ConnectionStream passes on.
  const PeerId& peer() const { return host_.peer(); }
  std::size_t write(ConnectionStream& stream, Bytes bytes);
  void want_write(ConnectionStream& stream);
  void close_write(ConnectionStream& stream);
  void reset(ConnectionStream& stream);
  void release(ConnectionStream& stream);
  void resume_reading(ConnectionStream& stream);

 private:
  YamuxStream* on_inbound(std::uint32_t id) override;
  std::size_t on_data(YamuxStream& stream, Bytes bytes, TimePoint now) override;
  void on_fin(YamuxStream& stream) override;
  void on_peer_reset(YamuxStream& stream) override;
  void on_writable(YamuxStream& stream, TimePoint now) override;
  void on_ready(YamuxStream& stream, TimePoint now) override;
  void on_go_away(std::uint32_t code) override;
  bool is_peer_of_use() const override { return host_.owner().is_peer_of_use(); }
  // Of the peer: more are refused, as many streams as there are now.
  std::size_t inbound_streams_allowed() const;

  // Negotiation (stream_negotiation.cpp).
  std::size_t negotiate(ConnectionStream& stream, Bytes bytes);
  std::size_t negotiate_partial(ConnectionStream& stream, Bytes bytes);
  bool keep_partial(ConnectionStream& stream, Bytes bytes);
  bool on_line(ConnectionStream& stream, std::string_view line);
  bool settle(ConnectionStream& stream, std::string_view protocol);
  bool write_lines(ConnectionStream& stream);

  void open(ConnectionStream& stream);
  void finish(ConnectionStream& stream, StreamEnd end);
  void tell_end(ConnectionStream& stream);
  void deliver(ConnectionStream& stream, TimePoint now);
  void set_deadline(ConnectionStream& stream, TimePoint deadline);
  void reap();
  void destroy(ConnectionStream& stream);

  ConnectionResources& resources_;
  SessionHost& host_;
  Yamux yamux_;
  IntrusiveList<YamuxStream, YamuxReadyTag> dead_;
  TimePoint next_deadline_ = TimePoint::max();  // not after the first deadline of a stream
  TimePoint now_{};                             // of the last input, for calls of handlers
  bool closed_ = false;
};

}  // namespace masu::net
