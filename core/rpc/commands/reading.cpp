#include "core/rpc/commands/reading.hpp"

namespace masu::core::rpc::commands {

Task<unixfs::Result<unixfs::ResolvedPath>> ContentReader::resolve_path(TaskMemory memory,
                                                                       unixfs::ContentPath path) {
  if (path.is_mutable()) {
    co_return unixfs::fail(unixfs::ErrorCode::unsupported,
                           "could not resolve name: this node resolves no names (" + path.text() + ")");
  }
  co_return co_await unixfs::resolve_path(memory, context_, path);
}

Task<unixfs::Result<Cid>> ContentReader::resolve(TaskMemory memory, unixfs::ContentPath path) {
  auto resolved = co_await resolve_path(memory, std::move(path));
  if (!resolved) co_return std::unexpected(std::move(resolved.error()));
  co_return resolved->cid;
}

Task<unixfs::Result<Cid>> ContentReader::resolve_text(TaskMemory memory, std::string_view text) {
  auto path = unixfs::ContentPath::parse(text);
  if (!path) co_return std::unexpected(std::move(path.error()));
  co_return co_await resolve(memory, std::move(*path));
}

Task<unixfs::Result<>> ContentReader::load(TaskMemory memory, std::string_view text,
                                           unixfs::LoadedNode& node) {
  const auto cid = co_await resolve_text(memory, text);
  if (!cid) co_return std::unexpected(cid.error());
  co_return co_await node.load(memory, context_, *cid);
}

void announce_length(Call& call, std::uint64_t bytes) {
  call.set_header("X-Content-Length", std::to_string(bytes));
}

}  // namespace masu::core::rpc::commands
