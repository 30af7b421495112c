// Tar export: a file, a symlink or a whole directory as a tar stream, member for member as Kubo's `get` makes
// it: the root under the name it is given, entries below it in the order of their directories, modes and
// times where they are known, else 0644, 0755, 0777 and now.
//
// A name that would leave its directory ("..", "a/b", nothing) ends the export with Kubo's error, and so does
// a file that is not as long as it says: a tar names its sizes first.
//
// Memory: what a FileReader holds, one directory block, and for each level of directories a reader's place
// (`levels_max`). The walk uses no recursion. Loop thread.
#pragma once

#include "unixfs/read/loaded_node.hpp"
#include "unixfs/tar/tar_writer.hpp"

#include <string>

namespace masu::unixfs {

// Where an export goes. Backpressure is a write that takes its time.
class ByteSink {
 public:
  virtual Task<Result<>> write(TaskMemory memory, Bytes bytes) = 0;
  virtual Task<Result<>> write_chain(TaskMemory memory, ChunkChain chain) = 0;

 protected:
  ~ByteSink() = default;
};

struct TarOptions {
  static constexpr std::size_t levels_max = 512;
  static constexpr std::size_t path_bytes_max = 32 * 1024;

  std::string root_name;
  tar::Format format = tar::Format::pax;
  Timestamp now;
};

// Takes over `root`. `memory` pays for frames, readers and the path.
Task<Result<>> export_tar(TaskMemory memory, const ReadContext& context, LoadedNode& root, TarOptions options,
                          ByteSink& sink);
// The file alone, without tar (`get --compress`). not_file for a directory.
Task<Result<>> export_file(TaskMemory memory, const ReadContext& context, LoadedNode& root, ByteSink& sink);

// What Kubo announces as the size of a node: of a file its bytes, of a directory those of all blocks below,
// as the links claim.
Result<std::uint64_t> announced_size(const LoadedNode& node);

}  // namespace masu::unixfs
