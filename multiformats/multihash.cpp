#include "multiformats/multihash.hpp"

#include "multiformats/multibase.hpp"

namespace masu {

std::string_view name_of(MultihashError error) {
  switch (error) {
    case MultihashError::too_short: return "multihash is cut off";
    case MultihashError::bad_varint: return "multihash has a malformed varint";
    case MultihashError::digest_too_long: return "digest is longer than 128 bytes";
    case MultihashError::trailing_bytes: return "bytes after the end of the multihash";
    case MultihashError::bad_text: return "multihash is not base58";
  }
  return "";
}

Multihash::Multihash() : Multihash(make(HashCode::identity, {})) {}

Multihash Multihash::make(HashCode code, Bytes digest) {
  MASU_CHECK(digest.size() <= digest_bytes_max, "a digest above 128 bytes");
  Multihash hash(NoBytes{});
  std::size_t header = put_varint(static_cast<std::uint64_t>(code), hash.bytes_.room());
  header += put_varint(digest.size(), hash.bytes_.room().subspan(header));
  hash.bytes_.resize(header);
  hash.bytes_.append(digest);
  hash.header_ = static_cast<std::uint8_t>(header);
  return hash;
}

std::expected<Multihash, MultihashError> Multihash::take(Bytes& in) {
  const auto varint_error = [](VarintError error) {
    return std::unexpected(error == VarintError::need_more ? MultihashError::too_short
                                                           : MultihashError::bad_varint);
  };
  Bytes rest = in;
  const auto code = take_varint(rest);
  if (!code) return varint_error(code.error());
  const auto size = take_varint(rest);
  if (!size) return varint_error(size.error());
  if (*size > digest_bytes_max) return std::unexpected(MultihashError::digest_too_long);
  if (*size > rest.size()) return std::unexpected(MultihashError::too_short);
  in = rest.subspan(*size);
  return make(HashCode{*code}, rest.first(*size));
}

std::expected<Multihash, MultihashError> Multihash::decode(Bytes in) {
  auto hash = take(in);
  if (hash && !in.empty()) return std::unexpected(MultihashError::trailing_bytes);
  return hash;
}

std::expected<Multihash, MultihashError> Multihash::from_base58(std::string_view text) {
  FixedBytes<bytes_max> bytes;
  const auto size = decode_base(Multibase::base58btc, text, bytes.room());
  if (!size) return std::unexpected(MultihashError::bad_text);
  bytes.resize(*size);
  return decode(bytes);
}

HashCode Multihash::code() const {
  Bytes in = bytes();
  return HashCode{*take_varint(in)};
}

std::string Multihash::to_base58() const { return encode_base(Multibase::base58btc, bytes()); }
std::string Multihash::to_hex() const { return encode_base(Multibase::base16, bytes()); }

Multihash CompactMultihash::full() const { return *Multihash::decode(bytes()); }

}  // namespace masu
