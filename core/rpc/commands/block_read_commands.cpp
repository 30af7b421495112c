// `block get` and `block stat`: a block as it is, and its size.

#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/reading.hpp"

#include <array>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

constexpr auto get_arguments = std::to_array<ArgumentSpec>({
    {.name = "cid", .required = true, .accepts_stdin = true, .help = "The CID of an existing block to get."},
});
constexpr auto stat_arguments = std::to_array<ArgumentSpec>({
    {.name = "cid", .required = true, .accepts_stdin = true, .help = "The CID of an existing block to stat."},
});

struct Block {
  Cid cid;
  ChunkChain bytes;
};

// The block, whatever is in it.
Task<std::expected<Block, CommandError>> fetch(TaskMemory memory, Call& call) {
  ContentReader content(call);
  const auto cid = co_await content.resolve_text(memory, call.arguments()[0]);
  if (!cid) co_return fail(cid.error());
  store::AwaitedBlock wait(content.source(), *cid, call.node().block_account());
  store::StoreResult<ChunkChain> bytes = co_await wait;
  if (!bytes) co_return fail(unixfs::block_error(*cid, bytes.error()));
  co_return Block{*cid, std::move(*bytes)};
}

Task<CommandResult> run_block_get(TaskMemory memory, Call& call) {
  std::expected<Block, CommandError> block = co_await fetch(memory, call);
  if (!block) co_return std::unexpected(std::move(block.error()));
  call.set_content_type("application/vnd.ipld.raw");
  const bool sent = co_await call.write_chain(memory, std::move(block->bytes));
  if (!sent) co_return client_gone();
  co_return CommandResult();
}

Task<CommandResult> run_block_stat(TaskMemory memory, Call& call) {
  std::expected<Block, CommandError> block = co_await fetch(memory, call);
  if (!block) co_return std::unexpected(std::move(block.error()));
  const std::size_t size = block->bytes.size();
  block->bytes.clear();
  const boost::json::value value = boost::json::object{{"Key", call.show(block->cid)}, {"Size", size}};
  call.set_single_value();
  co_await call.emit(memory, value);
  co_return CommandResult();
}

void stat_text(const boost::json::value& value, const Call&, std::string& out) {
  const boost::json::string& key = value.at("Key").as_string();
  out.append("Key: ").append(key.data(), key.size());
  out.append("\nSize: ").append(std::to_string(value.at("Size").to_number<std::uint64_t>())).append("\n");
}

}  // namespace

constexpr CommandSpec block_get{.path = "block get",
                                .tagline = "Get a raw IPFS block.",
                                .description =
                                    "'masu block get' is a plumbing command for retrieving raw IPFS blocks. "
                                    "It takes a <cid>, and outputs "
                                    "the block to stdout.",
                                .arguments = get_arguments,
                                .run = run_block_get};

constexpr CommandSpec block_stat{
    .path = "block stat",
    .tagline = "Print information of a raw IPFS block.",
    .description =
        "'masu block stat' is a plumbing command for retrieving information on raw IPFS blocks. It outputs "
        "the "
        "following to stdout:\n\n\tKey  - the CID of the block\n\tSize - the size of the block in bytes\n",
    .arguments = stat_arguments,
    .run = run_block_stat,
    .text = stat_text};

}  // namespace masu::core::rpc::commands
