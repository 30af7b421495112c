// Links: the CIDs that a block names, found without building what the block says.
//
// One pass over the bytes where they lie (a chain of chunks, or the digest of an identity CID); nothing is
// allocated, no length in the block is trusted, nesting is bounded and not walked by recursion. dag-pb: the
// Hash fields. dag-cbor (also cbor): tag 42. dag-json: {"/": "CID"}. raw, json and libp2p keys have none.
// Other codecs are an error in Kubo's words, because what they link to would be lost without a sign.
//
// Any thread; the stack takes some 10 KiB.
#pragma once

#include "alloc/rope.hpp"
#include "multiformats/cid.hpp"
#include "store/error.hpp"

namespace masu::store {

// Containers within containers, as in Kubo's codecs.
inline constexpr std::size_t link_depth_max = 1024;

class LinkVisitor {
 public:
  // In the order of the block, repeated ones too. False: no more of them.
  virtual bool on_link(const Cid& cid) = 0;

 protected:
  ~LinkVisitor() = default;
};

// StoreErrorCode::corrupt: the block is not what its codec says; refused: no links are known of this codec.
// Links before the place of an error have been visited.
StoreResult<void> visit_links(Codec codec, Rope block, LinkVisitor& visitor);

// The same for anything that is called with a CID and returns whether to go on.
template <class Visit>
StoreResult<void> for_each_link(Codec codec, Rope block, Visit&& visit) {
  class Visitor final : public LinkVisitor {
   public:
    explicit Visitor(Visit& visit) : visit_(visit) {}
    bool on_link(const Cid& cid) override { return visit_(cid); }

   private:
    Visit& visit_;
  };
  Visitor visitor(visit);
  return visit_links(codec, block, visitor);
}

}  // namespace masu::store
