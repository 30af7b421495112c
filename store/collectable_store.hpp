// CollectableStore: a block store whose keys can be listed and whose garbage can be taken away while others
// read and write.
//
// Every block has a write sequence: a number from a counter that only grows, taken when the block is put,
// when it is put again although it was here, and when it is touched. A collection compares it with the
// sequence at which it began, and spares what was written since.
//
// WriteHold: whoever writes or relies on blocks before a pin protects them (an import, `pin add`, `dag
// import`) holds one from before its first block until its pin is written. A collection spares what was
// written since the oldest hold that was there when it began. So: take a hold; put new blocks, touch() old
// ones that must stay; write the pin; let go. A touch that answers "not here" lost the race against a
// collection: fetch again.
//
// Blocking calls from any thread but the loop, as BlockStore; holds are taken and given back on any thread.
#pragma once

#include "alloc/intrusive_list.hpp"
#include "alloc/spin_lock.hpp"
#include "store/block_store.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace masu::store {

// Position in the order of writes.
using WriteSequence = std::uint64_t;

class CollectableStore;

// Stays where it is; the store outlives it.
class WriteHold : public IntrusiveListNode<WriteHold> {
 public:
  explicit WriteHold(CollectableStore& store);
  ~WriteHold();

 private:
  friend class CollectableStore;
  CollectableStore& store_;
  WriteSequence since_ = 0;
};

struct StoredKey {
  Multihash hash;
  std::uint32_t bytes = 0;
  WriteSequence sequence = 0;
};

// The keys of a store in the order of their bytes. What is put or removed meanwhile may or may not show. Pins
// resources of the store: who pauses gives it back, and opens another one `after` the last key.
class KeyCursor {
 public:
  virtual ~KeyCursor() = default;
  // Moves to the next key (at first: to the first one); false at the end.
  virtual StoreResult<bool> next() = 0;
  // What next() moved to; valid until the next call of it.
  virtual const StoredKey& key() const = 0;
};

struct StoreUsage {
  std::uint64_t disk_bytes = 0;   // everything the store has on disk, index and dead space included
  std::uint64_t block_bytes = 0;  // of the blocks that are here
  std::uint64_t objects = 0;      // blocks
};

class CollectableStore : public BlockStore {
 public:
  // From the first key when `after` is null.
  virtual StoreResult<std::unique_ptr<KeyCursor>> open_keys(const Multihash* after = nullptr) = 0;

  // A sequence that no block written before this call has reached, and every one written after it has. Cheap;
  // any thread, the loop too.
  virtual WriteSequence next_sequence() const = 0;
  // Gives blocks that are here a new sequence; here[i] says whether hashes[i] is. One step with each removal.
  // Requires: here.size() == hashes.size().
  virtual StoreResult<void> touch(std::span<const Multihash> hashes, std::span<bool> here) = 0;
  // Removes those of `hashes` that are here and whose sequence is below `before`; removed[i] says which.
  // After an error what is marked removed is removed, and the others are here. Durable or undone after a
  // crash. Requires: removed.size() == hashes.size().
  virtual StoreResult<void> remove_unwritten(std::span<const Multihash> hashes, WriteSequence before,
                                             std::span<bool> removed) = 0;
  // Gives the disk space of removed blocks back, as far as it is worth it; ends within some 10 ms when `stop`
  // is set. Returns the bytes given back. Readers and writers wait for no more than one block's copy.
  virtual StoreResult<std::uint64_t> reclaim(const std::atomic<bool>& stop) = 0;
  // Counted, not walked.
  virtual StoreResult<StoreUsage> usage() = 0;

  // The oldest sequence from which on blocks are held, or next_sequence() without a hold. Any thread.
  WriteSequence held_since() const;

 protected:
  ~CollectableStore() override;  // Requires: no holds.

 private:
  friend class WriteHold;
  mutable SpinLock holds_lock_;  // guards what follows
  IntrusiveList<WriteHold> holds_;
};

}  // namespace masu::store
