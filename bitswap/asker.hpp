// Asker: the client's side of one peer: what it was told that we want, how much of it is on its way, and how
// well it has answered. Part of the Peer; loop thread.
//
// Requested blocks wait at the sender, so that some MiB of them are asked for ahead: window(). What is asked
// is in lists by what is to be done: to be told, told, and blocks that are expected, oldest first.
#pragma once

#include "bitswap/client_want.hpp"
#include "bitswap/out_stream.hpp"

#include <cstddef>
#include <cstdint>

namespace masu::bitswap {

class Client;

class Asker final : public OutStream, public IntrusiveListNode<Asker> {
 public:
  Asker(Client& client, net::Host& host, const PeerId& peer) : OutStream(host, peer), client_(client) {}
  ~Asker() = default;

  // Whether a block of it may be one that was asked for.
  bool expects_blocks(TimePoint now) const;
  bool has_sent_blocks() const { return blocks_received_ > 0; }
  // Bytes of blocks that were wanted.
  std::uint64_t data_received() const { return data_received_; }
  bool knows_presences() { return host().supports(peer(), protocols[0]); }

  bool has_something_to_say() const { return !unsent_.empty() || !cancels_.empty(); }

  // Blocks asked for and not received, and how many there may be.
  std::size_t outstanding() const { return outstanding_; }
  std::size_t window() const;
  // Seconds until one more block would be here, as far as can be guessed.
  double expected_wait(double unknown_rate) const;
  // --- Sessions that count on it: the connection manager is told. ---
  void join();
  void leave();
  // It has sent what one of them wanted: its connection is not to be trimmed until all of these let go.
  // False: so many peers are held that this one is not.
  bool hold();
  void let_go();

  double rate() const { return rate_; }  // bytes a second; 0: not known yet

  // The block asked for longest ago that is given up by now; null: none is.
  Ask* overdue(TimePoint now);

  // --- Accounting. ---
  void note_block(std::size_t bytes, const Ask* ask, TimePoint now);
  void note_unwanted() { ++unwanted_in_a_row_; }
  void note_answer(const Ask& ask, TimePoint now);
  // Bytes of a block came.
  void note_progress(TimePoint now) { progress_at_ = now; }

 private:
  friend class Client;

  bool compose() override;
  void want_body() override {}
  void on_message_sent() override {}
  void on_pace(std::size_t) override {}
  void on_lost(bool late) override;

  bool compose_cancels();
  Duration patience();
  void put(Ask& ask, AskState state);

  Client& client_;
  IntrusiveList<Ask> cancels_;
  IntrusiveList<Ask> unsent_;
  IntrusiveList<Ask> expected_;  // want-blocks sent, oldest first
  IntrusiveList<Ask> told_;      // all others
  std::size_t outstanding_ = 0;
  bool ready_ = false;      // takes part
  bool forgotten_ = false;  // it was told more than the table of asks still knows
  std::uint32_t unwanted_in_a_row_ = 0;
  std::uint64_t blocks_received_ = 0;
  std::uint64_t data_received_ = 0;
  std::uint16_t sessions_ = 0;
  std::uint16_t holds_ = 0;
  std::size_t usual_block_bytes_ = 64 * 1024;
  TimePoint progress_at_{};
  TimePoint newest_sent_at_{};  // of the blocks that came, when the one asked for last was
  TimePoint muted_until_{};
  std::optional<Duration> answer_time_;  // smoothed
  double rate_ = 0;
  TimePoint rate_since_{};
  std::size_t rate_bytes_ = 0;
};

}  // namespace masu::bitswap
