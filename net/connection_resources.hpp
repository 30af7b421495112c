// ConnectionResources: what all connections of a node share: the pools and accounts that hold their bytes,
// the slots for large frames, the node's Noise identity, the cipher context of the thread, and the limits.
//
// Made once by whoever puts the node together; outlives all connections. Loop thread only. The accounts it
// makes are rows of the budget: net.receive, net.send, net.window, net.handshake, net.stream.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/clock.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/key.hpp"
#include "net/multistream.hpp"
#include "net/random.hpp"
#include "net/security/aead.hpp"
#include "net/security/noise_handshake.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace masu::net {

class ConnectionStream;
class Upgrade;

// From the capacity plan. Every field bounds something a peer could make grow.
struct ConnectionLimits {
  // For all connections together. Requires: all frame slots filled (80 KiB each) fit receive_bytes;
  // receive_bytes and send_bytes together fit the chunk pool, or sending could starve reading.
  std::size_t handshakes = 32;                  // under way at once; beyond: refused
  std::size_t streams = 1024;                   // open or negotiating
  std::size_t partial_lines = 32;               // stream negotiations that hold an unfinished line
  std::size_t frame_slots = 16;                 // Noise frames above one chunk that are being gathered
  std::size_t receive_bytes = 8 * 1024 * 1024;  // quota of net.receive
  std::size_t send_bytes = 4 * 1024 * 1024;     // quota of net.send
  std::size_t window_bytes = 8 * 1024 * 1024;   // quota of net.window: receive windows above 256 KiB
  // For each connection.
  std::size_t inbound_streams_each = 64;
  std::size_t outbound_streams_each = 128;       // below the 256 that yamux lets go unacknowledged
  std::size_t received_bytes_each = 512 * 1024;  // kept for slow handlers before reading stops
  std::size_t window_bytes_each = 2 * 1024 * 1024;
  std::size_t frame_pace_min = 32 * 1024;  // bytes a second of a frame, while others wait for its memory
  // Times.
  Duration handshake_timeout = 15s;
  Duration inbound_negotiation_timeout = 10s;
  Duration outbound_negotiation_timeout = 15s;
  Duration release_timeout = 5s;        // for the peer to end a stream that its handler let go
  Duration write_timeout = 10s;         // the link takes nothing for so long
  Duration write_timeout_pressed = 2s;  // the same while others wait for memory
  Duration frame_timeout = 20s;         // from a frame's first byte to its last
  Duration frame_timeout_pressed = 3s;  // the same while others wait for memory
  // Who waits for a chunk or a slot for so long takes it from a slower one.
  Duration memory_patience = 250ms;
  Duration stall_timeout = 10s;         // no memory for a stream's bytes: the stream is reset
  Duration stall_timeout_pressed = 2s;  // the same for a stranger, while others wait for memory
  Duration keepalive_interval = 30s;
  Duration keepalive_timeout = 10s;  // for the answer; then the connection is lost
};

// The beginning of a negotiation line whose rest has not arrived.
struct PartialLine {
  std::size_t size = 0;
  std::array<std::uint8_t, multistream_message_max_bytes> bytes;
};

struct WaitsForMemory {};
struct GathersFrame {};

// A connection, as the shared memory sees it: it may wait for a chunk or a slot, and it may hold the
// beginning of a frame.
class MemoryUser : public IntrusiveListNode<MemoryUser, WaitsForMemory>,
                   public IntrusiveListNode<MemoryUser, GathersFrame> {
 public:
  // Something came back: try again, from the loop.
  virtual void on_memory_back() = 0;
  // Somebody else needs what the frame holds: it is to end, from the loop.
  virtual void on_frame_taken() = 0;
  // Its peer is of use: it is served before strangers, and keeps its frame longer.
  virtual bool is_of_use() const = 0;
  virtual bool has_slot() const = 0;
  // Since when it could have advanced, and how many bytes of the frame are here.
  virtual TimePoint gathers_since() const = 0;
  virtual std::size_t gathered_bytes() const = 0;

 protected:
  ~MemoryUser() = default;
};

class ConnectionResources {
 public:
  // `identity` signs the Noise key here, once; it is not kept. `budget`, `chunks` and `random` must outlive
  // this. Throws std::bad_alloc when OpenSSL has no memory for it.
  ConnectionResources(Budget& budget, ChunkPool& chunks, RandomSource& random, const PrivateKey& identity,
                      const ConnectionLimits& limits);
  ~ConnectionResources();
  ConnectionResources(const ConnectionResources&) = delete;
  ConnectionResources& operator=(const ConnectionResources&) = delete;

  const ConnectionLimits& limits() const { return limits_; }
  ChunkPool& chunks() { return chunks_; }
  RandomSource& random() { return random_; }
  AeadContext& aead() { return aead_; }
  const NoiseIdentity& identity() const { return identity_; }
  Account& receive_account() { return receive_; }
  Account& send_account() { return send_; }
  Account& window_account() { return window_; }
  SlotGroup& frame_slots() { return frame_slots_; }
  SlabPool<Upgrade>& upgrades();
  SlabPool<ConnectionStream>& streams();
  SlabPool<PartialLine>& partial_lines();

  // Less than an eighth of the chunks, or of the quota of net.receive, is free: nothing optional is begun.
  bool memory_low() const;
  // Other bounds of what is in flight, as the plan of another budget says. Requires: not above those at the
  // start.
  void set_bounds(const ConnectionLimits& limits);
  // The ladder: nothing optional is begun; streams that strangers open are refused.
  void set_growth(bool allowed) { growth_allowed_ = allowed; }
  void set_inbound_streams(bool allowed) { inbound_streams_allowed_ = allowed; }
  bool inbound_streams_allowed() const { return inbound_streams_allowed_; }
  void wait(MemoryUser& user);
  void wake_one();
  bool pressed() const { return !waiting_.empty() || !waiting_of_use_.empty() || memory_low(); }
  // The last eighth of net.receive is for peers of use: whether a stranger gets no chunk now.
  bool strangers_wait() const {
    return receive_.live_bytes() + chunk_bytes > receive_.quota_bytes() - receive_.quota_bytes() / 8;
  }
  // So many frame slots are for peers of use: who holds a slot lends it by the frame, and would wait for a
  // stranger's again before each.
  std::size_t slots_kept() const {
    const std::size_t slots = frame_slots_.slots();
    return slots > 1 ? std::max<std::size_t>(slots / 4, 1) : 0;
  }
  void gathers(MemoryUser& user);
  // `user` has waited for longer than memory_patience. The frame that advances slowest is given up for it: a
  // stranger's for a peer of use, and one below frame_pace_min for its like.
  void make_room(const MemoryUser& user, bool for_slot, TimePoint now);

 private:
  struct Pools;

  ConnectionLimits limits_;
  bool growth_allowed_ = true;
  bool inbound_streams_allowed_ = true;
  ChunkPool& chunks_;
  RandomSource& random_;
  Account receive_;
  Account send_;
  Account window_;
  Account handshake_;
  Account stream_;
  SlotGroup frame_slots_;
  AeadContext aead_;
  NoiseIdentity identity_;
  IntrusiveList<MemoryUser, WaitsForMemory> waiting_of_use_;
  IntrusiveList<MemoryUser, WaitsForMemory> waiting_;
  IntrusiveList<MemoryUser, GathersFrame> gathering_;
  std::unique_ptr<Pools> pools_;
};

}  // namespace masu::net
