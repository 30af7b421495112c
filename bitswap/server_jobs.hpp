// LookupJob, SendJob: what the server has workers do: asking the index for sizes, and reading blocks.
//
// Both are entries of the Engine's slabs, with copies of what they need: the wants that asked may be gone
// when they come back (forget()). run() touches nothing else of the loop's.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "bitswap/ledger.hpp"
#include "bitswap/message_writer.hpp"
#include "store/block_store.hpp"
#include "store/jobs.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace masu::bitswap {

class Engine;
class Responder;

// The sizes of up to `wants_max` blocks.
class LookupJob final : public store::Job {
 public:
  static constexpr std::size_t wants_max = 32;

  LookupJob(Engine& engine, store::BlockStore& blocks) : engine_(engine), blocks_(blocks) {}

  bool full() const { return count_ == wants_max; }
  std::size_t size() const { return count_; }
  // Requires: !full().
  void add(ServerWant& want);
  void forget(const ServerWant& want) { wants_[want.lookup] = nullptr; }
  // Null: it was forgotten.
  ServerWant* want(std::size_t at) const { return wants_[at]; }
  // Nothing: the block is not here, or could not be asked for.
  std::optional<std::uint32_t> bytes(std::size_t at) const { return bytes_[at]; }

 private:
  void run() noexcept override;
  void finish() noexcept override;

  Engine& engine_;
  store::BlockStore& blocks_;
  std::size_t count_ = 0;
  std::array<ServerWant*, wants_max> wants_{};
  std::array<Multihash, wants_max> hashes_;
  std::array<std::optional<std::uint32_t>, wants_max> bytes_;
};

// The body of a message: the blocks it carries, each behind its head, read piece by piece.
class SendJob final : public store::Job {
 public:
  static constexpr std::size_t blocks_max = 16;
  static constexpr std::size_t piece_bytes = 8 * chunk_bytes;
  // A small rest goes with the piece before it: the head of a block of 256 KiB asks for no third one.
  static constexpr std::size_t piece_chunks_max = 9;
  // More than one block goes into a message only while all of them are at most this.
  static constexpr std::size_t batch_bytes_max = 4 * chunk_bytes;

  SendJob(Engine& engine, store::BlockStore& blocks, ChunkPool& chunks, Account& account)
      : engine_(engine), blocks_(blocks), chunks_(chunks), account_(account) {}

  void start(Responder& responder, Dialect dialect);
  bool full() const { return count_ == blocks_max; }
  std::size_t size() const { return count_; }
  void add(const ServerWant& want);
  // The piece to be read by the next run(). Of a message that has begun, blocks may not be missing.
  void read_from(std::size_t offset, bool begun);

  Responder* responder() const { return responder_; }
  void forget() { responder_ = nullptr; }
  bool running() const { return running_; }
  bool begun() const { return begun_; }
  void set_running(bool running) { running_ = running; }

  // --- Outcome. ---
  enum class Outcome : std::uint8_t { done, no_memory, failed };
  Outcome outcome() const { return outcome_; }
  bool missing(std::size_t at) const { return items_[at].missing; }
  std::uint32_t block_bytes(std::size_t at) const { return items_[at].bytes; }
  std::size_t body_bytes() const { return body_bytes_; }
  ChunkChain take_piece() { return std::move(piece_); }

 private:
  struct Item {
    Cid cid;
    std::uint32_t bytes = 0;
    bool missing = false;
  };
  void run() noexcept override;
  void finish() noexcept override;
  Outcome produce();
  void open_items();
  bool put(Bytes bytes);
  Outcome put_block(std::size_t at, std::size_t offset, std::size_t bytes);

  Engine& engine_;
  store::BlockStore& blocks_;
  ChunkPool& chunks_;
  Account& account_;
  Responder* responder_ = nullptr;  // null: it lost interest
  bool running_ = false;
  bool begun_ = false;
  Dialect dialect_;
  std::size_t count_ = 0;
  std::size_t offset_ = 0;
  std::size_t body_bytes_ = 0;
  Outcome outcome_ = Outcome::done;
  std::array<Item, blocks_max> items_;
  std::unique_ptr<store::BlockReader> reader_;  // of the item read last
  std::size_t reader_of_ = blocks_max;
  std::size_t failed_at_ = 0;
  ChunkChain piece_;
  Chunk chunk_;
};

}  // namespace masu::bitswap
