// A path inside of a dag-cbor block: map keys and list indices, up to a link or to the end of the path.
//
// The block is walked where it lies: nothing is built, nothing is allocated, what is not on the path is
// skipped without recursion, and no length in it is trusted. Items of indefinite length are not followed.
// Error texts are Kubo's. Any thread.
#pragma once

#include "alloc/rope.hpp"
#include "multiformats/cid.hpp"
#include "unixfs/error.hpp"

#include <optional>
#include <string_view>

namespace masu::unixfs {

// Takes components off `path` as it follows them. A CID: a link was met, and `path` goes on in the block that
// it names. Nothing: the path ended inside of this block. `block_cid` is for messages.
Result<std::optional<Cid>> follow_cbor(Rope block, const Cid& block_cid, std::string_view& path);

}  // namespace masu::unixfs
