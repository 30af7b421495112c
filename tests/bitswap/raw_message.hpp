// Messages field by field, right or wrong, and what a peer says read back.
#pragma once

#include "bitswap/message_reader.hpp"
#include "bitswap/protocol.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace masu::bitswap {

inline std::string varint_text(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}
inline std::string bytes_field(std::uint32_t number, std::string_view bytes) {
  return varint_text(number << 3 | 2) + varint_text(bytes.size()) + std::string(bytes);
}
inline std::string number_field(std::uint32_t number, std::uint64_t value) {
  return varint_text(number << 3) + varint_text(value);
}
inline std::string framed(std::string_view message) {
  return varint_text(message.size()) + std::string(message);
}

struct WantText {
  std::string cid;
  std::int32_t priority = 1;
  bool cancel = false;
  WantType type = WantType::block;
  bool send_dont_have = false;
};
inline std::string text_of(const Cid& cid) { return std::string(as_text(cid.bytes())); }
inline std::string entry(const WantText& want) {
  std::string fields = bytes_field(field::entry_cid, want.cid);
  fields += number_field(field::priority, static_cast<std::uint64_t>(std::int64_t{want.priority}));
  if (want.cancel) fields += number_field(field::cancel, 1);
  if (want.type == WantType::have) fields += number_field(field::want_type, 1);
  if (want.send_dont_have) fields += number_field(field::send_dont_have, 1);
  return bytes_field(field::entries, fields);
}
inline std::string wantlist(const std::vector<WantText>& wants, bool full = false) {
  std::string fields;
  for (const WantText& want : wants) fields += entry(want);
  if (full) fields += number_field(field::full, 1);
  return bytes_field(field::wantlist, fields);
}
inline std::string prefix_of(const Cid& cid) {
  const Multihash hash = cid.hash();
  return varint_text(static_cast<std::uint64_t>(cid.version())) +
         varint_text(static_cast<std::uint64_t>(cid.codec())) +
         varint_text(static_cast<std::uint64_t>(hash.code())) + varint_text(hash.digest().size());
}
inline std::string payload(const Cid& cid, std::string_view bytes) {
  std::string fields = bytes_field(field::prefix, prefix_of(cid));
  if (!bytes.empty()) fields += bytes_field(field::data, bytes);
  return bytes_field(field::payload, fields);
}
inline std::string presence(const Cid& cid, Presence type) {
  std::string fields = bytes_field(field::presence_cid, text_of(cid));
  if (type == Presence::dont_have) fields += number_field(field::presence_type, 1);
  return bytes_field(field::presences, fields);
}

// What a reader reads, noted; wants, room and blocks may be refused.
class NotingSink : public MessageSink {
 public:
  // `chunks`: of whom its reader takes them.
  explicit NotingSink(ChunkPool& chunks) : block_room(chunks, std::size_t{8} << 20) {}
  virtual ~NotingSink() = default;

  bool on_want(const WantEntry& want) override {
    if (wants_allowed == 0) return false;
    --wants_allowed;
    wants.push_back(want);
    return true;
  }
  void on_presence(const Cid& cid, Presence type) override { presences.emplace_back(cid, type); }
  bool on_block_begin(std::size_t bytes) override {
    begun.push_back(bytes);
    return asked;
  }
  BlockRoom::Grant take_room(std::size_t bytes) override { return block_room.take(bytes); }
  bool has_room_for_block() override { return room; }
  void on_block(ReceivedBlock block) override {
    std::string bytes(block.bytes.size(), '\0');
    block.bytes.copy_to(0, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    blocks.emplace_back(block.hash, std::move(bytes));
  }
  void on_message_end(bool full) override {
    ++messages;
    full_messages += full ? 1 : 0;
  }

  bool asked = true;
  bool room = true;
  std::size_t wants_allowed = ~std::size_t{0};
  BlockRoom block_room;
  std::vector<WantEntry> wants;
  std::vector<std::pair<Cid, Presence>> presences;
  std::vector<std::pair<Multihash, std::string>> blocks;
  std::vector<std::size_t> begun;
  std::size_t messages = 0;
  std::size_t full_messages = 0;
};

}  // namespace masu::bitswap
