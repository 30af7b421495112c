// MessageWriter: composes a framed message in the small buffer of an outbound stream: wants, cancels,
// presences, and the head of blocks, whose bytes follow from elsewhere.
//
// A message is as long as the buffer at most (but for its blocks), so that what goes into one is decided when
// the stream can take it, and nothing has to be kept until a long message is written. Loop thread; values.
#pragma once

#include "alloc/bytes.hpp"
#include "bitswap/protocol.hpp"
#include "multiformats/cid.hpp"
#include "multiformats/fixed_bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace masu::bitswap {

// Bytes on their way into a stream.
class Staging {
 public:
  static constexpr std::size_t bytes_max = 448;

  Bytes bytes() const { return Bytes(bytes_).subspan(begin_, static_cast<std::size_t>(end_ - begin_)); }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t bytes) { begin_ = static_cast<std::uint16_t>(begin_ + bytes); }
  void clear() { begin_ = end_ = 0; }

 private:
  friend class MessageWriter;
  std::uint16_t begin_ = 0;
  std::uint16_t end_ = 0;
  std::array<std::uint8_t, bytes_max> bytes_;
};

struct WantChange {
  Bytes cid;
  std::int32_t priority = 0;
  WantType type = WantType::block;
  bool cancel = false;
  bool send_dont_have = false;
};

// Wants first, then presences: a message has its wantlist in one piece.
class MessageWriter {
 public:
  // Requires: staging is empty.
  explicit MessageWriter(Staging& staging) : staging_(staging) {}

  // False: it has no room left, and the message is as before.
  [[nodiscard]] bool add(const WantChange& change);
  [[nodiscard]] bool add(Bytes cid, Presence presence);
  bool empty() const { return end_ == head_room; }
  // Puts the length in front; `body_bytes` of whole fields follow what is staged.
  void finish(std::size_t body_bytes = 0);

 private:
  // Length of the message, and tag and length of the wantlist.
  static constexpr std::size_t head_room = 4 + 1 + 2;

  Staging& staging_;
  std::size_t end_ = head_room;
  std::size_t wants_end_ = head_room;
};

// What stands in front of a block's bytes in a message: with its prefix, or bare.
inline constexpr std::size_t block_head_bytes_max = 64;
using BlockHead = FixedBytes<block_head_bytes_max>;
BlockHead block_head(const Cid& cid, std::size_t block_bytes, Dialect dialect);

}  // namespace masu::bitswap
