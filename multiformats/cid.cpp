#include "multiformats/cid.hpp"

namespace masu {
namespace {

constexpr std::uint8_t sha2_256_bytes = 32;
constexpr std::size_t v0_text_size = 46;

bool is_v0_text(std::string_view text) { return text.size() == v0_text_size && text.starts_with("Qm"); }

CidError from_varint(VarintError error) {
  return error == VarintError::need_more ? CidError::too_short : CidError::bad_varint;
}

CidError from_multihash(MultihashError error) {
  switch (error) {
    case MultihashError::too_short: return CidError::too_short;
    case MultihashError::bad_varint: return CidError::bad_varint;
    case MultihashError::digest_too_long: return CidError::too_long;
    case MultihashError::trailing_bytes: return CidError::trailing_bytes;
    case MultihashError::bad_text: return CidError::bad_text;
  }
  return CidError::bad_text;
}

CidError from_multibase(MultibaseError error) {
  switch (error) {
    case MultibaseError::empty: return CidError::too_short;
    case MultibaseError::unknown_base: return CidError::unknown_base;
    case MultibaseError::too_long: return CidError::too_long;
    case MultibaseError::bad_digit:
    case MultibaseError::bad_length: return CidError::bad_text;
  }
  return CidError::bad_text;
}

}  // namespace

std::string_view name_of(CidError error) {
  switch (error) {
    case CidError::too_short: return "cid too short";
    case CidError::bad_version: return "unknown cid version";
    case CidError::bad_varint: return "cid has a malformed varint";
    case CidError::too_long: return "cid is too long";
    case CidError::trailing_bytes: return "trailing bytes in data buffer passed to cid Cast";
    case CidError::unknown_base: return "selected encoding not supported";
    case CidError::bad_text: return "text is not a cid in its multibase";
  }
  return "";
}

Cid::Cid() : Cid(v1(Codec::raw, Multihash())) {}

bool Cid::may_be_v0(Codec codec, const Multihash& hash) {
  return codec == Codec::dag_pb && hash.code() == HashCode::sha2_256 &&
         hash.digest().size() == sha2_256_bytes;
}

Cid Cid::v0(const Multihash& hash) {
  MASU_CHECK(may_be_v0(Codec::dag_pb, hash), "a hash that CIDv0 cannot say");
  Cid cid{NoBytes{}};
  cid.bytes_.append(hash.bytes());
  return cid;
}

Cid Cid::v1(Codec codec, const Multihash& hash) {
  Cid cid{NoBytes{}};
  cid.bytes_.push_back(1);
  const auto code = static_cast<std::uint64_t>(codec);
  cid.bytes_.resize(1 + put_varint(code, cid.bytes_.room().subspan(1)));
  cid.hash_at_ = static_cast<std::uint8_t>(cid.bytes_.size());
  cid.bytes_.append(hash.bytes());
  return cid;
}

std::expected<Cid, CidError> Cid::take(Bytes& in) {
  Bytes rest = in;
  std::optional<Codec> codec;
  // A bare multihash of sha2-256; there will never be a version 18.
  if (rest.empty() || rest[0] != static_cast<std::uint8_t>(HashCode::sha2_256)) {
    const auto version = take_varint(rest);
    if (!version) return std::unexpected(from_varint(version.error()));
    if (*version != 1) return std::unexpected(CidError::bad_version);
    const auto code = take_varint(rest);
    if (!code) return std::unexpected(from_varint(code.error()));
    codec = Codec{*code};
  }
  const auto hash = Multihash::take(rest);
  if (!hash) return std::unexpected(from_multihash(hash.error()));
  if (!codec && !may_be_v0(Codec::dag_pb, *hash)) return std::unexpected(CidError::bad_version);
  in = rest;
  return codec ? v1(*codec, *hash) : v0(*hash);
}

std::expected<Cid, CidError> Cid::decode(Bytes in) {
  auto cid = take(in);
  if (cid && !in.empty()) return std::unexpected(CidError::trailing_bytes);
  return cid;
}

std::expected<Cid, CidError> Cid::parse(std::string_view text) {
  if (text.size() < 2) return std::unexpected(CidError::too_short);
  if (is_v0_text(text)) {
    const auto hash = Multihash::from_base58(text);
    if (!hash) return std::unexpected(from_multihash(hash.error()));
    if (!may_be_v0(Codec::dag_pb, *hash)) return std::unexpected(CidError::bad_text);
    return v0(*hash);
  }
  FixedBytes<bytes_max> bytes;
  const auto decoded = decode_multibase(text, bytes.room());
  if (!decoded) return std::unexpected(from_multibase(decoded.error()));
  bytes.resize(decoded->size);
  const auto cid = decode(bytes);
  if (cid && cid->version() == 0) return std::unexpected(CidError::bad_text);
  return cid;
}

Codec Cid::codec() const {
  if (version() == 0) return Codec::dag_pb;
  Bytes in = bytes().subspan(1);
  return Codec{*take_varint(in)};
}

std::string Cid::to_string() const {
  return to_string(version() == 0 ? Multibase::base58btc : Multibase::base32);
}

std::string Cid::to_string(Multibase base) const {
  if (version() == 1) return encode_multibase(base, bytes());
  if (base == Multibase::base58btc) return encode_base(base, bytes());
  return to_v1().to_string(base);
}

std::expected<Multibase, CidError> cid_base_of(std::string_view text) {
  if (text.size() < 2) return std::unexpected(CidError::too_short);
  if (is_v0_text(text)) return Multibase::base58btc;
  const auto base = multibase_from_prefix(text.front());
  if (!base) return std::unexpected(CidError::unknown_base);
  return *base;
}

}  // namespace masu
