// IdentifyMessage, IdentifyWriter: what this node says of itself.
//
// The message is encoded once for all peers (IdentifyMessage) and sent with what differs for each in front,
// the address at which we see the peer (IdentifyWriter: a place in the message and 80 bytes). At most 4 KiB:
// when there are more addresses than fit, public ones stay. Machines without IO; loop thread.
#pragma once

#include "multiformats/key.hpp"
#include "multiformats/multiaddr.hpp"
#include "net/identify/identify_limits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

struct OwnDescription {
  const PrivateKey* key = nullptr;
  std::string_view agent;
  std::span<const std::string_view> protocols;
  // The best first. Those that do not fit into the message are left out.
  std::span<const Multiaddr> addresses;
  // With one, a signed record is sent. It must grow whenever the addresses change, also over restarts.
  std::optional<std::uint64_t> record_sequence;
};

class IdentifyMessage {
 public:
  // Room for the address at which we see the peer, and for the lengths of both parts.
  static constexpr std::size_t reserve_bytes = 128;

  IdentifyMessage() = default;
  explicit IdentifyMessage(const OwnDescription& own);

  // All but the observed address; without its length.
  Bytes body() const { return Bytes(bytes_).first(body_size_); }
  // A second part, with its length in front; empty when the record lies in the body.
  Bytes record_part() const { return Bytes(bytes_).subspan(body_size_, record_size_); }

 private:
  std::size_t body_size_ = 0;
  std::size_t record_size_ = 0;
  std::array<std::uint8_t, identify_own_bytes_max> bytes_;
};

class IdentifyWriter {
 public:
  // `message` must outlive this. An observed address that is too long is not sent.
  IdentifyWriter(const IdentifyMessage& message, const MultiaddrView& observed);

  // The next bytes to send; empty when all were.
  Bytes pending() const;
  void consume(std::size_t bytes) { sent_ += bytes; }  // Requires: of pending().

 private:
  const IdentifyMessage& message_;
  std::size_t sent_ = 0;
  std::size_t head_size_ = 0;
  std::array<std::uint8_t, 80> head_;  // the length of the first part and the observed address
};

// The order in which addresses are worth announcing: public ones first, loopback last, else as they were.
void sort_for_announcement(std::span<Multiaddr> addresses);

}  // namespace masu::net
