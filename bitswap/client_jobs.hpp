// LocalJob, StoreJob: what the client has workers do: looking into the store, and writing what came.
//
// Entries of the Client's slabs, with copies of what they need: the wants may be gone when they come back.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "alloc/intrusive_list.hpp"
#include "bitswap/client_want.hpp"
#include "bitswap/message_reader.hpp"
#include "store/block_store.hpp"
#include "store/jobs.hpp"

#include <array>
#include <cstddef>
#include <optional>

namespace masu::bitswap {

class Client;

// Reads the block of one request, or finds out which of some blocks are here already.
class LocalJob final : public store::Job {
 public:
  static constexpr std::size_t wants_max = 32;

  LocalJob(Client& client, Session& session, store::BlockStore& blocks, ChunkPool& chunks)
      : client_(client), session_(&session), blocks_(blocks), chunks_(chunks) {}

  bool full() const { return count_ == wants_max; }
  std::size_t size() const { return count_; }
  void add(ClientWant& want);
  // The one want that was added has a request.
  void read_for(Account& holder) { holder_ = &holder; }
  bool reads() const { return holder_ != nullptr; }
  void forget(const ClientWant& want) { wants_[want.place] = nullptr; }
  ClientWant* want(std::size_t at) const { return wants_[at]; }

  // Null: it is gone.
  Session* session() const { return session_; }
  void forget_session() { session_ = nullptr; }

  bool here(std::size_t at) const { return here_[at]; }
  store::StoreResult<ChunkChain> take_block() { return std::move(block_); }

 private:
  void run() noexcept override;
  void finish() noexcept override;

  Client& client_;
  Session* session_;
  store::BlockStore& blocks_;
  ChunkPool& chunks_;
  Account* holder_ = nullptr;
  std::size_t count_ = 0;
  std::array<ClientWant*, wants_max> wants_{};
  std::array<Multihash, wants_max> hashes_;
  std::array<bool, wants_max> here_{};
  store::StoreResult<ChunkChain> block_;
};

class StoreJob final : public store::Job {
 public:
  StoreJob(Client& client, store::BlockStore& blocks, ReceivedBlock received)
      : block(std::move(received)), client_(client), blocks_(blocks) {}

  ReceivedBlock block;
  std::optional<store::StoreErrorCode> error;

 private:
  void run() noexcept override;
  void finish() noexcept override;

  Client& client_;
  store::BlockStore& blocks_;
};

}  // namespace masu::bitswap
