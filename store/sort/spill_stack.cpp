#include "store/sort/spill_stack.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace masu::store {

SpillStack::SpillStack(SpillSpace& spill, std::pmr::memory_resource& memory, std::size_t memory_bytes)
    : spill_(spill), buffer_bytes_(memory_bytes / 2), upper_(&memory), lower_(&memory) {
  MASU_CHECK(memory_bytes >= 4 * record_bytes_max, "a stack has room for some records");
  upper_.reserve(buffer_bytes_);
  lower_.reserve(buffer_bytes_);
}

SpillStack::~SpillStack() {
  while (segments_ > 0) {
    const std::uint64_t at = segment_at_;
    const std::uint32_t bytes = segment_bytes_;
    SegmentHeader header{};
    const auto read = spill_.read(at, MutableBytes(reinterpret_cast<std::uint8_t*>(&header), sizeof(header)));
    spill_.release(at, bytes);
    if (!read) return;  // the file goes away with its owner
    segment_at_ = header.before_at;
    segment_bytes_ = header.before_bytes;
    --segments_;
  }
}

Bytes SpillStack::last_record(Bytes buffer) {
  std::uint16_t bytes = 0;
  std::memcpy(&bytes, buffer.data() + buffer.size() - length_bytes, length_bytes);
  return buffer.subspan(buffer.size() - length_bytes - bytes, bytes);
}

bool SpillStack::has_room(std::size_t bytes, std::size_t records) const {
  const std::size_t room =
      lower_.empty() ? 2 * buffer_bytes_ - upper_.size() - record_bytes_max : buffer_bytes_ - upper_.size();
  return bytes + records * length_bytes <= room;
}

StoreResult<void> SpillStack::push(Bytes record) {
  MASU_CHECK(record.size() <= record_bytes_max, "a record is within its limit");
  if (upper_.size() + record.size() + length_bytes > buffer_bytes_) {
    if (!lower_.empty()) {
      if (auto spilled = spill_lower(); !spilled) return spilled;
    }
    upper_.swap(lower_);
  }
  upper_.insert(upper_.end(), record.begin(), record.end());
  const auto bytes = static_cast<std::uint16_t>(record.size());
  const auto* const length = reinterpret_cast<const std::uint8_t*>(&bytes);
  upper_.insert(upper_.end(), length, length + length_bytes);
  ++count_;
  return {};
}

StoreResult<void> SpillStack::spill_lower() {
  const SegmentHeader header{segment_at_, segment_bytes_, static_cast<std::uint32_t>(lower_.size())};
  auto at = spill_.append(Bytes(reinterpret_cast<const std::uint8_t*>(&header), sizeof(header)));
  if (!at) return std::unexpected(std::move(at.error()));
  auto content_at = spill_.append(lower_);
  if (!content_at) {
    spill_.release(*at, sizeof(header));
    return std::unexpected(std::move(content_at.error()));
  }
  MASU_CHECK(*content_at == *at + sizeof(header), "a segment is written in one piece");
  segment_at_ = *at;
  segment_bytes_ = static_cast<std::uint32_t>(sizeof(header) + lower_.size());
  ++segments_;
  lower_.clear();
  return {};
}

StoreResult<void> SpillStack::load_upper() {
  SegmentHeader header{};
  if (auto read =
          spill_.read(segment_at_, MutableBytes(reinterpret_cast<std::uint8_t*>(&header), sizeof(header)));
      !read) {
    return read;
  }
  if (header.bytes + sizeof(header) != segment_bytes_ || header.bytes > buffer_bytes_) {
    return fail(StoreErrorCode::corrupt, "a spilled stack is not what was written");
  }
  upper_.resize(header.bytes);
  if (auto read = spill_.read(segment_at_ + sizeof(header), upper_); !read) {
    upper_.clear();
    return read;
  }
  spill_.release(segment_at_, segment_bytes_);
  segment_at_ = header.before_at;
  segment_bytes_ = header.before_bytes;
  --segments_;
  return {};
}

StoreResult<Bytes> SpillStack::pop() {
  MASU_CHECK(count_ > 0, "an empty stack has no top");
  if (upper_.empty()) {
    upper_.swap(lower_);
    if (upper_.empty()) {
      if (auto loaded = load_upper(); !loaded) return std::unexpected(std::move(loaded.error()));
    }
  }
  const Bytes record = last_record(upper_);
  // Shrinking keeps the bytes where they are until the next push.
  upper_.resize(upper_.size() - record.size() - length_bytes);
  --count_;
  return record;
}

}  // namespace masu::store
