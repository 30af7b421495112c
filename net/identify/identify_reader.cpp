#include "net/identify/identify_reader.hpp"

#include "multiformats/varint.hpp"
#include "net/identify/peer_record.hpp"
#include "net/peerstore/peerstore.hpp"
#include "net/protobuf.hpp"

#include <algorithm>
#include <cstring>

namespace masu::net {
namespace {

// These texts are shown to people and put into JSON.
bool printable(std::uint8_t byte) { return byte >= 0x20 && byte < 0x7f; }

}  // namespace

std::string_view name_of(IdentifyError error) {
  switch (error) {
    case IdentifyError::malformed: return "malformed identify message";
    case IdentifyError::part_too_large: return "a part of an identify message is larger than 8 KiB";
    case IdentifyError::too_many_parts: return "an identify message has more than 9 parts";
    case IdentifyError::too_many_protocols: return "an identify message has more than 1024 protocols";
    case IdentifyError::unfinished: return "the stream ended inside of an identify message";
    case IdentifyError::out_of_memory: return "no memory for an identify message";
  }
  return "";
}

bool PackedAddresses::add(const MultiaddrView& address) {
  const Bytes bytes = address.bytes();
  static_assert(Peerstore::address_bytes_max <= 255);
  if (bytes.size() > Peerstore::address_bytes_max) return false;
  if (count_ == addresses_max || bytes.size() + 1 > bytes_max - used_) return false;
  bytes_[used_] = static_cast<std::uint8_t>(bytes.size());
  std::memcpy(bytes_.data() + used_ + 1, bytes.data(), bytes.size());
  used_ = static_cast<std::uint16_t>(used_ + 1 + bytes.size());
  ++count_;
  return true;
}

std::span<const MultiaddrView> PackedAddresses::views(std::span<MultiaddrView, addresses_max> out) const {
  Bytes rest = Bytes(bytes_).first(used_);
  for (std::size_t at = 0; at < count_; ++at) {
    out[at] = MultiaddrView::of_valid(rest.subspan(1, rest[0]));
    rest = rest.subspan(std::size_t{1} + rest[0]);
  }
  return out.first(count_);
}

bool address_fits(const MultiaddrView& address, const std::optional<IpAddress>& remote) {
  if (!remote || remote->is_loopback()) return true;
  if (remote->is_private()) return !address.is_loopback();
  if (remote->is_public()) return address.is_public();
  return true;
}

IdentifyReader::IdentifyReader(ChunkPool& chunks, Account& account, TextTable& texts, const PeerId& peer,
                               const MultiaddrView& remote)
    : chunks_(chunks), account_(account), texts_(texts), peer_(peer), remote_(remote.ip()) {}

std::expected<void, IdentifyError> IdentifyReader::on_bytes(Bytes bytes) {
  while (!bytes.empty()) {
    if (partial_) {
      if (auto kept = keep(bytes); !kept) return kept;
      continue;
    }
    Bytes rest = bytes;
    const auto length = take_varint(rest);
    if (!length && length.error() != VarintError::need_more) return std::unexpected(IdentifyError::malformed);
    if (length && *length > identify_part_bytes_max) return std::unexpected(IdentifyError::part_too_large);
    if (!length || *length > rest.size()) {
      partial_ = chunks_.take(account_);
      if (!partial_) return std::unexpected(IdentifyError::out_of_memory);
      continue;
    }
    const auto size = static_cast<std::size_t>(*length);
    if (auto read = on_part(rest.first(size)); !read) return read;
    bytes = rest.subspan(size);
  }
  return {};
}

// Adds the part that is split, as far as it is in `bytes`, to what is kept of it.
std::expected<void, IdentifyError> IdentifyReader::keep(Bytes& bytes) {
  static_assert(identify_part_bytes_max + varint_bytes_max <= chunk_bytes);
  const auto copy = [&](std::size_t count) {
    std::memcpy(partial_.space().data(), bytes.data(), count);
    partial_.fill(count);
    bytes = bytes.subspan(count);
  };
  Bytes rest = partial_.data();
  auto length = take_varint(rest);
  if (!length) {
    copy(1);
    rest = partial_.data();
    length = take_varint(rest);
    if (!length) {
      if (length.error() == VarintError::need_more) return {};
      return std::unexpected(IdentifyError::malformed);
    }
  }
  if (*length > identify_part_bytes_max) return std::unexpected(IdentifyError::part_too_large);
  const auto size = static_cast<std::size_t>(*length);
  copy(std::min(size - rest.size(), bytes.size()));
  rest = partial_.data().subspan(varint_size(size));
  if (rest.size() < size) return {};
  const auto read = on_part(rest);
  partial_.reset();
  return read;
}

std::expected<void, IdentifyError> IdentifyReader::on_end() {
  if (partial_) return std::unexpected(IdentifyError::unfinished);
  return {};
}

std::expected<void, IdentifyError> IdentifyReader::on_part(Bytes part) {
  if (++parts_ > identify_parts_max) return std::unexpected(IdentifyError::too_many_parts);
  // First only looked at and counted.
  ProtobufReader reader(part);
  ProtobufField field;
  Bytes envelope;
  while (reader.next(field)) {
    if (!field.is_bytes) continue;
    switch (field.number) {
      case identify_field::protocols: ++wire_protocols_; break;
      case identify_field::agent_version:
        info_.agent_size = std::min(field.bytes.size(), info_.agent_bytes.size());
        std::transform(field.bytes.begin(),
                       field.bytes.begin() + static_cast<std::ptrdiff_t>(info_.agent_size),
                       info_.agent_bytes.begin(),
                       [](std::uint8_t byte) { return printable(byte) ? static_cast<char>(byte) : '?'; });
        break;
      case identify_field::observed_address:
        if (const auto observed = MultiaddrView::decode(field.bytes);
            observed && field.bytes.size() <= Multiaddr::inline_bytes) {
          info_.observed = Multiaddr(*observed);
        }
        break;
      case identify_field::signed_peer_record: envelope = field.bytes; break;
      default: break;
    }
  }
  if (reader.malformed()) return std::unexpected(IdentifyError::malformed);
  if (wire_protocols_ > identify_wire_protocols_max) {
    return std::unexpected(IdentifyError::too_many_protocols);
  }
  keep_protocols(part);
  if (!info_.record_sequence) keep_addresses(part);
  if (!envelope.empty()) keep_record(envelope);
  return {};
}

void IdentifyReader::keep_protocols(Bytes part) {
  ProtobufReader reader(part);
  ProtobufField field;
  while (reader.next(field)) {
    if (field.number != identify_field::protocols || !field.is_bytes || field.bytes.empty()) continue;
    if (info_.protocol_count == IdentifyInfo::protocols_max) {
      info_.protocols_overflow = true;
      for (TextRef& protocol : info_.protocols) protocol.reset();
    }
    if (info_.protocols_overflow) return;
    // What finds no place in the table, or is no text to be shown, is left out, and still counts.
    TextRef& protocol = info_.protocols[info_.protocol_count++];
    if (std::all_of(field.bytes.begin(), field.bytes.end(), printable))
      protocol = texts_.intern(field.text());
  }
}

void IdentifyReader::keep_addresses(Bytes part) {
  ProtobufReader reader(part);
  ProtobufField field;
  while (reader.next(field)) {
    if (field.number != identify_field::listen_addresses || !field.is_bytes) continue;
    if (const auto address = MultiaddrView::decode(field.bytes)) keep_address(*address);
  }
}

// A record that is right replaces the list beside it; another one is passed over.
void IdentifyReader::keep_record(Bytes envelope) {
  const auto record = open_peer_record(envelope, peer_);
  if (!record) return;
  info_.record_sequence = record->sequence;
  info_.addresses.clear();
  record->for_each_address([this](const MultiaddrView& address) { keep_address(address); });
}

void IdentifyReader::keep_address(const MultiaddrView& address) {
  if (++wire_addresses_ > identify_wire_addresses_max) return;
  const MultiaddrView bare = address.peer_id() == peer_ ? address.without_p2p() : address;
  if (!bare.empty() && address_fits(bare, remote_)) info_.addresses.add(bare);
}

}  // namespace masu::net
