// Multibase: bytes as text in a base that a first character names.
//
// Two families: bases whose digit is a number of bits (RFC 4648 and relatives), and bases that treat the
// bytes as one large number (10, 36, 58), whose cost grows with the square of the length: callers bound it by
// the room they give for the result. Decoding is strict: no other characters, only the right padding, and
// bits that fill up the last digit must be zero, so that in one base each byte string has one text (but for
// upper and lower case). Table: github.com/multiformats/multibase, multibase.csv; without base45,
// base256emoji and proquint.
#pragma once

#include "alloc/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace masu {

// The value is the first character.
enum class Multibase : char {
  identity = '\0',
  base2 = '0',
  base8 = '7',
  base10 = '9',
  base16 = 'f',
  base16upper = 'F',
  base32 = 'b',
  base32upper = 'B',
  base32pad = 'c',
  base32padupper = 'C',
  base32hex = 'v',
  base32hexupper = 'V',
  base32hexpad = 't',
  base32hexpadupper = 'T',
  base32z = 'h',
  base36 = 'k',
  base36upper = 'K',
  base58btc = 'z',
  base58flickr = 'Z',
  base64 = 'm',
  base64pad = 'M',
  base64url = 'u',
  base64urlpad = 'U',
};

enum class MultibaseError : std::uint8_t {
  empty,         // no text, so no base
  unknown_base,  // the first character names none
  bad_digit,     // a character that is no digit of the base
  bad_length,    // digits or padding that no byte string has
  too_long,      // more bytes than the caller has room for
};
std::string_view name_of(MultibaseError);

// Every base above, in the order of the table; and by its name or first character.
std::span<const Multibase> all_multibases();
std::string_view name_of(Multibase base);
std::optional<Multibase> multibase_from_name(std::string_view name);
std::optional<Multibase> multibase_from_prefix(char prefix);

// Without the first character.
std::string encode_base(Multibase base, Bytes bytes);
// Writes to the front of `out` and returns the number of bytes.
std::expected<std::size_t, MultibaseError> decode_base(Multibase base, std::string_view digits,
                                                       MutableBytes out);

// With the first character.
std::string encode_multibase(Multibase base, Bytes bytes);
struct MultibaseDecoded {
  Multibase base;
  std::size_t size;
};
std::expected<MultibaseDecoded, MultibaseError> decode_multibase(std::string_view text, MutableBytes out);

}  // namespace masu
