// Public keys and signatures from peers: one encoding of each key, and no signature that crashes a verifier.
// The first byte says where the key ends and the signature begins, in units of four bytes.
#include "multiformats/key.hpp"
#include "multiformats/peer_id.hpp"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace masu;
  if (size < 1) return 0;
  const Bytes all(data + 1, size - 1);
  const std::size_t key_bytes = std::min(all.size(), std::size_t{data[0]} * 4 + 4);
  if (const auto key = PublicKey::from_protobuf(all.first(key_bytes))) {
    const PublicKeyBytes again = key->to_protobuf();
    if (!equal(again, all.first(key_bytes))) std::abort();
    static_cast<void>(key->verify(as_bytes("a message"), all.subspan(key_bytes)));
    const PeerId peer = PeerId::of(*key);
    if (peer.empty()) std::abort();
    if (peer.public_key() && *peer.public_key() != *key) std::abort();
  }
  if (const auto key = PrivateKey::from_protobuf(all)) {
    const SecretBytes again = key->to_protobuf();
    if (PrivateKey::from_protobuf(again)->public_key() != key->public_key()) std::abort();
  }
  return 0;
}
