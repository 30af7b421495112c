#include "unixfs/import/import_options.hpp"

#include "multiformats/digest.hpp"
#include "unixfs/dag/hamt_hash.hpp"

namespace masu::unixfs {

ImportOptions ImportOptions::unixfs_v1_2025() {
  ImportOptions options;
  options.format.cid_version = 1;
  options.file = {.raw_leaves = true, .leaf_bytes = 1024 * 1024, .links_max = 1024};
  options.directory.estimation = SizeEstimation::block;
  return options;
}

Result<> ImportOptions::check() const {
  if (format.cid_version != 0 && format.cid_version != 1) {
    return fail(ErrorCode::invalid, "unknown CID version: " + std::to_string(format.cid_version));
  }
  if (format.cid_version == 0 && format.hash != HashCode::sha2_256) {
    return fail(ErrorCode::invalid, "CIDv0 only supports sha2-256");
  }
  if (!digest_sizes(format.hash)) {
    return fail(ErrorCode::invalid, "potentially insecure hash functions not allowed");
  }
  if (format.inline_bytes_max.value_or(0) > inline_bytes_limit) {
    return fail(ErrorCode::invalid, "inline-limit " + std::to_string(*format.inline_bytes_max) +
                                        " exceeds maximum allowed size of " +
                                        std::to_string(inline_bytes_limit) + " bytes");
  }
  if (file.leaf_bytes == 0 || file.leaf_bytes > leaf_bytes_max) {
    return fail(ErrorCode::invalid, "chunker parameters may not exceed the maximum chunk size of " +
                                        std::to_string(leaf_bytes_max));
  }
  if (file.links_max < 2) {
    return fail(ErrorCode::invalid,
                "a file node needs at least two links, max-file-links is " + std::to_string(file.links_max));
  }
  if (!HamtShape::fanout_valid(directory.fanout)) {
    return fail(ErrorCode::invalid, "HAMT fanout must be a power of 2, between 8 and 1024 (got " +
                                        std::to_string(directory.fanout) + ")");
  }
  if (file.raw_leaves && (preserve_mode || preserve_mtime || !metadata.empty())) {
    return fail(ErrorCode::invalid,
                "raw-leaves can't be used with UnixFS metadata like mode or modification time");
  }
  return {};
}

std::uint32_t permissions_of_go_mode(std::uint32_t mode) {
  return (mode & 0xc00000) >> 12 | (mode & 0x100000) >> 11 | (mode & 0x1ff);
}

}  // namespace masu::unixfs
