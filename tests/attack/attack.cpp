#include "tests/attack/attack.hpp"

#include "bitswap/protocol.hpp"
#include "net/identify/identify_limits.hpp"
#include "net/ping.hpp"
#include "tests/bitswap/raw_message.hpp"

#include <algorithm>

namespace masu::attack {
namespace {

constexpr std::string_view raw_cid_head("\x01\x55\x12\x20", 4);
constexpr std::size_t cid_bytes = 36;

// Every CID of raw bytes that is named there.
std::vector<std::string> named_cids(std::string_view bytes) {
  std::vector<std::string> cids;
  for (std::size_t at = 0;
       (at = bytes.find(raw_cid_head, at)) != bytes.npos && bytes.size() - at >= cid_bytes; at += cid_bytes) {
    cids.emplace_back(bytes.substr(at, cid_bytes));
  }
  return cids;
}

}  // namespace

std::string absent_cid(SeededRandom& random) { return std::string(raw_cid_head) + random.bytes(32); }

std::string Attack::identify_answer(WirePeer& peer) {
  namespace field = net::identify_field;
  using bitswap::bytes_field;
  std::string message =
      bytes_field(field::public_key, as_text(peer.identity().key.public_key().to_protobuf()));
  for (const std::string_view protocol : bitswap::protocols)
    message += bytes_field(field::protocols, protocol);
  message += bytes_field(field::protocols, net::ping_protocol);
  message += bytes_field(field::protocols, net::identify_protocol);
  message += bytes_field(field::agent_version, "hostile");
  return bitswap::framed(message);
}

void Attack::on_frame(WirePeer& peer, const net::YamuxHeader& header, std::string_view body) {
  if (header.type == net::YamuxType::ping && (header.flags & net::yamux_syn) != 0) {
    return peer.send_frame(net::YamuxType::ping, net::yamux_ack, 0, header.length);
  }
  if (header.type == net::YamuxType::data && !body.empty()) {
    std::uint32_t& owed = peer.owed_window[header.stream];
    owed += static_cast<std::uint32_t>(body.size());
    if (owed >= 64 * 1024) {
      peer.send_frame(net::YamuxType::window_update, 0, header.stream, std::exchange(owed, 0));
    }
  }
  if ((header.flags & (net::yamux_fin | net::yamux_rst)) != 0) peer.owed_window.erase(header.stream);
  if (header.stream % 2 == 1) return on_answer(peer, header, body);
  if (header.stream == 0) return;
  on_victim_bytes(peer, body);
  peer.inbound[header.stream] += body;
  on_victim_stream(peer, header.stream);
  if ((header.flags & (net::yamux_fin | net::yamux_rst)) != 0) peer.inbound.erase(header.stream);
}

void Attack::on_victim_stream(WirePeer& peer, std::uint32_t stream) {
  std::string& bytes = peer.inbound[stream];
  const auto asked = [&](std::string_view protocol) { return bytes.find(lines_for(protocol)) != bytes.npos; };
  if (asked(net::identify_protocol)) {
    bytes.clear();
    if (!answers_identify()) return;
    std::string answer = lines_for(net::identify_protocol) + identify_answer(peer);
    const std::size_t first = std::min<std::size_t>(answer.size(), 200 * 1024);
    peer.send_data(stream, std::string_view(answer).substr(0, first), net::yamux_ack | net::yamux_fin);
  } else if (asked(bitswap::protocols[0])) {
    bytes.erase(0, lines_for(bitswap::protocols[0]).size());
    peer.send_data(stream, lines_for(bitswap::protocols[0]), net::yamux_ack);
  }
  if (const auto wants = named_cids(bytes); !wants.empty()) {
    bytes.clear();
    on_wants(peer, wants);
  }
  if (bytes.size() > 256 * 1024) bytes.clear();
}

}  // namespace masu::attack
