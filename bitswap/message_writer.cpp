#include "bitswap/message_writer.hpp"

#include "net/protobuf.hpp"

#include <cstring>

namespace masu::bitswap {
namespace {

constexpr std::uint8_t bytes_tag(std::uint32_t number) { return static_cast<std::uint8_t>(number << 3 | 2); }

// Tag, length and content of a sub-message whose content is in `fields`. False: no room.
bool put_message(std::uint32_t number, Bytes fields, MutableBytes room, std::size_t& size) {
  net::ProtobufWriter writer(room);
  writer.put_bytes(number, fields);
  size = writer.size();
  return writer.fits();
}

}  // namespace

bool MessageWriter::add(const WantChange& change) {
  std::array<std::uint8_t, cid_bytes_max + 32> fields;
  net::ProtobufWriter entry(fields);
  entry.put_bytes(field::entry_cid, change.cid);
  if (change.priority != 0) {
    // A negative int32 has ten bytes.
    entry.put_varint(field::priority, static_cast<std::uint64_t>(static_cast<std::int64_t>(change.priority)));
  }
  if (change.cancel) entry.put_varint(field::cancel, 1);
  if (change.type == WantType::have) entry.put_varint(field::want_type, 1);
  if (change.send_dont_have) entry.put_varint(field::send_dont_have, 1);
  std::size_t size = 0;
  if (!put_message(field::entries, entry.written(), MutableBytes(staging_.bytes_).subspan(end_), size)) {
    return false;
  }
  end_ += size;
  wants_end_ = end_;
  return true;
}

bool MessageWriter::add(Bytes cid, Presence presence) {
  std::array<std::uint8_t, cid_bytes_max + 16> fields;
  net::ProtobufWriter entry(fields);
  entry.put_bytes(field::presence_cid, cid);
  if (presence == Presence::dont_have) entry.put_varint(field::presence_type, 1);
  std::size_t size = 0;
  if (!put_message(field::presences, entry.written(), MutableBytes(staging_.bytes_).subspan(end_), size)) {
    return false;
  }
  end_ += size;
  return true;
}

void MessageWriter::finish(std::size_t body_bytes) {
  const std::size_t wants_bytes = wants_end_ - head_room;
  std::array<std::uint8_t, head_room> head;
  std::size_t head_bytes = 0;
  std::array<std::uint8_t, 3> wantlist;
  std::size_t wantlist_bytes = 0;
  if (wants_bytes > 0) {
    wantlist[0] = bytes_tag(field::wantlist);
    wantlist_bytes = 1 + put_varint(wants_bytes, MutableBytes(wantlist).subspan(1));
  }
  head_bytes = put_varint(wantlist_bytes + (end_ - head_room) + body_bytes, head);
  std::memcpy(head.data() + head_bytes, wantlist.data(), wantlist_bytes);
  head_bytes += wantlist_bytes;
  const std::size_t begin = head_room - head_bytes;
  std::memcpy(staging_.bytes_.data() + begin, head.data(), head_bytes);
  staging_.begin_ = static_cast<std::uint16_t>(begin);
  staging_.end_ = static_cast<std::uint16_t>(end_);
}

BlockHead block_head(const Cid& cid, std::size_t block_bytes, Dialect dialect) {
  BlockHead head;
  const auto put = [&](std::uint64_t number) {
    std::array<std::uint8_t, varint_bytes_max> bytes;
    head.append(Bytes(bytes).first(put_varint(number, bytes)));
  };
  if (!dialect.payload) {
    head.push_back(bytes_tag(field::blocks));
    put(block_bytes);
    return head;
  }
  const Multihash hash = cid.hash();
  std::array<std::uint8_t, 4 * varint_bytes_max> prefix;
  std::size_t prefix_bytes = 0;
  for (const std::uint64_t number :
       {static_cast<std::uint64_t>(cid.version()), static_cast<std::uint64_t>(cid.codec()),
        static_cast<std::uint64_t>(hash.code()), static_cast<std::uint64_t>(hash.digest().size())}) {
    prefix_bytes += put_varint(number, MutableBytes(prefix).subspan(prefix_bytes));
  }
  const std::size_t data_head = block_bytes > 0 ? 1 + varint_size(block_bytes) : 0;
  head.push_back(bytes_tag(field::payload));
  put(1 + varint_size(prefix_bytes) + prefix_bytes + data_head + block_bytes);
  head.push_back(bytes_tag(field::prefix));
  put(prefix_bytes);
  head.append(Bytes(prefix).first(prefix_bytes));
  if (block_bytes > 0) {
    head.push_back(bytes_tag(field::data));
    put(block_bytes);
  }
  return head;
}

}  // namespace masu::bitswap
