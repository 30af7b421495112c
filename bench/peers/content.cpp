#include "bench/peers/content.hpp"

#include "multiformats/digest.hpp"
#include "tests/bitswap/raw_message.hpp"

#include <algorithm>

namespace masu::peers {
namespace {

constexpr std::size_t leaf_bytes = 256 * 1024;

std::string hex(Bytes bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

}  // namespace

Content::Content(std::uint64_t seed, std::size_t files, std::size_t file_bytes) {
  SeededRandom random(seed ^ 0x66696c6573);
  for (std::size_t n = 0; n < files; ++n) make_file(random, file_bytes);
}

std::string Content::keep(std::size_t file, Codec codec, std::string bytes) {
  const Cid cid = Cid::v1(codec, *multihash_of(HashCode::sha2_256, as_bytes(bytes)));
  std::string key(as_text(cid.bytes()));
  blocks_.insert_or_assign(key, Block{file, std::move(bytes)});
  return key;
}

// The fields are those of dag-pb (Links 2 {Hash 1, Name 2, Tsize 3}, Data 1) and of UnixFS (Type 1, filesize
// 3, blocksizes 4). Specs: ipld.io/specs/codecs/dag-pb, ipfs/specs UNIXFS.md.
void Content::make_file(SeededRandom& random, std::size_t file_bytes) {
  using bitswap::bytes_field;
  using bitswap::number_field;
  const std::size_t number = files_.size();
  Digester whole(HashCode::sha2_256);
  std::string links, sizes;
  for (std::size_t at = 0; at < file_bytes; at += leaf_bytes) {
    std::string leaf = random.bytes(std::min(leaf_bytes, file_bytes - at));
    whole.update(as_bytes(leaf));
    const std::size_t size = leaf.size();
    const std::string cid = keep(number, Codec::raw, std::move(leaf));
    links += bytes_field(2, bytes_field(1, cid) + bytes_field(2, "") + number_field(3, size));
    sizes += number_field(4, size);
  }
  const std::string data = number_field(1, 2) + number_field(3, file_bytes) + sizes;
  const std::string root = keep(number, Codec::dag_pb, links + bytes_field(1, data));
  files_.push_back({Cid::decode(as_bytes(root))->to_string(), hex(whole.finish().digest()), file_bytes});
}

const std::string* Content::find(std::size_t file, const std::string& cid) const {
  const auto found = blocks_.find(cid);
  return found != blocks_.end() && found->second.file == file ? &found->second.bytes : nullptr;
}

std::string absent_cid(SeededRandom& random) {
  return std::string(std::string_view("\x01\x55\x12\x20", 4)) + random.bytes(32);
}

}  // namespace masu::peers
