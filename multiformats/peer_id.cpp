#include "multiformats/peer_id.hpp"

#include "multiformats/digest.hpp"
#include "multiformats/key.hpp"

#include <algorithm>

namespace masu {
namespace {

constexpr std::size_t sha2_256_bytes = 32;

}  // namespace

std::string_view name_of(PeerIdError error) {
  switch (error) {
    case PeerIdError::bad_multihash: return "peer id is no multihash";
    case PeerIdError::bad_hash: return "peer id is neither a sha2-256 digest nor an inlined key";
    case PeerIdError::bad_text: return "peer id is neither base58 nor a CID";
    case PeerIdError::bad_codec: return "peer id is a CID, but not of a libp2p key";
  }
  return "";
}

PeerId PeerId::of(const PublicKey& key) {
  const PublicKeyBytes bytes = key.to_protobuf();
  const Multihash hash = bytes.size() <= inlined_key_bytes_max
                             ? Multihash::make(HashCode::identity, bytes)
                             : Multihash::make(HashCode::sha2_256, sha2_256(bytes));
  return *decode(hash.bytes());
}

std::expected<PeerId, PeerIdError> PeerId::decode(Bytes in) {
  const auto hash = Multihash::decode(in);
  if (!hash) return std::unexpected(PeerIdError::bad_multihash);
  const std::size_t size = hash->digest().size();
  const bool good = hash->is_identity() ? size > 0 && size <= inlined_key_bytes_max
                                        : hash->code() == HashCode::sha2_256 && size == sha2_256_bytes;
  if (!good) return std::unexpected(PeerIdError::bad_hash);
  PeerId peer;
  std::copy(in.begin(), in.end(), peer.bytes_.begin());
  return peer;
}

std::expected<PeerId, PeerIdError> PeerId::parse(std::string_view text) {
  if (text.starts_with("Qm") || text.starts_with('1')) {
    const auto hash = Multihash::from_base58(text);
    if (!hash) return std::unexpected(PeerIdError::bad_text);
    return decode(hash->bytes());
  }
  const auto cid = Cid::parse(text);
  if (!cid) return std::unexpected(PeerIdError::bad_text);
  if (cid->codec() != Codec::libp2p_key) return std::unexpected(PeerIdError::bad_codec);
  return decode(cid->hash_bytes());
}

std::optional<PublicKey> PeerId::public_key() const {
  if (empty() || bytes_[0] != static_cast<std::uint8_t>(HashCode::identity)) return std::nullopt;
  auto key = PublicKey::from_protobuf(bytes().subspan(2));
  if (!key) return std::nullopt;
  return *key;
}

std::string PeerId::to_base58() const { return encode_base(Multibase::base58btc, bytes()); }

}  // namespace masu
