// PeerId: who a peer is: the multihash of its encoded public key.
//
// A key of at most 42 encoded bytes (Ed25519, secp256k1) is inlined with the identity function, a longer one
// (RSA, ECDSA) is hashed with sha2-256. So an id is 2 to 44 bytes, all in place; other hash functions are
// refused. Text: base58btc ("12D3Koo…", "16Uiu2…", "Qm…") or a CIDv1 of the codec libp2p-key in any base.
// Spec: libp2p/specs peer-ids/peer-ids.md.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/cid.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace masu {

class PublicKey;  // multiformats/key.hpp

enum class PeerIdError : std::uint8_t {
  bad_multihash,  // not a multihash, or more bytes than one
  bad_hash,       // a multihash that peer ids do not use, or of a wrong length
  bad_text,       // neither base58btc nor a CID
  bad_codec,      // a CID of something other than a key
};
std::string_view name_of(PeerIdError);

class PeerId {
 public:
  static constexpr std::size_t inlined_key_bytes_max = 42;
  static constexpr std::size_t bytes_max = 2 + inlined_key_bytes_max;

  // Nobody: empty() is true.
  PeerId() = default;
  static PeerId of(const PublicKey& key);
  // The multihash, which must be all of `in`.
  static std::expected<PeerId, PeerIdError> decode(Bytes in);
  static std::expected<PeerId, PeerIdError> parse(std::string_view text);

  bool empty() const { return bytes_[0] == 0 && bytes_[1] == 0; }
  // The multihash. Two bytes at least.
  Bytes bytes() const { return {bytes_.data(), std::size_t{2} + bytes_[1]}; }
  Multihash hash() const { return *Multihash::decode(bytes()); }
  // The key, where it is inlined and well-formed.
  std::optional<PublicKey> public_key() const;

  std::string to_base58() const;
  std::string to_string() const { return to_base58(); }
  // Its CIDv1, whose text in base36 names it in IPNS.
  Cid to_cid() const { return Cid::v1(Codec::libp2p_key, hash()); }

  // The unused tail is always zero, so that all bytes may be compared.
  friend bool operator==(const PeerId&, const PeerId&) = default;
  friend std::strong_ordering operator<=>(const PeerId& a, const PeerId& b) {
    return as_text(a.bytes()) <=> as_text(b.bytes());
  }

 private:
  // The multihash: code and length take one byte each, and the length says how much is in use.
  std::array<std::uint8_t, bytes_max> bytes_{};
};
static_assert(sizeof(PeerId) == 44);

}  // namespace masu

template <>
struct std::hash<masu::PeerId> {
  std::size_t operator()(const masu::PeerId& peer) const noexcept {
    return std::hash<std::string_view>()(masu::as_text(peer.bytes()));
  }
};
