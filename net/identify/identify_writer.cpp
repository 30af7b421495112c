#include "net/identify/identify_writer.hpp"

#include "alloc/check.hpp"
#include "net/identify/peer_record.hpp"
#include "net/protobuf.hpp"

#include <algorithm>

namespace masu::net {
namespace {

// The message without its addresses; they have what is left.
void write_fixed(ProtobufWriter& writer, const OwnDescription& own) {
  writer.put_bytes(identify_field::public_key, own.key->public_key().to_protobuf());
  for (const std::string_view protocol : own.protocols) writer.put_text(identify_field::protocols, protocol);
  writer.put_text(identify_field::protocol_version, identify_protocol_version);
  writer.put_text(identify_field::agent_version, own.agent);
}

std::size_t address_field_size(const Multiaddr& address) {
  return protobuf_bytes_field_size(identify_field::listen_addresses, address.bytes().size());
}

// Of the record's field without and with one address: upper bounds, so that it is signed only once.
std::size_t record_field_bound(const OwnDescription& own) {
  if (!own.record_sequence) return 0;
  const std::size_t key = own.key->public_key().to_protobuf().size();
  // An RSA signature is as long as the modulus, one of an elliptic curve at most 139 bytes.
  const std::size_t signature = std::max<std::size_t>(key, 144);
  return key + signature + PeerId::bytes_max + 64;
}

std::size_t record_address_bound(const OwnDescription& own, const Multiaddr& address) {
  return own.record_sequence ? address.bytes().size() + 8 : 0;
}

}  // namespace

IdentifyMessage::IdentifyMessage(const OwnDescription& own) {
  constexpr std::size_t room = identify_own_bytes_max - reserve_bytes;
  ProtobufWriter body(MutableBytes(bytes_).first(room));
  write_fixed(body, own);
  MASU_CHECK(body.fits(), "the node's protocols fit into an identify message");

  // Each address is sent twice when there is a record.
  std::size_t size = body.size() + record_field_bound(own);
  std::size_t sent = 0;
  for (; sent < own.addresses.size(); ++sent) {
    const Multiaddr& address = own.addresses[sent];
    const std::size_t more = address_field_size(address) + record_address_bound(own, address);
    if (size + more > room) break;
    size += more;
  }
  for (const Multiaddr& address : own.addresses.first(sent)) {
    body.put_bytes(identify_field::listen_addresses, address.bytes());
  }
  body_size_ = body.size();
  if (!own.record_sequence || size > room) return;

  std::array<std::uint8_t, identify_own_bytes_max> record;
  const auto record_size =
      seal_peer_record(*own.key, own.addresses.first(sent), *own.record_sequence, record);
  if (!record_size) return;
  const Bytes envelope = Bytes(record).first(*record_size);
  const std::size_t field = protobuf_bytes_field_size(identify_field::signed_peer_record, envelope.size());
  if (body_size_ + field + reserve_bytes <= identify_single_part_bytes_max) {
    body.put_bytes(identify_field::signed_peer_record, envelope);
    body_size_ = body.size();
    return;
  }
  ProtobufWriter part(MutableBytes(bytes_).subspan(body_size_));
  part.put_raw_varint(field);
  part.put_bytes(identify_field::signed_peer_record, envelope);
  MASU_CHECK(part.fits(), "the record has its room");
  record_size_ = part.size();
}

IdentifyWriter::IdentifyWriter(const IdentifyMessage& message, const MultiaddrView& observed)
    : message_(message) {
  const std::size_t field =
      protobuf_bytes_field_size(identify_field::observed_address, observed.bytes().size());
  const bool with_observed = !observed.empty() && observed.bytes().size() <= Multiaddr::inline_bytes;
  ProtobufWriter head(head_);
  head.put_raw_varint(message.body().size() + (with_observed ? field : 0));
  if (with_observed) head.put_bytes(identify_field::observed_address, observed.bytes());
  MASU_CHECK(head.fits(), "the observed address has its room");
  head_size_ = head.size();
}

Bytes IdentifyWriter::pending() const {
  std::size_t at = sent_;
  for (const Bytes piece : {Bytes(head_).first(head_size_), message_.body(), message_.record_part()}) {
    if (at < piece.size()) return piece.subspan(at);
    at -= piece.size();
  }
  return {};
}

void sort_for_announcement(std::span<Multiaddr> addresses) {
  const auto rank = [](const Multiaddr& address) {
    if (address.is_public()) return 0;
    return address.is_loopback() ? 2 : 1;
  };
  std::stable_sort(addresses.begin(), addresses.end(),
                   [&](const Multiaddr& a, const Multiaddr& b) { return rank(a) < rank(b); });
}

}  // namespace masu::net
