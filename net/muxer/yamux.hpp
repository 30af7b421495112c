// Yamux: many streams over one secured link, without IO. Bytes come in as the reader shows them, frames go
// out through the writer, time comes as an argument. A part of a connection; loop thread.
//
// What a peer can make it hold, and where that ends:
//   - bytes a handler does not take: at most the window of each stream, in chunks of net.receive, taken as
//     bytes arrive. No chunk: on_bytes() stops in the middle (stall()), and so the socket does. The window is
//     filled up again only by what was taken, and to 64 KiB only while memory is low.
//   - windows above 256 KiB: granted to streams that use theirs up within four round trips, while
//     net.window has room; taken back from idle ones.
//   - replies: 16 pings and 16 refused streams; then it stalls until the link takes output. Everything else
//   that
//     is owed is a flag of a stream. A link that takes nothing is ended by its owner's write timeout.
//   - streams: inbound_streams_each, checked before anything is made; beyond it and the slab: RST.
//   - frames for streams that are gone are dropped, as many as a peer can have sent before it learned of
//     the end (the credit of each stream that we ended, and 64 frames); above that it breaks the rules.
//
// Output is fair: control frames first, then streams that want to write, in turns of 16 KiB (64 KiB when
// there is only one). Spec: libp2p/specs yamux/README.md.
#pragma once

#include "alloc/clock.hpp"
#include "alloc/intrusive_list.hpp"
#include "net/muxer/yamux_stream.hpp"
#include "net/security/secure_writer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace masu::net {

class ConnectionResources;

enum class YamuxError : std::uint8_t {
  bad_version,
  bad_type,
  bad_stream_id,  // zero, or of our own parity with SYN
  duplicate_stream,
  window_exceeded,  // data beyond what we granted
  window_overflow,  // a grant beyond 32 bits
  data_after_fin,
  stray_frames,  // for streams that never were, or too many for those that are gone
};
std::string_view name_of(YamuxError);

// Who keeps the streams. Upcalls come from on_bytes(), pump(), run_ready() and deliver_held() only. Inside of
// them streams may be written, closed, reset and added, but not removed.
class YamuxUser {
 public:
  // An inbound stream: its entry (added already by the Yamux when this returns), or null to reset it.
  virtual YamuxStream* on_inbound(std::uint32_t id) = 0;
  // Payload in order; returns how many bytes it took. The rest is held, and nothing more is offered before
  // deliver_held().
  virtual std::size_t on_data(YamuxStream& stream, Bytes bytes, TimePoint now) = 0;
  // The peer's last byte has arrived (some may still be held).
  virtual void on_fin(YamuxStream& stream) = 0;
  // The peer reset it: over(), to be removed.
  virtual void on_peer_reset(YamuxStream& stream) = 0;
  // It may write(), as it wanted.
  virtual void on_writable(YamuxStream& stream, TimePoint now) = 0;
  // ready() was called, or the last frame it owed was written.
  virtual void on_ready(YamuxStream& stream, TimePoint now) = 0;
  virtual void on_go_away(std::uint32_t code) = 0;
  virtual bool is_peer_of_use() const { return false; }

 protected:
  ~YamuxUser() = default;
};

class Yamux {
 public:
  Yamux(ConnectionResources& resources, SecureWriter& out, YamuxUser& user, bool dialer);
  Yamux(const Yamux&) = delete;
  Yamux& operator=(const Yamux&) = delete;
  void start(TimePoint now);  // The link is secured: the first ping is due.

  // --- In. ---
  enum class Stall : std::uint8_t { none, memory, output };
  // Returns how many bytes were used: all, or it stalled; then it wants to be called again with the rest
  // (also with none left) when there is memory, or output was taken. An error is final.
  [[nodiscard]] std::expected<std::size_t, YamuxError> on_bytes(Bytes bytes, TimePoint now);
  Stall stall() const { return stall_; }
  // Whose bytes find no memory; null when it is not that.
  YamuxStream* stalled_stream() const { return stall_ == Stall::memory ? body_stream_ : nullptr; }
  // Offers what is held to the user again.
  void deliver_held(YamuxStream& stream, TimePoint now);
  // Drops what is held and what arrives from now on.
  void discard(YamuxStream& stream);

  // --- Out. ---
  // Takes as much as window, turn and output allow; when it is not all, on_writable() will come.
  std::size_t write(YamuxStream& stream, Bytes bytes, TimePoint now);
  // All of a short text in one frame, whosever turn it is, or nothing; then on_writable() will come.
  [[nodiscard]] bool write_whole(YamuxStream& stream, Bytes bytes);
  void want_write(YamuxStream& stream);
  void close_write(YamuxStream& stream);
  // over() from now on; to be removed by the user when it owes no frames.
  void reset(YamuxStream& stream);
  void go_away(YamuxGoAway code);
  // Fills the output: what is owed, then the streams that want to write.
  void pump(TimePoint now);
  bool wants_output() const;

  // --- Streams. ---
  // The id for the next outbound stream; nullopt: used up.
  std::optional<std::uint32_t> take_id();
  void add(YamuxStream& stream);
  // Forgets it: the user may destroy it. Requires: over(), or both sides closed; owes_frames() is lost.
  void remove(YamuxStream& stream);
  // on_ready() is to come from run_ready().
  void ready(YamuxStream& stream);
  bool has_ready() const { return !ready_.empty(); }
  void run_ready(TimePoint now);
  std::size_t inbound_streams() const { return inbound_; }
  std::size_t outbound_streams() const { return outbound_; }
  template <class Visitor>
  void for_each_stream(Visitor&& visit) const;

  // --- Time. ---
  TimePoint next_deadline() const { return next_deadline_; }
  // False: the peer is gone (no sign of life since the last ping). `reading`: we were reading all the time.
  [[nodiscard]] bool on_deadline(TimePoint now, bool reading);
  void note_input(TimePoint now) { last_input_ = now; }

  std::optional<Duration> round_trip() const { return round_trip_; }
  std::size_t held_bytes() const { return held_chunks_ * chunk_bytes; }
  std::uint64_t stream_bytes_in() const { return stream_bytes_in_; }
  std::uint64_t stream_bytes_out() const { return stream_bytes_out_; }
  TimePoint last_active() const { return last_active_; }

 private:
  static constexpr std::size_t buckets = 8;
  static constexpr std::size_t owed_max = 16;
  // Frames that a peer may have sent for a stream before it learns that the stream is gone: window updates
  // and the ends of both halves.
  static constexpr std::uint32_t stray_frames_each = 64;

  // A few values in order; nothing is added to a full one.
  struct Owed {
    std::array<std::uint32_t, owed_max> values;
    std::uint8_t count = 0;
    bool full() const { return count == owed_max; }
    void push(std::uint32_t value) { values[count++] = value; }
    void pop() {
      --count;
      for (std::size_t i = 0; i < count; ++i) values[i] = values[i + 1];
    }
  };

  // In (yamux.cpp). False: it stalls on output, and the header is looked at again.
  std::expected<bool, YamuxError> on_header(TimePoint now);
  std::expected<bool, YamuxError> on_ping(const YamuxHeader& header, TimePoint now);
  std::expected<bool, YamuxError> on_stream_frame(const YamuxHeader& header);
  std::expected<void, YamuxError> on_known(YamuxStream& stream, const YamuxHeader& header);
  std::expected<void, YamuxError> on_stray(const YamuxHeader& header);
  std::expected<YamuxStream*, YamuxError> on_syn(const YamuxHeader& header);
  std::size_t on_body(Bytes piece, TimePoint now);
  std::size_t hold(YamuxStream& stream, Bytes bytes);
  void on_body_end();
  void expect_strays(std::uint32_t bytes);
  YamuxStream* find(std::uint32_t id) const;

  // Windows (yamux_output.cpp).
  std::uint32_t target_now(const YamuxStream& stream) const;
  void consider_update(YamuxStream& stream);
  void grow_window(YamuxStream& stream, TimePoint now);
  void shrink_window(YamuxStream& stream);
  void shrink_idle_windows();

  // Out (yamux_output.cpp).
  void put_data(YamuxStream& stream, Bytes bytes);
  bool put(YamuxType type, std::uint16_t flags, std::uint32_t stream, std::uint32_t length);
  bool write_control(TimePoint now);
  bool write_owed(YamuxStream& stream, TimePoint now);
  std::uint16_t take_flags(YamuxStream& stream);
  void owes(YamuxStream& stream);

  ConnectionResources& resources_;
  SecureWriter& out_;
  YamuxUser& user_;

  std::array<YamuxStream*, buckets> table_{};
  std::uint16_t inbound_ = 0;
  std::uint16_t outbound_ = 0;
  std::uint32_t next_id_;
  IntrusiveList<YamuxStream, YamuxControlTag> control_;
  IntrusiveList<YamuxStream, YamuxWritableTag> writable_;
  IntrusiveList<YamuxStream, YamuxReadyTag> ready_;

  // The frame being read: its header so far; then the body's stream (null: dropped) and what is left of it.
  std::array<std::uint8_t, yamux_header_bytes> header_{};
  std::uint8_t header_have_ = 0;
  Stall stall_ = Stall::none;
  std::uint16_t body_flags_ = 0;
  std::uint32_t body_left_ = 0;
  YamuxStream* body_stream_ = nullptr;

  std::uint32_t stray_bytes_ = 0;  // data for streams that are gone we still put up with
  std::uint32_t stray_frames_;     // frames for them
  std::uint32_t held_chunks_ = 0;
  std::uint32_t window_reserved_ = 0;

  YamuxStream* writing_ = nullptr;  // whose turn it is in pump()
  std::uint32_t turn_left_ = 0;
  Owed pongs_;
  Owed refusals_;
  std::optional<YamuxGoAway> go_away_owed_;
  bool going_away_ = false;

  bool ping_owed_ = false;
  bool ping_out_ = false;
  std::uint32_t ping_value_ = 0;
  TimePoint ping_sent_{};
  TimePoint next_deadline_ = TimePoint::max();
  TimePoint last_input_{};
  TimePoint last_active_{};
  std::optional<Duration> round_trip_;
  std::uint64_t stream_bytes_in_ = 0;
  std::uint64_t stream_bytes_out_ = 0;
};

template <class Visitor>
void Yamux::for_each_stream(Visitor&& visit) const {
  for (YamuxStream* stream : table_) {
    while (stream != nullptr) {
      YamuxStream* next = stream->next_in_bucket_;
      visit(*stream);
      stream = next;
    }
  }
}

}  // namespace masu::net
