#include "store/disk/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace masu::store {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // reflected

// Tables for eight bytes a step: table k is for a byte with k bytes behind it.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = before >> 8 ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr Tables tables = make_tables();

#if defined(__x86_64__)
// The instruction takes three cycles and one can begin in each: three strands of a buffer at a time, joined
// by what so many zero bytes make of a state. Twelve strands fill a chunk.
constexpr std::size_t strand_bytes = 1360;

using ShiftTables = std::array<std::array<std::uint32_t, 256>, 4>;  // by the bytes of a state
constexpr ShiftTables make_shift_tables() {
  ShiftTables shifted{};
  for (int bit = 0; bit < 32; ++bit) {
    std::uint32_t state = std::uint32_t{1} << bit;
    for (std::size_t i = 0; i < strand_bytes; ++i) state = state >> 8 ^ tables[0][state & 0xff];
    shifted[bit / 8][std::size_t{1} << bit % 8] = state;
  }
  // It is linear: the rest are sums of those.
  for (auto& table : shifted) {
    for (std::size_t byte = 1; byte < 256; ++byte) {
      const std::size_t low = byte & (~byte + 1);
      table[byte] = table[byte ^ low] ^ table[low];
    }
  }
  return shifted;
}
constexpr ShiftTables shift_tables = make_shift_tables();

std::uint64_t shift_by_strand(std::uint64_t state) {
  return shift_tables[0][state & 0xff] ^ shift_tables[1][state >> 8 & 0xff] ^
         shift_tables[2][state >> 16 & 0xff] ^ shift_tables[3][state >> 24 & 0xff];
}

__attribute__((target("sse4.2"))) std::uint64_t crc32c_word(std::uint64_t state, const std::uint8_t* at) {
  std::uint64_t word;
  std::memcpy(&word, at, 8);
  return _mm_crc32_u64(state, word);
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(Bytes bytes, std::uint32_t crc) noexcept {
  std::uint64_t state = ~crc;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 3 * strand_bytes; left -= 3 * strand_bytes, at += 3 * strand_bytes) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < strand_bytes; i += 8) {
      state = crc32c_word(state, at + i);
      second = crc32c_word(second, at + strand_bytes + i);
      third = crc32c_word(third, at + 2 * strand_bytes + i);
    }
    state = shift_by_strand(shift_by_strand(state) ^ second) ^ third;
  }
  for (; left >= 8; left -= 8, at += 8) state = crc32c_word(state, at);
  auto narrow = static_cast<std::uint32_t>(state);
  for (; left > 0; --left, ++at) narrow = _mm_crc32_u8(narrow, *at);
  return ~narrow;
}
#endif

}  // namespace

std::uint32_t crc32c_portable(Bytes bytes, std::uint32_t crc) noexcept {
  std::uint32_t state = ~crc;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    const std::uint32_t low = state ^ (std::uint32_t{at[0]} | std::uint32_t{at[1]} << 8 |
                                       std::uint32_t{at[2]} << 16 | std::uint32_t{at[3]} << 24);
    state = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
            tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
  }
  for (; left > 0; --left, ++at) state = state >> 8 ^ tables[0][(state ^ *at) & 0xff];
  return ~state;
}

std::uint32_t crc32c(Bytes bytes, std::uint32_t crc) noexcept {
#if defined(__x86_64__)
  static const bool fast = __builtin_cpu_supports("sse4.2");
  if (fast) return crc32c_sse42(bytes, crc);
  return crc32c_portable(bytes, crc);
#elif defined(__ARM_FEATURE_CRC32)
  std::uint32_t state = ~crc;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    state = __crc32cd(state, word);
  }
  for (; left > 0; --left, ++at) state = __crc32cb(state, *at);
  return ~state;
#else
  return crc32c_portable(bytes, crc);
#endif
}

}  // namespace masu::store
