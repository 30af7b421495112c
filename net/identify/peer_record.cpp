#include "net/identify/peer_record.hpp"

#include "net/identify/identify_limits.hpp"

#include <array>

namespace masu::net {
namespace {

constexpr std::string_view domain = "libp2p-peer-record";
constexpr std::array<std::uint8_t, 2> payload_type = {0x03, 0x01};

namespace envelope_field {
constexpr std::uint32_t public_key = 1;
constexpr std::uint32_t payload_type = 2;
constexpr std::uint32_t payload = 3;
constexpr std::uint32_t signature = 5;
}  // namespace envelope_field

// What is signed: domain, type and payload, each with its length in front.
using SignedBuffer = std::array<std::uint8_t, identify_part_bytes_max + 64>;

std::optional<Bytes> write_signed(Bytes payload, SignedBuffer& buffer) {
  ProtobufWriter writer(buffer);
  for (const Bytes part : {as_bytes(domain), Bytes(payload_type), payload}) {
    writer.put_raw_varint(part.size());
    writer.put_raw(part);
  }
  if (!writer.fits()) return std::nullopt;
  return writer.written();
}

struct Envelope {
  Bytes public_key;
  Bytes type;
  Bytes payload;
  Bytes signature;
};

std::optional<Envelope> read_envelope(Bytes bytes) {
  Envelope envelope;
  ProtobufReader reader(bytes);
  ProtobufField field;
  while (reader.next(field)) {
    if (!field.is_bytes) continue;
    switch (field.number) {
      case envelope_field::public_key: envelope.public_key = field.bytes; break;
      case envelope_field::payload_type: envelope.type = field.bytes; break;
      case envelope_field::payload: envelope.payload = field.bytes; break;
      case envelope_field::signature: envelope.signature = field.bytes; break;
      default: break;
    }
  }
  if (reader.malformed()) return std::nullopt;
  return envelope;
}

std::optional<PeerRecord> read_record(Bytes payload) {
  PeerRecord record;
  record.payload = payload;
  ProtobufReader reader(payload);
  ProtobufField field;
  while (reader.next(field)) {
    if (field.number == peer_record_field::peer_id && field.is_bytes) {
      const auto peer = PeerId::decode(field.bytes);
      if (!peer) return std::nullopt;
      record.peer = *peer;
    }
    if (field.number == peer_record_field::sequence && !field.is_bytes) record.sequence = field.value;
  }
  if (reader.malformed() || record.peer.empty()) return std::nullopt;
  return record;
}

}  // namespace

std::string_view name_of(PeerRecordError error) {
  switch (error) {
    case PeerRecordError::malformed: return "malformed peer record";
    case PeerRecordError::wrong_type: return "an envelope with something else than a peer record";
    case PeerRecordError::bad_key: return "a peer record under an unreadable key";
    case PeerRecordError::bad_signature: return "a peer record with a bad signature";
    case PeerRecordError::wrong_peer: return "a peer record about another peer";
  }
  return "";
}

std::expected<PeerRecord, PeerRecordError> open_peer_record(Bytes bytes, const PeerId& peer) {
  const std::optional<Envelope> envelope = read_envelope(bytes);
  if (!envelope) return std::unexpected(PeerRecordError::malformed);
  if (!equal(envelope->type, payload_type)) return std::unexpected(PeerRecordError::wrong_type);
  const auto key = PublicKey::from_protobuf(envelope->public_key);
  if (!key) return std::unexpected(PeerRecordError::bad_key);
  // Whose key it is costs less to ask than whether the signature is right.
  if (PeerId::of(*key) != peer) return std::unexpected(PeerRecordError::wrong_peer);
  const std::optional<PeerRecord> record = read_record(envelope->payload);
  if (!record) return std::unexpected(PeerRecordError::malformed);
  if (record->peer != peer) return std::unexpected(PeerRecordError::wrong_peer);
  SignedBuffer buffer;
  const std::optional<Bytes> message = write_signed(envelope->payload, buffer);
  if (!message) return std::unexpected(PeerRecordError::malformed);
  if (!key->verify(*message, envelope->signature)) return std::unexpected(PeerRecordError::bad_signature);
  return *record;
}

std::optional<std::size_t> seal_peer_record(const PrivateKey& key, std::span<const Multiaddr> addresses,
                                            std::uint64_t sequence, MutableBytes out) {
  std::array<std::uint8_t, identify_own_bytes_max> payload_bytes;
  ProtobufWriter payload(payload_bytes);
  payload.put_bytes(peer_record_field::peer_id, PeerId::of(key.public_key()).bytes());
  payload.put_varint(peer_record_field::sequence, sequence);
  for (const Multiaddr& address : addresses) {
    if (address.empty()) continue;
    std::array<std::uint8_t, multiaddr_bytes_max + 8> entry_bytes;
    ProtobufWriter entry(entry_bytes);
    entry.put_bytes(peer_record_field::multiaddr, address.bytes());
    payload.put_bytes(peer_record_field::addresses, entry.written());
  }
  if (!payload.fits()) return std::nullopt;

  SignedBuffer buffer;
  const std::optional<Bytes> message = write_signed(payload.written(), buffer);
  if (!message) return std::nullopt;
  const auto signature = key.sign(*message);
  if (!signature) return std::nullopt;
  ProtobufWriter envelope(out);
  envelope.put_bytes(envelope_field::public_key, key.public_key().to_protobuf());
  envelope.put_bytes(envelope_field::payload_type, payload_type);
  envelope.put_bytes(envelope_field::payload, payload.written());
  envelope.put_bytes(envelope_field::signature, *signature);
  if (!envelope.fits()) return std::nullopt;
  return envelope.size();
}

}  // namespace masu::net
