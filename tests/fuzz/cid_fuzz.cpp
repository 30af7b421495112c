// CIDs, multihashes and peer ids, from bytes and from text: what is read is written the same again.
#include "multiformats/cid.hpp"
#include "multiformats/digest.hpp"
#include "multiformats/key.hpp"
#include "multiformats/peer_id.hpp"

#include <cstdlib>

namespace {

using namespace masu;

void check(bool good) {
  if (!good) std::abort();
}

void check_cid(const Cid& cid) {
  check(cid.bytes().size() <= cid_bytes_max);
  check(Cid::decode(cid.bytes()) == cid);
  check(Cid::parse(cid.to_string()) == cid);
  check(Cid::parse(cid.to_string(Multibase::base36)) == cid.to_v1());
  const Multihash hash = cid.hash();
  check(hash.digest().size() <= digest_bytes_max);
  check(cid.version() == 0 ? Cid::v0(hash) == cid : Cid::v1(cid.codec(), hash) == cid);
  if (const auto compact = CompactCid::from(cid)) check(compact->full() == cid);
  if (const auto compact = CompactMultihash::from(hash)) check(compact->full() == hash);
  check(Multihash::from_base58(hash.to_base58()) == hash);
  if (computable(hash))
    check(check_allowed(hash).has_value() || hash.digest().size() < hash_digest_bytes_min);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes all(data, size);
  Bytes rest = all;
  if (const auto cid = Cid::take(rest)) {
    check_cid(*cid);
    check(equal(cid->bytes(), all.first(size - rest.size())));
  } else {
    check(rest.size() == size);
  }
  const std::string_view text = as_text(all);
  if (const auto cid = Cid::parse(text)) {
    check_cid(*cid);
    check(cid_base_of(text).has_value());
  }
  if (const auto hash = Multihash::decode(all)) check(equal(hash->bytes(), all));
  for (const auto& peer : {PeerId::decode(all), PeerId::parse(text)}) {
    if (!peer) continue;
    check(PeerId::parse(peer->to_string()) == *peer);
    check(PeerId::parse(peer->to_cid().to_string()) == *peer);
    static_cast<void>(peer->public_key());
  }
  return 0;
}
