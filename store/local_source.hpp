// LocalSource: a BlockSource over the blocks that are here. What is missing is `not_found`, in Kubo's words.
//
// Blocks are read by jobs (JobClass::read); a Read is the memory of one and lies in the slab of LocalReads,
// which all sources of a node share, because a job outlives a source that goes away. So many reads are under
// way at most, so many of one source; further requests wait in a list that runs through the requests
// themselves, and sources take turns. Nothing is allocated for a block but its chunks. Identity CIDs and hash
// functions off the list take the same way, so that no answer comes from inside of a call.
//
// prefetch() does nothing: segments are read in the order in which they were written most of the time, and
// the kernel reads ahead.
//
// Loop thread only. LocalReads outlives its sources, and its reads: the node drains its jobs before.
#pragma once

#include "alloc/slab_pool.hpp"
#include "store/block_source.hpp"
#include "store/jobs.hpp"

#include <cstddef>

namespace masu::store {

class LocalSource;

class LocalReads final : private JobRoomWaiter {
 public:
  static constexpr std::size_t reads_default = 32;
  static constexpr std::size_t reads_per_source = 8;

  // `account` pays for the entries of up to `reads_max` reads.
  LocalReads(BlockStore& store, Jobs& jobs, ChunkPool& chunks, Account& account,
             std::size_t reads_max = reads_default);
  ~LocalReads();  // Requires: no sources, and nothing under way.

  std::size_t under_way() const { return reads_.used(); }

 private:
  friend class LocalSource;
  class Read;

  void pump();
  bool start(LocalSource& source);
  void on_job_room() noexcept override { pump(); }

  BlockStore& store_;
  Jobs& jobs_;
  ChunkPool& chunks_;
  SlabPool<Read> reads_;
  IntrusiveList<LocalSource> ready_;  // sources with requests that wait and reads to spare
};

class LocalSource final : public BlockSource, public IntrusiveListNode<LocalSource> {
 public:
  explicit LocalSource(LocalReads& reads) : reads_(reads) {}
  ~LocalSource() override;

  void get(const Cid& cid, Account& holder, BlockRequest& request) override;
  void forget(BlockRequest& request) noexcept override;
  void prefetch(std::span<const Cid>) override {}

 private:
  friend class LocalReads;

  void line_up();

  LocalReads& reads_;
  IntrusiveList<BlockRequest> waiting_;
  IntrusiveList<LocalReads::Read, LocalSource> under_way_;
};

}  // namespace masu::store
