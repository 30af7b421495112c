// The store's own tables in the meta family: which format the repo has, the counters, and what each segment
// holds. Their first bytes are not free for records (store/record_store.hpp).
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/multihash.hpp"
#include "store/disk/index_db.hpp"
#include "store/disk/store_state.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace masu::store {

inline constexpr std::uint8_t own_tables_from = 0xf0;
namespace own_table {
inline constexpr std::uint8_t format = 0xf0;
inline constexpr std::uint8_t counters = 0xf1;
inline constexpr std::uint8_t segment = 0xf2;
}  // namespace own_table
// Of the index family.
inline constexpr std::uint8_t block_table = 'b';

// The key of a block in the index, held in place.
class BlockKey {
 public:
  explicit BlockKey(const Multihash& hash);
  Bytes bytes() const { return Bytes(bytes_).first(size_); }
  static std::optional<Multihash> decode(Bytes key);

 private:
  std::array<std::uint8_t, 1 + multihash_bytes_max> bytes_;
  std::size_t size_;
};

// Nothing: no such record, or not of this version.
StoreResult<std::optional<std::uint32_t>> read_format(IndexDb& db);
StoreResult<std::optional<StoreCounters>> read_counters(IndexDb& db);
StoreResult<std::vector<SegmentCount>> read_segments(IndexDb& db);

void put_format(const IndexDb& db, IndexDb::Batch& batch, std::uint32_t format);
void put_counters(const IndexDb& db, IndexDb::Batch& batch, const StoreCounters& counters);
void put_segment(const IndexDb& db, IndexDb::Batch& batch, const SegmentCount& segment);
void remove_segment(const IndexDb& db, IndexDb::Batch& batch, std::uint32_t id);

}  // namespace masu::store
