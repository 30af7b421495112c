// CRC-32C (Castagnoli), the checksum of records in segments: by the processor's instruction where it has one.
#pragma once

#include "alloc/bytes.hpp"

#include <cstdint>

namespace masu::store {

// Of the bytes that `crc` is of, followed by `bytes`. Of no bytes it is 0.
std::uint32_t crc32c(Bytes bytes, std::uint32_t crc = 0) noexcept;
// The same without the instruction.
std::uint32_t crc32c_portable(Bytes bytes, std::uint32_t crc = 0) noexcept;

}  // namespace masu::store
