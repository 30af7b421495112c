#include "store/car/car_format.hpp"

#include "alloc/check.hpp"
#include "multiformats/varint.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace masu::store::car {
namespace {

enum Major : std::uint8_t { unsigned_int = 0, byte_text = 2, text = 3, array = 4, map = 5, tag = 6 };

constexpr std::uint64_t link_tag = 42;

auto invalid(const char* why) { return fail(StoreErrorCode::corrupt, std::string("invalid header: ") + why); }

struct Head {
  std::uint8_t major;
  std::uint64_t value;
};

// Definite lengths only, as every writer of headers makes them.
std::optional<Head> take_head(Rope& in) {
  if (in.empty()) return std::nullopt;
  const std::uint8_t first = in.take_byte();
  Head head{static_cast<std::uint8_t>(first >> 5), static_cast<std::uint64_t>(first & 31)};
  if (head.value < 24) return head;
  if (head.value > 27) return std::nullopt;
  const std::size_t bytes = std::size_t{1} << (head.value - 24);
  if (in.size() < bytes) return std::nullopt;
  head.value = 0;
  for (std::size_t i = 0; i < bytes; ++i) head.value = head.value << 8 | in.take_byte();
  return head;
}

std::optional<Head> take_head(Rope& in, std::uint8_t major) {
  const auto head = take_head(in);
  return head && head->major == major ? head : std::nullopt;
}

std::optional<Cid> take_link(Rope& in) {
  const auto link = take_head(in, tag);
  if (!link || link->value != link_tag) return std::nullopt;
  const auto head = take_head(in, byte_text);
  std::array<std::uint8_t, 1 + Cid::bytes_max> bytes;
  if (!head || head->value == 0 || head->value > bytes.size() || head->value > in.size()) return std::nullopt;
  const MutableBytes whole = MutableBytes(bytes).first(static_cast<std::size_t>(head->value));
  in.take(whole.size()).copy_to(whole);
  if (whole[0] != 0) return std::nullopt;
  const auto cid = Cid::decode(whole.subspan(1));
  return cid ? std::optional(*cid) : std::nullopt;
}

void put_head(std::pmr::vector<std::uint8_t>& out, std::uint8_t major, std::uint64_t value) {
  const auto first = [&](unsigned info) { out.push_back(static_cast<std::uint8_t>(major << 5 | info)); };
  if (value < 24) return first(static_cast<unsigned>(value));
  const unsigned width = value < 0x100 ? 0 : value < 0x10000 ? 1 : 2;  // no header has 2^32 of anything
  first(24 + width);
  for (int shift = (8 << width) - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

void put_text(std::pmr::vector<std::uint8_t>& out, std::string_view value) {
  put_head(out, text, value.size());
  out.insert(out.end(), value.begin(), value.end());
}

std::uint64_t little_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

StoreResult<V2Header> parse_v2_header(std::span<const std::uint8_t, v2_header_bytes> bytes) {
  const Bytes all(bytes);
  const V2Header header{little_endian(all.subspan(16, 8)), little_endian(all.subspan(24, 8))};
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  if (header.payload_at < v2_payload_least || header.payload_at > most) {
    return fail(StoreErrorCode::corrupt, "invalid data payload offset: " + std::to_string(header.payload_at));
  }
  if (header.payload_bytes == 0 || header.payload_bytes > most) {
    return fail(StoreErrorCode::corrupt,
                "invalid data payload size: " + std::to_string(header.payload_bytes));
  }
  return header;
}

StoreResult<HeaderView> parse_header(Rope in) {
  HeaderView header;
  const auto fields = take_head(in, map);
  if (!fields || fields->value > 2) return invalid("no map of roots and version");
  bool has_version = false, has_roots = false;
  for (std::uint64_t i = 0; i < fields->value; ++i) {
    const auto key = take_head(in, text);
    if (!key || key->value > in.size()) return invalid("a key that is no string");
    const Rope name = in.take(static_cast<std::size_t>(key->value));
    if (name == "version" && !has_version) {
      const auto number = take_head(in, unsigned_int);
      if (!number) return invalid("a version that is no number");
      has_version = true;
      header.version = number->value;
    } else if (name == "roots" && !has_roots) {
      has_roots = true;
      const auto roots = take_head(in, array);
      if (!roots || roots->value > in.size()) return invalid("roots that are no list");
      header.root_count = roots->value;
      header.roots = in;
      for (std::uint64_t root = 0; root < roots->value; ++root) {
        if (!take_link(in)) return invalid("a root that is no CID");
      }
    } else {
      return invalid("an unknown key");
    }
  }
  if (!in.empty()) return invalid("bytes behind the map");
  if (!has_version) return invalid("no version");
  return header;
}

Cid take_root(Rope& roots) {
  const auto cid = take_link(roots);
  MASU_CHECK(cid, "roots are taken of a header that was parsed");
  return *cid;
}

std::pmr::vector<std::uint8_t> header_of(std::span<const Cid> roots, std::pmr::memory_resource& memory) {
  std::pmr::vector<std::uint8_t> body(&memory);
  put_head(body, map, 2);
  put_text(body, "roots");
  put_head(body, array, roots.size());
  for (const Cid& root : roots) {
    put_head(body, tag, link_tag);
    put_head(body, byte_text, root.bytes().size() + 1);
    body.push_back(0);
    body.insert(body.end(), root.bytes().begin(), root.bytes().end());
  }
  put_text(body, "version");
  put_head(body, unsigned_int, 1);
  std::array<std::uint8_t, varint_bytes_max> length;
  const std::size_t length_bytes = put_varint(body.size(), length);
  body.insert(body.begin(), length.begin(), length.begin() + static_cast<std::ptrdiff_t>(length_bytes));
  return body;
}

SectionFront section_front(const Cid& cid, std::size_t block_bytes) {
  std::array<std::uint8_t, varint_bytes_max> length;
  const std::size_t length_bytes = put_varint(cid.bytes().size() + block_bytes, length);
  SectionFront front(Bytes(length).first(length_bytes));
  front.append(cid.bytes());
  return front;
}

}  // namespace masu::store::car
