// The wire of Bitswap: protocol ids, fields and limits, as reader and writer both need them.
//
// A message is a varint length and a protobuf: wantlist 1 {entries 1 {block 1 (CID bytes), priority 2,
// cancel 3, wantType 4, sendDontHave 5}, full 2}, blocks 2, payload 3 {prefix 1, data 2}, blockPresences 4
// {cid 1, type 2}, pendingBytes 5. A prefix is four varints: version, codec, hash function, digest length.
// Spec: ipfs/specs src/bitswap-protocol.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace masu::bitswap {

// Most wanted first. The last is what was spoken before versions had names.
inline constexpr std::array<std::string_view, 4> protocols = {"/ipfs/bitswap/1.2.0", "/ipfs/bitswap/1.1.0",
                                                              "/ipfs/bitswap/1.0.0", "/ipfs/bitswap"};

// What may be said in a protocol.
struct Dialect {
  bool presences = false;  // HAVE and DONT_HAVE, and wants for them: 1.2.0
  bool payload = false;    // blocks with a prefix; else bare ones, which are sha2-256 and CIDv0
};
constexpr Dialect dialect_of(std::string_view protocol) {
  return {protocol == protocols[0], protocol == protocols[0] || protocol == protocols[1]};
}

enum class WantType : std::uint8_t { block = 0, have = 1 };
enum class Presence : std::uint8_t { have = 0, dont_have = 1 };

namespace field {
// Of a message.
inline constexpr std::uint32_t wantlist = 1, blocks = 2, payload = 3, presences = 4, pending_bytes = 5;
// Of a wantlist, and of its entries.
inline constexpr std::uint32_t entries = 1, full = 2;
inline constexpr std::uint32_t entry_cid = 1, priority = 2, cancel = 3, want_type = 4, send_dont_have = 5;
// Of a payload, and of a presence.
inline constexpr std::uint32_t prefix = 1, data = 2;
inline constexpr std::uint32_t presence_cid = 1, presence_type = 2;
}  // namespace field

inline constexpr std::size_t message_bytes_max = 4 * 1024 * 1024;
// A longer CID is passed over.
inline constexpr std::size_t wire_cid_bytes_max = 168;
// A want-have for a block of at most this is answered with the block.
inline constexpr std::size_t have_replaced_bytes = 1024;

}  // namespace masu::bitswap
