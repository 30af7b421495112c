// Signed peer records: a peer's own list of its addresses, in an envelope that only its key can make.
//
// Values and functions; any thread. What is read are views into the envelope's bytes. A record counts only
// for the peer whose key signed it. Spec: libp2p/specs RFC 0002 (envelope) and RFC 0003 (peer record).
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/key.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/protobuf.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

enum class PeerRecordError : std::uint8_t {
  malformed,      // no protobuf, or a field is missing
  wrong_type,     // an envelope of something else
  bad_key,        // the key cannot be read
  bad_signature,  // not signed by that key, or for another purpose
  wrong_peer,     // about another peer than the one that signed
};
std::string_view name_of(PeerRecordError);

struct PeerRecord {
  PeerId peer;
  std::uint64_t sequence = 0;
  Bytes payload;

  // `visit(const MultiaddrView&)` for each that is well-formed, in order.
  template <class Visitor>
  void for_each_address(Visitor&& visit) const;
};

// Opens `envelope` and checks all of it. `peer`: who must have signed it.
std::expected<PeerRecord, PeerRecordError> open_peer_record(Bytes envelope, const PeerId& peer);

// Writes an envelope with the record of `key`'s peer to `out` and returns its size; nothing when it does not
// fit or the key cannot sign. Empty addresses are left out: receivers refuse records with them.
std::optional<std::size_t> seal_peer_record(const PrivateKey& key, std::span<const Multiaddr> addresses,
                                            std::uint64_t sequence, MutableBytes out);

namespace peer_record_field {
inline constexpr std::uint32_t peer_id = 1;
inline constexpr std::uint32_t sequence = 2;
inline constexpr std::uint32_t addresses = 3;
inline constexpr std::uint32_t multiaddr = 1;  // of an entry of addresses
}  // namespace peer_record_field

template <class Visitor>
void PeerRecord::for_each_address(Visitor&& visit) const {
  ProtobufReader reader(payload);
  ProtobufField field;
  while (reader.next(field)) {
    if (field.number != peer_record_field::addresses || !field.is_bytes) continue;
    ProtobufReader entry(field.bytes);
    ProtobufField inner;
    while (entry.next(inner)) {
      if (inner.number != peer_record_field::multiaddr || !inner.is_bytes) continue;
      if (const auto address = MultiaddrView::decode(inner.bytes)) visit(*address);
    }
  }
}

}  // namespace masu::net
