#include "store/dag/dag_pb.hpp"

#include "alloc/check.hpp"
#include "store/dag/protobuf.hpp"

#include <algorithm>
#include <array>

namespace masu::store {
namespace {

using protobuf::WireType;

// Field numbers of PBNode and PBLink.
enum NodeField : std::uint32_t { field_data = 1, field_links = 2 };
enum LinkField : std::uint32_t { field_hash = 1, field_name = 2, field_tsize = 3 };

auto malformed(std::string text) { return fail(StoreErrorCode::corrupt, std::move(text)); }
auto cut() { return malformed("unexpected EOF"); }

std::string number(std::uint32_t value) { return std::to_string(value); }

// What follows the CID in its field is ignored, as in Kubo.
std::expected<Cid, CidError> parse_hash(Rope field) {
  std::array<std::uint8_t, Cid::bytes_max> bytes;
  const MutableBytes copy = MutableBytes(bytes).first(std::min(field.size(), bytes.size()));
  field.copy_to(copy);
  Bytes in = copy;
  return Cid::take(in);
}

StoreResult<DagPbLink> parse_link(Rope in) {
  DagPbLink link;
  std::uint32_t last = 0;
  bool has_hash = false;
  while (!in.empty()) {
    const auto tag = protobuf::take_tag(in);
    if (!tag) return cut();
    if (tag->field > field_tsize) {
      return malformed("protobuf: (PBLink) invalid fieldNumber, expected 1, 2 or 3, got " +
                       number(tag->field));
    }
    if (tag->field <= last) return malformed("protobuf: (PBLink) duplicate field or invalid order");
    if (tag->type != (tag->field == field_tsize ? WireType::varint : WireType::bytes)) {
      return malformed("protobuf: (PBLink) wrong wireType (" + number(static_cast<std::uint32_t>(tag->type)) +
                       ")");
    }
    last = tag->field;
    if (tag->field == field_tsize) {
      link.tsize = protobuf::take_varint(in);
      if (!link.tsize) return cut();
      continue;
    }
    const auto bytes = protobuf::take_bytes(in);
    if (!bytes) return cut();
    if (tag->field == field_name) {
      link.name = *bytes;
      continue;
    }
    const auto cid = parse_hash(*bytes);
    if (!cid) {
      return malformed("invalid Hash field found in link, expected CID (" +
                       std::string(name_of(cid.error())) + ")");
    }
    link.cid = *cid;
    has_hash = true;
  }
  if (!has_hash) return malformed("invalid Hash field found in link, expected CID");
  return link;
}

}  // namespace

bool is_dag_pb_leaf(Rope block) {
  const auto tag = protobuf::take_tag(block);
  if (!tag || tag->field != field_data || tag->type != WireType::bytes) return false;
  return protobuf::take_bytes(block) && block.empty();
}

StoreResult<DagPbNode> DagPbNode::parse(Rope block) {
  DagPbNode node;
  node.block = block;
  bool data_after_links = false;
  for (Rope in = block; !in.empty();) {
    const auto tag = protobuf::take_tag(in);
    if (!tag) return cut();
    if (tag->type != WireType::bytes) {
      return malformed("protobuf: (PBNode) invalid wireType, expected 2, got " +
                       number(static_cast<std::uint32_t>(tag->type)));
    }
    if (tag->field != field_data && tag->field != field_links) {
      return malformed("protobuf: (PBNode) invalid fieldNumber, expected 1 or 2, got " + number(tag->field));
    }
    const auto bytes = protobuf::take_bytes(in);
    if (!bytes) return cut();
    if (tag->field == field_data) {
      if (node.data) return malformed("protobuf: (PBNode) duplicate Data section");
      node.data = *bytes;
      data_after_links = node.link_count > 0;
      continue;
    }
    if (data_after_links) return malformed("protobuf: (PBNode) duplicate Links section");
    if (auto link = parse_link(*bytes); !link) return std::unexpected(std::move(link.error()));
    ++node.link_count;
  }
  return node;
}

std::optional<Rope> DagPbLinks::next_field() {
  while (!rest_.empty()) {
    const auto tag = protobuf::take_tag(rest_);
    const auto bytes = tag ? protobuf::take_bytes(rest_) : std::nullopt;
    MASU_CHECK(bytes, "links are read of a block that was parsed");
    if (tag->field == field_links) return bytes;
  }
  return std::nullopt;
}

std::optional<DagPbLink> DagPbLinks::next() {
  const auto field = next_field();
  if (!field) return std::nullopt;
  auto link = parse_link(*field);
  MASU_CHECK(link, "links are read of a block that was parsed");
  return std::move(*link);
}

bool DagPbLinks::skip() { return next_field().has_value(); }

}  // namespace masu::store
