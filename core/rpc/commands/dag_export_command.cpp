// `dag export`: a DAG as a CAR of version 1, in the order of the DAG, each block once, as it is read.

#include "core/node.hpp"
#include "core/repo.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/pinning.hpp"
#include "core/rpc/commands/reading.hpp"
#include "store/car/car_format.hpp"
#include "store/local_source.hpp"

#include <array>
#include <utility>

namespace masu::core::rpc::commands {
namespace {

constexpr auto options = std::to_array<OptionSpec>({
    {"progress", "p", OptionType::boolean, "",
     "Stream progress data. Defaults to true when stderr is a terminal."},
    {"local-only", "", OptionType::boolean, "",
     "Best-effort export of locally-available blocks; missing or unreadable blocks (and their subtrees) are "
     "skipped. "
     "Implies --offline."},
});
constexpr auto arguments = std::to_array<ArgumentSpec>({
    {.name = "root", .required = true, .accepts_stdin = true, .help = "CID of a root to recursively export."},
});
constexpr std::string_view description =
    R"('masu dag export' fetches a DAG and streams it out as a well-formed .car file. Note that at present only single root selections / .car files are supported. The output of blocks happens in strict DAG-traversal, first-seen, order. CAR file follows the CARv1 format: https://ipld.io/specs/transport/car/carv1/

Use --local-only for a best-effort export from the local blockstore: blocks that are missing or unreadable locally (and their subtrees) are skipped, so the resulting CAR is partial. --local-only implies --offline.
)";

// What would help, where a block is missing.
std::string advice(Call& call, const store::StoreError& error) {
  if (error.code != store::StoreErrorCode::not_found) return {};
  if (call.offline()) return " (currently offline, perhaps retry without the offline flag)";
  if (call.node().swarm() == nullptr) {
    return " (currently offline, perhaps retry after attaching to the network)";
  }
  return {};
}

class Export {
 public:
  Export(Call& call, store::BlockSource& source, Cid root, bool local_only)
      : call_(call),
        node_(call.node()),
        local_only_(local_only),
        root_(std::move(root)),
        walk_({.source = source,
               .jobs = node_.jobs(),
               .blocks = node_.block_account(),
               .memory = node_.import_account(),
               .spill = std::make_unique<store::SpillFile>(node_.repo().path()),
               .secret = walk_secret(node_)},
              {}) {}

  Task<CommandResult> run(TaskMemory memory) {
    walk_.add_root(root_);
    store::WalkVisit visit;
    while (!call_.stopped()) {
      const auto more = co_await walk_.next(memory, visit);
      if (!more) co_return fail(more.error());
      if (!*more) co_return CommandResult();
      const bool is_root = !begun_;
      if (!visit.block) {
        if (is_root) co_return fail(visit.block.error());
        if (local_only_) continue;
        const store::StoreError& error = visit.block.error();
        co_return rpc::fail("walk failed: could not load link \"" + visit.cid.to_string() +
                            "\": " + error.detail + advice(call_, error));
      }
      if (is_root && !co_await begin(memory)) co_return client_gone();
      // Kubo's partial CARs have no blocks that lie in their CIDs.
      if (local_only_ && visit.cid.hash().is_identity()) continue;
      const bool there = co_await write(memory, visit.cid, std::move(*visit.block));
      visit.block = ChunkChain();
      if (!there) co_return client_gone();
    }
    co_return client_gone();
  }

 private:
  Task<bool> begin(TaskMemory memory) {
    begun_ = true;
    call_.set_content_type("application/vnd.ipld.car");
    const auto header = store::car::header_of({&root_, 1}, call_.memory());
    const std::pmr::vector<std::uint8_t>& bytes = header;
    co_return co_await call_.write(memory, bytes);
  }

  // In one piece, when there is a chunk for the front.
  Task<bool> write(TaskMemory memory, const Cid& cid, ChunkChain block) {
    const store::car::SectionFront front = store::car::section_front(cid, block.size());
    ChunkChain section;
    if (section.append_copy(node_.chunks(), node_.block_account(), front)) {
      section.append(std::move(block));
    } else {
      const bool there = co_await call_.write(memory, front);
      if (!there) co_return false;
      section = std::move(block);
    }
    if (section.empty()) co_return true;
    co_return co_await call_.write_chain(memory, std::move(section));
  }

  Call& call_;
  Node& node_;
  const bool local_only_;
  const Cid root_;
  store::DagWalk walk_;
  bool begun_ = false;
};

Task<CommandResult> run(TaskMemory memory, Call& call) {
  const bool local_only = call.flag("local-only");
  if (local_only && call.given("offline") && !call.offline()) {
    co_return rpc::fail(
        "--local-only implies --offline and cannot be combined with --offline=false; please drop one of "
        "them");
  }
  call.node().before_large_work();
  const std::string& path = call.arguments().front();
  if (local_only) {
    ContentReader reader(call, call.node().open_source(true));
    const auto root = co_await reader.resolve_text(memory, path);
    if (!root) co_return rpc::fail(root.error().text);
    Export work(call, reader.source(), *root, true);
    co_return co_await work.run(memory);
  }
  ContentReader reader(call);
  const auto root = co_await reader.resolve_text(memory, path);
  if (!root) co_return rpc::fail(root.error().text);
  Export work(call, reader.source(), *root, false);
  co_return co_await work.run(memory);
}

}  // namespace

constexpr CommandSpec dag_export{.path = "dag export",
                                 .tagline = "Streams the selected DAG as a .car stream on stdout.",
                                 .description = description,
                                 .options = options,
                                 .arguments = arguments,
                                 .run = run};

}  // namespace masu::core::rpc::commands
