// What the commands that read content share: where their blocks come from, when to stop, and how an error of
// unixfs/ is told. Lives in a command's coroutine; loop thread.
#pragma once

#include "core/node.hpp"
#include "core/rpc/command.hpp"
#include "unixfs/read/content_path.hpp"
#include "unixfs/read/loaded_node.hpp"
#include "unixfs/read/resolver.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace masu::core::rpc::commands {

inline std::unexpected<CommandError> fail(const unixfs::Error& error) {
  return std::unexpected(CommandError{error.text, ErrorKind::normal});
}
inline std::unexpected<CommandError> fail(std::string message) { return rpc::fail(std::move(message)); }

class ContentReader final : private unixfs::StopSignal {
 public:
  explicit ContentReader(Call& call) : ContentReader(call, call.open_source()) {}
  ContentReader(Call& call, std::unique_ptr<store::BlockSource> source)
      : call_(call), source_(std::move(source)), context_{*source_, call.node().block_account(), *this} {}

  const unixfs::ReadContext& context() const { return context_; }
  store::BlockSource& source() { return *source_; }

  // Which node a path in Kubo's sense ("/ipfs/…", a CID, "ipfs://…") names.
  Task<unixfs::Result<Cid>> resolve(TaskMemory memory, unixfs::ContentPath path);
  // With what of the path lies inside of that block (dag-cbor).
  Task<unixfs::Result<unixfs::ResolvedPath>> resolve_path(TaskMemory memory, unixfs::ContentPath path);
  // The same as resolve(), of the user's words.
  Task<unixfs::Result<Cid>> resolve_text(TaskMemory memory, std::string_view text);
  // The node itself.
  Task<unixfs::Result<>> load(TaskMemory memory, std::string_view text, unixfs::LoadedNode& node);

 private:
  bool stopped() const override { return call_.stopped(); }

  Call& call_;
  std::unique_ptr<store::BlockSource> source_;
  unixfs::ReadContext context_;
};

// What a command says when the client is gone: nobody reads it.
inline std::unexpected<CommandError> client_gone() { return rpc::fail("context canceled"); }

// "X-Content-Length", which progress bars go by.
void announce_length(Call& call, std::uint64_t bytes);

}  // namespace masu::core::rpc::commands
