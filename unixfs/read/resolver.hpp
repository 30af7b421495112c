// Path resolution: which node "/ipfs/CID/a/b" names.
//
// Each component is looked up by name in the links of one block; in a sharded directory along the one path of
// shards that the name's hash says, not by a walk. dag-pb nodes that are no UnixFS directories are looked up
// by their links too, as Kubo does. In other codecs ("/ipfs/bafyre…/field") a path is not followed.
//
// Memory: one block. Work: one block for each component, and as many shards as a hash has levels. Error texts
// are Kubo's. Loop thread.
#pragma once

#include "unixfs/read/content_path.hpp"
#include "unixfs/read/loaded_node.hpp"

#include <string>

namespace masu::unixfs {

struct ResolvedPath {
  Cid cid;           // the block
  std::string rest;  // the path inside of it: "a/b", or empty
};

// Requires: !path.is_mutable().
Task<Result<ResolvedPath>> resolve_path(TaskMemory memory, const ReadContext& context,
                                        const ContentPath& path);
// The block alone.
Task<Result<Cid>> resolve(TaskMemory memory, const ReadContext& context, const ContentPath& path);

// The node that `name` means in the directory that `node` holds; the block goes. no_link: there is none.
Task<Result<Cid>> look_up(TaskMemory memory, const ReadContext& context, LoadedNode& node,
                          std::string_view name);

}  // namespace masu::unixfs
