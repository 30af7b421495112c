// SegmentFile: an open segment, and reading blocks from it. SegmentScanner: its records by their headers.
//
// A SegmentFile is shared by the store's cache of open segments, the writer, and readers: whoever holds it
// can read it although it was unlinked meanwhile. Any thread. A scanner has one user.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "store/block_store.hpp"
#include "store/disk/file.hpp"
#include "store/disk/segment_format.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace masu::store {

// Where the record of a block begins.
struct SegmentLocation {
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;
  std::uint32_t data_bytes = 0;

  friend bool operator==(const SegmentLocation&, const SegmentLocation&) = default;
};
inline std::uint32_t record_bytes(const Multihash& hash, std::uint32_t data_bytes) {
  return record_header_bytes_min + static_cast<std::uint32_t>(hash.bytes().size()) + data_bytes;
}

class SegmentFile {
 public:
  SegmentFile(std::uint32_t id, std::unique_ptr<File> file) : id_(id), file_(std::move(file)) {}

  std::uint32_t id() const { return id_; }
  File& file() { return *file_; }

  // `corrupt`: something else than this block lies there.
  StoreResult<RecordHeader> read_header(const SegmentLocation& at, const Multihash& hash);
  // The whole block with header and checksum checked, in one read.
  StoreResult<ChunkChain> read_block(const SegmentLocation& at, const Multihash& hash, ChunkPool& pool,
                                     Account& holder);
  StoreError damaged(const SegmentLocation& at, const Multihash& hash, const char* what) const;

 private:
  StoreResult<RecordHeader> check_header(Bytes bytes, const SegmentLocation& at, const Multihash& hash) const;

  const std::uint32_t id_;
  const std::unique_ptr<File> file_;
};

// Goes through the records of [segment_header_bytes, end) by their headers, without looking at data. Where no
// valid header is, it searches for the next one.
class SegmentScanner {
 public:
  static constexpr std::size_t buffer_bytes_min = 1024;

  struct Record {
    std::uint32_t offset = 0;
    RecordHeader header;
  };

  // Requires: buffer.size() >= buffer_bytes_min; both outlive the scanner.
  SegmentScanner(File& file, std::uint64_t end, MutableBytes buffer);
  // Nothing at the end.
  StoreResult<std::optional<Record>> next();
  // Bytes that belong to no record.
  std::uint64_t damaged_bytes() const { return damaged_; }

 private:
  StoreResult<Bytes> look(std::size_t wanted);
  void skip_damage(Bytes seen);

  File& file_;
  const std::uint64_t end_;
  const MutableBytes buffer_;
  std::uint64_t at_ = segment_header_bytes;
  std::uint64_t buffer_at_ = 0;  // offset of what lies in the buffer
  std::size_t buffered_ = 0;
  std::uint64_t damaged_ = 0;
};

}  // namespace masu::store
