// Multicodec: the numbers that say what a block's bytes are (Codec) and which function made a digest
// (HashCode).
//
// The table is github.com/multiformats/multicodec, table.csv. An enum holds any number: values that are not
// named here come in from peers and are kept as they are. Names are Kubo's, in both directions
// (`--cid-codec`,
// `--hash`, `--mhtype`, `cid codecs`, `cid hashes`).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace masu {

enum class Codec : std::uint64_t {
  cbor = 0x51,
  raw = 0x55,
  dag_pb = 0x70,
  dag_cbor = 0x71,
  libp2p_key = 0x72,
  git_raw = 0x78,
  dag_jose = 0x85,
  dag_json = 0x0129,
  json = 0x0200,
  car = 0x0202,
};

enum class HashCode : std::uint64_t {
  identity = 0x00,
  sha1 = 0x11,
  sha2_256 = 0x12,
  sha2_512 = 0x13,
  sha3_512 = 0x14,
  sha3_384 = 0x15,
  sha3_256 = 0x16,
  sha3_224 = 0x17,
  shake_128 = 0x18,
  shake_256 = 0x19,
  keccak_224 = 0x1a,
  keccak_256 = 0x1b,
  keccak_384 = 0x1c,
  keccak_512 = 0x1d,
  blake3 = 0x1e,
  murmur3_x64_64 = 0x22,
  dbl_sha2_256 = 0x56,
  md5 = 0xd5,
  // One code for each digest length, in bytes from 1 up.
  blake2b_8 = 0xb201,
  blake2b_160 = 0xb214,
  blake2b_256 = 0xb220,
  blake2b_512 = 0xb240,
  blake2s_8 = 0xb241,
  blake2s_160 = 0xb254,
  blake2s_256 = 0xb260,
};

constexpr bool is_blake2b(HashCode code) {
  return code >= HashCode::blake2b_8 && code <= HashCode::blake2b_512;
}
constexpr bool is_blake2s(HashCode code) {
  return code >= HashCode::blake2s_8 && code <= HashCode::blake2s_256;
}

// Empty when the number has no name here. The text lives as long as the program.
std::string_view name_of(Codec codec);
std::string_view name_of(HashCode code);
std::optional<Codec> codec_from_name(std::string_view name);
std::optional<HashCode> hash_from_name(std::string_view name);

}  // namespace masu
