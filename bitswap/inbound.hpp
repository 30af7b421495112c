// Inbound, Intake: messages that come in.
//
// An Inbound is the handler of one inbound stream: its MessageReader, and who gets what it reads: the Engine
// the wants, the Client presences and blocks. The Intake is what they share: the room for blocks, and the
// queue of those that stopped because there was no room, no chunk or no room at the writers; the first in it
// is served first. A peer that holds memory and sends nothing for 10 s, or less than 32 KiB in a second while
// others wait, loses its stream.
//
// Loop thread. Entries of a slab, bounded by inbound_streams.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/plan.hpp"
#include "alloc/slab_pool.hpp"
#include "bitswap/client.hpp"
#include "bitswap/engine.hpp"
#include "bitswap/limits.hpp"
#include "bitswap/message_reader.hpp"
#include "bitswap/stat.hpp"
#include "net/host.hpp"

#include <cstddef>
#include <cstdint>

namespace masu::bitswap {

class Inbound;
struct Peer;
struct InWaiting;
struct InGathering;

class Intake final : private net::Timer {
 public:
  Intake(net::Host& host, Engine& engine, Client& client, ChunkPool& chunks, Account& streams,
         Account& blocks, std::pmr::memory_resource& digests, const BitswapLimits& limits, BitswapStat& stat);

  // Null: as many as may be are open.
  Inbound* create(Peer& peer);
  // Those that wait may go on.
  void pump();
  std::size_t streams() const { return streams_.used(); }
  BlockRoom& room() { return room_; }

 private:
  friend class Inbound;

  using Waiting = IntrusiveList<Inbound, InWaiting>;

  void on_timer(TimePoint now) override;
  void check(TimePoint now);
  void arm(Duration after);
  Waiting& waiting(const Inbound& stream);
  bool others_wait_for(const Inbound& stream) const;
  bool anyone_waits() const { return !waiting_givers_.empty() || !waiting_.empty(); }

  net::Host& host_;
  Engine& engine_;
  Client& client_;
  BitswapStat& stat_;
  BlockRoom room_;
  BlockIntake blocks_;
  SlabPool<Inbound> streams_;
  Waiting waiting_givers_;  // of peers that have sent wanted blocks before: they go first
  Waiting waiting_;
  IntrusiveList<Inbound, InGathering> gathering_;  // hold memory of a block
  Inbound* turn_ = nullptr;                        // may go on before the others
  TimePoint checked_at_{};
};

class Inbound final : public net::StreamHandler,
                      public IntrusiveListNode<Inbound>,
                      public IntrusiveListNode<Inbound, InWaiting>,
                      public IntrusiveListNode<Inbound, InGathering>,
                      private MessageSink {
 public:
  Inbound(Intake& intake, Peer& peer);

  // Goes on where it stopped. May destroy this.
  void resume();
  bool waits_for_want() const { return reader_.stall() == MessageReader::Stall::want; }
  // Ends the stream; destroys this.
  void reset();

 private:
  friend class Intake;

  void on_open(net::Stream& stream) override { stream_ = &stream; }
  std::size_t on_data(net::Stream& stream, Bytes bytes) override;
  void on_writable(net::Stream&) override {}
  void on_remote_close(net::Stream& stream) override;
  void on_closed(net::Stream* stream, net::StreamEnd end) override;

  bool on_want(const WantEntry& want) override;
  void on_presence(const Cid& cid, Presence presence) override;
  bool on_block_begin(std::size_t bytes) override;
  BlockRoom::Grant take_room(std::size_t block_bytes) override;
  bool has_room_for_block() override;
  void on_block(ReceivedBlock block) override;
  void on_message_end(bool full) override;

  bool of_giver() const;
  bool after_feed();
  void destroy();

  Intake& intake_;
  Peer& peer_;
  net::Stream* stream_ = nullptr;
  std::uint32_t message_ = 0;  // of the engine; 0: it has none yet
  bool remote_closed_ = false;
  std::uint64_t bytes_at_check_ = 0;
  TimePoint progress_at_{};
  TimePoint began_at_{};
  MessageReader reader_;
};
static_assert(sizeof(Inbound) <= plan_entry::bitswap_stream_bytes);

}  // namespace masu::bitswap
