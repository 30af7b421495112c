// The CAR formats: how blocks travel in one stream. Spec: ipld.io/specs/transport/car.
//
// Version 1: a header, then sections; each is a varint of its length and that many bytes. The header is
// dag-cbor,
// {"roots": [CID, ...], "version": 1}; a section is a CID and the block. Version 2: a header that says
// {"version": 2}, forty bytes (characteristics, and where the payload lies), padding, a whole version 1 as
// payload, and an index, which a reader of streams has no use for.
#pragma once

#include "alloc/rope.hpp"
#include "multiformats/cid.hpp"
#include "store/block_store.hpp"
#include "store/error.hpp"

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

namespace masu::store::car {

// Of roots; some 25,000 of them.
inline constexpr std::size_t header_bytes_max = 1024 * 1024;
inline constexpr std::size_t section_bytes_max = Cid::bytes_max + block_bytes_max;
inline constexpr std::size_t v2_header_bytes = 40;
// Version 2's first header with its length, and the forty bytes behind it.
inline constexpr std::uint64_t v2_payload_least = 11 + v2_header_bytes;

struct V2Header {
  std::uint64_t payload_at = 0;  // from the beginning of the stream
  std::uint64_t payload_bytes = 0;
};
StoreResult<V2Header> parse_v2_header(std::span<const std::uint8_t, v2_header_bytes> bytes);

// A header without its length, read as a view: all of it was checked.
struct HeaderView {
  std::uint64_t version = 0;
  std::uint64_t root_count = 0;
  Rope roots;  // take_root() takes them one by one
};
StoreResult<HeaderView> parse_header(Rope header);
// Requires: `roots` is of a HeaderView, and fewer than root_count were taken.
Cid take_root(Rope& roots);

// What a version 1 begins with, its length included.
std::pmr::vector<std::uint8_t> header_of(std::span<const Cid> roots, std::pmr::memory_resource& memory);
// What goes before a block of so many bytes: the length of its section, and the CID.
using SectionFront = FixedBytes<varint_bytes_max + Cid::bytes_max>;
SectionFront section_front(const Cid& cid, std::size_t block_bytes);

}  // namespace masu::store::car
