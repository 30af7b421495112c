// Cid: a content identifier: version, codec and multihash; the binary form, held in place.
//
// Version 0 is a bare sha2-256 multihash of 32 bytes, always dag-pb, always base58btc ("Qm…"). Version 1 is
// any codec and multihash, in any multibase. Limits: a digest of at most 128 bytes (multihash.hpp), which
// makes a Cid at most 149 bytes; what is longer is an error where it is read, so that messages skip it. Spec:
// github.com/multiformats/cid. Tables with many entries hold CompactCid (40 bytes).
#pragma once

#include "multiformats/fixed_bytes.hpp"
#include "multiformats/multibase.hpp"
#include "multiformats/multicodec.hpp"
#include "multiformats/multihash.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace masu {

inline constexpr std::size_t cid_bytes_max = 1 + varint_bytes_max + multihash_bytes_max;

enum class CidError : std::uint8_t {
  too_short,       // the bytes or the text end inside of it
  bad_version,     // neither 0 nor 1
  bad_varint,      // too long or not minimal
  too_long,        // a digest above digest_bytes_max, or text of more than bytes_max bytes
  trailing_bytes,  // decode(): more bytes than the CID
  unknown_base,    // the first character names no multibase
  bad_text,        // not text of its base, or a CIDv0 with a multibase prefix
};
std::string_view name_of(CidError);

class Cid {
 public:
  static constexpr std::size_t bytes_max = cid_bytes_max;

  // The raw block of no bytes, inlined (bafkqaaa).
  Cid();
  // Requires: may_be_v0(Codec::dag_pb, hash).
  static Cid v0(const Multihash& hash);
  static Cid v1(Codec codec, const Multihash& hash);
  // Whether a CID of version 0 can say this.
  static bool may_be_v0(Codec codec, const Multihash& hash);

  // `in` must be one CID and nothing else.
  static std::expected<Cid, CidError> decode(Bytes in);
  // Takes one from the front of `in`, which moves only on success. too_short: more bytes may complete it.
  static std::expected<Cid, CidError> take(Bytes& in);
  // Text without anything around it (no "/ipfs/").
  static std::expected<Cid, CidError> parse(std::string_view text);

  int version() const { return hash_at_ == 0 ? 0 : 1; }
  Codec codec() const;
  Multihash hash() const { return *Multihash::decode(hash_bytes()); }
  Bytes hash_bytes() const { return bytes().subspan(hash_at_); }
  Bytes bytes() const { return bytes_; }

  // The same content as version 1.
  Cid to_v1() const { return version() == 1 ? *this : v1(Codec::dag_pb, hash()); }
  // Version 0 in base58btc, version 1 in base32.
  std::string to_string() const;
  // In `base`. A CID of version 0 is upgraded for any base but base58btc, in which it prints as "Qm…".
  std::string to_string(Multibase base) const;

  friend bool operator==(const Cid& a, const Cid& b) { return equal(a.bytes(), b.bytes()); }
  friend std::strong_ordering operator<=>(const Cid& a, const Cid& b) {
    return as_text(a.bytes()) <=> as_text(b.bytes());
  }

 private:
  struct NoBytes {};
  explicit Cid(NoBytes) {}

  std::uint8_t hash_at_ = 0;  // where the multihash begins; 0 in version 0 only
  FixedBytes<bytes_max> bytes_;
};

// The base of a text that Cid::parse() takes (base58btc for version 0), which answers are given in.
std::expected<Multibase, CidError> cid_base_of(std::string_view text);

// A short CID for tables: at most 39 bytes, which has room for every 32-byte digest with a usual codec.
class CompactCid {
 public:
  static constexpr std::size_t bytes_max = 39;

  // Nothing: `cid` is longer.
  static std::optional<CompactCid> from(const Cid& cid) {
    if (cid.bytes().size() > bytes_max) return std::nullopt;
    return CompactCid(cid.bytes());
  }
  Cid full() const { return *Cid::decode(bytes()); }
  Bytes bytes() const { return bytes_; }

  friend bool operator==(const CompactCid&, const CompactCid&) = default;
  friend bool operator==(const CompactCid& a, const Cid& b) { return equal(a.bytes(), b.bytes()); }

 private:
  explicit CompactCid(Bytes bytes) : bytes_(bytes) {}

  FixedBytes<bytes_max> bytes_;
};
static_assert(sizeof(CompactCid) == 40);

}  // namespace masu

template <>
struct std::hash<masu::Cid> {
  std::size_t operator()(const masu::Cid& cid) const noexcept {
    return std::hash<std::string_view>()(masu::as_text(cid.bytes()));
  }
};
template <>
struct std::hash<masu::CompactCid> {
  std::size_t operator()(const masu::CompactCid& cid) const noexcept {
    return std::hash<std::string_view>()(masu::as_text(cid.bytes()));
  }
};
