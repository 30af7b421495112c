#include "store/links.hpp"

#include "store/dag/cbor_links.hpp"
#include "store/dag/dag_pb.hpp"
#include "store/dag/json_links.hpp"

#include <array>
#include <cstdio>

namespace masu::store {
namespace {

StoreResult<void> visit_pb_links(Rope block, LinkVisitor& visitor) {
  const auto node = DagPbNode::parse(block);
  if (!node) return std::unexpected(node.error());
  DagPbLinks links = node->links();
  while (const auto link = links.next()) {
    if (!visitor.on_link(link->cid)) return {};
  }
  return {};
}

}  // namespace

StoreResult<void> visit_links(Codec codec, Rope block, LinkVisitor& visitor) {
  switch (codec) {
    case Codec::raw:
    case Codec::json:
    case Codec::libp2p_key: return {};
    case Codec::dag_pb: return visit_pb_links(block, visitor);
    case Codec::cbor:
    case Codec::dag_cbor: return visit_cbor_links(block, visitor);
    case Codec::dag_json: return visit_json_links(block, visitor);
    default: break;
  }
  std::array<char, 80> text;
  const auto number = static_cast<unsigned long long>(codec);
  std::snprintf(text.data(), text.size(), "no decoder registered for multicodec code %llu (0x%llx)", number,
                number);
  return fail(StoreErrorCode::refused, text.data());
}

}  // namespace masu::store
