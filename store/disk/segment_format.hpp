// The bytes of a segment file. Numbers are little-endian.
//
//   file:    "masuseg1", id (4), CRC-32C of these twelve bytes (4); then records, one behind the other
//   record:  magic (4), header checksum (4), data bytes (4), data checksum (4), multihash bytes (1), zeros
//   (3),
//            multihash; then the data. The header checksum is the CRC-32C of the header behind it.
//
// Records are only ever appended. A reader that meets no valid header searches for the next one; since a
// block may hold an image of a record, whoever has no index to ask checks the data against the multihash.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/multihash.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace masu::store {

inline constexpr std::uint32_t segment_header_bytes = 16;
inline constexpr std::uint32_t record_header_bytes_min = 20;  // without the multihash
inline constexpr std::uint32_t record_header_bytes_max = record_header_bytes_min + multihash_bytes_max;
inline constexpr std::uint32_t record_magic = 0x316b426d;  // "mBk1"

using SegmentHeader = std::array<std::uint8_t, segment_header_bytes>;
SegmentHeader encode_segment_header(std::uint32_t id);
bool valid_segment_header(Bytes bytes, std::uint32_t id);

struct RecordHeader {
  Multihash hash;
  std::uint32_t data_bytes = 0;
  std::uint32_t data_crc = 0;

  std::uint32_t bytes() const {
    return record_header_bytes_min + static_cast<std::uint32_t>(hash.bytes().size());
  }
  std::uint32_t record_bytes() const { return bytes() + data_bytes; }
};
// Requires: out.size() >= header.bytes(). Returns what it wrote.
Bytes encode_record_header(const RecordHeader& header, MutableBytes out);
// Nothing: these bytes do not begin with a whole, valid header.
std::optional<RecordHeader> decode_record_header(Bytes bytes);

// "0000000012.seg" is segment 12. Nothing: not the name of a segment.
std::string segment_name(std::uint32_t id);
std::optional<std::uint32_t> segment_id(std::string_view name);

}  // namespace masu::store
