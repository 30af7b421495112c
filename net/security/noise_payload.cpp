#include "net/security/noise_payload.hpp"

#include <cstdint>

namespace masu::net {
namespace {

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct Field {
  std::uint32_t number = 0;
  Wire wire = Wire::varint;
  Bytes bytes;  // of Wire::bytes
};

bool take_varint(Bytes& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (in.empty()) return false;
    const std::uint8_t byte = in[0];
    in = in.subspan(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool skip(Bytes& in, std::size_t bytes) {
  if (in.size() < bytes) return false;
  in = in.subspan(bytes);
  return true;
}

bool take_field(Bytes& in, Field& field) {
  std::uint64_t tag = 0;
  if (!take_varint(in, tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return false;
  field.number = static_cast<std::uint32_t>(tag >> 3);
  field.wire = static_cast<Wire>(tag & 7);
  std::uint64_t value = 0;
  switch (field.wire) {
    case Wire::varint: return take_varint(in, value);
    case Wire::fixed64: return skip(in, 8);
    case Wire::fixed32: return skip(in, 4);
    case Wire::bytes:
      if (!take_varint(in, value) || value > in.size()) return false;
      field.bytes = in.first(static_cast<std::size_t>(value));
      return skip(in, field.bytes.size());
  }
  return false;
}

std::expected<void, NoisePayloadError> decode_extensions(Bytes in, std::string_view our_muxer,
                                                         NoisePayload& out) {
  std::size_t muxers = 0;
  while (!in.empty()) {
    Field field;
    if (!take_field(in, field)) return std::unexpected(NoisePayloadError::malformed);
    if (field.number != 2) continue;
    if (field.wire != Wire::bytes) return std::unexpected(NoisePayloadError::malformed);
    if (++muxers > noise_muxers_max) return std::unexpected(NoisePayloadError::too_large);
    out.names_muxers = true;
    out.knows_our_muxer = out.knows_our_muxer || as_text(field.bytes) == our_muxer;
  }
  return {};
}

void put_varint(std::vector<std::uint8_t>& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_field(std::vector<std::uint8_t>& out, unsigned number, Bytes bytes) {
  put_varint(out, number << 3 | static_cast<unsigned>(Wire::bytes));
  put_varint(out, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::expected<NoisePayload, NoisePayloadError> decode_noise_payload(Bytes payload,
                                                                    std::string_view our_muxer) {
  NoisePayload out;
  while (!payload.empty()) {
    Field field;
    if (!take_field(payload, field)) return std::unexpected(NoisePayloadError::malformed);
    if (field.number != 1 && field.number != 2 && field.number != 4) continue;
    if (field.wire != Wire::bytes) return std::unexpected(NoisePayloadError::malformed);
    if (field.number == 1) out.identity_key = field.bytes;
    if (field.number == 2) out.identity_signature = field.bytes;
    if (field.number != 4) continue;
    if (auto done = decode_extensions(field.bytes, our_muxer, out); !done)
      return std::unexpected(done.error());
  }
  if (out.identity_key.empty() || out.identity_signature.empty()) {
    return std::unexpected(NoisePayloadError::missing_field);
  }
  if (out.identity_key.size() > noise_identity_key_max_bytes ||
      out.identity_signature.size() > noise_signature_max_bytes) {
    return std::unexpected(NoisePayloadError::too_large);
  }
  return out;
}

std::vector<std::uint8_t> encode_noise_payload(Bytes identity_key, Bytes identity_signature,
                                               std::string_view our_muxer) {
  std::vector<std::uint8_t> extensions;
  put_field(extensions, 2, as_bytes(our_muxer));
  std::vector<std::uint8_t> out;
  put_field(out, 1, identity_key);
  put_field(out, 2, identity_signature);
  put_field(out, 4, extensions);
  return out;
}

}  // namespace masu::net
