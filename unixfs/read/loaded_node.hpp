// LoadedNode: one block in memory with what it says: raw bytes, or a dag-pb node and its UnixFS message.
//
// Stays where it is while it holds a block, since its views point into it. One load at a time; a new one
// drops the old block first. Loop thread.
//
// ReadContext: what every reader of a DAG works with: where blocks come from, who pays for those in memory,
// and whether anybody still wants to know. It outlives the readers that were given it.
#pragma once

#include "alloc/task.hpp"
#include "store/block_source.hpp"
#include "unixfs/dag/dag_pb.hpp"
#include "unixfs/dag/node.hpp"

namespace masu::unixfs {

// Asked between blocks; true: end now, with ErrorCode::stopped.
class StopSignal {
 public:
  virtual bool stopped() const = 0;

 protected:
  ~StopSignal() = default;
};

struct ReadContext {
  store::BlockSource& source;
  Account& holder;
  const StopSignal& stop;
};

// A block that could not be had, as Kubo says it.
Error block_error(const Cid& cid, const store::StoreError& error);

class LoadedNode {
 public:
  enum class Kind : std::uint8_t { nothing, raw, dag_pb, other };

  LoadedNode() = default;
  LoadedNode(const LoadedNode&) = delete;
  LoadedNode& operator=(const LoadedNode&) = delete;

  // Gets the block and reads it. An error: it could not be had, or is no block of its codec; then nothing is
  // held. A dag-pb node that is no UnixFS is no error here, but in unixfs().
  Task<Result<>> load(TaskMemory memory, const ReadContext& context, Cid cid);
  // Reads a block that is here already.
  Result<> take(const Cid& cid, ChunkChain block);
  void clear();

  Kind kind() const { return kind_; }
  const Cid& cid() const { return cid_; }
  std::size_t block_bytes() const { return block_.size(); }
  Rope block() const { return Rope(block_); }
  const DagPbNode& dag_pb() const { return node_; }  // Requires: kind() == dag_pb
  // Requires: kind() == dag_pb. The error reads as Kubo's.
  const Result<Node>& unixfs() const { return unixfs_; }

  // Gives up everything but `part`, which is a view into this block. Then nothing is held.
  ChunkChain release(Rope part);
  ChunkChain release();

 private:
  Kind kind_ = Kind::nothing;
  Cid cid_;
  ChunkChain block_;
  DagPbNode node_;
  Result<Node> unixfs_;
};

}  // namespace masu::unixfs
