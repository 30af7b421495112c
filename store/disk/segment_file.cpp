#include "store/disk/segment_file.hpp"

#include "alloc/check.hpp"
#include "store/disk/crc32c.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace masu::store {

StoreError SegmentFile::damaged(const SegmentLocation& at, const Multihash& hash, const char* what) const {
  return {StoreErrorCode::corrupt, "block " + hash.to_base58() + ": " + what + " in " + segment_name(id_) +
                                       " at " + std::to_string(at.offset)};
}

StoreResult<RecordHeader> SegmentFile::check_header(Bytes bytes, const SegmentLocation& at,
                                                    const Multihash& hash) const {
  auto header = decode_record_header(bytes);
  if (!header) return std::unexpected(damaged(at, hash, "no record"));
  if (header->hash != hash || header->data_bytes != at.data_bytes) {
    return std::unexpected(damaged(at, hash, "another record"));
  }
  return *header;
}

StoreResult<RecordHeader> SegmentFile::read_header(const SegmentLocation& at, const Multihash& hash) {
  std::array<std::uint8_t, record_header_bytes_max> buffer;
  const MutableBytes header = MutableBytes(buffer).first(record_bytes(hash, 0));
  const auto got = file_->read(at.offset, header);
  if (!got) return std::unexpected(got.error());
  return check_header(header.first(*got), at, hash);
}

StoreResult<ChunkChain> SegmentFile::read_block(const SegmentLocation& at, const Multihash& hash,
                                                ChunkPool& pool, Account& holder) {
  constexpr std::size_t chunks_max = (block_bytes_max + chunk_bytes - 1) / chunk_bytes;
  std::array<std::uint8_t, record_header_bytes_max> buffer;
  std::array<Chunk, chunks_max> chunks;
  std::array<MutableBytes, chunks_max + 1> parts;
  const std::size_t count = (at.data_bytes + chunk_bytes - 1) / chunk_bytes;
  MASU_CHECK(count <= chunks_max, "the index names no block above the largest");
  parts[0] = MutableBytes(buffer).first(record_bytes(hash, 0));
  std::size_t left = at.data_bytes;
  for (std::size_t i = 0; i < count; ++i) {
    chunks[i] = pool.take(holder);
    if (!chunks[i]) return fail(StoreErrorCode::out_of_memory, refusal_text(holder));
    parts[i + 1] = chunks[i].space().first(std::min(left, chunk_bytes));
    left -= parts[i + 1].size();
  }
  const auto got = file_->read(at.offset, std::span<const MutableBytes>(parts.data(), count + 1));
  if (!got) return std::unexpected(got.error());
  if (*got != parts[0].size() + at.data_bytes) return std::unexpected(damaged(at, hash, "the file ends"));
  const auto header = check_header(parts[0], at, hash);
  if (!header) return std::unexpected(header.error());
  ChunkChain chain;
  std::uint32_t crc = 0;
  for (std::size_t i = 0; i < count; ++i) {
    crc = crc32c(parts[i + 1], crc);
    chunks[i].fill(parts[i + 1].size());
    chain.append(std::move(chunks[i]));
  }
  if (crc != header->data_crc) return std::unexpected(damaged(at, hash, "wrong checksum"));
  return chain;
}

SegmentScanner::SegmentScanner(File& file, std::uint64_t end, MutableBytes buffer)
    : file_(file), end_(end), buffer_(buffer) {
  MASU_CHECK(buffer.size() >= buffer_bytes_min, "a scanner's buffer holds a header");
}

// The bytes at at_, `wanted` of them when the segment has so many.
StoreResult<Bytes> SegmentScanner::look(std::size_t wanted) {
  wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, end_ - at_));
  if (at_ < buffer_at_ || at_ + wanted > buffer_at_ + buffered_) {
    const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), end_ - at_));
    const auto got = file_.read(at_, buffer_.first(bytes));
    if (!got) return std::unexpected(got.error());
    buffer_at_ = at_;
    buffered_ = *got;
  }
  return Bytes(buffer_).first(buffered_).subspan(static_cast<std::size_t>(at_ - buffer_at_));
}

StoreResult<std::optional<SegmentScanner::Record>> SegmentScanner::next() {
  while (at_ < end_) {
    const auto seen = look(record_header_bytes_max);
    if (!seen) return std::unexpected(seen.error());
    if (seen->empty()) {  // the file is shorter than it should be
      damaged_ += end_ - at_;
      at_ = end_;
      break;
    }
    const auto header = decode_record_header(*seen);
    if (header && header->record_bytes() <= end_ - at_) {
      const Record record{static_cast<std::uint32_t>(at_), *header};
      at_ += header->record_bytes();
      return record;
    }
    skip_damage(*seen);
  }
  return std::nullopt;
}

// To the next place in `seen` that may begin a record, its last bytes at the least.
void SegmentScanner::skip_damage(Bytes seen) {
  std::size_t skip = 1;
  const std::array<std::uint8_t, 4> magic{0x6d, 0x42, 0x6b, 0x31};
  const auto found = std::search(seen.begin() + 1, seen.end(), magic.begin(), magic.end());
  if (found != seen.end()) {
    skip = static_cast<std::size_t>(found - seen.begin());
  } else if (seen.size() > magic.size()) {
    skip = seen.size() - (magic.size() - 1);
  }
  damaged_ += skip;
  at_ += skip;
}

}  // namespace masu::store
