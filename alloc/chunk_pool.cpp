#include "alloc/chunk_pool.hpp"

#include "alloc/check.hpp"
#include "alloc/page_box.hpp"
#include "alloc/poison.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>

namespace masu {

// --- Chunk ---

Chunk::Chunk(Chunk&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), index_(other.index_) {}

Chunk& Chunk::operator=(Chunk&& other) noexcept {
  if (this != &other) {
    reset();
    pool_ = std::exchange(other.pool_, nullptr);
    index_ = other.index_;
  }
  return *this;
}

Chunk::~Chunk() { reset(); }

Bytes Chunk::data() const {
  if (pool_ == nullptr) return {};
  const ChunkPool::Link& link = pool_->links_[index_];
  return {pool_->memory_of(index_) + link.begin, pool_->memory_of(index_) + link.end};
}

MutableBytes Chunk::mutable_data() {
  const Bytes bytes = data();
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
}

MutableBytes Chunk::space() {
  if (pool_ == nullptr) return {};
  return {pool_->memory_of(index_) + pool_->links_[index_].end, pool_->memory_of(index_) + chunk_bytes};
}

void Chunk::fill(std::size_t bytes) {
  MASU_CHECK(bytes <= space().size(), "a chunk is filled up to its end");
  if (bytes == 0) return;
  ChunkPool::Link& link = pool_->links_[index_];
  link.end = static_cast<std::uint16_t>(link.end + bytes);
}

void Chunk::consume(std::size_t bytes) {
  MASU_CHECK(bytes <= data().size(), "what is consumed was filled");
  if (bytes == 0) return;
  ChunkPool::Link& link = pool_->links_[index_];
  link.begin = static_cast<std::uint16_t>(link.begin + bytes);
  if (link.begin == link.end) link.begin = link.end = 0;
}

void Chunk::truncate(std::size_t bytes) {
  MASU_CHECK(bytes <= data().size(), "truncate keeps a part of the data");
  if (pool_ == nullptr) return;
  ChunkPool::Link& link = pool_->links_[index_];
  link.end = static_cast<std::uint16_t>(link.begin + bytes);
}

void Chunk::reset() {
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->give(index_);
}

// --- ChunkChain ---

ChunkChain::ChunkChain(ChunkChain&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      head_(other.head_),
      tail_(other.tail_),
      bytes_(std::exchange(other.bytes_, 0)),
      chunks_(std::exchange(other.chunks_, 0)) {}

ChunkChain& ChunkChain::operator=(ChunkChain&& other) noexcept {
  if (this != &other) {
    clear();
    pool_ = std::exchange(other.pool_, nullptr);
    head_ = other.head_;
    tail_ = other.tail_;
    bytes_ = std::exchange(other.bytes_, 0);
    chunks_ = std::exchange(other.chunks_, 0);
  }
  return *this;
}

ChunkChain::~ChunkChain() { clear(); }

void ChunkChain::clear() {
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->give_list(head_, tail_, chunks_);
  bytes_ = chunks_ = 0;
}

Bytes ChunkChain::front() const {
  const Piece first = begin();
  return first ? first.data() : Bytes();
}

void ChunkChain::append(Chunk&& chunk) {
  if (!chunk) return;
  MASU_CHECK(pool_ == nullptr || pool_ == chunk.pool_, "a chain has chunks of one pool");
  const std::uint32_t index = chunk.index_;
  ChunkPool& pool = *std::exchange(chunk.pool_, nullptr);
  pool.links_[index].next = ChunkPool::none;
  if (pool_ == nullptr) {
    pool_ = &pool;
    head_ = index;
  } else {
    pool.links_[tail_].next = index;
  }
  tail_ = index;
  bytes_ += std::size_t{pool.links_[index].end} - pool.links_[index].begin;
  ++chunks_;
}

void ChunkChain::append(ChunkChain&& other) {
  MASU_CHECK(this != &other, "a chain is not appended to itself");
  if (other.pool_ == nullptr) return;
  if (pool_ == nullptr) {
    *this = std::move(other);
    return;
  }
  MASU_CHECK(pool_ == other.pool_, "a chain has chunks of one pool");
  pool_->links_[tail_].next = other.head_;
  tail_ = other.tail_;
  bytes_ += std::exchange(other.bytes_, 0);
  chunks_ += std::exchange(other.chunks_, 0);
  other.pool_ = nullptr;
}

bool ChunkChain::append_copy(ChunkPool& pool, Account& holder, Bytes bytes, Need need) {
  MASU_CHECK(pool_ == nullptr || pool_ == &pool, "a chain has chunks of one pool");
  while (!bytes.empty()) {
    if (pool_ == nullptr || pool.links_[tail_].end == chunk_bytes) {
      Chunk fresh = pool.take(holder, need);
      if (!fresh) return false;
      append(std::move(fresh));
    }
    ChunkPool::Link& link = pool.links_[tail_];
    const std::size_t part = std::min(bytes.size(), chunk_bytes - link.end);
    std::memcpy(pool.memory_of(tail_) + link.end, bytes.data(), part);
    link.end = static_cast<std::uint16_t>(link.end + part);
    bytes_ += part;
    bytes = bytes.subspan(part);
  }
  return true;
}

Chunk ChunkChain::pop_front() {
  if (pool_ == nullptr) return Chunk();
  Chunk chunk(pool_, head_);
  ChunkPool::Link& link = pool_->links_[head_];
  head_ = link.next;
  link.next = ChunkPool::none;
  bytes_ -= std::size_t{link.end} - link.begin;
  if (--chunks_ == 0) pool_ = nullptr;
  return chunk;
}

void ChunkChain::consume(std::size_t bytes) {
  MASU_CHECK(bytes <= bytes_, "what is consumed is in the chain");
  while (pool_ != nullptr) {
    ChunkPool::Link& link = pool_->links_[head_];
    const std::size_t held = std::size_t{link.end} - link.begin;
    if (bytes < held) {
      link.begin = static_cast<std::uint16_t>(link.begin + bytes);
      bytes_ -= bytes;
      return;
    }
    bytes -= held;
    pop_front().reset();
    if (bytes == 0) return;
  }
}

void ChunkChain::copy_to(std::size_t offset, MutableBytes out) const {
  MASU_CHECK(offset <= bytes_ && out.size() <= bytes_ - offset, "what is copied is in the chain");
  for (Piece piece = begin(); piece && !out.empty(); piece.next()) {
    Bytes bytes = piece.data();
    if (offset >= bytes.size()) {
      offset -= bytes.size();
      continue;
    }
    bytes = bytes.subspan(offset, std::min(bytes.size() - offset, out.size()));
    offset = 0;
    std::memcpy(out.data(), bytes.data(), bytes.size());
    out = out.subspan(bytes.size());
  }
}

std::size_t ChunkChain::to_iovec(std::span<iovec> out) const {
  std::size_t count = 0;
  for (Piece piece = begin(); piece && count < out.size(); piece.next()) {
    const Bytes bytes = piece.data();
    out[count++] = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  }
  return count;
}

ChunkChain::Piece ChunkChain::begin() const {
  Piece piece;
  if (pool_ == nullptr) return piece;
  piece.chain_ = this;
  piece.index_ = head_;
  piece.skip_empty();
  return piece;
}

Bytes ChunkChain::Piece::data() const {
  const ChunkPool& pool = *chain_->pool_;
  const ChunkPool::Link& link = pool.links_[index_];
  return {pool.memory_of(index_) + link.begin, pool.memory_of(index_) + link.end};
}

void ChunkChain::Piece::next() {
  index_ = chain_->pool_->links_[index_].next;
  skip_empty();
}

void ChunkChain::Piece::skip_empty() {
  const ChunkPool::Link* links = chain_->pool_->links_;
  while (index_ != ChunkPool::none && links[index_].begin == links[index_].end) index_ = links[index_].next;
  if (index_ == ChunkPool::none) chain_ = nullptr;
}

// --- ChunkPromise ---

ChunkPromise::ChunkPromise(ChunkPromise&& other) noexcept
    : pool_(other.pool_), chunks_(std::exchange(other.chunks_, 0)) {}

ChunkPromise& ChunkPromise::operator=(ChunkPromise&& other) noexcept {
  if (this != &other) {
    reset();
    pool_ = other.pool_;
    chunks_ = std::exchange(other.chunks_, 0);
  }
  return *this;
}

Chunk ChunkPromise::take(Account& holder) noexcept {
  MASU_CHECK(chunks_ > 0, "what is taken was promised");
  Chunk chunk = pool_->take(holder, Need::essential, true);
  if (chunk) --chunks_;
  return chunk;
}

void ChunkPromise::reset() {
  if (chunks_ > 0) pool_->end_promise(std::exchange(chunks_, 0));
}

// --- ChunkPool ---

ChunkPool::ChunkPool(Account& account, std::size_t capacity_chunks)
    : account_(account),
      capacity_(capacity_chunks),
      table_bytes_(whole_pages(capacity_chunks * sizeof(Link))) {
  MASU_CHECK(capacity_chunks > 0 && capacity_chunks < none, "a pool has chunks");
  MASU_CHECK(account_.commit(table_bytes_), "the plan has room for the chunk table");
  void* table = process_box().map(table_bytes_, page_bytes, Door::ours);
  void* memory = process_box().reserve(capacity_ * chunk_bytes, chunk_bytes);
  MASU_CHECK(table != nullptr && memory != nullptr, "the box has room for the chunk pool");
  links_ = static_cast<Link*>(table);
  memory_ = static_cast<std::uint8_t*>(memory);
  for (std::size_t index = 0; index < capacity_; ++index) {
    const auto next = static_cast<std::uint32_t>(index + 1);
    new (&links_[index]) Link{nullptr, next < capacity_ ? next : none, 0, 0};
  }
  untouched_ = 0;
  stats_.capacity = capacity_;
}

ChunkPool::~ChunkPool() {
  MASU_CHECK(stats_.used == 0 && stats_.promised == 0, "every chunk is back before its pool goes");
  trim();
  unpoison(memory_, capacity_ * chunk_bytes);
  process_box().unmap(memory_, capacity_ * chunk_bytes, Door::ours);
  process_box().unmap(links_, table_bytes_, Door::ours);
  account_.uncommit(table_bytes_);
}

Chunk ChunkPool::take(Account& holder, Need need) noexcept { return take(holder, need, false); }

Chunk ChunkPool::take(Account& holder, Need need, bool promised) noexcept {
  if (!holder.hold(chunk_bytes, need)) return Chunk();
  std::uint32_t index = none;
  bool resident = false;
  {
    const std::lock_guard guard(lock_);
    // A promised one may be in the hands of trim() at this very moment, when all others are out.
    const bool any = resident_ != none || untouched_ != none;
    if (any && (promised || stats_.used + stats_.promised + kept_from(need) < stats_.capacity)) {
      if (promised) --stats_.promised;
      resident = resident_ != none;
      std::uint32_t& list = resident ? resident_ : untouched_;
      index = std::exchange(list, links_[list].next);
      if (resident) --stats_.free_resident;
      stats_.peak = std::max(stats_.peak, ++stats_.used);
    } else {
      ++stats_.refusals;
    }
  }
  if (index == none || (!resident && !commit_chunk(index, promised))) {
    holder.drop(chunk_bytes);
    holder.note_refusal();
    return Chunk();
  }
  unpoison(memory_of(index), chunk_bytes);
  links_[index] = Link{&holder, none, 0, 0};
  return Chunk(this, index);
}

// How many are to be free besides. Requires: lock_ is held.
std::size_t ChunkPool::kept_from(Need need) const noexcept {
  switch (need) {
    case Need::closing: return 0;
    case Need::essential: return stats_.capacity / closing_part;
    case Need::optional: return stats_.capacity / 8;
    case Need::patient: break;
  }
  const std::size_t expected = promises_expected_ ? stats_.capacity / 4 : 0;
  return stats_.capacity / 8 + expected - std::min(expected, stats_.promised);
}

void ChunkPool::expect_promises(bool expected) noexcept {
  const std::lock_guard guard(lock_);
  promises_expected_ = expected;
}

std::optional<ChunkPromise> ChunkPool::promise(std::size_t chunks) noexcept {
  const std::lock_guard guard(lock_);
  if (stats_.used + stats_.promised + chunks + stats_.capacity / 16 > stats_.capacity) return std::nullopt;
  stats_.promised += chunks;
  return ChunkPromise(this, chunks);
}

void ChunkPool::end_promise(std::size_t chunks) noexcept {
  const std::lock_guard guard(lock_);
  stats_.promised -= chunks;
}

void ChunkPool::set_capacity(std::size_t capacity_chunks) noexcept {
  const std::lock_guard guard(lock_);
  stats_.capacity = std::min(capacity_chunks, capacity_);
}

// Gives the chunk its pages, or puts it back.
bool ChunkPool::commit_chunk(std::uint32_t index, bool promised) noexcept {
  if (account_.commit(chunk_bytes)) {
    if (process_box().recommit(memory_of(index), chunk_bytes, Door::ours)) return true;
    account_.uncommit(chunk_bytes);
    account_.note_refusal();
  }
  const std::lock_guard guard(lock_);
  links_[index].next = std::exchange(untouched_, index);
  --stats_.used;
  if (promised) ++stats_.promised;
  ++stats_.refusals;
  return false;
}

void ChunkPool::give(std::uint32_t index) noexcept { give_list(index, index, 1); }

void ChunkPool::give_list(std::uint32_t head, std::uint32_t tail, std::size_t count) noexcept {
  // One holder after another: chains mostly have one, and its counter is touched once.
  Account* holder = nullptr;
  std::size_t held = 0;
  for (std::uint32_t index = head, left = static_cast<std::uint32_t>(count); left > 0; --left) {
    poison(memory_of(index), chunk_bytes);
    Link& link = links_[index];
    if (link.holder != holder) {
      if (holder != nullptr) holder->drop(held);
      held = 0;
      holder = link.holder;
    }
    held += chunk_bytes;
    link.holder = nullptr;
    index = link.next;
  }
  if (holder != nullptr) holder->drop(held);
  const std::lock_guard guard(lock_);
  links_[tail].next = std::exchange(resident_, head);
  stats_.used -= count;
  stats_.free_resident += count;
}

bool ChunkPool::transfer(Chunk& chunk, Account& to) noexcept {
  if (!chunk) return true;
  MASU_CHECK(chunk.pool_ == this, "the chunk is of this pool");
  if (!to.hold(chunk_bytes)) return false;
  std::exchange(links_[chunk.index_].holder, &to)->drop(chunk_bytes);
  return true;
}

bool ChunkPool::transfer(ChunkChain& chain, Account& to) noexcept {
  if (chain.chunks_ == 0) return true;
  MASU_CHECK(chain.pool_ == this, "the chain is of this pool");
  if (!to.hold(chain.chunks_ * chunk_bytes)) return false;
  for (std::uint32_t index = chain.head_; index != none; index = links_[index].next) {
    std::exchange(links_[index].holder, &to)->drop(chunk_bytes);
  }
  return true;
}

std::size_t ChunkPool::trim(std::size_t keep_chunks) noexcept {
  std::size_t given = 0;
  while (true) {
    std::uint32_t index = none;
    {
      const std::lock_guard guard(lock_);
      if (stats_.free_resident <= keep_chunks) return given;
      index = std::exchange(resident_, links_[resident_].next);
      --stats_.free_resident;
      ++stats_.used;  // nobody takes it while its pages go
    }
    process_box().decommit(memory_of(index), chunk_bytes, Door::ours);
    account_.uncommit(chunk_bytes);
    given += chunk_bytes;
    const std::lock_guard guard(lock_);
    links_[index].next = std::exchange(untouched_, index);
    --stats_.used;
  }
}

ChunkPoolStats ChunkPool::stats() const noexcept {
  const std::lock_guard guard(lock_);
  return stats_;
}

}  // namespace masu
