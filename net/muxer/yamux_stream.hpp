// YamuxStream: what yamux knows of one stream. The base of whatever its user keeps for a stream, so that both
// are one slab entry. Owned by the user; listed in the Yamux from add() until remove().
#pragma once

#include "alloc/chunk_pool.hpp"
#include "alloc/clock.hpp"
#include "alloc/intrusive_list.hpp"
#include "net/muxer/yamux_frame.hpp"

#include <cstddef>
#include <cstdint>

namespace masu::net {

struct YamuxControlTag {};
struct YamuxWritableTag {};
struct YamuxReadyTag {};

class YamuxStream : public IntrusiveListNode<YamuxStream, YamuxControlTag>,
                    public IntrusiveListNode<YamuxStream, YamuxWritableTag>,
                    public IntrusiveListNode<YamuxStream, YamuxReadyTag> {
 public:
  YamuxStream(std::uint32_t id, bool inbound)
      : id_(id), inbound_(inbound), syn_owed_(!inbound), ack_owed_(inbound) {}
  YamuxStream(const YamuxStream&) = delete;
  YamuxStream& operator=(const YamuxStream&) = delete;

  std::uint32_t id() const { return id_; }
  bool inbound() const { return inbound_; }
  // Received and not taken yet.
  const ChunkChain& held() const { return held_; }
  bool fin_received() const { return fin_received_; }
  bool fin_sent() const { return fin_sent_; }
  // It takes no more bytes from us: closed, reset, or being so.
  bool write_closed() const { return fin_owed_ || fin_sent_ || over_; }
  // Reset by either side: nothing is delivered any more.
  bool over() const { return over_; }
  // Frames of ours are still to be written.
  bool owes_frames() const { return rst_owed_ || fin_owed_; }
  std::uint32_t send_window_bytes() const { return send_window_; }
  std::uint32_t receive_window_bytes() const { return target_; }

 private:
  friend class Yamux;

  const std::uint32_t id_;
  std::uint32_t send_window_ = yamux_initial_window_bytes;  // what we may still send
  std::uint32_t credit_ = yamux_initial_window_bytes;       // what the peer may still send
  std::uint32_t target_ =
      yamux_initial_window_bytes;  // what credit_ is filled up to; net.window holds what is above the first
  YamuxStream* next_in_bucket_ = nullptr;
  ChunkChain held_;
  TimePoint last_update_{};  // of the window, sent to the peer

  const bool inbound_ : 1;
  bool syn_owed_ : 1;
  bool ack_owed_ : 1;
  bool fin_owed_ : 1 = false;
  bool rst_owed_ : 1 = false;
  bool update_owed_ : 1 = false;
  bool fin_sent_ : 1 = false;
  bool fin_received_ : 1 = false;
  bool over_ : 1 = false;
  bool waits_window_ : 1 = false;  // wants to write, and may not
  bool discards_ : 1 = false;      // what arrives is dropped and not granted again
  bool active_ = false;            // data came since the last look
};

}  // namespace masu::net
