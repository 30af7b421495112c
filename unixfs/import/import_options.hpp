// ImportOptions: everything that decides which CID a tree gets. Two imports with the same options of the same
// content have the same CIDs, and the same ones as Kubo's.
//
// The defaults are Kubo's of today, the profile unixfs-v0-2015. What is not here cannot be asked of this
// build: the trickle layout, content-defined chunkers, references to files (nocopy).
#pragma once

#include "multiformats/multicodec.hpp"
#include "unixfs/dag/node.hpp"
#include "unixfs/error.hpp"
#include "unixfs/import/chunker.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace masu::unixfs {

// How blocks are named.
struct BlockFormat {
  // Version 0 is for dag-pb with sha2-256 alone: other blocks of such an import are of version 1.
  int cid_version = 0;
  HashCode hash = HashCode::sha2_256;
  // Blocks of at most so many bytes lie in their CID and are not stored.
  std::optional<std::size_t> inline_bytes_max;
};
inline constexpr std::size_t inline_bytes_limit = 128;

struct FileShape {
  bool raw_leaves = false;
  std::size_t leaf_bytes = leaf_bytes_default;
  std::size_t links_max = 174;
};

// What is compared with the threshold of a directory.
enum class SizeEstimation : std::uint8_t {
  links,  // bytes of names and CIDs
  block,  // bytes of the block that the plain directory would be
  none,   // nothing: only the number of links counts
};

struct DirectoryShape {
  // A directory is sharded when its size is above the threshold, or when it has more links than links_max.
  std::uint64_t threshold_bytes = 256 * 1024;  // 0: never sharded
  SizeEstimation estimation = SizeEstimation::links;
  std::size_t links_max = 0;  // 0: any number
  std::uint32_t fanout = 256;
};

struct ImportOptions {
  BlockFormat format;
  FileShape file;
  DirectoryShape directory;
  bool keep_empty_directories = true;
  // What is added goes into one more directory, without a name.
  bool wrap = false;
  // Mode and time of the entries are kept, unless one is given for all.
  bool preserve_mode = false;
  bool preserve_mtime = false;
  Metadata metadata;

  static ImportOptions unixfs_v0_2015() { return {}; }
  static ImportOptions unixfs_v1_2025();
  // The first rule that these options break, in Kubo's words where it has them.
  Result<> check() const;
};

// The twelve permission bits of a mode as Go's programs send it: setuid, setgid and sticky lie higher there.
std::uint32_t permissions_of_go_mode(std::uint32_t mode);

}  // namespace masu::unixfs
