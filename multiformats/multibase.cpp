#include "multiformats/multibase.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <array>

namespace masu {
namespace {

constexpr std::string_view digits32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view digits32upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view digits32hex = "0123456789abcdefghijklmnopqrstuv";
constexpr std::string_view digits32hexupper = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
constexpr std::string_view digits32z = "ybndrfg8ejkmcpqxot1uwisza345h769";
constexpr std::string_view digits36 = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view digits36upper = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits58btc = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view digits58flickr = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
constexpr std::string_view digits64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view digits64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct BaseInfo {
  Multibase base;
  std::string_view name;
  std::string_view digits;
  unsigned bits = 0;     // of a digit; 0: the bytes are one number
  unsigned padding = 0;  // '=' up to a multiple of so many characters
  bool any_case = false;
};

constexpr std::array bases{
    BaseInfo{Multibase::identity, "identity", ""},
    BaseInfo{Multibase::base2, "base2", "01", 1},
    BaseInfo{Multibase::base8, "base8", "01234567", 3},
    BaseInfo{Multibase::base10, "base10", "0123456789"},
    BaseInfo{Multibase::base16, "base16", "0123456789abcdef", 4, 0, true},
    BaseInfo{Multibase::base16upper, "base16upper", "0123456789ABCDEF", 4, 0, true},
    BaseInfo{Multibase::base32hex, "base32hex", digits32hex, 5, 0, true},
    BaseInfo{Multibase::base32hexupper, "base32hexupper", digits32hexupper, 5, 0, true},
    BaseInfo{Multibase::base32hexpad, "base32hexpad", digits32hex, 5, 8, true},
    BaseInfo{Multibase::base32hexpadupper, "base32hexpadupper", digits32hexupper, 5, 8, true},
    BaseInfo{Multibase::base32, "base32", digits32, 5, 0, true},
    BaseInfo{Multibase::base32upper, "base32upper", digits32upper, 5, 0, true},
    BaseInfo{Multibase::base32pad, "base32pad", digits32, 5, 8, true},
    BaseInfo{Multibase::base32padupper, "base32padupper", digits32upper, 5, 8, true},
    BaseInfo{Multibase::base32z, "base32z", digits32z, 5},
    BaseInfo{Multibase::base36, "base36", digits36, 0, 0, true},
    BaseInfo{Multibase::base36upper, "base36upper", digits36upper, 0, 0, true},
    BaseInfo{Multibase::base58btc, "base58btc", digits58btc},
    BaseInfo{Multibase::base58flickr, "base58flickr", digits58flickr},
    BaseInfo{Multibase::base64, "base64", digits64, 6},
    BaseInfo{Multibase::base64pad, "base64pad", digits64, 6, 4},
    BaseInfo{Multibase::base64url, "base64url", digits64url, 6},
    BaseInfo{Multibase::base64urlpad, "base64urlpad", digits64url, 6, 4},
};

constexpr auto base_list = [] {
  std::array<Multibase, bases.size()> list{};
  for (std::size_t i = 0; i < bases.size(); ++i) list[i] = bases[i].base;
  return list;
}();

const BaseInfo& info_of(Multibase base) {
  const auto* found =
      std::find_if(bases.begin(), bases.end(), [&](const BaseInfo& b) { return b.base == base; });
  MASU_CHECK(found != bases.end(), "a multibase that is not in the table");
  return *found;
}

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The value of each character, or 0xff.
using DigitValues = std::array<std::uint8_t, 256>;
DigitValues values_of(const BaseInfo& info) {
  DigitValues values;
  values.fill(0xff);
  for (std::size_t i = 0; i < info.digits.size(); ++i) {
    const char digit = info.digits[i];
    const auto value = static_cast<std::uint8_t>(i);
    values[static_cast<std::uint8_t>(digit)] = value;
    if (!info.any_case) continue;
    const char lower = to_lower(digit);
    values[static_cast<std::uint8_t>(lower)] = value;
    if (lower >= 'a' && lower <= 'z') values[static_cast<std::uint8_t>(lower - 'a' + 'A')] = value;
  }
  return values;
}

std::string encode_bits(const BaseInfo& info, Bytes bytes) {
  std::string out;
  out.reserve((bytes.size() * 8 + info.bits - 1) / info.bits + info.padding);
  const std::uint32_t mask = (1U << info.bits) - 1;
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = held << 8 | byte;
    for (held_bits += 8; held_bits >= info.bits;) {
      held_bits -= info.bits;
      out.push_back(info.digits[held >> held_bits & mask]);
    }
  }
  if (held_bits > 0) out.push_back(info.digits[held << (info.bits - held_bits) & mask]);
  if (info.padding > 0) {
    while (out.size() % info.padding != 0) out.push_back('=');
  }
  return out;
}

std::expected<std::size_t, MultibaseError> decode_bits(const BaseInfo& info, std::string_view digits,
                                                       MutableBytes out) {
  if (info.padding > 0) {
    if (digits.size() % info.padding != 0) return std::unexpected(MultibaseError::bad_length);
    std::size_t pads = 0;
    for (; pads < info.padding && digits.ends_with('='); ++pads) digits.remove_suffix(1);
    if (pads == info.padding) return std::unexpected(MultibaseError::bad_length);
  }
  const DigitValues values = values_of(info);
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  std::size_t size = 0;
  for (const char digit : digits) {
    const std::uint8_t value = values[static_cast<std::uint8_t>(digit)];
    if (value == 0xff) return std::unexpected(MultibaseError::bad_digit);
    held = (held << info.bits | value) & 0xffff;
    held_bits += info.bits;
    if (held_bits < 8) continue;
    held_bits -= 8;
    if (size == out.size()) return std::unexpected(MultibaseError::too_long);
    out[size++] = static_cast<std::uint8_t>(held >> held_bits);
  }
  // What is left over fills up the last digit: less than a digit, and zeros.
  if (held_bits >= info.bits || (held & ((1U << held_bits) - 1)) != 0) {
    return std::unexpected(MultibaseError::bad_length);
  }
  return size;
}

// Leading zero bytes are leading zero digits, one each; the rest is one number, most significant first.
std::string encode_number(const BaseInfo& info, Bytes bytes) {
  const auto radix = static_cast<std::uint32_t>(info.digits.size());
  std::string number;  // digit values, least significant first
  std::size_t zeros = 0;
  while (zeros < bytes.size() && bytes[zeros] == 0) ++zeros;
  for (const std::uint8_t byte : bytes.subspan(zeros)) {
    std::uint32_t carry = byte;
    for (char& digit : number) {
      carry += std::uint32_t{static_cast<std::uint8_t>(digit)} << 8;
      digit = static_cast<char>(carry % radix);
      carry /= radix;
    }
    for (; carry > 0; carry /= radix) number.push_back(static_cast<char>(carry % radix));
  }
  number.append(zeros, '\0');
  std::reverse(number.begin(), number.end());
  for (char& digit : number) digit = info.digits[static_cast<std::uint8_t>(digit)];
  return number;
}

std::expected<std::size_t, MultibaseError> decode_number(const BaseInfo& info, std::string_view digits,
                                                         MutableBytes out) {
  const auto radix = static_cast<std::uint32_t>(info.digits.size());
  const DigitValues values = values_of(info);
  std::size_t zeros = 0;
  while (zeros < digits.size() && digits[zeros] == info.digits[0]) ++zeros;
  if (zeros > out.size()) return std::unexpected(MultibaseError::too_long);
  const MutableBytes number = out.subspan(zeros);  // its bytes, least significant first
  std::size_t size = 0;
  for (const char digit : digits.substr(zeros)) {
    std::uint32_t carry = values[static_cast<std::uint8_t>(digit)];
    if (carry == 0xff) return std::unexpected(MultibaseError::bad_digit);
    for (std::size_t i = 0; i < size; ++i) {
      carry += std::uint32_t{number[i]} * radix;
      number[i] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry == 0) continue;
    if (size == number.size()) return std::unexpected(MultibaseError::too_long);
    number[size++] = static_cast<std::uint8_t>(carry);
  }
  std::fill_n(out.begin(), zeros, std::uint8_t{0});
  std::reverse(number.begin(), number.begin() + static_cast<std::ptrdiff_t>(size));
  return zeros + size;
}

}  // namespace

std::string_view name_of(MultibaseError error) {
  switch (error) {
    case MultibaseError::empty: return "cannot decode multibase for zero length string";
    case MultibaseError::unknown_base: return "selected encoding not supported";
    case MultibaseError::bad_digit: return "a character is no digit of the base";
    case MultibaseError::bad_length: return "digits or padding of an impossible length";
    case MultibaseError::too_long: return "text is too long";
  }
  return "";
}

std::span<const Multibase> all_multibases() { return base_list; }

std::string_view name_of(Multibase base) { return info_of(base).name; }

std::optional<Multibase> multibase_from_name(std::string_view name) {
  for (const BaseInfo& info : bases) {
    if (info.name == name) return info.base;
  }
  return std::nullopt;
}

std::optional<Multibase> multibase_from_prefix(char prefix) {
  for (const BaseInfo& info : bases) {
    if (static_cast<char>(info.base) == prefix) return info.base;
  }
  return std::nullopt;
}

std::string encode_base(Multibase base, Bytes bytes) {
  if (base == Multibase::identity) return std::string(as_text(bytes));
  const BaseInfo& info = info_of(base);
  return info.bits > 0 ? encode_bits(info, bytes) : encode_number(info, bytes);
}

std::expected<std::size_t, MultibaseError> decode_base(Multibase base, std::string_view digits,
                                                       MutableBytes out) {
  if (base == Multibase::identity) {
    if (digits.size() > out.size()) return std::unexpected(MultibaseError::too_long);
    std::copy(digits.begin(), digits.end(), out.begin());
    return digits.size();
  }
  const BaseInfo& info = info_of(base);
  return info.bits > 0 ? decode_bits(info, digits, out) : decode_number(info, digits, out);
}

std::string encode_multibase(Multibase base, Bytes bytes) {
  return static_cast<char>(base) + encode_base(base, bytes);
}

std::expected<MultibaseDecoded, MultibaseError> decode_multibase(std::string_view text, MutableBytes out) {
  if (text.empty()) return std::unexpected(MultibaseError::empty);
  const auto base = multibase_from_prefix(text.front());
  if (!base) return std::unexpected(MultibaseError::unknown_base);
  const auto size = decode_base(*base, text.substr(1), out);
  if (!size) return std::unexpected(size.error());
  return MultibaseDecoded{*base, *size};
}

}  // namespace masu
