// `refs`: the links of nodes, below them too with -r; `refs local`: every block that is here.

#include "core/repo.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/reading.hpp"
#include "net/random.hpp"
#include "store/awaited_job.hpp"
#include "store/dag_walk.hpp"
#include "store/disk_store.hpp"

#include <array>
#include <memory>
#include <vector>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

constexpr auto refs_options = std::to_array<OptionSpec>({
    {"format", "", OptionType::text, "<dst>",
     "Emit edges with given format. Available tokens: <src> <dst> <linkname>."},
    {"edges", "e", OptionType::boolean, "", "Emit edge format: `<from> -> <to>`."},
    {"unique", "u", OptionType::boolean, "", "Omit duplicate refs from output."},
    {"recursive", "r", OptionType::boolean, "", "Recursively list links of child nodes."},
    {"max-depth", "", OptionType::integer, "-1",
     "Only for recursive refs, limits fetch and listing to the given depth."},
});
constexpr auto refs_arguments = std::to_array<ArgumentSpec>({
    {.name = "ipfs-path",
     .required = true,
     .variadic = true,
     .accepts_stdin = true,
     .help = "Path to the object(s) to list refs from."},
});
constexpr std::string_view refs_description =
    R"(Lists the hashes of all the links an IPFS or IPNS object(s) contains, with the following format:

  <link base58 hash>

List all references recursively by using the flag '-r'.

NOTE: Like most other commands, masu will try to fetch the blocks of the passed path if they can't be found in the local store if it is running in online mode.
)";

boost::json::object ref_value(std::string_view ref, std::string_view error) {
  return {{"Ref", ref}, {"Err", error}};
}

void ref_text(const boost::json::value& value, const Call&, std::string& out) {
  const boost::json::string& ref = value.at("Ref").as_string();
  out.append(ref.data(), ref.size()).append("\n");
}

void replace_all(std::string& text, std::string_view token, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(token, at)) != std::string::npos; at += by.size()) {
    text.replace(at, token.size(), by);
  }
}

class RefWriter {
 public:
  RefWriter(Call& call, ContentReader& content, std::string format, const store::WalkOptions& options)
      : call_(call), content_(content), format_(std::move(format)), options_(options) {}

  // All refs below one root. What is missing or broken ends this root, not the command.
  Task<CommandResult> write(TaskMemory memory, Cid root) {
    if (!walk_) make_walk();
    walk_->add_root(root);
    store::WalkVisit visit;
    while (true) {
      if (call_.stopped()) co_return client_gone();
      store::StoreResult<bool> more = co_await walk_->next(memory, visit);
      if (!more) co_return fail(more.error().detail);
      if (!*more) co_return CommandResult();
      if (!visit.block) {
        walk_.reset();
        const std::string error = unixfs::block_error(visit.cid, visit.block.error()).text;
        co_return co_await write_error(memory, error);
      }
      visit.block->clear();
      if (visit.depth == 0 || visit.again) continue;
      const boost::json::value value = ref_value(line(visit), "");
      const bool sent = co_await call_.emit(memory, value);
      if (!sent) co_return client_gone();
    }
  }

 private:
  void make_walk() {
    Node& node = call_.node();
    store::SeenSet::Secret secret;
    node.random().fill(secret);
    walk_ = std::make_unique<store::DagWalk>(
        store::DagWalk::Parts{.source = content_.source(),
                              .jobs = node.jobs(),
                              .blocks = node.block_account(),
                              .memory = node.import_account(),
                              .spill = std::make_unique<store::SpillFile>(node.repo().path()),
                              .secret = secret},
        options_);
  }

  Task<CommandResult> write_error(TaskMemory memory, std::string error) {
    if (call_.text_encoding()) co_return fail(std::move(error));
    const boost::json::value value = ref_value("", error);
    const bool sent = co_await call_.emit(memory, value);
    if (!sent) co_return client_gone();
    co_return CommandResult();
  }

  std::string line(const store::WalkVisit& visit) const {
    if (format_.empty() || format_ == "<dst>") return call_.show(visit.cid);
    std::string out = format_;
    replace_all(out, "<src>", call_.show(visit.parent));
    replace_all(out, "<dst>", call_.show(visit.cid));
    replace_all(out, "<linkname>", visit.link_name);
    return out;
  }

  Call& call_;
  ContentReader& content_;
  const std::string format_;
  const store::WalkOptions options_;
  std::unique_ptr<store::DagWalk> walk_;
};

Task<CommandResult> run_refs(TaskMemory memory, Call& call) {
  std::string format(call.text("format"));
  if (call.flag("edges")) {
    if (format != "<dst>") co_return fail("using format argument with edges is not allowed");
    format = "<src> -> <dst>";
  }
  std::int64_t depth = call.integer("max-depth").value_or(-1);
  if (!call.flag("recursive")) depth = 1;
  const bool unique = call.flag("unique");
  store::WalkOptions options;
  if (depth >= 0) options.depth_max = static_cast<std::uint32_t>(std::min<std::int64_t>(depth, 1u << 30));
  options.again = !unique      ? store::WalkOptions::Again::always
                  : depth >= 0 ? store::WalkOptions::Again::higher
                               : store::WalkOptions::Again::never;
  options.roots_count_as_seen = false;
  options.links = true;

  ContentReader content(call);
  std::vector<Cid> roots;
  for (const std::string& text : call.arguments()) {
    const auto cid = co_await content.resolve_text(memory, text);
    if (!cid) co_return fail(cid.error());
    roots.push_back(*cid);
  }
  RefWriter writer(call, content, std::move(format), options);
  for (const Cid& root : roots) {
    auto written = co_await writer.write(memory, root);
    if (!written) co_return written;
  }
  co_return CommandResult();
}

// --- refs local ---

struct KeyBatch {
  std::vector<Multihash> keys;  // in the order of the store; fewer than asked for: the end
};

constexpr std::size_t keys_in_batch = 128;

Task<CommandResult> run_refs_local(TaskMemory memory, Call& call) {
  Node& node = call.node();
  store::CollectableStore& blocks = node.blocks();
  std::optional<Multihash> last;
  while (true) {
    const auto work = [&blocks, last]() -> store::StoreResult<KeyBatch> {
      KeyBatch batch;
      batch.keys.reserve(keys_in_batch);
      auto cursor = blocks.open_keys(last ? &*last : nullptr);
      if (!cursor) return std::unexpected(std::move(cursor.error()));
      while (batch.keys.size() < keys_in_batch) {
        auto more = (*cursor)->next();
        if (!more) return std::unexpected(std::move(more.error()));
        if (!*more) break;
        batch.keys.push_back((*cursor)->key().hash);
      }
      return batch;
    };
    store::AwaitedJob<store::StoreResult<KeyBatch>> job(node.jobs(), store::JobClass::read,
                                                        node.import_account(), work);
    store::StoreResult<KeyBatch> batch = co_await job;
    if (!batch) co_return fail(batch.error().detail);
    for (const Multihash& hash : batch->keys) {
      if (call.stopped()) co_return client_gone();
      const boost::json::value value = ref_value(call.show(Cid::v1(Codec::raw, hash)), "");
      const bool sent = co_await call.emit(memory, value);
      if (!sent) co_return client_gone();
    }
    if (batch->keys.size() < keys_in_batch) co_return CommandResult();
    last = batch->keys.back();
  }
}

}  // namespace

constexpr CommandSpec refs{.path = "refs",
                           .tagline = "List links (references) from an object.",
                           .description = refs_description,
                           .options = refs_options,
                           .arguments = refs_arguments,
                           .run = run_refs,
                           .text = ref_text};

constexpr CommandSpec refs_local{
    .path = "refs local",
    .tagline = "List all local references.",
    .description =
        "Displays the hashes of all local objects. NOTE: This treats all local objects as \"raw blocks\" and "
        "returns CIDv1-Raw CIDs.",
    .run = run_refs_local,
    .text = ref_text};

}  // namespace masu::core::rpc::commands
