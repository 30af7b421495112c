// Digests: the hash functions behind multihashes. Any thread.
#pragma once

#include "alloc/bytes.hpp"

#include <array>
#include <cstdint>

namespace masu {

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha2_256(Bytes bytes);

}  // namespace masu
