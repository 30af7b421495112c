// BlockSource: whole blocks for whoever walks a DAG, from the local store or from there and the network.
//
// One source belongs to one walk (a request, a pin, an export): over the network it is one Bitswap session.
// Loop thread only; upcalls come from the loop, never from inside of a call. Two implementations: LocalSource
// (store/local_source.hpp), whose missing blocks are `not_found`, and bitswap's session.
//
// Memory: what is delivered is charged to the account that was named, and belongs to the receiver. What is
// prefetched lies on disk, not in memory. A source bounds what is under way; what is above that waits.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/completion.hpp"
#include "alloc/intrusive_list.hpp"
#include "multiformats/cid.hpp"
#include "store/block_store.hpp"

#include <span>

namespace masu::store {

// What a request that is under way is for: it lies in the request, so that a source needs no memory for it.
struct BlockAsk {
  Cid cid;
  Account* holder = nullptr;
};

class BlockRequest : public IntrusiveListNode<BlockRequest> {
 public:
  BlockAsk ask;  // the source's while the request is under way
  // The outcome, once. May destroy the request, and may ask the source for more.
  virtual void on_block(StoreResult<ChunkChain> block) = 0;

 protected:
  ~BlockRequest() = default;
};

class BlockSource {
 public:
  virtual ~BlockSource() = default;  // Requests that are under way get no answer.

  // The block that `cid` names, charged to `holder`. Identity CIDs are answered from the CID itself; hash
  // functions off the list (multiformats/digest.hpp) are refused.
  virtual void get(const Cid& cid, Account& holder, BlockRequest& request) = 0;
  // No answer to it any more. Requires: it is under way.
  virtual void forget(BlockRequest& request) noexcept = 0;
  // These will be asked for soon, in this order: a hint. Over the network they are fetched into the store;
  // what exceeds the bounds of the source is left out.
  virtual void prefetch(std::span<const Cid> cids) = 0;
};

// One block as a Task waits for it, forgotten when it goes away first:
//     AwaitedBlock wait(source, cid, holder);
//     StoreResult<ChunkChain> block = co_await wait;
class AwaitedBlock final : private BlockRequest {
 public:
  AwaitedBlock(BlockSource& source, const Cid& cid, Account& holder) : source_(source) {
    source.get(cid, holder, *this);
  }
  ~AwaitedBlock() {
    if (!done_.completed()) source_.forget(*this);
  }
  auto operator co_await() noexcept { return done_.operator co_await(); }

 private:
  void on_block(StoreResult<ChunkChain> block) override { done_.complete(std::move(block)); }

  BlockSource& source_;
  Completion<StoreResult<ChunkChain>> done_;
};

}  // namespace masu::store
