// FixedBytes<capacity>: up to `capacity` bytes held in place, with value semantics and no allocation.
//
// For what has a known largest size (signatures, encoded keys, multihashes), so that tables can hold it in
// slabs and functions can return it. Copies move only the bytes in use.
#pragma once

#include "alloc/bytes.hpp"
#include "alloc/check.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace masu {

template <std::size_t capacity_bytes>
class FixedBytes {
 public:
  static constexpr std::size_t bytes_max = capacity_bytes;

  FixedBytes() = default;
  // Requires: bytes.size() <= bytes_max.
  explicit FixedBytes(Bytes bytes) { append(bytes); }
  FixedBytes(const FixedBytes& other) { append(other); }
  FixedBytes& operator=(const FixedBytes& other) {
    if (this != &other) {
      size_ = 0;
      append(other);
    }
    return *this;
  }

  const std::uint8_t* data() const { return bytes_.data(); }
  std::uint8_t* data() { return bytes_.data(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // A range of bytes, so that it converts to Bytes.
  const std::uint8_t* begin() const { return data(); }
  const std::uint8_t* end() const { return data() + size_; }
  std::uint8_t* begin() { return data(); }
  std::uint8_t* end() { return data() + size_; }

  // Requires: size() + bytes.size() <= bytes_max.
  void append(Bytes bytes) {
    MASU_CHECK(bytes.size() <= bytes_max - size_, "more bytes than a FixedBytes holds");
    if (!bytes.empty()) std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
    size_ = static_cast<Size>(size_ + bytes.size());
  }
  void push_back(std::uint8_t byte) { append({&byte, 1}); }
  // The whole room, to be written by a C function; then resize() to what it wrote.
  MutableBytes room() { return bytes_; }
  // Requires: size <= bytes_max, and bytes beyond the old size have been written through room().
  void resize(std::size_t size) {
    MASU_CHECK(size <= bytes_max, "more bytes than a FixedBytes holds");
    size_ = static_cast<Size>(size);
  }

  friend bool operator==(const FixedBytes& a, const FixedBytes& b) { return equal(a, b); }

 private:
  using Size = std::conditional_t<(capacity_bytes < 256), std::uint8_t, std::uint16_t>;
  static_assert(capacity_bytes < 65536);

  Size size_ = 0;
  std::array<std::uint8_t, capacity_bytes> bytes_;  // only the first size_ bytes are initialised
};

}  // namespace masu
