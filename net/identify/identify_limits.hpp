// The numbers of identify's wire format, cited by its reader and its writer.
//
// An identify message is sent in parts, each with its length in front, until the stream ends; the parts are
// merged. Spec: libp2p/specs identify/README.md; the sizes are go-libp2p's, which all implementations keep
// to.
#pragma once

#include "alloc/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace masu::net {

inline constexpr std::string_view identify_protocol = "/ipfs/id/1.0.0";
inline constexpr std::string_view identify_push_protocol = "/ipfs/id/push/1.0.0";
inline constexpr std::string_view identify_protocol_version = "ipfs/0.1.0";

// On receipt.
inline constexpr std::size_t identify_part_bytes_max = 8 * 1024;
inline constexpr std::size_t identify_parts_max = 9;
inline constexpr std::size_t identify_wire_protocols_max = 1024;  // in all parts together; more is an error
inline constexpr std::size_t identify_wire_addresses_max =
    500;  // in all parts together; more are not looked at
// Of our own: rust-libp2p refuses more than 4 KiB. From 2 KiB on the signed record goes into a part of its
// own, so that old readers, which take one part of 2 KiB, still read the rest.
inline constexpr std::size_t identify_own_bytes_max = 4 * 1024;
inline constexpr std::size_t identify_single_part_bytes_max = 2 * 1024;

inline constexpr Duration identify_timeout = 5s;

namespace identify_field {
inline constexpr std::uint32_t public_key = 1;
inline constexpr std::uint32_t listen_addresses = 2;
inline constexpr std::uint32_t protocols = 3;
inline constexpr std::uint32_t observed_address = 4;
inline constexpr std::uint32_t protocol_version = 5;
inline constexpr std::uint32_t agent_version = 6;
inline constexpr std::uint32_t signed_peer_record = 8;
}  // namespace identify_field

}  // namespace masu::net
