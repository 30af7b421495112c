// The payload of libp2p's Noise handshake, a protobuf message:
//
//   NoiseHandshakePayload { bytes identity_key = 1; bytes identity_sig = 2; NoiseExtensions extensions = 4; }
//   NoiseExtensions { repeated bytes webtransport_certhashes = 1; repeated string stream_muxers = 2; }
//
// Read in one pass over the bytes, without building anything: what is needed of it are two byte strings and
// whether our muxer is named. Unknown fields are skipped, as protobuf asks. Every length is checked against
// what is there and against its bound. Spec: libp2p/specs noise/README.md.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/key.hpp"

#include <cstddef>
#include <expected>
#include <string_view>
#include <vector>

namespace masu::net {

inline constexpr std::size_t noise_identity_key_max_bytes = public_key_bytes_max;
inline constexpr std::size_t noise_signature_max_bytes = signature_bytes_max;
inline constexpr std::size_t noise_muxers_max = 16;

struct NoisePayload {
  Bytes identity_key;  // both point into the payload
  Bytes identity_signature;
  bool names_muxers = false;  // it takes part in early muxer selection
  bool knows_our_muxer = false;
};

enum class NoisePayloadError : unsigned char { malformed, missing_field, too_large };

std::expected<NoisePayload, NoisePayloadError> decode_noise_payload(Bytes payload,
                                                                    std::string_view our_muxer);
std::vector<std::uint8_t> encode_noise_payload(Bytes identity_key, Bytes identity_signature,
                                               std::string_view our_muxer);

}  // namespace masu::net
