// The protocols of a multiaddr: numbers, names, and the two forms of their values.
//
// Table: github.com/multiformats/multiaddr, protocols.csv. A protocol has no value, a value of fixed size, or
// one with a length in front; `unix` has a path, which runs to the end of the address.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/fixed_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace masu {

inline constexpr std::size_t multiaddr_bytes_max = 512;
using AddressBytes = FixedBytes<multiaddr_bytes_max>;

enum class AddressProtocol : std::uint32_t {
  ip4 = 4,
  tcp = 6,
  dccp = 33,
  ip6 = 41,
  ip6zone = 42,
  ipcidr = 43,
  dns = 53,
  dns4 = 54,
  dns6 = 55,
  dnsaddr = 56,
  sctp = 132,
  udp = 273,
  p2p_webrtc_star = 275,
  p2p_webrtc_direct = 276,
  p2p_stardust = 277,
  webrtc_direct = 280,
  webrtc = 281,
  p2p_circuit = 290,
  udt = 301,
  utp = 302,
  unix_path = 400,
  p2p = 421,
  https = 443,
  onion = 444,
  onion3 = 445,
  garlic64 = 446,
  garlic32 = 447,
  tls = 448,
  sni = 449,
  noise = 454,
  quic = 460,
  quic_v1 = 461,
  webtransport = 465,
  certhash = 466,
  ws = 477,
  wss = 478,
  p2p_websocket_star = 479,
  http = 480,
  http_path = 481,
};

// How the value is written.
enum class AddressValue : std::uint8_t {
  none,
  ip4,
  ip6,
  zone,
  mask,  // of an IP address, in bits
  port,
  name,  // DNS
  peer,
  hash,     // a multihash in any multibase
  path,     // of a socket; runs to the end
  escaped,  // percent-encoded
  onion,    // base32 host, ':', port
  onion3,
  garlic64,  // base64 in I2P's alphabet
  garlic32,
};

struct AddressProtocolInfo {
  static constexpr int length_prefixed = -1;

  AddressProtocol code;
  std::string_view name;
  AddressValue value = AddressValue::none;
  int value_bytes = 0;  // or length_prefixed
};

// Null when there is no such protocol. "ipfs" is taken for "p2p".
const AddressProtocolInfo* find_protocol(std::uint64_t code);
const AddressProtocolInfo* find_protocol(std::string_view name);

// Whether `value` is one that the protocol allows.
bool value_valid(const AddressProtocolInfo& protocol, Bytes value);
// The binary form of `text`, which is valid; nothing when it has none, or one above multiaddr_bytes_max.
std::optional<AddressBytes> parse_value(const AddressProtocolInfo& protocol, std::string_view text);
// Requires: a valid value.
std::string value_text(AddressProtocol protocol, Bytes value);

}  // namespace masu
