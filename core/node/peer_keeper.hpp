// PeerKeeper: keeps the PeerBook: notes who is worth it, writes it down, reads it back, and calls those it
// knows when the node has too few connections.
//
// A peer is noted when it sends its first block, and when it has been connected for half an hour. What
// changed is written once in save_interval and at stop(), a page at a time. After the start the addresses of
// those known lie in the peerstore for a quarter of an hour. While there are fewer connections than the low
// mark, known peers are dialled, dials_max at a time and each once an hour. Failures count only while there
// are connections: a machine without a network forgets nobody.
//
// Part of NodeNetwork, made after Bitswap and destroyed before it; loop thread; records are read and written
// in jobs: it must outlive them, see idle().
#pragma once

#include "alloc/resource.hpp"
#include "bitswap/bitswap.hpp"
#include "core/node/peer_book.hpp"
#include "net/swarm/swarm.hpp"
#include "net/timers.hpp"
#include "store/jobs.hpp"
#include "store/record_store.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace masu::core {

struct PeerKeeperOptions {
  std::size_t peers_max = 256;
  Duration save_interval = 1h;
  std::size_t dials_max = 2;
  WallSeconds (*wall_clock)() = nullptr;
};

class PeerKeeper final : private net::PeerObserver,
                         private net::DialHandler,
                         private net::Timer,
                         private bitswap::GiverListener,
                         private store::Job,
                         private store::JobRoomWaiter {
 public:
  static constexpr Duration long_connected = 30min;
  static constexpr Duration again_after = 1h;
  static constexpr Duration look_interval = 10s;

  PeerKeeper(Budget& budget, net::Swarm& swarm, bitswap::Bitswap& bitswap, store::RecordStore& records,
             store::Jobs& jobs, const net::HashSecret& secret, const PeerKeeperOptions& options);
  ~PeerKeeper();  // Requires: idle().
  PeerKeeper(const PeerKeeper&) = delete;
  PeerKeeper& operator=(const PeerKeeper&) = delete;

  // Dials nobody any more, and writes down what there is. To be called while the peers are still connected.
  void stop();
  bool idle() const { return work_ == Work::none; }
  const PeerBook& book() const { return book_; }

 private:
  static constexpr std::size_t page_records = 16;
  struct Addresses {
    void add(const MultiaddrView& address);
    std::span<const Multiaddr> all() const { return std::span(list).first(count); }
    std::array<Multiaddr, PeerNote::addresses_max> list;
    std::size_t count = 0;
  };
  // reading: all records, at the start. writing: what has changed.
  enum class Work : std::uint8_t { none, reading, writing };

  void on_peer_identified(const PeerId& peer) override;
  void on_peer_disconnected(const PeerId& peer) override;
  void on_dialled(const PeerId& peer, std::string_view error) override;
  void on_giver(const PeerId& peer) override;
  void on_timer(TimePoint now) override;
  void run() noexcept override;
  void finish() noexcept override;
  void on_job_room() noexcept override { post(); }

  void post();
  void read_page();
  void write_page();
  void on_read();
  void save();
  void note(const PeerId& peer, bool gave);
  void note_connected();
  Addresses addresses_of(const PeerId& peer) const;
  void dial_some(TimePoint now);

  net::Swarm& swarm_;
  bitswap::Bitswap& bitswap_;
  store::RecordStore& records_;
  store::Jobs& jobs_;
  const PeerKeeperOptions options_;
  Account account_;
  AccountResource memory_;
  PeerBook book_;
  std::size_t dials_ = 0;
  TimePoint next_save_;
  Work work_ = Work::none;
  bool loaded_ = false;
  bool stopped_ = false;
  bool save_again_ = false;

  // Of the job.
  std::array<PeerRecord, page_records> page_;
  std::size_t page_size_ = 0;
  std::size_t bad_ = 0;  // in front of the page: records to be deleted
  PeerRecord last_read_;
  bool read_all_ = false;
};

}  // namespace masu::core
