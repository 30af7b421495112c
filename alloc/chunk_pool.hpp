// ChunkPool, Chunk, ChunkChain: one size of data chunk for all bytes in flight.
//
// A block, a frame or a body on its way is a chain of 16 KiB chunks; nothing that a peer sends is ever
// one large allocation. The pool has a fixed count from the capacity plan; pages are taken when a chunk
// is first used and given back by trim(). Each chunk is charged to the Account of whoever took it
// ("net.receive", "bitswap.block"), so that one holder's quota cannot eat the pool of another.
//
// Thread-safe: a chain filled on the loop may be freed by a worker. A Chunk or ChunkChain itself is a
// value with one owner, and is not shared. Under sanitizers free chunks are poisoned.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/bytes.hpp"
#include "alloc/spin_lock.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <sys/uio.h>

namespace masu {

inline constexpr std::size_t chunk_bytes = 16 * 1024;

class ChunkPool;

// One chunk and the part of it that is filled, [begin, end). Move-only; goes back to its pool when
// destroyed. An empty (moved-from) chunk has no space and no data.
class Chunk {
 public:
  Chunk() = default;
  Chunk(Chunk&& other) noexcept;
  Chunk& operator=(Chunk&& other) noexcept;
  ~Chunk();

  explicit operator bool() const { return pool_ != nullptr; }
  Bytes data() const;                // what is filled and not consumed
  MutableBytes mutable_data();       // the same, to decrypt in place
  MutableBytes space();              // what can be filled, behind the data
  void fill(std::size_t bytes);      // Requires: bytes <= space().size()
  void consume(std::size_t bytes);   // Requires: bytes <= data().size(). An emptied chunk is rewound.
  void truncate(std::size_t bytes);  // keeps the first `bytes` of data(). Requires: bytes <= data().size()
  void reset();                      // gives the chunk back now

 private:
  friend class ChunkPool;
  friend class ChunkChain;
  Chunk(ChunkPool* pool, std::uint32_t index) : pool_(pool), index_(index) {}
  ChunkPool* pool_ = nullptr;
  std::uint32_t index_ = 0;
};

// Bytes in order over chunks. Move-only. Links lie in the pool's own table: a chain allocates nothing.
class ChunkChain {
 public:
  ChunkChain() = default;
  ChunkChain(ChunkChain&& other) noexcept;
  ChunkChain& operator=(ChunkChain&& other) noexcept;
  ~ChunkChain();

  std::size_t size() const { return bytes_; }  // bytes of data
  std::size_t chunks() const { return chunks_; }
  bool empty() const { return bytes_ == 0; }
  Bytes front() const;         // data of the first chunk with data; empty when empty()
  void append(Chunk&& chunk);  // Requires: the same pool as the chunks before
  void append(ChunkChain&& other);
  // Copies bytes to the end, taking chunks for `holder` as needed. False: refused half-way, what was
  // copied stays. Requires: the chain's chunks are of `pool`.
  [[nodiscard]] bool append_copy(ChunkPool& pool, Account& holder, Bytes bytes, Need need = Need::essential);
  Chunk pop_front();                                         // an empty chunk when there is none
  void consume(std::size_t bytes);                           // from the front; emptied chunks go back at once
  void copy_to(std::size_t offset, MutableBytes out) const;  // Requires: offset + out.size() <= size()
  // Fills `out` with the pieces in order, from the front; returns how many it used.
  std::size_t to_iovec(std::span<iovec> out) const;
  void clear();

  // A place in the chain, for readers that look without consuming: for (auto p = chain.begin(); p; p.next()).
  class Piece {
   public:
    explicit operator bool() const { return chain_ != nullptr; }
    Bytes data() const;
    void next();

   private:
    friend class ChunkChain;
    void skip_empty();
    const ChunkChain* chain_ = nullptr;
    std::uint32_t index_ = 0;
  };
  Piece begin() const;

 private:
  friend class ChunkPool;
  void drop_front();

  ChunkPool* pool_ = nullptr;  // of the chunks; null when there are none
  std::uint32_t head_ = 0, tail_ = 0;
  std::size_t bytes_ = 0;
  std::size_t chunks_ = 0;
};

// So many chunks are free for whoever owns this, whatever others take: what is useful only whole (a block)
// ends once it has begun. Owned by one thread; what is left of it goes back when it is destroyed.
class ChunkPromise {
 public:
  ChunkPromise() = default;
  ChunkPromise(ChunkPromise&& other) noexcept;
  ChunkPromise& operator=(ChunkPromise&& other) noexcept;
  ~ChunkPromise() { reset(); }

  std::size_t chunks() const { return chunks_; }  // not taken yet
  // One of them. Empty: the quota of `holder` or the box is used up; it stays promised. Requires: chunks() >
  // 0.
  [[nodiscard]] Chunk take(Account& holder) noexcept;
  void reset();

 private:
  friend class ChunkPool;
  ChunkPromise(ChunkPool* pool, std::size_t chunks) : pool_(pool), chunks_(chunks) {}
  ChunkPool* pool_ = nullptr;
  std::size_t chunks_ = 0;
};

struct ChunkPoolStats {
  std::size_t capacity = 0, used = 0, peak = 0, free_resident = 0;  // in chunks
  std::size_t promised = 0;                                         // and not taken
  std::uint64_t refusals = 0;
};

class ChunkPool {
 public:
  // Of the chunks, kept for Need::closing.
  static constexpr std::size_t closing_part = 32;
  // `account` is the row that shows the pool's pages (chunks free and used, and the table).
  ChunkPool(Account& account, std::size_t capacity_chunks);
  ~ChunkPool();  // Requires: every chunk is back.
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // A chunk charged to `holder`. An empty Chunk: holder's quota, the pool or the box is used up; for
  // Need::optional and patient also when fewer than 1/8 of the chunks are free, for Need::essential 1/32.
  [[nodiscard]] Chunk take(Account& holder, Need need = Need::essential) noexcept;
  // Nothing: so many are not free beside a sixteenth of the pool and what is promised to others.
  [[nodiscard]] std::optional<ChunkPromise> promise(std::size_t chunks) noexcept;
  // Promises are asked for, or will be soon: Need::patient leaves a quarter of the chunks to them.
  void expect_promises(bool expected) noexcept;
  // Charges a chunk to another holder; false (and nothing changed) when that one's quota is used up.
  [[nodiscard]] bool transfer(Chunk& chunk, Account& to) noexcept;
  [[nodiscard]] bool transfer(ChunkChain& chain, Account& to) noexcept;
  // How many may be out from now on: at most what it was made with. Those above it come back when they come
  // back.
  void set_capacity(std::size_t capacity_chunks) noexcept;
  // Gives pages of free chunks back until at most `keep_chunks` free ones are resident; returns bytes given.
  std::size_t trim(std::size_t keep_chunks = 0) noexcept;
  ChunkPoolStats stats() const noexcept;

 private:
  friend class Chunk;
  friend class ChunkChain;
  friend class ChunkPromise;
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  // What is known of a chunk lies here, outside of it, so that a free chunk needs no page. An entry belongs
  // to whoever owns its chunk; those of free chunks are guarded by lock_.
  struct Link {
    Account* holder = nullptr;
    std::uint32_t next = none;
    std::uint16_t begin = 0;
    std::uint16_t end = 0;
  };
  static_assert(chunk_bytes <= 0xffff);

  std::uint8_t* memory_of(std::uint32_t index) const { return memory_ + std::size_t{index} * chunk_bytes; }
  std::size_t kept_from(Need need) const noexcept;
  // `promised`: one of those that are.
  Chunk take(Account& holder, Need need, bool promised) noexcept;
  void end_promise(std::size_t chunks) noexcept;
  bool commit_chunk(std::uint32_t index, bool promised) noexcept;
  void give(std::uint32_t index) noexcept;
  void give_list(std::uint32_t head, std::uint32_t tail, std::size_t count) noexcept;

  Account& account_;
  const std::size_t capacity_;
  const std::size_t table_bytes_;
  std::uint8_t* memory_ = nullptr;
  Link* links_ = nullptr;

  mutable SpinLock lock_;           // guards what follows
  std::uint32_t resident_ = none;   // free, with pages
  std::uint32_t untouched_ = none;  // free, without
  ChunkPoolStats stats_;
  bool promises_expected_ = false;
};

// A slot is the right to a second chunk: what is useful only whole (a Noise frame of 64 KiB, a block of
// 2 MiB) would lock up a pool that all hold a part of. slots x bytes_each <= pool is checked when the
// capacity plan is made. Not thread-safe (loop only).
class SlotGroup {
 public:
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept : group_(std::exchange(other.group_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      if (this != &other) {
        reset();
        group_ = std::exchange(other.group_, nullptr);
      }
      return *this;
    }
    ~Slot() { reset(); }
    explicit operator bool() const { return group_ != nullptr; }
    void reset() {
      if (group_ != nullptr) --group_->used_;
      group_ = nullptr;
    }

   private:
    friend class SlotGroup;
    explicit Slot(SlotGroup* group) : group_(group) {}
    SlotGroup* group_ = nullptr;
  };

  SlotGroup(std::string_view name, std::size_t slots) : name_(name), slots_(slots) {}
  // Empty: there would be less than `leave` for others.
  [[nodiscard]] Slot take(std::size_t leave = 0) {
    if (used_ + leave >= slots_) {
      ++refusals_;
      return Slot();
    }
    ++used_;
    if (used_ > peak_) peak_ = used_;
    return Slot(this);
  }
  std::string_view name() const { return name_; }
  // Those above it come back when they come back.
  void set_slots(std::size_t slots) { slots_ = slots; }
  std::size_t slots() const { return slots_; }
  std::size_t used() const { return used_; }
  std::size_t peak() const { return peak_; }
  std::uint64_t refusals() const { return refusals_; }

 private:
  std::string_view name_;
  std::size_t slots_;
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
  std::uint64_t refusals_ = 0;
};

}  // namespace masu
