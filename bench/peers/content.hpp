// Content: what the honest peers have to give: a few files as UnixFS DAGs, made from a seed, in memory.
//
// A file is raw leaves of 256 KiB below one dag-pb node, as `ipfs add --raw-leaves` makes them, so that a
// node under test can be asked for it by its root, and its bytes compared by their hash. Never changed after
// it is made. All peers of one program share it; a peer holds one of the files.
#pragma once

#include "multiformats/cid.hpp"
#include "tests/seeded_random.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace masu::peers {

class Content {
 public:
  struct File {
    std::string root;    // as text
    std::string sha256;  // of all of its bytes, in hexadecimal
    std::size_t size = 0;
  };

  Content(std::uint64_t seed, std::size_t files, std::size_t file_bytes);

  const std::vector<File>& files() const { return files_; }
  // The bytes of a block of that file by its CID's bytes; null: it has no such block.
  const std::string* find(std::size_t file, const std::string& cid) const;

 private:
  struct Block {
    std::size_t file = 0;
    std::string bytes;
  };
  void make_file(SeededRandom& random, std::size_t file_bytes);
  std::string keep(std::size_t file, Codec codec, std::string bytes);

  std::vector<File> files_;
  std::unordered_map<std::string, Block> blocks_;
};

// A CID of raw bytes that nobody has, as bytes.
std::string absent_cid(SeededRandom& random);

}  // namespace masu::peers
