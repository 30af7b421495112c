#include "bench/peers/talk.hpp"

#include "bitswap/protocol.hpp"
#include "multiformats/digest.hpp"
#include "net/protobuf.hpp"

namespace masu::peers {
namespace {

namespace field = bitswap::field;
using net::ProtobufField;
using net::ProtobufReader;

bool read_wantlist(Bytes bytes, Message& message) {
  ProtobufReader list(bytes);
  ProtobufField at;
  while (list.next(at)) {
    if (at.number != field::entries || !at.is_bytes) continue;
    ProtobufReader entry(at.bytes);
    ProtobufField part;
    Want want;
    while (entry.next(part)) {
      if (part.number == field::entry_cid && part.is_bytes) want.cid = part.text();
      if (part.number == field::cancel) want.cancel = part.value != 0;
      if (part.number == field::want_type) want.have = part.value == 1;
      if (part.number == field::send_dont_have) want.send_dont_have = part.value != 0;
    }
    if (entry.malformed()) return false;
    message.wants.push_back(std::move(want));
  }
  return !list.malformed();
}

bool read_payload(Bytes bytes, Message& message) {
  ProtobufReader payload(bytes);
  ProtobufField at;
  std::string prefix;
  Bytes data;
  while (payload.next(at)) {
    if (at.number == field::prefix && at.is_bytes) prefix = at.text();
    if (at.number == field::data && at.is_bytes) data = at.bytes;
  }
  // Of CIDs of version 1 and sha2-256, the only ones that are asked for, a prefix is the beginning.
  const Sha256 digest = sha2_256(data);
  message.blocks.emplace_back(prefix + std::string(as_text(digest)), std::string(as_text(data)));
  return !payload.malformed();
}

bool read_presence(Bytes bytes, Message& message) {
  ProtobufReader presence(bytes);
  ProtobufField at;
  std::string cid;
  bool dont = false;
  while (presence.next(at)) {
    if (at.number == field::presence_cid && at.is_bytes) cid = at.text();
    if (at.number == field::presence_type) dont = at.value == 1;
  }
  (dont ? message.dont_haves : message.haves).push_back(std::move(cid));
  return !presence.malformed();
}

}  // namespace

bool read_message(Bytes bytes, Message& message) {
  ProtobufReader reader(bytes);
  ProtobufField at;
  while (reader.next(at)) {
    if (!at.is_bytes) continue;
    bool good = true;
    if (at.number == field::wantlist) good = read_wantlist(at.bytes, message);
    if (at.number == field::payload) good = read_payload(at.bytes, message);
    if (at.number == field::presences) good = read_presence(at.bytes, message);
    if (!good) return false;
  }
  return !reader.malformed();
}

void HearFlow::take(Bytes bytes) {
  heard_ += as_text(bytes);
  std::size_t at = 0;
  while (true) {
    // A varint of the length, and so many bytes.
    std::size_t length = 0, digits = 0;
    while (at + digits < heard_.size() && (heard_[at + digits] & 0x80) != 0 && digits < 4) {
      length |= static_cast<std::size_t>(heard_[at + digits] & 0x7f) << (7 * digits);
      ++digits;
    }
    if (at + digits >= heard_.size()) break;
    length |= static_cast<std::size_t>(heard_[at + digits] & 0x7f) << (7 * digits);
    ++digits;
    if (length > bitswap::message_bytes_max) return listener_.on_malformed();
    if (heard_.size() - at - digits < length) break;
    Message message;
    const Bytes body = as_bytes(std::string_view(heard_).substr(at + digits, length));
    if (!read_message(body, message)) return listener_.on_malformed();
    at += digits + length;
    listener_.on_message(message);
  }
  heard_.erase(0, at);
}

}  // namespace masu::peers
