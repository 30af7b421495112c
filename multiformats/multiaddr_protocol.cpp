#include "multiformats/multiaddr_protocol.hpp"

#include "alloc/check.hpp"
#include "multiformats/ip_address.hpp"
#include "multiformats/multibase.hpp"
#include "multiformats/multihash.hpp"
#include "multiformats/peer_id.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace masu {
namespace {

constexpr int prefixed = AddressProtocolInfo::length_prefixed;
constexpr std::size_t port_bytes = 2;
constexpr std::size_t onion_host_bytes = 10;
constexpr std::size_t onion3_host_bytes = 35;
constexpr std::size_t garlic64_bytes_min = 386;
// An I2P address is a hash of 32 bytes, or at least 35 when its lease set is encrypted.
constexpr std::size_t garlic32_hash_bytes = 32;
constexpr std::size_t garlic32_encrypted_bytes_min = 35;

using enum AddressProtocol;
constexpr std::array protocols{
    AddressProtocolInfo{ip4, "ip4", AddressValue::ip4, 4},
    AddressProtocolInfo{tcp, "tcp", AddressValue::port, port_bytes},
    AddressProtocolInfo{dccp, "dccp", AddressValue::port, port_bytes},
    AddressProtocolInfo{ip6, "ip6", AddressValue::ip6, 16},
    AddressProtocolInfo{ip6zone, "ip6zone", AddressValue::zone, prefixed},
    AddressProtocolInfo{ipcidr, "ipcidr", AddressValue::mask, 1},
    AddressProtocolInfo{dns, "dns", AddressValue::name, prefixed},
    AddressProtocolInfo{dns4, "dns4", AddressValue::name, prefixed},
    AddressProtocolInfo{dns6, "dns6", AddressValue::name, prefixed},
    AddressProtocolInfo{dnsaddr, "dnsaddr", AddressValue::name, prefixed},
    AddressProtocolInfo{sctp, "sctp", AddressValue::port, port_bytes},
    AddressProtocolInfo{udp, "udp", AddressValue::port, port_bytes},
    AddressProtocolInfo{p2p_webrtc_star, "p2p-webrtc-star"},
    AddressProtocolInfo{p2p_webrtc_direct, "p2p-webrtc-direct"},
    AddressProtocolInfo{p2p_stardust, "p2p-stardust"},
    AddressProtocolInfo{webrtc_direct, "webrtc-direct"},
    AddressProtocolInfo{webrtc, "webrtc"},
    AddressProtocolInfo{p2p_circuit, "p2p-circuit"},
    AddressProtocolInfo{udt, "udt"},
    AddressProtocolInfo{utp, "utp"},
    AddressProtocolInfo{unix_path, "unix", AddressValue::path, prefixed},
    AddressProtocolInfo{p2p, "p2p", AddressValue::peer, prefixed},
    AddressProtocolInfo{https, "https"},
    AddressProtocolInfo{onion, "onion", AddressValue::onion, onion_host_bytes + port_bytes},
    AddressProtocolInfo{onion3, "onion3", AddressValue::onion3, onion3_host_bytes + port_bytes},
    AddressProtocolInfo{garlic64, "garlic64", AddressValue::garlic64, prefixed},
    AddressProtocolInfo{garlic32, "garlic32", AddressValue::garlic32, prefixed},
    AddressProtocolInfo{tls, "tls"},
    AddressProtocolInfo{sni, "sni", AddressValue::name, prefixed},
    AddressProtocolInfo{noise, "noise"},
    AddressProtocolInfo{quic, "quic"},
    AddressProtocolInfo{quic_v1, "quic-v1"},
    AddressProtocolInfo{webtransport, "webtransport"},
    AddressProtocolInfo{certhash, "certhash", AddressValue::hash, prefixed},
    AddressProtocolInfo{ws, "ws"},
    AddressProtocolInfo{wss, "wss"},
    AddressProtocolInfo{p2p_websocket_star, "p2p-websocket-star"},
    AddressProtocolInfo{http, "http"},
    AddressProtocolInfo{http_path, "http-path", AddressValue::escaped, prefixed},
};

using Value = std::optional<AddressBytes>;

Value value_of(Bytes bytes) {
  if (bytes.size() > multiaddr_bytes_max) return std::nullopt;
  return AddressBytes(bytes);
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void append_port(AddressBytes& out, std::uint16_t port) {
  out.push_back(static_cast<std::uint8_t>(port >> 8));
  out.push_back(static_cast<std::uint8_t>(port));
}
unsigned port_of(Bytes bytes) { return unsigned{bytes[0]} << 8 | bytes[1]; }

Value parse_base(Multibase base, std::string_view text) {
  AddressBytes out;
  const auto size = decode_base(base, text, out.room());
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

Value parse_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  if (!port) return std::nullopt;
  AddressBytes out;
  append_port(out, *port);
  return out;
}

Value parse_onion(std::string_view text, std::size_t host_bytes) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Value out = parse_base(Multibase::base32, text.substr(0, colon));
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!out || out->size() != host_bytes || !port) return std::nullopt;
  append_port(*out, *port);
  return out;
}

// I2P writes '-' and '~' where RFC 4648 has '+' and '/'.
void replace_garlic_digits(std::string& text, std::string_view from, std::string_view to) {
  for (char& c : text) {
    if (const std::size_t at = from.find(c); at != std::string_view::npos) c = to[at];
  }
}
Value parse_garlic64(std::string_view text) {
  if (text.size() > 2 * multiaddr_bytes_max || text.find_first_of("+/") != std::string_view::npos)
    return std::nullopt;
  std::string standard(text);
  replace_garlic_digits(standard, "-~", "+/");
  return parse_base(Multibase::base64pad, standard);
}
std::string garlic64_text(Bytes value) {
  std::string text = encode_base(Multibase::base64pad, value);
  replace_garlic_digits(text, "+/", "-~");
  return text;
}

Value parse_hash(std::string_view text) {
  AddressBytes out;
  const auto decoded = decode_multibase(text, out.room());
  if (!decoded) return std::nullopt;
  out.resize(decoded->size);
  return out;
}

constexpr bool is_unreserved(std::uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

Value parse_escaped(std::string_view text) {
  AddressBytes out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (out.size() == multiaddr_bytes_max) return std::nullopt;
    std::uint8_t byte = static_cast<std::uint8_t>(text[i]);
    if (byte == '+') byte = ' ';
    if (byte == '%') {
      const std::string_view hex = text.substr(i + 1, 2);
      if (hex.size() < 2 || !decode_base(Multibase::base16, hex, {&byte, 1})) return std::nullopt;
      i += 2;
    }
    out.push_back(byte);
  }
  return out;
}

std::string escaped_text(Bytes value) {
  std::string text;
  for (const std::uint8_t byte : value) {
    if (is_unreserved(byte)) {
      text += static_cast<char>(byte);
    } else if (byte == ' ') {
      text += '+';
    } else {
      text += '%' + encode_base(Multibase::base16upper, {&byte, 1});
    }
  }
  return text;
}

Value parse_ip(const std::optional<IpAddress>& address) {
  if (!address) return std::nullopt;
  return value_of(address->bytes());
}

Value parse_unchecked(AddressValue kind, std::string_view text) {
  switch (kind) {
    case AddressValue::none: return std::nullopt;
    case AddressValue::ip4: return parse_ip(IpAddress::parse_v4(text));
    case AddressValue::ip6: return parse_ip(IpAddress::parse_v6(text));
    case AddressValue::mask: {
      const auto bits = parse_number<std::uint8_t>(text);
      return bits ? value_of({&*bits, 1}) : std::nullopt;
    }
    case AddressValue::port: return parse_port(text);
    case AddressValue::peer: {
      const auto peer = PeerId::parse(text);
      return peer ? value_of(peer->bytes()) : std::nullopt;
    }
    case AddressValue::hash: return parse_hash(text);
    case AddressValue::zone:
    case AddressValue::name:
    case AddressValue::path: return value_of(as_bytes(text));
    case AddressValue::escaped: return parse_escaped(text);
    case AddressValue::onion: return parse_onion(text, onion_host_bytes);
    case AddressValue::onion3: return parse_onion(text, onion3_host_bytes);
    case AddressValue::garlic64: return parse_garlic64(text);
    case AddressValue::garlic32: return parse_base(Multibase::base32, text);
  }
  return std::nullopt;
}

bool has_slash(Bytes value) { return std::find(value.begin(), value.end(), '/') != value.end(); }

}  // namespace

const AddressProtocolInfo* find_protocol(std::uint64_t code) {
  const auto* found = std::find_if(
      protocols.begin(), protocols.end(),
      [code](const AddressProtocolInfo& info) { return static_cast<std::uint64_t>(info.code) == code; });
  return found == protocols.end() ? nullptr : found;
}

const AddressProtocolInfo* find_protocol(std::string_view name) {
  if (name == "ipfs") name = "p2p";
  const auto* found = std::find_if(protocols.begin(), protocols.end(),
                                   [name](const AddressProtocolInfo& info) { return info.name == name; });
  return found == protocols.end() ? nullptr : found;
}

bool value_valid(const AddressProtocolInfo& protocol, Bytes value) {
  if (protocol.value_bytes >= 0 && value.size() != static_cast<std::size_t>(protocol.value_bytes))
    return false;
  switch (protocol.value) {
    case AddressValue::none:
    case AddressValue::ip4:
    case AddressValue::ip6:
    case AddressValue::mask:
    case AddressValue::port: return true;
    case AddressValue::zone:
    case AddressValue::name: return !value.empty() && !has_slash(value);
    case AddressValue::peer: return PeerId::decode(value).has_value();
    case AddressValue::hash: return Multihash::decode(value).has_value();
    // Text drops slashes at the end, so that such a path would not survive it.
    case AddressValue::path: return value.size() >= 2 && value.front() == '/' && value.back() != '/';
    case AddressValue::escaped: return !value.empty();
    case AddressValue::onion:
    case AddressValue::onion3: return port_of(value.last(port_bytes)) != 0;
    case AddressValue::garlic64: return value.size() >= garlic64_bytes_min;
    case AddressValue::garlic32:
      return value.size() == garlic32_hash_bytes || value.size() >= garlic32_encrypted_bytes_min;
  }
  return false;
}

std::optional<AddressBytes> parse_value(const AddressProtocolInfo& protocol, std::string_view text) {
  Value value = parse_unchecked(protocol.value, text);
  if (!value || !value_valid(protocol, *value)) return std::nullopt;
  return value;
}

std::string value_text(AddressProtocol protocol, Bytes value) {
  const AddressProtocolInfo* info = find_protocol(static_cast<std::uint64_t>(protocol));
  MASU_CHECK(info != nullptr && value_valid(*info, value), "a value that its protocol does not allow");
  const auto host_and_port = [value] {
    return encode_base(Multibase::base32, value.first(value.size() - port_bytes)) + ':' +
           std::to_string(port_of(value.last(port_bytes)));
  };
  switch (info->value) {
    case AddressValue::none: return {};
    case AddressValue::ip4:
    case AddressValue::ip6: return IpAddress::from_bytes(value)->to_string();
    case AddressValue::mask: return std::to_string(value[0]);
    case AddressValue::port: return std::to_string(port_of(value));
    case AddressValue::peer: return PeerId::decode(value)->to_base58();
    case AddressValue::hash: return encode_multibase(Multibase::base64url, value);
    case AddressValue::zone:
    case AddressValue::name:
    case AddressValue::path: return std::string(as_text(value));
    case AddressValue::escaped: return escaped_text(value);
    case AddressValue::onion:
    case AddressValue::onion3: return host_and_port();
    case AddressValue::garlic64: return garlic64_text(value);
    case AddressValue::garlic32: return encode_base(Multibase::base32, value);
  }
  return {};
}

}  // namespace masu
