// The links of dag-cbor: byte strings under tag 42, with a zero before the CID. Spec:
// ipld.io/specs/codecs/dag-cbor; lenient where Kubo's decoder is (indefinite lengths, lengths that are longer
// than they must be), strict where it is (no other tags, nothing behind the value). For store/links.cpp.
#pragma once

#include "store/links.hpp"

namespace masu::store {

StoreResult<void> visit_cbor_links(Rope block, LinkVisitor& visitor);

}  // namespace masu::store
