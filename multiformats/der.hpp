// Just enough of DER for public keys: read and write elements of up to 64 KiB, in their one valid form.
//
// A reader is a view that shrinks as elements are taken; hostile input makes it say no.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/fixed_bytes.hpp"

#include <cstdint>
#include <optional>

namespace masu::der {

enum class Tag : std::uint8_t { integer = 0x02, bit_string = 0x03, sequence = 0x30 };

// Takes an element of this tag from the front of `in` and returns what it holds. `in` moves only on success.
std::optional<Bytes> take(Bytes& in, Tag tag);
// Takes a positive INTEGER: its magnitude without leading zeros.
std::optional<Bytes> take_unsigned(Bytes& in);

// The header of an element that holds so many bytes.
FixedBytes<4> header(Tag tag, std::size_t bytes);

}  // namespace masu::der
