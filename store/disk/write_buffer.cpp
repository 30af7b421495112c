#include "store/disk/write_buffer.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace masu::store {

WriteBuffer::WriteBuffer(std::pmr::memory_resource& memory, std::size_t bytes)
    : bytes_(bytes, &memory), slots_(std::bit_ceil(std::max<std::size_t>(bytes / 16, 16)), &memory) {}

void WriteBuffer::insert(Bytes key, Bytes value) {
  MASU_CHECK(has_room(cost(key, value)), "an entry has room in the write buffer");
  const auto at = static_cast<std::uint32_t>(used_);
  const std::size_t slot = slot_of(key);
  bytes_[at] = static_cast<std::uint8_t>(key.size());
  bytes_[at + 1] = static_cast<std::uint8_t>(key.size() >> 8);
  bytes_[at + 2] = static_cast<std::uint8_t>(value.size());
  bytes_[at + 3] = static_cast<std::uint8_t>(value.size() >> 8);
  std::copy(key.begin(), key.end(), bytes_.begin() + at + head_bytes);
  std::copy(value.begin(), value.end(),
            bytes_.begin() + at + static_cast<std::ptrdiff_t>(head_bytes + key.size()));
  used_ += cost(key, value);
  if (slots_[slot] == 0) ++entries_;
  slots_[slot] = at + 1;
}

std::optional<Bytes> WriteBuffer::find(Bytes key) const {
  if (empty()) return std::nullopt;
  const std::uint32_t found = slots_[slot_of(key)];
  if (found == 0) return std::nullopt;
  return value_at(found - 1);
}

void WriteBuffer::clear() {
  used_ = entries_ = 0;
  std::ranges::fill(slots_, 0);
}

// The slot of the key, or the free one where it belongs.
std::size_t WriteBuffer::slot_of(Bytes key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>()(as_text(key)) & mask;
  while (slots_[slot] != 0 && !equal(key_at(slots_[slot] - 1), key)) slot = (slot + 1) & mask;
  return slot;
}

Bytes WriteBuffer::key_at(std::uint32_t at) const {
  return Bytes(bytes_).subspan(at + head_bytes, size_at(at));
}

Bytes WriteBuffer::value_at(std::uint32_t at) const {
  return Bytes(bytes_).subspan(at + head_bytes + size_at(at), size_at(at + 2));
}

}  // namespace masu::store
