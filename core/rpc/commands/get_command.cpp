// `get`: a node as a tar stream, gzipped if asked for, or a gzipped file. What becomes of it on a disk is the
// command line's work.

#include "alloc/resource.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/reading.hpp"
#include "store/awaited_job.hpp"
#include "unixfs/read/gzip.hpp"
#include "unixfs/read/tar_export.hpp"

#include <array>
#include <chrono>
#include <memory>

namespace masu::core::rpc::commands {
namespace {

constexpr auto get_options = std::to_array<OptionSpec>({
    {"output", "o", OptionType::text, "", "The path where the output should be stored."},
    {"archive", "a", OptionType::boolean, "", "Output a TAR archive."},
    {"compress", "C", OptionType::boolean, "", "Compress the output with GZIP compression."},
    {"compression-level", "l", OptionType::integer, "", "The level of compression (1-9)."},
    {"progress", "p", OptionType::boolean, "",
     "Stream progress data. Defaults to true when stderr is a terminal."},
});
constexpr auto get_arguments = std::to_array<ArgumentSpec>({
    {.name = "ipfs-path",
     .required = true,
     .accepts_stdin = true,
     .help = "The path to the IPFS object(s) to be outputted."},
});

constexpr std::string_view get_description =
    R"(Stores to disk the data contained an IPFS or IPNS object(s) at the given path.

By default, the output will be stored at './<ipfs-path>', but an alternate path can be specified with '--output=<path>' or '-o=<path>'.

To output a TAR archive instead of unpacked files, use '--archive' or '-a'.

To compress the output with GZIP compression, use '--compress' or '-C'. You may also specify the level of compression by specifying '-l=<1-9>'.
)";

auto stopped() { return unixfs::fail(unixfs::ErrorCode::stopped, "context canceled"); }

class PlainSink final : public unixfs::ByteSink {
 public:
  explicit PlainSink(Call& call) : call_(call) {}

  Task<unixfs::Result<>> write(TaskMemory memory, Bytes bytes) override {
    const bool sent = co_await call_.write(memory, bytes);
    if (!sent) co_return stopped();
    co_return unixfs::Result<>();
  }
  Task<unixfs::Result<>> write_chain(TaskMemory memory, ChunkChain chain) override {
    const bool sent = co_await call_.write_chain(memory, std::move(chain));
    if (!sent) co_return stopped();
    co_return unixfs::Result<>();
  }

 private:
  Call& call_;
};

// Compresses on a worker. The writer is shared with a job that may outlive the command, and lies in memory of
// the node for the same reason.
class GzipSink final : public unixfs::ByteSink {
 public:
  GzipSink(Call& call, int level) : call_(call), state_(std::make_shared<State>(call.node(), level)) {}

  Task<unixfs::Result<>> write(TaskMemory memory, Bytes bytes) override {
    ChunkChain chain;
    if (!chain.append_copy(call_.node().chunks(), call_.node().block_account(), bytes)) {
      co_return unixfs::fail(unixfs::ErrorCode::out_of_memory, refusal_text(call_.node().block_account()));
    }
    co_return co_await write_chain(memory, std::move(chain));
  }
  Task<unixfs::Result<>> write_chain(TaskMemory memory, ChunkChain chain) override {
    state_->in.append(std::move(chain));
    co_return co_await compress(memory, false);
  }
  Task<unixfs::Result<>> finish(TaskMemory memory) { co_return co_await compress(memory, true); }

 private:
  struct State {
    State(Node& node, int level)
        : memory(node.import_account()), gzip(level, node.chunks(), node.block_account(), memory) {}
    AccountResource memory;
    unixfs::GzipWriter gzip;
    ChunkChain in;
  };

  Task<unixfs::Result<>> compress(TaskMemory memory, bool last) {
    const auto work = [state = state_, last]() -> unixfs::Result<ChunkChain> {
      auto out = state->gzip.write(std::move(state->in));
      if (!out || !last) return out;
      auto end = state->gzip.finish();
      if (end)
        out->append(std::move(*end));
      else
        return end;
      return out;
    };
    store::AwaitedJob<unixfs::Result<ChunkChain>> job(call_.node().jobs(), store::JobClass::write,
                                                      call_.node().import_account(), work);
    unixfs::Result<ChunkChain> out = co_await job;
    if (!out) co_return std::unexpected(std::move(out.error()));
    if (out->empty()) co_return unixfs::Result<>();
    const bool sent = co_await call_.write_chain(memory, std::move(*out));
    if (!sent) co_return stopped();
    co_return unixfs::Result<>();
  }

  Call& call_;
  std::shared_ptr<State> state_;
};

// Nothing: not compressed.
std::expected<std::optional<int>, CommandError> compression_level(const Call& call) {
  if (!call.flag("compress")) return std::nullopt;
  const auto level = call.integer("compression-level");
  if (!level) return unixfs::GzipWriter::level_default;
  if (*level < 1 || *level > 9) return fail("compression level must be between 1 and 9");
  return static_cast<int>(*level);
}

unixfs::Timestamp now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return {seconds.count(), static_cast<std::uint32_t>(std::chrono::nanoseconds(since - seconds).count())};
}

Task<unixfs::Result<>> send(TaskMemory memory, const ContentReader& content, unixfs::LoadedNode& node,
                            std::string name, bool tar, bool archive, unixfs::ByteSink& sink) {
  if (!tar) co_return co_await unixfs::export_file(memory, content.context(), node, sink);
  unixfs::TarOptions options{.root_name = std::move(name),
                             .format = archive ? unixfs::tar::Format::any : unixfs::tar::Format::pax,
                             .now = now()};
  co_return co_await unixfs::export_tar(memory, content.context(), node, std::move(options), sink);
}

Task<CommandResult> run_get(TaskMemory memory, Call& call) {
  const auto level = compression_level(call);
  if (!level) co_return std::unexpected(level.error());
  const auto path = unixfs::ContentPath::parse(call.arguments()[0]);
  if (!path) co_return fail(path.error());
  call.node().before_large_work();
  ContentReader content(call);
  const auto cid = co_await content.resolve(memory, *path);
  if (!cid) co_return fail(cid.error());
  unixfs::LoadedNode node;
  auto loaded = co_await node.load(memory, content.context(), *cid);
  if (!loaded) co_return fail(loaded.error());
  const auto size = unixfs::announced_size(node);
  if (!size) co_return fail(size.error());
  const bool archive = call.flag("archive");
  const bool tar = archive || !*level;
  if (!tar && node.kind() == unixfs::LoadedNode::Kind::dag_pb && node.unixfs()->is_directory()) {
    co_return fail("file is not regular");
  }
  announce_length(call, *size);
  call.set_content_type(*level ? "application/gzip" : "application/x-tar");
  // Directories can be deep: their places are the export's, not the request's.
  AccountResource export_memory(call.node().import_account());
  std::string name(path->last());
  unixfs::Result<> sent;
  if (*level) {
    GzipSink sink(call, **level);
    sent = co_await send(export_memory, content, node, std::move(name), tar, archive, sink);
    if (sent) sent = co_await sink.finish(memory);
  } else {
    PlainSink sink(call);
    sent = co_await send(export_memory, content, node, std::move(name), tar, archive, sink);
  }
  if (!sent) co_return fail(sent.error());
  co_return CommandResult();
}

}  // namespace

constexpr CommandSpec get{.path = "get",
                          .tagline = "Download IPFS objects.",
                          .description = get_description,
                          .options = get_options,
                          .arguments = get_arguments,
                          .run = run_get};

}  // namespace masu::core::rpc::commands
