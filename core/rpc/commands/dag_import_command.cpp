// `dag import`: the blocks of CARs into the store, then pins of their roots. While a job checks and stores
// one batch of bytes, the next one is read from the client, so that no worker waits for a client.

#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/pinning.hpp"
#include "core/rpc/commands/reading.hpp"
#include "store/awaited_job.hpp"
#include "store/car/car_reader.hpp"
#include "store/disk_store.hpp"
#include "store/links.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

using store::StoreErrorCode;
using store::StoreResult;
using store::car::CarReader;

constexpr auto options = std::to_array<OptionSpec>({
    {"pin-roots", "", OptionType::boolean, "",
     "Pin optional roots listed in the .car headers after importing. Default: true."},
    {"local-only", "", OptionType::boolean, "",
     "Import a partial CAR (e.g. from 'dag export --local-only'). Implies --pin-roots=false."},
    {"silent", "", OptionType::boolean, "", "No output."},
    {"stats", "", OptionType::boolean, "", "Output stats."},
    {"fast-provide-root", "", OptionType::boolean, "",
     "Immediately provide root CIDs to DHT in addition to regular queue, for faster discovery. Default: "
     "Import.FastProvideRoot."},
    {"fast-provide-dag", "", OptionType::boolean, "",
     "Walk and provide the full DAG according to Provide.Strategy after import. Default: "
     "Import.FastProvideDAG."},
    {"fast-provide-wait", "", OptionType::boolean, "",
     "Block until the immediate provide completes before returning. Default: Import.FastProvideWait."},
    {"allow-big-block", "", OptionType::boolean, "false",
     "Disable block size check and allow creation of blocks bigger than 2MiB. WARNING: such blocks won't be "
     "transferable over the standard bitswap. This node stores no such blocks."},
});
constexpr auto arguments = std::to_array<ArgumentSpec>({
    {.name = "path",
     .required = true,
     .variadic = true,
     .is_file = true,
     .accepts_stdin = true,
     .help = "The path of a .car file."},
});
constexpr std::string_view description =
    R"('masu dag import' imports all blocks present in supplied .car ( Content Address aRchive ) files, recursively pinning any roots specified in the CAR file headers, unless --pin-roots is set to false.

Note:
  This command will import all blocks in the CAR file, not just those reachable from the specified roots. However, these other blocks will not be pinned and may be garbage collected later.

  The pinning of the roots happens after all car files are processed, permitting import of DAGs spanning multiple files.

  Pinning takes place in offline-mode exclusively, one root at a time. If the combination of blocks from the imported CAR files and what is currently present in the blockstore does not represent a complete DAG, pinning of that individual root will fail.

  Use --local-only to import a partial CAR (e.g. from 'dag export --local-only'). --local-only implies --pin-roots=false because a partial CAR has no full DAG to pin.

Maximum supported CAR version: 2
Specification of CAR formats: https://ipld.io/specs/transport/car/
)";

// Roots of all files together; more than a header can have is none that anybody pins one by one.
constexpr std::size_t roots_max = 4096;

// One import on the side of the workers. Shared with the job that is under way, which may outlive the
// command.
class CarImport {
 public:
  struct Stats {
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
  };

  explicit CarImport(Node& node)
      : blocks_(node.blocks()),
        chunks_(node.chunks()),
        holder_(node.upload_account()),
        memory_(node.import_account()),
        roots_(AccountAllocator<Cid>(node.import_account())),
        hold_(node.blocks()) {}

  // The next bytes of the file that is read, or its end. The error is the command's.
  StoreResult<void> feed(ChunkChain bytes) {
    if (!reader_) reader_.emplace(chunks_, holder_, memory_);
    while (!bytes.empty()) {
      Bytes front = bytes.front();
      const std::size_t before = front.size();
      auto taken = feed(front);
      bytes.consume(before - front.size());
      if (!taken) return taken;
    }
    return {};
  }
  StoreResult<void> end_file() {
    if (!reader_) reader_.emplace(chunks_, holder_, memory_);
    auto finished = reader_->finish();
    if (!finished) return failed(std::move(finished.error()));
    reader_.reset();
    return {};
  }
  StoreResult<void> sync() { return blocks_.sync(); }

  // Of all files, each once.
  std::span<const Cid> roots() {
    std::ranges::sort(roots_);
    roots_.erase(std::ranges::unique(roots_).begin(), roots_.end());
    return roots_;
  }
  const Stats& stats() const { return stats_; }

 private:
  StoreResult<void> feed(Bytes& bytes) {
    while (true) {
      const auto event = reader_->read(bytes);
      if (!event) return failed(event.error());
      if (*event == CarReader::Event::need_more) return {};
      if (*event == CarReader::Event::root) {
        if (roots_.size() >= roots_max) {
          return store::fail(StoreErrorCode::too_large, "more than " + std::to_string(roots_max) + " roots");
        }
        roots_.push_back(reader_->root());
      } else if (auto put = put_block(reader_->cid(), reader_->take_block()); !put) {
        return store::fail(put.error().code, "import failed at block \"" + reader_->cid().to_string() +
                                                 "\": " + put.error().detail);
      }
    }
  }

  StoreResult<void> put_block(const Cid& cid, const ChunkChain& block) {
    // A block that is not what its codec says is an error here, as in Kubo; codecs that only Kubo reads are
    // taken.
    const auto links = store::for_each_link(cid.codec(), Rope(block), [](const Cid&) { return true; });
    const bool known_elsewhere = cid.codec() == Codec::git_raw || cid.codec() == Codec::dag_jose;
    if (!links && !(links.error().code == StoreErrorCode::refused && known_elsewhere)) return links;
    ++stats_.blocks;
    stats_.bytes += block.size();
    if (cid.hash().is_identity()) return {};
    const auto put = blocks_.put(cid.hash(), block);
    if (!put) return std::unexpected(put.error());
    return {};
  }

  // In Kubo's words: which block was the last good one.
  StoreResult<void> failed(store::StoreError error) const {
    if (!reader_->in_blocks()) return std::unexpected(std::move(error));
    std::string where = "import failed";
    if (const auto& last = reader_->last_good()) where += " after block \"" + last->to_string() + "\"";
    return store::fail(error.code, where + ": " + error.detail);
  }

  store::CollectableStore& blocks_;
  ChunkPool& chunks_;
  Account& holder_;
  AccountResource memory_;
  std::vector<Cid, AccountAllocator<Cid>> roots_;
  Stats stats_;
  store::WriteHold hold_;
  std::optional<CarReader> reader_;
};

class Importer {
 public:
  using Job = store::AwaitedJob<StoreResult<void>>;

  explicit Importer(Call& call)
      : call_(call),
        node_(call.node()),
        import_(std::allocate_shared<CarImport>(AccountAllocator<CarImport>(node_.import_account()), node_)),
        batch_chunks_(std::clamp<std::size_t>(node_.plan().chunks / 32, 4, 32)) {}

  CarImport& import() { return *import_; }

  Task<CommandResult> read_all(TaskMemory memory) {
    while (true) {
      const auto entry = co_await call_.next_entry(memory);
      if (!entry) co_return std::unexpected(entry.error());
      if (!*entry) break;
      if ((*entry)->kind != UploadEntry::Kind::file) co_return rpc::fail("expected a file handle");
      CommandResult read = co_await read_file(memory);
      if (!read) co_return read;
    }
    start([import = import_] { return import->sync(); });
    co_return co_await end_job(memory);
  }

 private:
  Task<CommandResult> read_file(TaskMemory memory) {
    while (true) {
      bool over = false;
      ChunkChain batch;
      while (batch.chunks() < batch_chunks_) {
        if (call_.stopped()) co_return client_gone();
        auto bytes = co_await call_.read_entry(memory, node_.upload_account());
        if (!bytes) co_return std::unexpected(std::move(bytes.error()));
        over = bytes->empty();
        if (over) break;
        batch.append(std::move(*bytes));
      }
      CommandResult ended = co_await end_job(memory);
      if (!ended) co_return ended;
      start([import = import_, batch = std::move(batch), over]() mutable {
        auto fed = import->feed(std::move(batch));
        return fed && over ? import->end_file() : fed;
      });
      if (over) co_return co_await end_job(memory);
    }
  }
  template <class Work>
  void start(Work work) {
    job_.emplace(node_.jobs(), store::JobClass::write, node_.import_account(), std::move(work));
  }
  Task<CommandResult> end_job(TaskMemory) {
    if (!job_) co_return CommandResult();
    const StoreResult<void> outcome = co_await *job_;
    job_.reset();
    if (!outcome) co_return fail(outcome.error());
    co_return CommandResult();
  }

  Call& call_;
  Node& node_;
  std::shared_ptr<CarImport> import_;  // shared with the job under way
  const std::size_t batch_chunks_;
  std::optional<Job> job_;
};

boost::json::object cid_value(const Cid& cid) { return {{"/", cid.to_string()}}; }

// Pins the roots one by one; those that cannot be pinned say why.
Task<CommandResult> pin_roots(TaskMemory memory, Call& call, std::span<const Cid> roots) {
  Node& node = call.node();
  const std::unique_ptr<store::BlockSource> source = node.open_source(true);
  store::PinDag dag(pin_parts(node, *source));
  for (const Cid& root : roots) {
    if (call.stopped()) co_return client_gone();
    const auto pinned = co_await dag.pin(memory, root, store::PinMode::recursive, std::string());
    std::string error = pinned ? "" : pinned.error().detail;
    const bool root_is_missing =
        !pinned && pinned.error().code == StoreErrorCode::not_found && error.ends_with(root.to_string());
    if (root_is_missing) error = "ipld: could not find " + root.to_string();
    if (!error.empty() && call.text_encoding() && !call.flag("silent")) {
      co_return rpc::fail("pinning root \"" + call.show(root) + "\" FAILED: " + error);
    }
    boost::json::object object;
    object["Cid"] = cid_value(root);
    object["PinErrorMsg"] = error;
    boost::json::object outer;
    outer["Root"] = std::move(object);
    const boost::json::value value = std::move(outer);
    const bool there = co_await call.emit(memory, value);
    if (!there) co_return client_gone();
  }
  co_return CommandResult();
}

Task<CommandResult> run(TaskMemory memory, Call& call) {
  const bool local_only = call.flag("local-only");
  if (local_only && call.given("pin-roots") && call.flag("pin-roots")) {
    co_return rpc::fail(
        "--local-only implies --pin-roots=false and cannot be combined with --pin-roots=true; please drop "
        "one of them");
  }
  const bool pins = !local_only && (!call.given("pin-roots") || call.flag("pin-roots"));
  call.node().before_large_work();
  Importer importer(call);
  CommandResult read = co_await importer.read_all(memory);
  if (!read) co_return read;
  if (pins) {
    CommandResult pinned = co_await pin_roots(memory, call, importer.import().roots());
    if (!pinned) co_return pinned;
  }
  if (call.flag("stats")) {
    const CarImport::Stats& stats = importer.import().stats();
    const boost::json::value value = {
        {"Stats", {{"BlockCount", stats.blocks}, {"BlockBytesCount", stats.bytes}}}};
    co_await call.emit(memory, value);
  }
  co_return CommandResult();
}

void text(const boost::json::value& value, const Call& call, std::string& out) {
  if (call.flag("silent")) return;
  const boost::json::object& object = value.as_object();
  if (const auto* const root = object.if_contains("Root")) {
    const auto cid = Cid::parse(std::string_view(root->at("Cid").at("/").as_string()));
    out.append("Pinned root\t").append(cid ? call.show(*cid) : "").append("\tsuccess\n");
  } else if (const auto* const stats = object.if_contains("Stats")) {
    const auto number = [stats](const char* name) {
      return std::to_string(stats->at(name).to_number<std::uint64_t>());
    };
    out.append("Imported ").append(number("BlockCount")).append(" blocks (");
    out.append(number("BlockBytesCount")).append(" bytes)\n");
  }
}

}  // namespace

constexpr CommandSpec dag_import{.path = "dag import",
                                 .tagline = "Import the contents of .car files.",
                                 .description = description,
                                 .options = options,
                                 .arguments = arguments,
                                 .run = run,
                                 .text = text};

}  // namespace masu::core::rpc::commands
