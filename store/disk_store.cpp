#include "store/disk_store.hpp"

#include "alloc/check.hpp"
#include "store/disk/crc32c.hpp"
#include "store/disk/engine.hpp"
#include "store/disk/meta_tables.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace masu::store {
namespace {

StoreError not_here(const Multihash& hash) {
  return {StoreErrorCode::not_found, "block " + hash.to_base58()};
}

// A block that lies in the index: its bytes are copied.
class SmallBlockReader final : public BlockReader {
 public:
  explicit SmallBlockReader(Bytes data) : bytes_(data.begin(), data.end()) {}
  std::uint32_t size() const override { return static_cast<std::uint32_t>(bytes_.size()); }
  StoreResult<void> read(std::uint32_t offset, MutableBytes out) override {
    MASU_CHECK(offset + out.size() <= bytes_.size(), "a block is read within its size");
    std::copy_n(bytes_.begin() + offset, out.size(), out.begin());
    return {};
  }

 private:
  const std::vector<std::uint8_t> bytes_;
};

// Checks the data too, when all of it is read in order.
class SegmentBlockReader final : public BlockReader {
 public:
  SegmentBlockReader(std::shared_ptr<SegmentFile> segment, const SegmentLocation& at, const Multihash& hash,
                     const RecordHeader& header)
      : segment_(std::move(segment)), at_(at), hash_(hash), data_crc_(header.data_crc) {}
  std::uint32_t size() const override { return at_.data_bytes; }

  StoreResult<void> read(std::uint32_t offset, MutableBytes out) override {
    MASU_CHECK(offset + out.size() <= size(), "a block is read within its size");
    const auto got = segment_->file().read(at_.offset + record_bytes(hash_, 0) + offset, out);
    if (!got) return std::unexpected(got.error());
    if (*got != out.size()) return std::unexpected(segment_->damaged(at_, hash_, "the file ends"));
    if (offset != checked_) return {};
    crc_ = crc32c(out, crc_);
    checked_ += static_cast<std::uint32_t>(out.size());
    if (checked_ == size() && crc_ != data_crc_) {
      return std::unexpected(segment_->damaged(at_, hash_, "wrong checksum"));
    }
    return {};
  }

 private:
  const std::shared_ptr<SegmentFile> segment_;  // shared with the cache: stays readable when it is reclaimed
  const SegmentLocation at_;
  const Multihash hash_;
  const std::uint32_t data_crc_;
  std::uint32_t crc_ = 0;
  std::uint32_t checked_ = 0;  // crc_ is of so many bytes from the front
};

class DiskKeyCursor final : public KeyCursor {
 public:
  DiskKeyCursor(std::unique_ptr<IndexDb::Cursor> cursor, const Multihash* after)
      : cursor_(std::move(cursor)) {
    if (after == nullptr) {
      cursor_->seek({&block_table, 1});
      return;
    }
    const BlockKey key(*after);
    cursor_->seek(key.bytes());
    if (cursor_->valid() && equal(cursor_->key(), key.bytes())) cursor_->next();
  }

  StoreResult<bool> next() override {
    if (started_ && cursor_->valid()) cursor_->next();
    started_ = true;
    if (!cursor_->valid()) {
      if (auto status = cursor_->status(); !status) return std::unexpected(status.error());
      return false;
    }
    const auto hash = BlockKey::decode(cursor_->key());
    const auto entry = decode_index_entry(cursor_->value());
    if (!hash || !entry) return fail(StoreErrorCode::corrupt, "index: an entry cannot be read");
    key_ = {*hash, entry->data_bytes(), entry->sequence};
    return true;
  }
  const StoredKey& key() const override { return key_; }

 private:
  const std::unique_ptr<IndexDb::Cursor> cursor_;
  StoredKey key_;
  bool started_ = false;
};

}  // namespace

DiskStore::DiskStore(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
DiskStore::~DiskStore() = default;

StoreResult<std::unique_ptr<DiskStore>> DiskStore::open(const DiskStoreOptions& options, Budget& budget) {
  MASU_CHECK(options.memory_bytes >= 128 * 1024, "some entries fit a buffer");
  MASU_CHECK(options.segment_bytes <= std::uint32_t{1} << 30, "offsets in a segment have 32 bits");
  auto repo = open_repo(options, options.files != nullptr ? *options.files : posix_files());
  if (!repo) return std::unexpected(repo.error());
  try {
    return std::unique_ptr<DiskStore>(
        new DiskStore(std::make_unique<Engine>(options, budget, std::move(*repo))));
  } catch (const std::bad_alloc&) {
    return fail(StoreErrorCode::out_of_memory, "no memory for the buffers of the store");
  }
}

void DiskStore::set_cache_bytes(std::size_t bytes) { engine_->index().set_cache_bytes(bytes); }

StoreResult<void> DiskStore::set_memtable_bytes(std::size_t bytes) {
  return engine_->index().set_memtable_bytes(bytes);
}

RecordStore& DiskStore::records() { return engine_->records(); }

StoreResult<std::optional<std::uint32_t>> DiskStore::size(const Multihash& hash) {
  FoundEntry entry;
  const auto here = engine_->find(hash, entry);
  if (!here) return std::unexpected(here.error());
  if (!*here) return std::nullopt;
  return entry->data_bytes();
}

StoreResult<std::unique_ptr<BlockReader>> DiskStore::open(const Multihash& hash) {
  FoundEntry entry;
  const auto here = engine_->find(hash, entry);
  if (!here) return std::unexpected(here.error());
  if (!*here) return std::unexpected(not_here(hash));
  if (entry->kind == IndexEntry::Kind::in_index) return std::make_unique<SmallBlockReader>(entry->data);
  using Result = StoreResult<std::unique_ptr<BlockReader>>;
  return engine_->with_block(
      hash, entry, [&](std::shared_ptr<SegmentFile> segment, const SegmentLocation& at) -> Result {
        const auto header = segment->read_header(at, hash);
        if (!header) return std::unexpected(header.error());
        return std::make_unique<SegmentBlockReader>(std::move(segment), at, hash, *header);
      });
}

StoreResult<ChunkChain> DiskStore::get(const Multihash& hash, ChunkPool& pool, Account& holder) {
  FoundEntry entry;
  const auto here = engine_->find(hash, entry);
  if (!here) return std::unexpected(here.error());
  if (!*here) return std::unexpected(not_here(hash));
  if (entry->kind == IndexEntry::Kind::in_index) {
    ChunkChain chain;
    if (!chain.append_copy(pool, holder, entry->data)) {
      return fail(StoreErrorCode::out_of_memory, refusal_text(holder));
    }
    return chain;
  }
  return engine_->with_block(hash, entry,
                             [&](std::shared_ptr<SegmentFile> segment, const SegmentLocation& at) {
                               return segment->read_block(at, hash, pool, holder);
                             });
}

StoreResult<bool> DiskStore::put(const Multihash& hash, std::span<const Bytes> pieces) {
  return engine_->put(hash, pieces);
}

StoreResult<void> DiskStore::sync() { return engine_->committer().sync(); }

StoreResult<bool> DiskStore::remove(const Multihash& hash) { return engine_->remove(hash); }

StoreResult<std::unique_ptr<KeyCursor>> DiskStore::open_keys(const Multihash* after) {
  if (auto flushed = engine_->committer().flush(); !flushed) return std::unexpected(flushed.error());
  return std::make_unique<DiskKeyCursor>(engine_->index().open_cursor(IndexDb::Family::index), after);
}

WriteSequence DiskStore::next_sequence() const { return engine_->state().next_sequence(); }

StoreResult<void> DiskStore::touch(std::span<const Multihash> hashes, std::span<bool> here) {
  MASU_CHECK(hashes.size() == here.size(), "an answer for each block");
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const auto touched = engine_->touch(hashes[i]);
    if (!touched) return std::unexpected(touched.error());
    here[i] = *touched;
  }
  return {};
}

StoreResult<void> DiskStore::remove_unwritten(std::span<const Multihash> hashes, WriteSequence before,
                                              std::span<bool> removed) {
  return engine_->remove_unwritten(hashes, before, removed);
}

StoreResult<std::uint64_t> DiskStore::reclaim(const std::atomic<bool>& stop) {
  return engine_->reclaim(stop);
}

StoreResult<StoreUsage> DiskStore::usage() { return engine_->usage(); }

}  // namespace masu::store
