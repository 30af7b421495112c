#include "multiformats/ip_address.hpp"

#include <algorithm>

#include <arpa/inet.h>

namespace masu {
namespace {

struct Range4 {
  std::uint32_t net;
  int bits;
};
constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c = 0) {
  return a << 24 | b << 16 | c << 8;
}
constexpr Range4 loopback4{v4(127, 0), 8};
constexpr Range4 link_local4{v4(169, 254), 16};
constexpr std::array private4{Range4{v4(10, 0), 8},
                              Range4{v4(100, 64), 10},
                              Range4{v4(172, 16), 12},
                              Range4{v4(192, 168), 16},
                              loopback4,
                              link_local4};
constexpr std::array unroutable4{
    Range4{v4(0, 0), 8},         Range4{v4(192, 0, 0), 26}, Range4{v4(192, 0, 2), 24},
    Range4{v4(192, 88, 99), 24}, Range4{v4(198, 18), 15},   Range4{v4(198, 51, 100), 24},
    Range4{v4(203, 0, 113), 24}, Range4{v4(224, 0), 4},     Range4{v4(240, 0), 4}};

struct Range6 {
  IpAddress::V6 net;
  std::size_t bits;
};
constexpr Range6 mapped6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
constexpr Range6 loopback6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128};
constexpr Range6 link_local6{{0xfe, 0x80}, 10};
constexpr Range6 unique_local6{{0xfc}, 7};
constexpr Range6 global6{{0x20}, 3};
constexpr Range6 documentation6{{0x20, 0x01, 0x0d, 0xb8}, 32};
constexpr Range6 nat64{{0x00, 0x64, 0xff, 0x9b}, 96};
constexpr Range6 local_nat64{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48};

bool in(std::uint32_t address, const Range4& range) {
  return (address ^ range.net) >> (32 - range.bits) == 0;
}

template <std::size_t count>
bool in_any(std::uint32_t address, const std::array<Range4, count>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range4& range) { return in(address, range); });
}

bool in(const IpAddress::V6& address, const Range6& range) {
  const std::size_t whole = range.bits / 8;
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole), range.net.begin())) {
    return false;
  }
  const std::size_t rest = range.bits % 8;
  return rest == 0 || (address[whole] ^ range.net[whole]) >> (8 - rest) == 0;
}

// inet_pton() wants a terminated string.
std::optional<IpAddress::V6> parse(int family, std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  IpAddress::V6 bytes{};
  if (inet_pton(family, terminated.data(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

std::string v4_text(Bytes bytes) {
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) text += '.';
    text += std::to_string(bytes[i]);
  }
  return text;
}

void append_hex(std::string& text, unsigned word) {
  constexpr std::string_view digits = "0123456789abcdef";
  bool begun = false;
  for (unsigned shift = 16; shift > 0;) {
    shift -= 4;
    const unsigned digit = word >> shift & 15;
    if (digit == 0 && !begun && shift > 0) continue;
    begun = true;
    text += digits[digit];
  }
}

// The first longest run of at least two zero words is "::".
std::string v6_text(const IpAddress::V6& bytes) {
  std::array<unsigned, 8> words;
  for (std::size_t i = 0; i < 8; ++i) words[i] = unsigned{bytes[2 * i]} << 8 | bytes[2 * i + 1];
  std::size_t run_at = 0, run = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t end = i;
    while (end < 8 && words[end] == 0) ++end;
    if (end - i > run) run_at = i, run = end - i;
    if (end > i) i = end;
  }
  std::string text;
  for (std::size_t i = 0; i < 8;) {
    if (run >= 2 && i == run_at) {
      text += "::";
      i += run;
      continue;
    }
    if (!text.empty() && !text.ends_with(':')) text += ':';
    append_hex(text, words[i++]);
  }
  return text;
}

}  // namespace

IpAddress::IpAddress(const V4& bytes) { std::copy(bytes.begin(), bytes.end(), bytes_.begin()); }

std::optional<IpAddress> IpAddress::from_bytes(Bytes bytes) {
  IpAddress address;
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  address.is_v4_ = bytes.size() == 4;
  return address;
}

std::optional<IpAddress> IpAddress::parse_v4(std::string_view text) {
  const auto bytes = parse(AF_INET, text);
  if (!bytes) return std::nullopt;
  return from_bytes(Bytes(*bytes).first(4));
}

std::optional<IpAddress> IpAddress::parse_v6(std::string_view text) {
  const auto bytes = parse(AF_INET6, text);
  if (!bytes) return std::nullopt;
  return IpAddress(*bytes);
}

std::string IpAddress::to_string() const {
  if (is_v4_) return v4_text(bytes());
  if (in(bytes_, mapped6)) return "::ffff:" + v4_text(bytes().subspan(12));
  return v6_text(bytes_);
}

std::optional<std::uint32_t> IpAddress::as_v4() const {
  if (!is_v4_ && !in(bytes_, mapped6)) return std::nullopt;
  std::uint32_t address = 0;
  for (const std::uint8_t byte : bytes().last(4)) address = address << 8 | byte;
  return address;
}

bool IpAddress::is_unspecified() const {
  const Bytes all = bytes();
  return std::all_of(all.begin(), all.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  const auto short_form = as_v4();
  return short_form ? in(*short_form, loopback4) : in(bytes_, loopback6);
}

bool IpAddress::is_link_local() const {
  const auto short_form = as_v4();
  return short_form ? in(*short_form, link_local4) : in(bytes_, link_local6);
}

bool IpAddress::is_private() const {
  if (const auto short_form = as_v4()) return in_any(*short_form, private4);
  return in(bytes_, loopback6) || in(bytes_, link_local6) || in(bytes_, unique_local6);
}

bool IpAddress::is_public() const {
  if (!is_v4_) {
    return (in(bytes_, global6) && !in(bytes_, documentation6)) || in(bytes_, nat64) ||
           in(bytes_, local_nat64);
  }
  const std::uint32_t address = as_v4().value_or(0);
  return !in_any(address, private4) && !in_any(address, unroutable4);
}

}  // namespace masu
