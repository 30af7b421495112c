#include "store/disk/meta_tables.hpp"

#include <algorithm>

namespace masu::store {
namespace {

using Family = IndexDb::Family;

// Big-endian, so that keys lie in the order of numbers.
template <std::size_t size>
void put_number(std::array<std::uint8_t, size>& out, std::size_t at, std::size_t bytes, std::uint64_t value) {
  for (std::size_t i = 0; i < bytes; ++i) {
    out[at + i] = static_cast<std::uint8_t>(value >> 8 * (bytes - 1 - i));
  }
}
std::uint64_t number(Bytes in, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : in.subspan(at, bytes)) value = value << 8 | byte;
  return value;
}

std::array<std::uint8_t, 5> segment_key(std::uint32_t id) {
  std::array<std::uint8_t, 5> key{own_table::segment};
  put_number(key, 1, 4, id);
  return key;
}

constexpr std::size_t counters_bytes = 32;
constexpr std::size_t segment_bytes = 8;

std::unexpected<StoreError> damaged(const char* what) {
  return fail(StoreErrorCode::corrupt, std::string("index: ") + what + " cannot be read");
}

}  // namespace

BlockKey::BlockKey(const Multihash& hash) : size_(1 + hash.bytes().size()) {
  bytes_[0] = block_table;
  std::copy(hash.bytes().begin(), hash.bytes().end(), bytes_.begin() + 1);
}

std::optional<Multihash> BlockKey::decode(Bytes key) {
  if (key.empty() || key[0] != block_table) return std::nullopt;
  const auto hash = Multihash::decode(key.subspan(1));
  if (!hash) return std::nullopt;
  return *hash;
}

StoreResult<std::optional<std::uint32_t>> read_format(IndexDb& db) {
  std::optional<std::uint32_t> format;
  const std::uint8_t key = own_table::format;
  const auto found = db.get(Family::meta, {&key, 1}, [&](Bytes value) {
    if (value.size() == 4) format = static_cast<std::uint32_t>(number(value, 0, 4));
  });
  if (!found) return std::unexpected(found.error());
  if (*found && !format) return damaged("the format number");
  return format;
}

StoreResult<std::optional<StoreCounters>> read_counters(IndexDb& db) {
  std::optional<StoreCounters> counters;
  const std::uint8_t key = own_table::counters;
  const auto found = db.get(Family::meta, {&key, 1}, [&](Bytes value) {
    if (value.size() != counters_bytes) return;
    counters = {number(value, 0, 8), number(value, 8, 8), number(value, 16, 8), number(value, 24, 8)};
  });
  if (!found) return std::unexpected(found.error());
  if (*found && !counters) return damaged("the table of counters");
  return counters;
}

StoreResult<std::vector<SegmentCount>> read_segments(IndexDb& db) {
  std::vector<SegmentCount> segments;
  const std::uint8_t prefix = own_table::segment;
  const auto cursor = db.open_cursor(Family::meta);
  for (cursor->seek({&prefix, 1}); cursor->valid(); cursor->next()) {
    const Bytes key = cursor->key();
    const Bytes value = cursor->value();
    if (key[0] != prefix) break;
    if (key.size() != 5 || value.size() != segment_bytes) return damaged("the table of segments");
    segments.push_back({.id = static_cast<std::uint32_t>(number(key, 1, 4)),
                        .end = static_cast<std::uint32_t>(number(value, 0, 4)),
                        .live = static_cast<std::uint32_t>(number(value, 4, 4))});
  }
  if (auto status = cursor->status(); !status) return std::unexpected(status.error());
  return segments;
}

void put_format(const IndexDb& db, IndexDb::Batch& batch, std::uint32_t format) {
  const std::uint8_t key = own_table::format;
  std::array<std::uint8_t, 4> value;
  put_number(value, 0, 4, format);
  batch.put(db, Family::meta, {&key, 1}, value);
}

void put_counters(const IndexDb& db, IndexDb::Batch& batch, const StoreCounters& counters) {
  const std::uint8_t key = own_table::counters;
  std::array<std::uint8_t, counters_bytes> value;
  put_number(value, 0, 8, counters.objects);
  put_number(value, 8, 8, counters.block_bytes);
  put_number(value, 16, 8, counters.next_segment);
  put_number(value, 24, 8, counters.sequence);
  batch.put(db, Family::meta, {&key, 1}, value);
}

void put_segment(const IndexDb& db, IndexDb::Batch& batch, const SegmentCount& segment) {
  std::array<std::uint8_t, segment_bytes> value;
  put_number(value, 0, 4, segment.end);
  put_number(value, 4, 4, segment.live);
  batch.put(db, Family::meta, segment_key(segment.id), value);
}

void remove_segment(const IndexDb& db, IndexDb::Batch& batch, std::uint32_t id) {
  batch.remove(db, Family::meta, segment_key(id));
}

}  // namespace masu::store
