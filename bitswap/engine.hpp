// Engine: the server: hears what peers want, looks whether it is here, and sends it.
//
// Each peer has a Responder: its Ledger and the stream that answers it. Wants are looked up in batches, a few
// of each peer in turn; messages with blocks are read, a piece at a time, by few SendJobs that go round among
// the peers whose streams can take them: those that have given blocks first (not always), those that take
// what they are given slowly last. The memory of one piece is left to the first; a peer that takes nothing
// gives its chunks back within half a second, and so does one that takes little while others wait; its wants
// when the message's time is over. Wants for absent blocks stay, and are served when the block comes.
//
// Loop thread. No IO of its own: streams from the Host, blocks in Jobs. Caps: see Ledger and BitswapLimits.
// Everything of a peer goes with it.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/slab_pool.hpp"
#include "bitswap/ledger.hpp"
#include "bitswap/limits.hpp"
#include "bitswap/out_stream.hpp"
#include "bitswap/server_jobs.hpp"
#include "bitswap/stat.hpp"
#include "store/block_store.hpp"
#include "store/jobs.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace masu::bitswap {

struct InLookupQueue;
struct InSendQueue;
struct InStalled;
struct InResponders;

// The peer of a Responder: who reads its messages, and what it is to us.
class ResponderPeer {
 public:
  // A want that on_want() had no room for may be offered again. Not called from inside of on_want().
  virtual void on_want_room() = 0;
  // It has sent blocks that we wanted.
  virtual bool has_given() const = 0;

 protected:
  ~ResponderPeer() = default;
};

// The server's side of one peer. Part of the Peer.
class Responder final : public OutStream,
                        public IntrusiveListNode<Responder, InLookupQueue>,
                        public IntrusiveListNode<Responder, InSendQueue>,
                        public IntrusiveListNode<Responder, InStalled>,
                        public IntrusiveListNode<Responder, InResponders> {
 public:
  Responder(Engine& engine, net::Host& host, const PeerId& peer, ResponderPeer& its_peer);
  ~Responder() = default;

  Ledger& ledger() { return ledger_; }
  std::uint64_t data_sent() const { return data_sent_; }

 private:
  friend class Engine;

  bool compose() override;
  void want_body() override;
  void on_message_sent() override;
  void on_pace(std::size_t bytes) override;
  void on_lost(bool late) override;

  bool compose_answers();
  bool compose_blocks();
  void read_ahead();
  // Holds memory of a message, or is about to.
  bool sends() const { return job_ != nullptr || has_body(); }

  Engine& engine_;
  ResponderPeer& its_peer_;
  Ledger ledger_;
  SendJob* job_ = nullptr;
  bool read_done_ = false;          // job_ has a piece that was not taken yet
  bool blocks_in_message_ = false;  // those that are `sending`
  bool slow_ = false;               // took little of this message
  std::size_t body_bytes_ = 0;
  std::uint64_t data_sent_ = 0;
};

class Engine final : private store::JobRoomWaiter, private net::Timer {
 public:
  Engine(net::Host& host, store::BlockStore& blocks, store::Jobs& jobs, ChunkPool& chunks, Account& wants,
         Account& sends, std::pmr::memory_resource& memory, const net::HashSecret& secret,
         const BitswapLimits& limits, BitswapStat& stat);
  ~Engine() = default;  // Requires: idle(), and no peer is left.
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void open(Responder& responder);
  // The peer is gone: its wants with it.
  void close(Responder& responder);
  // An entry of the message `message` (Ledger::next_message()). False: no room; the ResponderPeer is told.
  [[nodiscard]] bool on_want(Responder& responder, const WantEntry& entry, std::uint32_t message);
  // A message with the flag `full` is over: what it did not name is not wanted any more.
  void on_full_message(Responder& responder, std::uint32_t message);
  void on_block_stored(const Multihash& hash);

  void stop();
  bool idle() const { return lookup_jobs_.used() == 0 && send_jobs_.used() == 0; }
  std::size_t wants() const { return wants_.size(); }

 private:
  friend class Responder;
  friend class LookupJob;
  friend class SendJob;

  bool make_room(Responder& responder);
  void abandon(Responder& responder);
  void remove(ServerWant& want);
  void drop_wants(Responder& responder);
  void look_up(ServerWant& want);
  void pump_lookups();
  void on_looked_up(LookupJob& job);
  void settle(ServerWant& want, std::optional<std::uint32_t> bytes);
  void resume_stalled();

  // Whose turn it is to send.
  enum class Rank : std::uint8_t { givers, others, slow };
  static constexpr std::size_t rank_count = 3;
  using SendQueue = IntrusiveList<Responder, InSendQueue>;
  void want_job(Responder& responder);
  void queue_to_send(Responder& responder);
  bool anyone_waits() const;
  bool may_read_ahead() const;
  bool leaves_room_for_givers() const;
  Responder* next_to_send();
  void pump_sends();
  void begin(Responder& responder, SendJob& job);
  void post(SendJob& job);
  void on_read(SendJob& job);
  void give_back(Responder& responder);
  void unsend(Responder& responder);
  void on_job_room() noexcept override;
  void on_timer(TimePoint now) override;
  void arm(Duration after);

  net::Host& host_;
  store::BlockStore& blocks_;
  store::Jobs& jobs_;
  ChunkPool& chunks_;
  Account& sends_;
  const BitswapLimits& limits_;
  BitswapStat& stat_;
  bool stopped_ = false;
  ServerWants wants_;
  SlabPool<LookupJob> lookup_jobs_;
  SlabPool<SendJob> send_jobs_;
  IntrusiveList<Responder, InResponders> responders_;
  IntrusiveList<Responder, InLookupQueue> lookup_queue_;  // have wants that are `unknown`
  std::array<SendQueue, rank_count> send_queues_;         // could send a block, had they a job
  std::uint32_t turns_ = 0;
  IntrusiveList<Responder, InStalled> stalled_;  // a want of theirs waits for room
};

}  // namespace masu::bitswap
