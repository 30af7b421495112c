#include "bitswap/message_reader.hpp"

#include "store/block_store.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace masu::bitswap {
namespace {

enum WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes_field = 2, fixed32 = 5 };

constexpr std::size_t protobuf_varint_bytes_max = 10;

}  // namespace

std::string_view name_of(MessageError error) {
  switch (error) {
    case MessageError::too_long: return "a message above 4 MiB";
    case MessageError::too_many_parts: return "a message of too many parts";
    case MessageError::malformed: return "a malformed message";
    case MessageError::missing_cid: return "a want or presence without a CID";
    case MessageError::bad_cid: return "a malformed CID";
    case MessageError::missing_prefix: return "a block without a prefix in front";
    case MessageError::bad_prefix: return "a malformed prefix";
  }
  return "";
}

std::expected<std::size_t, MessageError> MessageReader::feed(Bytes bytes) {
  stall_ = Stall::none;
  Bytes rest = bytes;
  while (step(rest) && !error_ && stall_ == Stall::none) {
  }
  if (error_) {
    drop_block();
    return std::unexpected(*error_);
  }
  return bytes.size() - rest.size();
}

// One step; false: it needs bytes and there are none.
bool MessageReader::step(Bytes& rest) {
  switch (state_) {
    case State::tag:
      if (left_in_level() > 0) break;
      leave();
      return true;
    case State::want_end:
      if (!sink_.on_want(*want_)) {
        stall_ = Stall::want;
        return true;
      }
      want_.reset();
      state_ = State::tag;
      return true;
    case State::block_end: {
      if (!sink_.has_room_for_block()) {
        stall_ = Stall::block;
        return true;
      }
      if (chunk_) chain_.append(std::move(chunk_));
      ReceivedBlock block{digester_->finish(digest_bytes_), std::move(chain_), std::move(room_)};
      drop_block();
      state_ = State::tag;
      sink_.on_block(std::move(block));
      return true;
    }
    default: break;
  }
  if (rest.empty()) return false;
  std::uint64_t number = 0;
  switch (state_) {
    case State::length:
      if (take_varint(rest, number)) on_length(number);
      break;
    case State::tag:
      if (take_varint(rest, number)) on_tag(number);
      break;
    case State::value:
      if (take_varint(rest, number)) on_value(number);
      break;
    case State::field_length:
      if (take_varint(rest, number)) on_field_length(number);
      break;
    case State::gather: gather(rest); break;
    case State::skip: {
      const std::size_t count = std::min(left_, rest.size());
      rest = rest.subspan(count);
      left_ -= count;
      if (left_ == 0) state_ = State::tag;
      break;
    }
    case State::block: take_block_bytes(rest); break;
    case State::want_end:
    case State::block_end: break;
  }
  return true;
}

// Protobuf's varints may be padded, and have ten bytes.
bool MessageReader::take_varint(Bytes& rest, std::uint64_t& value) {
  while (!rest.empty()) {
    if (state_ != State::length) {
      if (left_in_level() == 0) {
        fail(MessageError::malformed);
        return false;
      }
      --left_in_level();
    }
    const std::uint8_t byte = rest.front();
    rest = rest.subspan(1);
    varint_ |= varint_bytes_ < 9 || byte <= 1 ? std::uint64_t{byte & 0x7fu} << 7 * varint_bytes_ : 0;
    ++varint_bytes_;
    if ((byte & 0x80) == 0) {
      value = std::exchange(varint_, 0);
      varint_bytes_ = 0;
      return true;
    }
    if (varint_bytes_ == protobuf_varint_bytes_max) {
      fail(MessageError::malformed);
      return false;
    }
  }
  return false;
}

void MessageReader::on_length(std::uint64_t bytes) {
  if (bytes > message_bytes_max) return fail(MessageError::too_long);
  depth_ = 0;
  levels_[0] = Level::message;
  left_in_levels_[0] = static_cast<std::size_t>(bytes);
  parts_ = 0;
  full_ = false;
  state_ = State::tag;
}

void MessageReader::on_tag(std::uint64_t tag) {
  if (tag >> 3 == 0 || tag >> 32 != 0) return fail(MessageError::malformed);
  if (++parts_ > parts_max) return fail(MessageError::too_many_parts);
  field_ = static_cast<std::uint32_t>(tag >> 3);
  const auto type = static_cast<std::uint8_t>(tag & 7);
  bool is_bytes = false;
  bool is_number = false;
  switch (level()) {
    case Level::message:
      is_bytes = field_ <= field::presences;
      is_number = field_ == field::pending_bytes;
      break;
    case Level::wantlist:
      is_bytes = field_ == field::entries;
      is_number = field_ == field::full;
      break;
    case Level::entry:
      is_bytes = field_ == field::entry_cid;
      is_number = field_ > field::entry_cid && field_ <= field::send_dont_have;
      break;
    case Level::payload: is_bytes = field_ <= field::data; break;
    case Level::presence:
      is_bytes = field_ == field::presence_cid;
      is_number = field_ == field::presence_type;
      break;
  }
  if ((is_bytes && type != bytes_field) || (is_number && type != varint)) {
    return fail(MessageError::malformed);
  }
  switch (type) {
    case varint: state_ = State::value; break;
    case bytes_field: state_ = State::field_length; break;
    case fixed64: start_skip(8); break;
    case fixed32: start_skip(4); break;
    default: fail(MessageError::malformed);  // groups
  }
}

void MessageReader::on_value(std::uint64_t value) {
  state_ = State::tag;
  if (level() == Level::wantlist && field_ == field::full) full_ = value != 0;
  if (level() == Level::presence && field_ == field::presence_type) presence_type_ = value;
  if (level() != Level::entry) return;
  switch (field_) {
    case field::priority: want_->priority = static_cast<std::int32_t>(value); break;
    case field::cancel: want_->cancel = value != 0; break;
    case field::want_type: want_->type = value == 1 ? WantType::have : WantType::block; break;
    case field::send_dont_have: want_->send_dont_have = value != 0; break;
    default: break;
  }
}

void MessageReader::on_field_length(std::uint64_t length) {
  if (length > left_in_level()) return fail(MessageError::malformed);
  const auto bytes = static_cast<std::size_t>(length);
  switch (level()) {
    case Level::message:
      if (field_ == field::wantlist) return enter(Level::wantlist, bytes);
      if (field_ == field::payload) return enter(Level::payload, bytes);
      if (field_ == field::presences) return enter(Level::presence, bytes);
      if (field_ == field::blocks) {
        hash_ = HashCode::sha2_256;
        digest_bytes_ = 32;
        return start_block(bytes);
      }
      break;
    case Level::wantlist:
      if (field_ == field::entries) return enter(Level::entry, bytes);
      break;
    case Level::entry:
      if (field_ == field::entry_cid) return start_gather(bytes);
      break;
    case Level::payload:
      if (field_ == field::prefix) {
        if (bytes > prefix_bytes_max) return fail(MessageError::bad_prefix);
        return start_gather(bytes);
      }
      if (field_ == field::data) {
        if (!named_ || data_seen_) return fail(MessageError::missing_prefix);
        data_seen_ = true;
        on_prefix();
        return error_ ? void() : start_block(bytes);
      }
      break;
    case Level::presence:
      if (field_ == field::presence_cid) return start_gather(bytes);
      break;
  }
  start_skip(bytes);
}

void MessageReader::enter(Level level, std::size_t bytes) {
  left_in_level() -= bytes;
  ++depth_;
  levels_[depth_] = level;
  left_in_level() = bytes;
  state_ = State::tag;
  if (level == Level::wantlist) return;
  named_ = oversize_ = data_seen_ = false;
  presence_type_ = 0;
  if (level == Level::entry) want_.emplace();
}

// The end of a level: what it held is complete.
void MessageReader::leave() {
  const Level ended = level();
  if (ended == Level::message) {
    state_ = State::length;
    sink_.on_message_end(full_);
    return;
  }
  --depth_;
  state_ = State::tag;
  if (ended == Level::entry) {
    const std::optional<Cid> cid = take_cid();
    if (!cid) return;
    want_->cid = *cid;
    state_ = State::want_end;
  } else if (ended == Level::presence) {
    const std::optional<Cid> cid = take_cid();
    if (cid && presence_type_ <= 1) sink_.on_presence(*cid, static_cast<Presence>(presence_type_));
  } else if (ended == Level::payload && !data_seen_) {
    // A block of no bytes has no data field.
    if (!named_) return fail(MessageError::missing_prefix);
    on_prefix();
    if (!error_) start_block(0);
  }
}

void MessageReader::start_gather(std::size_t bytes) {
  named_ = true;
  oversize_ = bytes > wire_cid_bytes_max;
  if (oversize_) return start_skip(bytes);
  left_in_level() -= bytes;
  left_ = bytes;
  scratch_.resize(0);
  state_ = bytes > 0 ? State::gather : State::tag;
}

void MessageReader::start_skip(std::size_t bytes) {
  if (bytes > left_in_level()) return fail(MessageError::malformed);
  left_in_level() -= bytes;
  left_ = bytes;
  state_ = bytes > 0 ? State::skip : State::tag;
}

void MessageReader::gather(Bytes& rest) {
  const std::size_t count = std::min(left_, rest.size());
  scratch_.append(rest.first(count));
  rest = rest.subspan(count);
  left_ -= count;
  if (left_ == 0) state_ = State::tag;
}

// Nothing: it is passed over, or the message is refused.
std::optional<Cid> MessageReader::take_cid() {
  if (oversize_) return std::nullopt;
  if (!named_ || scratch_.empty()) {
    fail(MessageError::missing_cid);
    return std::nullopt;
  }
  const auto cid = Cid::decode(scratch_);
  if (cid) return *cid;
  if (cid.error() != CidError::too_long) fail(MessageError::bad_cid);
  return std::nullopt;
}

// What the block is to be hashed with; digest_bytes_ 0: nothing that we can.
void MessageReader::on_prefix() {
  Bytes rest = scratch_;
  std::array<std::uint64_t, 4> numbers{};  // version, codec, hash function, digest length
  for (std::uint64_t& number : numbers) {
    const auto taken = masu::take_varint(rest);
    if (!taken) return fail(MessageError::bad_prefix);
    number = *taken;
  }
  if (!rest.empty() || numbers[0] > 1) return fail(MessageError::bad_prefix);
  hash_ = static_cast<HashCode>(numbers[2]);
  const std::optional<DigestSizes> sizes = digest_sizes(hash_);
  const bool known = sizes && numbers[3] <= sizes->most && numbers[3] <= digest_bytes_max &&
                     numbers[3] >= hash_digest_bytes_min;
  digest_bytes_ = known ? static_cast<std::size_t>(numbers[3]) : 0;
}

void MessageReader::start_block(std::size_t bytes) {
  if (digest_bytes_ == 0 || bytes > store::block_bytes_max || !sink_.on_block_begin(bytes)) {
    return start_skip(bytes);
  }
  try {
    digester_.emplace(hash_, intake_.digests);
  } catch (const std::bad_alloc&) {
    return start_skip(bytes);
  }
  left_in_level() -= bytes;
  left_ = block_bytes_ = bytes;
  state_ = bytes > 0 ? State::block : State::block_end;
}

void MessageReader::take_block_bytes(Bytes& rest) {
  if (chunk_ && chunk_.space().empty()) chain_.append(std::move(chunk_));
  if (!chunk_) {
    if (chain_.chunks() > 0 && !room_) room_ = sink_.take_room(block_bytes_);
    if (chain_.chunks() > 0 && !room_) {
      stall_ = Stall::room;
      return;
    }
    chunk_ = room_ ? room_.take_chunk(intake_.account) : intake_.chunks.take(intake_.account);
    if (!chunk_) {
      stall_ = Stall::chunk;
      return;
    }
  }
  const MutableBytes space = chunk_.space();
  const std::size_t count = std::min({left_, rest.size(), space.size()});
  std::memcpy(space.data(), rest.data(), count);
  chunk_.fill(count);
  digester_->update(rest.first(count));
  rest = rest.subspan(count);
  left_ -= count;
  block_bytes_taken_ += count;
  if (left_ == 0) state_ = State::block_end;
}

void MessageReader::drop_block() {
  digester_.reset();
  chunk_.reset();
  chain_.clear();
  room_.reset();
}

}  // namespace masu::bitswap
