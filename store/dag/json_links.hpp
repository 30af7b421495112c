// The links of dag-json: objects with one key "/" and a CID as text, {"/": "bafy..."}. An object that has
// more than that is an ordinary one, and {"/": {"bytes": ...}} is bytes. Spec: ipld.io/specs/codecs/dag-json.
// For store/links.cpp.
#pragma once

#include "store/links.hpp"

namespace masu::store {

StoreResult<void> visit_json_links(Rope block, LinkVisitor& visitor);

}  // namespace masu::store
