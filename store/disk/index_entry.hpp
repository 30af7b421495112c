// IndexEntry: what the index says of a block: where its record lies, or the block itself. A value of the
// index, and of the buffer of changes that have not reached it; there an entry may also say that the block is
// gone.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/varint.hpp"
#include "store/disk/segment_file.hpp"
#include "store/disk_store.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace masu::store {

struct IndexEntry {
  enum class Kind : std::uint8_t { removed = 0, in_segment = 1, in_index = 2 };

  Kind kind = Kind::removed;
  WriteSequence sequence = 0;
  SegmentLocation location;  // in_segment
  Bytes data;                // in_index; borrowed

  std::uint32_t data_bytes() const {
    return kind == Kind::in_index ? static_cast<std::uint32_t>(data.size()) : location.data_bytes;
  }
};

inline constexpr std::size_t index_entry_bytes_max = 1 + varint_bytes_max + small_block_bytes;
using IndexEntryBuffer = std::array<std::uint8_t, index_entry_bytes_max>;

Bytes encode_index_entry(const IndexEntry& entry, IndexEntryBuffer& out);
// Nothing: no entry of this version.
std::optional<IndexEntry> decode_index_entry(Bytes bytes);

// An entry with the bytes it borrows.
class FoundEntry {
 public:
  FoundEntry() = default;
  FoundEntry(const FoundEntry&) = delete;
  FoundEntry& operator=(const FoundEntry&) = delete;

  // False: not an entry.
  bool assign(Bytes encoded);
  const IndexEntry& operator*() const { return entry_; }
  const IndexEntry* operator->() const { return &entry_; }

 private:
  IndexEntry entry_;
  std::array<std::uint8_t, small_block_bytes> data_;
};

}  // namespace masu::store
