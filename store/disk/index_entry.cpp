#include "store/disk/index_entry.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <limits>

namespace masu::store {
namespace {

std::optional<std::uint32_t> take_u32(Bytes& in) {
  const auto value = take_varint(in);
  if (!value || *value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

}  // namespace

Bytes encode_index_entry(const IndexEntry& entry, IndexEntryBuffer& out) {
  MASU_CHECK(entry.data.size() <= small_block_bytes, "only small blocks lie in the index");
  MutableBytes rest(out);
  rest[0] = static_cast<std::uint8_t>(entry.kind);
  rest = rest.subspan(1);
  const auto put = [&rest](std::uint64_t value) { rest = rest.subspan(put_varint(value, rest)); };
  put(entry.sequence);
  if (entry.kind == IndexEntry::Kind::in_segment) {
    put(entry.location.segment);
    put(entry.location.offset);
    put(entry.location.data_bytes);
  } else if (entry.kind == IndexEntry::Kind::in_index) {
    std::copy(entry.data.begin(), entry.data.end(), rest.begin());
    rest = rest.subspan(entry.data.size());
  }
  return Bytes(out).first(out.size() - rest.size());
}

std::optional<IndexEntry> decode_index_entry(Bytes bytes) {
  if (bytes.empty() || bytes[0] > static_cast<std::uint8_t>(IndexEntry::Kind::in_index)) return std::nullopt;
  IndexEntry entry;
  entry.kind = static_cast<IndexEntry::Kind>(bytes[0]);
  bytes = bytes.subspan(1);
  const auto sequence = take_varint(bytes);
  if (!sequence) return std::nullopt;
  entry.sequence = *sequence;
  switch (entry.kind) {
    case IndexEntry::Kind::removed: break;
    case IndexEntry::Kind::in_index:
      if (bytes.size() > small_block_bytes) return std::nullopt;
      entry.data = bytes;
      return entry;
    case IndexEntry::Kind::in_segment: {
      const auto segment = take_u32(bytes);
      const auto offset = take_u32(bytes);
      const auto data_bytes = take_u32(bytes);
      if (!segment || !offset || !data_bytes || *data_bytes > block_bytes_max) return std::nullopt;
      entry.location = {*segment, *offset, *data_bytes};
      break;
    }
  }
  if (!bytes.empty()) return std::nullopt;
  return entry;
}

bool FoundEntry::assign(Bytes encoded) {
  const auto entry = decode_index_entry(encoded);
  if (!entry) return false;
  entry_ = *entry;
  std::copy(entry->data.begin(), entry->data.end(), data_.begin());
  entry_.data = Bytes(data_).first(entry->data.size());
  return true;
}

}  // namespace masu::store
