// Content for tests: the same bytes everywhere, so that CIDs made by Kubo can stand in a test as constants.
#pragma once

#include "alloc/bytes.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace masu::store::test {

// The stream of xorshift64, eight bytes a step, low byte first.
class ByteStream {
 public:
  explicit ByteStream(std::uint64_t seed = 0) : state_(88172645463325252 + seed) {}
  std::uint8_t next() {
    if (left_ == 0) {
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      word_ = state_;
      left_ = 8;
    }
    const auto byte = static_cast<std::uint8_t>(word_);
    word_ >>= 8;
    --left_;
    return byte;
  }
  std::vector<std::uint8_t> take(std::size_t bytes) {
    std::vector<std::uint8_t> out(bytes);
    for (std::uint8_t& byte : out) byte = next();
    return out;
  }
  std::uint64_t number(std::uint64_t below) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | next();
    return value % below;
  }

 private:
  std::uint64_t state_;
  std::uint64_t word_ = 0;
  unsigned left_ = 0;
};

inline std::string from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  }
  return out;
}

inline std::string to_hex(Bytes bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
  return out;
}

}  // namespace masu::store::test
