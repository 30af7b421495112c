// Writing of dag-pb blocks as Kubo writes them: links first, each with Hash, Name (also an empty one) and
// Tsize, then Data (unixfs/dag/node.hpp writes that). The order of the links is the caller's: by name bytes
// in directories, by place in files.
//
// Links are appended to a buffer of their node one by one. Spec: ipld.io/specs/codecs/dag-pb.
#pragma once

#include "multiformats/cid.hpp"
#include "unixfs/dag/protobuf.hpp"

#include <cstdint>
#include <string_view>

namespace masu::unixfs {

// A link of a node that is being written. Its name is two texts in a row: the prefix is what a sharded
// directory puts in front.
struct DagPbLinkFields {
  const Cid& cid;
  std::string_view name_prefix;
  std::string_view name;
  std::uint64_t tsize = 0;
};

// The bytes that the link takes in its block, tag and length included.
std::size_t link_size(std::size_t cid_bytes, std::size_t name_bytes, std::uint64_t tsize);
void put_link(ByteBuffer& out, const DagPbLinkFields& link);

}  // namespace masu::unixfs
