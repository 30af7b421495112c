#include "multiformats/multicodec.hpp"

#include <algorithm>
#include <array>

namespace masu {
namespace {

struct CodecName {
  std::uint64_t code;
  std::string_view name;
};

// The entries of the table with the tags "ipld" and "serialization".
constexpr std::array codecs{
    CodecName{0x50, "protobuf"},
    CodecName{0x51, "cbor"},
    CodecName{0x55, "raw"},
    CodecName{0x60, "rlp"},
    CodecName{0x63, "bencode"},
    CodecName{0x70, "dag-pb"},
    CodecName{0x71, "dag-cbor"},
    CodecName{0x72, "libp2p-key"},
    CodecName{0x78, "git-raw"},
    CodecName{0x7b, "torrent-info"},
    CodecName{0x7c, "torrent-file"},
    CodecName{0x80, "blake3-hashseq"},
    CodecName{0x81, "leofcoin-block"},
    CodecName{0x82, "leofcoin-tx"},
    CodecName{0x83, "leofcoin-pr"},
    CodecName{0x85, "dag-jose"},
    CodecName{0x86, "dag-cose"},
    CodecName{0x90, "eth-block"},
    CodecName{0x91, "eth-block-list"},
    CodecName{0x92, "eth-tx-trie"},
    CodecName{0x93, "eth-tx"},
    CodecName{0x94, "eth-tx-receipt-trie"},
    CodecName{0x95, "eth-tx-receipt"},
    CodecName{0x96, "eth-state-trie"},
    CodecName{0x97, "eth-account-snapshot"},
    CodecName{0x98, "eth-storage-trie"},
    CodecName{0x99, "eth-receipt-log-trie"},
    CodecName{0x9a, "eth-receipt-log"},
    CodecName{0xb0, "bitcoin-block"},
    CodecName{0xb1, "bitcoin-tx"},
    CodecName{0xb2, "bitcoin-witness-commitment"},
    CodecName{0xc0, "zcash-block"},
    CodecName{0xc1, "zcash-tx"},
    CodecName{0xd0, "stellar-block"},
    CodecName{0xd1, "stellar-tx"},
    CodecName{0xe0, "decred-block"},
    CodecName{0xe1, "decred-tx"},
    CodecName{0xf0, "dash-block"},
    CodecName{0xf1, "dash-tx"},
    CodecName{0xfa, "swarm-manifest"},
    CodecName{0xfb, "swarm-feed"},
    CodecName{0xfc, "beeson"},
    CodecName{0x129, "dag-json"},
    CodecName{0x1f0, "swhid-1-snp"},
    CodecName{0x200, "json"},
    CodecName{0x201, "messagepack"},
    CodecName{0x202, "car"},
    CodecName{0x210, "x509-certificate"},
    CodecName{0x300, "ipns-record"},
    CodecName{0x400, "car-index-sorted"},
    CodecName{0x401, "car-multihash-index-sorted"},
    CodecName{0x1208, "provenance-log"},
    CodecName{0x1209, "provenance-log-entry"},
    CodecName{0x120a, "provenance-log-script"},
    CodecName{0xb403, "rdfc-1"},
    CodecName{0xb501, "ssz"},
    CodecName{0xb601, "json-jcs"},
};

struct HashName {
  HashCode code;
  std::string_view name;
};

// The names of go-multihash; the first of a code is the one that is printed. BLAKE2 is below.
constexpr std::array hashes{
    HashName{HashCode::identity, "identity"},
    HashName{HashCode::sha1, "sha1"},
    HashName{HashCode::sha2_256, "sha2-256"},
    HashName{HashCode::sha2_512, "sha2-512"},
    HashName{HashCode::sha3_512, "sha3-512"},
    HashName{HashCode::sha3_512, "sha3"},
    HashName{HashCode::sha3_384, "sha3-384"},
    HashName{HashCode::sha3_256, "sha3-256"},
    HashName{HashCode::sha3_224, "sha3-224"},
    HashName{HashCode::shake_128, "shake-128"},
    HashName{HashCode::shake_256, "shake-256"},
    HashName{HashCode::keccak_224, "keccak-224"},
    HashName{HashCode::keccak_256, "keccak-256"},
    HashName{HashCode::keccak_384, "keccak-384"},
    HashName{HashCode::keccak_512, "keccak-512"},
    HashName{HashCode::blake3, "blake3"},
    HashName{HashCode::murmur3_x64_64, "murmur3-x64-64"},
    HashName{HashCode::dbl_sha2_256, "dbl-sha2-256"},
    HashName{HashCode::md5, "md5"},
};

// "blake2b-8" to "blake2b-512", "blake2s-8" to "blake2s-256".
struct Blake2Name {
  std::array<char, 11> text{};
  std::size_t size = 0;
};
template <std::size_t count>
constexpr std::array<Blake2Name, count> blake2_names(char variant) {
  std::array<Blake2Name, count> names;
  for (std::size_t i = 0; i < count; ++i) {
    constexpr std::string_view stem = "blake2?-";
    Blake2Name& name = names[i];
    for (const char c : stem) name.text[name.size++] = c == '?' ? variant : c;
    const std::size_t bits = (i + 1) * 8;
    for (std::size_t unit = bits >= 100 ? 100 : bits >= 10 ? 10 : 1; unit > 0; unit /= 10) {
      name.text[name.size++] = static_cast<char>('0' + bits / unit % 10);
    }
  }
  return names;
}
constexpr auto blake2b_names = blake2_names<64>('b');
constexpr auto blake2s_names = blake2_names<32>('s');

std::string_view blake2_name(HashCode code) {
  const auto in = [code](const auto& names, HashCode first) {
    const Blake2Name& name = names[static_cast<std::size_t>(code) - static_cast<std::size_t>(first)];
    return std::string_view(name.text.data(), name.size);
  };
  if (is_blake2b(code)) return in(blake2b_names, HashCode::blake2b_8);
  if (is_blake2s(code)) return in(blake2s_names, HashCode::blake2s_8);
  return {};
}

}  // namespace

std::string_view name_of(Codec codec) {
  for (const CodecName& entry : codecs) {
    if (Codec{entry.code} == codec) return entry.name;
  }
  return {};
}

std::optional<Codec> codec_from_name(std::string_view name) {
  for (const CodecName& entry : codecs) {
    if (entry.name == name) return Codec{entry.code};
  }
  return std::nullopt;
}

std::string_view name_of(HashCode code) {
  for (const HashName& entry : hashes) {
    if (entry.code == code) return entry.name;
  }
  return blake2_name(code);
}

std::optional<HashCode> hash_from_name(std::string_view name) {
  for (const HashName& entry : hashes) {
    if (entry.name == name) return entry.code;
  }
  if (!name.starts_with("blake2")) return std::nullopt;
  for (auto code = static_cast<std::uint64_t>(HashCode::blake2b_8);
       code <= static_cast<std::uint64_t>(HashCode::blake2s_256); ++code) {
    if (blake2_name(HashCode{code}) == name) return HashCode{code};
  }
  return std::nullopt;
}

}  // namespace masu
