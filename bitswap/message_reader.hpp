// MessageReader: framed Bitswap messages as they arrive, byte by byte, without IO and without a buffer for a
// message. Wants and presences come out as soon as their last byte is in; the bytes of a block go into a
// chain of chunks with a running hash.
//
// Owned by an inbound stream; loop thread. What a peer can make it hold: a CID, and one block: a chunk of
// `bitswap.block`, and from the second chunk on what it was granted of the BlockRoom. Where that is not to be
// had feed() stops in the middle, and with it the stream. A block that its owner expects nothing of is passed
// over without taking memory. A message has at most parts_max fields and sub-messages; lengths are claims.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "bitswap/block_room.hpp"
#include "bitswap/protocol.hpp"
#include "multiformats/cid.hpp"
#include "multiformats/digest.hpp"
#include "multiformats/fixed_bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory_resource>
#include <optional>
#include <string_view>

namespace masu::bitswap {

enum class MessageError : std::uint8_t {
  too_long,        // above 4 MiB
  too_many_parts,  // more fields than a message of that size has when it means something
  malformed,       // no protobuf, or a field of another type
  missing_cid,     // a want or a presence of nothing
  bad_cid,
  missing_prefix,  // a payload without one, or with its data in front
  bad_prefix,
};
std::string_view name_of(MessageError);

struct WantEntry {
  Cid cid;
  std::int32_t priority = 0;
  WantType type = WantType::block;
  bool cancel = false;
  bool send_dont_have = false;
};

struct ReceivedBlock {
  Multihash hash;
  ChunkChain bytes;
  BlockRoom::Grant room;  // of a block of more than a chunk
};

// Whom a reader serves. Calls come from feed() only.
class MessageSink {
 public:
  // An entry of the wantlist. False: no room for it; it is offered again by the next feed().
  virtual bool on_want(const WantEntry& want) = 0;
  virtual void on_presence(const Cid& cid, Presence presence) = 0;
  // A block of so many bytes begins. False: nothing was asked for, and it is passed over.
  virtual bool on_block_begin(std::size_t bytes) = 0;
  // Before its second chunk; an empty one: there is no room now.
  virtual BlockRoom::Grant take_room(std::size_t block_bytes) = 0;
  // Whether on_block() can take a block. False: asked again by the next feed().
  virtual bool has_room_for_block() = 0;
  virtual void on_block(ReceivedBlock block) = 0;
  // `full`: the wants of this message replace all that were there before.
  virtual void on_message_end(bool full) = 0;

 protected:
  ~MessageSink() = default;
};

// Where the bytes of blocks go. `digests`: the state of unusual hash functions.
struct BlockIntake {
  ChunkPool& chunks;
  Account& account;
  std::pmr::memory_resource& digests;
};

class MessageReader {
 public:
  static constexpr std::uint32_t parts_max = 1 << 19;

  // What feed() waits for when it stopped; it is to be called again with the rest, also with none.
  enum class Stall : std::uint8_t { none, want, room, chunk, block };

  MessageReader(BlockIntake& intake, MessageSink& sink) : intake_(intake), sink_(sink) {}

  // Returns how many bytes were used: all, or it stalled. An error is final.
  [[nodiscard]] std::expected<std::size_t, MessageError> feed(Bytes bytes);
  Stall stall() const { return stall_; }

  bool between_messages() const { return state_ == State::length && varint_bytes_ == 0; }
  // A block is being gathered: it holds memory.
  bool in_block() const { return state_ == State::block || state_ == State::block_end; }
  bool holds_room() const { return static_cast<bool>(room_); }
  // Of all blocks that were gathered: tells whether there is progress.
  std::uint64_t block_bytes_taken() const { return block_bytes_taken_; }

 private:
  enum class State : std::uint8_t {
    length,        // of the message
    tag,           // of a field, or the end of a level
    value,         // of a number
    field_length,  // of bytes
    gather,        // bytes for scratch_
    skip,
    want_end,  // an entry is complete
    block,
    block_end,  // all of its bytes are there
  };
  enum class Level : std::uint8_t { message, wantlist, entry, payload, presence };
  static constexpr std::size_t depth_max = 3;
  static constexpr std::size_t prefix_bytes_max = 4 * varint_bytes_max;

  Level level() const { return levels_[depth_]; }
  std::size_t& left_in_level() { return left_in_levels_[depth_]; }
  void fail(MessageError error) { error_ = error; }

  bool step(Bytes& rest);
  bool take_varint(Bytes& rest, std::uint64_t& value);
  void on_length(std::uint64_t bytes);
  void on_tag(std::uint64_t tag);
  void on_value(std::uint64_t value);
  void on_field_length(std::uint64_t bytes);
  void enter(Level level, std::size_t bytes);
  void leave();
  void start_gather(std::size_t bytes);
  void start_skip(std::size_t bytes);
  void gather(Bytes& rest);
  std::optional<Cid> take_cid();
  void on_prefix();
  void start_block(std::size_t bytes);
  void take_block_bytes(Bytes& rest);
  void drop_block();

  BlockIntake& intake_;
  MessageSink& sink_;

  State state_ = State::length;
  Stall stall_ = Stall::none;
  std::optional<MessageError> error_;
  std::uint8_t depth_ = 0;
  std::array<Level, depth_max> levels_{};
  std::array<std::size_t, depth_max> left_in_levels_{};
  std::uint32_t parts_ = 0;
  bool full_ = false;

  std::uint64_t varint_ = 0;
  std::uint8_t varint_bytes_ = 0;
  std::uint32_t field_ = 0;
  std::size_t left_ = 0;  // of what is gathered, skipped or a block

  // Of the sub-message: its CID or prefix as bytes, and the rest.
  FixedBytes<wire_cid_bytes_max> scratch_;
  bool named_ = false;     // a CID or prefix was there
  bool oversize_ = false;  // and too long to be looked at
  bool data_seen_ = false;
  std::optional<WantEntry> want_;
  std::uint64_t presence_type_ = 0;

  // Of the block.
  HashCode hash_ = HashCode::sha2_256;
  std::size_t digest_bytes_ = 0;
  std::optional<Digester> digester_;
  Chunk chunk_;
  ChunkChain chain_;
  std::size_t block_bytes_ = 0;
  BlockRoom::Grant room_;
  std::uint64_t block_bytes_taken_ = 0;
};

}  // namespace masu::bitswap
