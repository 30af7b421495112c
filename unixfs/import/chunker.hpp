// Chunkers cut a file into leaves. This build has the fixed-size one, "size-N"; the content-defined ones
// ("rabin", "buzhash") are recognised and refused.
#pragma once

#include "unixfs/error.hpp"

#include <cstddef>
#include <string_view>

namespace masu::unixfs {

// Leaves stay below the block limit with their dag-pb and UnixFS framing.
inline constexpr std::size_t leaf_bytes_max = 2 * 1024 * 1024 - 256;
inline constexpr std::size_t leaf_bytes_default = 256 * 1024;

// The leaf size that a chunker's text names ("size-262144"; "" and "default" are the default). Errors read as
// Kubo's do.
Result<std::size_t> parse_chunker(std::string_view text);

}  // namespace masu::unixfs
