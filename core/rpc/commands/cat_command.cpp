// `cat`: the bytes of files, one behind the other.
//
// All paths are resolved before the first byte goes out, so that what is wrong with one of them is an error
// of the whole; blocks that cannot be had later end the answer with a trailer.

#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/reading.hpp"
#include "unixfs/read/file_reader.hpp"

#include <array>
#include <vector>

namespace masu::core::rpc::commands {
namespace {

constexpr auto cat_options = std::to_array<OptionSpec>({
    {"offset", "o", OptionType::integer, "", "Byte offset to begin reading from."},
    {"length", "l", OptionType::integer, "", "Maximum number of bytes to read."},
    {"progress", "p", OptionType::boolean, "",
     "Stream progress data. Defaults to true when stderr is a terminal."},
});
constexpr auto cat_arguments = std::to_array<ArgumentSpec>({
    {.name = "ipfs-path",
     .required = true,
     .variadic = true,
     .accepts_stdin = true,
     .help = "The path to the IPFS object(s) to be outputted."},
});

// One file, and what of it is wanted.
struct Part {
  Cid cid;
  std::uint64_t offset = 0;
  std::uint64_t bytes = unixfs::FileReader::whole;
};

struct Plan {
  std::vector<Part> parts;
  std::uint64_t bytes = 0;  // as the files say
};

Task<std::expected<Plan, CommandError>> plan_parts(TaskMemory memory, Call& call, ContentReader& content,
                                                   std::uint64_t offset, std::optional<std::uint64_t> most) {
  Plan plan;
  for (const std::string& text : call.arguments()) {
    const auto cid = co_await content.resolve_text(memory, text);
    if (!cid) co_return fail(cid.error());
    unixfs::LoadedNode node;
    auto loaded = co_await node.load(memory, content.context(), *cid);
    if (!loaded) co_return fail(loaded.error());
    unixfs::FileReader reader(content.context(), call.memory());
    auto opened = co_await reader.open(memory, node);
    if (!opened) co_return fail(opened.error());
    if (offset > reader.size()) {
      offset -= reader.size();
      continue;
    }
    Part part{.cid = *cid, .offset = std::exchange(offset, 0)};
    const std::uint64_t bytes = reader.size() - part.offset;
    plan.bytes += bytes;
    if (most && plan.bytes >= *most) {
      part.bytes = bytes - (plan.bytes - *most);
      plan.bytes = *most;
      plan.parts.push_back(part);
      break;
    }
    plan.parts.push_back(part);
  }
  co_return plan;
}

Task<CommandResult> send_part(TaskMemory memory, Call& call, ContentReader& content, Part part) {
  unixfs::LoadedNode node;
  auto loaded = co_await node.load(memory, content.context(), part.cid);
  if (!loaded) co_return fail(loaded.error());
  unixfs::FileReader reader(content.context(), call.memory());
  auto opened = co_await reader.open(memory, node);
  if (opened) opened = reader.set_range(part.offset, part.bytes);
  if (!opened) co_return fail(opened.error());
  while (true) {
    unixfs::Result<ChunkChain> chain = co_await reader.next(memory);
    if (!chain) co_return fail(chain.error());
    if (chain->empty()) co_return CommandResult();
    const bool sent = co_await call.write_chain(memory, std::move(*chain));
    if (!sent) co_return client_gone();
  }
}

Task<CommandResult> run_cat(TaskMemory memory, Call& call) {
  const std::int64_t offset = call.integer("offset").value_or(0);
  const std::optional<std::int64_t> length = call.integer("length");
  if (offset < 0) co_return fail("cannot specify negative offset");
  if (length.value_or(0) < 0) co_return fail("cannot specify negative length");
  std::optional<std::uint64_t> most;
  if (length) most = static_cast<std::uint64_t>(*length);

  call.node().before_large_work();
  ContentReader content(call);
  Plan plan;
  if (most != 0) {
    auto planned = co_await plan_parts(memory, call, content, static_cast<std::uint64_t>(offset), most);
    if (!planned) co_return std::unexpected(std::move(planned.error()));
    plan = std::move(*planned);
  }
  call.set_content_type("text/plain");
  announce_length(call, plan.bytes);
  for (const Part& part : plan.parts) {
    auto sent = co_await send_part(memory, call, content, part);
    if (!sent) co_return sent;
  }
  if (plan.bytes == 0) co_await call.write(memory, Bytes());  // a stream of nothing is a stream
  co_return CommandResult();
}

}  // namespace

constexpr CommandSpec cat{
    .path = "cat",
    .tagline = "Show IPFS object data.",
    .description = "Displays the data contained by an IPFS or IPNS object(s) at the given path.",
    .options = cat_options,
    .arguments = cat_arguments,
    .run = run_cat};

}  // namespace masu::core::rpc::commands
