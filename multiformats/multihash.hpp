// Multihash: which hash function, how long, and the digest; the key of every block.
//
// A value of fixed size, held in place: a digest is at most 128 bytes, for hash functions and for identity
// alike (longer ones are refused by every node: boxo's verifcid, IPIP-512). Whether the function is one that
// this node trusts is not asked here (multiformats/digest.hpp). Spec: github.com/multiformats/multihash.
//
// Multihash holds any, in 141 bytes. Tables with many entries hold CompactMultihash instead (40 bytes), which
// has room for every 32-byte digest: nearly all blocks that are met; for the others the table has a second,
// smaller pool of Multihash. Both compare as their bytes do, and BytesHash (multiformats/bytes_hash.hpp)
// looks up one by the other.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/fixed_bytes.hpp"
#include "multiformats/multicodec.hpp"
#include "multiformats/varint.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace masu {

inline constexpr std::size_t digest_bytes_max = 128;
inline constexpr std::size_t multihash_bytes_max =
    varint_bytes_max + varint_size(digest_bytes_max) + digest_bytes_max;

enum class MultihashError : std::uint8_t {
  too_short,        // the bytes end inside of it
  bad_varint,       // code or length is too long or not minimal
  digest_too_long,  // above digest_bytes_max
  trailing_bytes,   // decode(): more bytes than the multihash
  bad_text,         // no base58btc
};
std::string_view name_of(MultihashError);

class Multihash {
 public:
  static constexpr std::size_t bytes_max = multihash_bytes_max;

  // The identity of no bytes.
  Multihash();
  // Requires: digest.size() <= digest_bytes_max, and a code that a varint can hold.
  static Multihash make(HashCode code, Bytes digest);
  // `in` must be one multihash and nothing else.
  static std::expected<Multihash, MultihashError> decode(Bytes in);
  // Takes one from the front of `in`, which moves only on success.
  static std::expected<Multihash, MultihashError> take(Bytes& in);
  // From base58btc without a multibase prefix ("Qm…").
  static std::expected<Multihash, MultihashError> from_base58(std::string_view text);

  HashCode code() const;
  Bytes digest() const { return bytes().subspan(header_); }
  Bytes bytes() const { return bytes_; }
  bool is_identity() const { return code() == HashCode::identity; }
  std::string to_base58() const;
  std::string to_hex() const;

  friend bool operator==(const Multihash& a, const Multihash& b) { return equal(a.bytes(), b.bytes()); }
  friend std::strong_ordering operator<=>(const Multihash& a, const Multihash& b) {
    return as_text(a.bytes()) <=> as_text(b.bytes());
  }

 private:
  struct NoBytes {};
  explicit Multihash(NoBytes) {}

  std::uint8_t header_ = 0;  // bytes of code and length
  FixedBytes<bytes_max> bytes_;
};

// A short multihash for tables: at most 39 bytes.
class CompactMultihash {
 public:
  static constexpr std::size_t bytes_max = 39;

  // Nothing: `hash` is longer.
  static std::optional<CompactMultihash> from(const Multihash& hash) {
    if (hash.bytes().size() > bytes_max) return std::nullopt;
    return CompactMultihash(hash.bytes());
  }
  Multihash full() const;
  Bytes bytes() const { return bytes_; }

  friend bool operator==(const CompactMultihash&, const CompactMultihash&) = default;
  friend bool operator==(const CompactMultihash& a, const Multihash& b) {
    return equal(a.bytes(), b.bytes());
  }

 private:
  explicit CompactMultihash(Bytes bytes) : bytes_(bytes) {}

  FixedBytes<bytes_max> bytes_;
};
static_assert(sizeof(CompactMultihash) == 40);

}  // namespace masu

template <>
struct std::hash<masu::Multihash> {
  std::size_t operator()(const masu::Multihash& key) const noexcept {
    return std::hash<std::string_view>()(masu::as_text(key.bytes()));
  }
};
template <>
struct std::hash<masu::CompactMultihash> {
  std::size_t operator()(const masu::CompactMultihash& key) const noexcept {
    return std::hash<std::string_view>()(masu::as_text(key.bytes()));
  }
};
