#include "store/disk/segment_format.hpp"

#include "alloc/check.hpp"
#include "store/block_store.hpp"
#include "store/disk/crc32c.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace masu::store {
namespace {

constexpr std::string_view segment_magic = "masuseg1";
constexpr std::string_view segment_suffix = ".seg";

void put_u32(std::uint8_t* out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> 8 * i);
}
std::uint32_t get_u32(const std::uint8_t* in) {
  return std::uint32_t{in[0]} | std::uint32_t{in[1]} << 8 | std::uint32_t{in[2]} << 16 |
         std::uint32_t{in[3]} << 24;
}

}  // namespace

SegmentHeader encode_segment_header(std::uint32_t id) {
  SegmentHeader header;
  std::copy(segment_magic.begin(), segment_magic.end(), header.begin());
  put_u32(&header[8], id);
  put_u32(&header[12], crc32c(Bytes(header).first(12)));
  return header;
}

bool valid_segment_header(Bytes bytes, std::uint32_t id) { return equal(bytes, encode_segment_header(id)); }

Bytes encode_record_header(const RecordHeader& header, MutableBytes out) {
  MASU_CHECK(out.size() >= header.bytes(), "a record header has room");
  const Bytes hash = header.hash.bytes();
  put_u32(&out[0], record_magic);
  put_u32(&out[8], header.data_bytes);
  put_u32(&out[12], header.data_crc);
  put_u32(&out[16], static_cast<std::uint32_t>(hash.size()));
  std::copy(hash.begin(), hash.end(), out.begin() + record_header_bytes_min);
  const Bytes whole = out.first(header.bytes());
  put_u32(&out[4], crc32c(whole.subspan(8)));
  return whole;
}

std::optional<RecordHeader> decode_record_header(Bytes bytes) {
  if (bytes.size() < record_header_bytes_min || get_u32(&bytes[0]) != record_magic) return std::nullopt;
  const std::uint32_t hash_bytes = get_u32(&bytes[16]);
  if (hash_bytes > multihash_bytes_max || bytes.size() < record_header_bytes_min + hash_bytes) {
    return std::nullopt;
  }
  const Bytes whole = bytes.first(record_header_bytes_min + hash_bytes);
  if (crc32c(whole.subspan(8)) != get_u32(&bytes[4])) return std::nullopt;
  const std::uint32_t data_bytes = get_u32(&bytes[8]);
  if (data_bytes > block_bytes_max) return std::nullopt;
  const auto hash = Multihash::decode(whole.subspan(record_header_bytes_min));
  if (!hash) return std::nullopt;
  return RecordHeader{*hash, data_bytes, get_u32(&bytes[12])};
}

std::string segment_name(std::uint32_t id) {
  char name[16];
  std::snprintf(name, sizeof name, "%010u", id);
  return std::string(name) + std::string(segment_suffix);
}

std::optional<std::uint32_t> segment_id(std::string_view name) {
  if (name.size() != 14 || !name.ends_with(segment_suffix)) return std::nullopt;
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 10, id);
  if (error != std::errc() || end != name.data() + 10 || id == 0) return std::nullopt;
  return id;
}

}  // namespace masu::store
