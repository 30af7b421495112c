#include "bitswap/server_jobs.hpp"

#include "alloc/plan.hpp"
#include "bitswap/engine.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace masu::bitswap {

static_assert(sizeof(LookupJob) <= plan_entry::lookup_bytes && sizeof(SendJob) <= plan_entry::send_bytes);

void LookupJob::add(ServerWant& want) {
  want.lookup = static_cast<std::uint8_t>(count_);
  want.job = this;
  wants_[count_] = &want;
  hashes_[count_] = *Multihash::decode(want.cid.hash_bytes());
  ++count_;
}

void LookupJob::run() noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    const auto bytes = blocks_.size(hashes_[i]);
    bytes_[i] = bytes ? *bytes : std::nullopt;
  }
}

void LookupJob::finish() noexcept { engine_.on_looked_up(*this); }

void SendJob::start(Responder& responder, Dialect dialect) {
  responder_ = &responder;
  dialect_ = dialect;
  count_ = 0;
  reader_.reset();
  reader_of_ = blocks_max;
}

void SendJob::add(const ServerWant& want) {
  items_[count_].cid = want.cid.full();
  items_[count_].bytes = want.bytes;
  items_[count_].missing = false;
  ++count_;
}

void SendJob::read_from(std::size_t offset, bool begun) {
  offset_ = offset;
  begun_ = begun;
}

void SendJob::run() noexcept {
  for (;;) {
    open_items();
    outcome_ = produce();
    if (outcome_ != Outcome::failed || begun_) break;
    // A block that cannot be read is one that is not here.
    items_[failed_at_].missing = true;
    chunk_.reset();
    piece_.clear();
  }
  if (chunk_ && !chunk_.data().empty()) piece_.append(std::move(chunk_));
  chunk_.reset();
  // What could be read goes out; the rest is asked for again.
  if (outcome_ == Outcome::no_memory && !piece_.empty()) outcome_ = Outcome::done;
}

void SendJob::finish() noexcept { engine_.on_read(*this); }

// Finds out which blocks are here, and how many bytes the message has.
void SendJob::open_items() {
  body_bytes_ = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    Item& item = items_[i];
    if (item.missing) continue;
    if (!begun_) {
      auto reader = blocks_.open(item.cid.hash());
      if (!reader) {
        item.missing = true;
        continue;
      }
      item.bytes = (*reader)->size();
      reader_ = std::move(*reader);
      reader_of_ = i;
    }
    body_bytes_ += block_head(item.cid, item.bytes, dialect_).size() + item.bytes;
  }
}

SendJob::Outcome SendJob::produce() {
  const bool all = body_bytes_ - offset_ <= piece_chunks_max * chunk_bytes;
  const std::size_t end = all ? body_bytes_ : offset_ + piece_bytes;
  std::size_t at = 0;  // where the item begins
  for (std::size_t i = 0; i < count_ && at < end; ++i) {
    const Item& item = items_[i];
    if (item.missing) continue;
    const BlockHead head = block_head(item.cid, item.bytes, dialect_);
    const std::size_t data_at = at + head.size();
    const std::size_t item_end = data_at + item.bytes;
    if (offset_ < data_at) {
      const std::size_t from = std::max(offset_, at);
      const std::size_t to = std::min(end, data_at);
      if (!put(Bytes(head).subspan(from - at, to - from))) return Outcome::no_memory;
    }
    if (offset_ < item_end && end > data_at) {
      const std::size_t from = std::max(offset_, data_at);
      const Outcome outcome = put_block(i, from - data_at, std::min(end, item_end) - from);
      if (outcome != Outcome::done) return outcome;
    }
    at = item_end;
  }
  return Outcome::done;
}

bool SendJob::put(Bytes bytes) {
  while (!bytes.empty()) {
    if (chunk_ && chunk_.space().empty()) piece_.append(std::move(chunk_));
    if (!chunk_) chunk_ = chunks_.take(account_, Need::optional);
    if (!chunk_) return false;
    const MutableBytes space = chunk_.space();
    const std::size_t count = std::min(bytes.size(), space.size());
    std::memcpy(space.data(), bytes.data(), count);
    chunk_.fill(count);
    bytes = bytes.subspan(count);
  }
  return true;
}

SendJob::Outcome SendJob::put_block(std::size_t at, std::size_t offset, std::size_t bytes) {
  failed_at_ = at;
  if (reader_of_ != at) {
    auto reader = blocks_.open(items_[at].cid.hash());
    if (!reader || (*reader)->size() != items_[at].bytes) return Outcome::failed;
    reader_ = std::move(*reader);
    reader_of_ = at;
  }
  while (bytes > 0) {
    if (chunk_ && chunk_.space().empty()) piece_.append(std::move(chunk_));
    if (!chunk_) chunk_ = chunks_.take(account_, Need::optional);
    if (!chunk_) return Outcome::no_memory;
    const MutableBytes space = chunk_.space();
    const std::size_t count = std::min(bytes, space.size());
    if (!reader_->read(static_cast<std::uint32_t>(offset), space.first(count))) return Outcome::failed;
    chunk_.fill(count);
    offset += count;
    bytes -= count;
  }
  return Outcome::done;
}

}  // namespace masu::bitswap
