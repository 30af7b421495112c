// ConnectionStream: the Stream that protocols see, over a stream of yamux. One entry of net.stream, owned by
// its Session; it keeps state and passes every call on to the session.
#pragma once

#include "alloc/clock.hpp"
#include "alloc/slab_pool.hpp"
#include "net/connection_resources.hpp"
#include "net/multistream.hpp"
#include "net/muxer/yamux_stream.hpp"
#include "net/stream.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace masu::net {

class Session;

class ConnectionStream final : public YamuxStream, public Stream {
 public:
  // Inbound: what protocol it is for will be negotiated.
  ConnectionStream(Session& session, std::uint32_t id) : YamuxStream(id, true), session_(session) {}
  // Outbound, with the protocols to propose.
  ConnectionStream(Session& session, std::uint32_t id, std::span<const std::string_view> protocols,
                   StreamHandler& handler)
      : YamuxStream(id, false),
        session_(session),
        handler_(&handler),
        negotiation_(MultistreamDialer(protocols)) {}

  Session& session() { return session_; }
  const PeerId& peer() const override;
  std::string_view protocol() const override { return protocol_; }
  bool inbound() const override { return YamuxStream::inbound(); }
  std::size_t write(Bytes bytes) override;
  void want_write() override;
  void close_write() override;
  void reset() override;
  void release() override;
  void resume_reading() override;

 private:
  friend class Session;

  Session& session_;
  StreamHandler* handler_ = nullptr;  // null: none yet (inbound), or it was told of the end, or let go
  std::string_view protocol_;
  std::variant<MultistreamListener, MultistreamDialer> negotiation_;
  SlabPool<PartialLine>::Handle partial_line_;
  TimePoint deadline_ = TimePoint::max();  // of the negotiation, or of the release
  std::optional<StreamEnd> end_;           // its handler is to be told

  bool had_handler_ = false;  // the owner counts it
  bool settled_ = false;      // the negotiation is over
  bool open_owed_ = false;    // on_open() is to come
  bool open_ = false;         // on_open() has come
  bool wants_write_ = false;  // on_writable() is to come
  bool wants_close_ = false;  // close_write() is to follow the lines that are owed
  bool resumes_ = false;      // what is held is to be offered again
  bool remote_close_told_ = false;
  bool released_ = false;
};

}  // namespace masu::net
