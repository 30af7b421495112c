// `repo gc`, `repo stat` and `repo version`.

#include "core/node.hpp"
#include "core/repo.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/human_bytes.hpp"
#include "core/rpc/commands/pinning.hpp"
#include "core/rpc/commands/reading.hpp"
#include "store/awaited_job.hpp"
#include "store/collector.hpp"
#include "store/disk_store.hpp"

#include <array>
#include <limits>
#include <utility>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

// --- repo gc ---

constexpr auto gc_options = std::to_array<OptionSpec>({
    {"stream-errors", "", OptionType::boolean, "", "Stream errors."},
    {"quiet", "q", OptionType::boolean, "", "Write minimal output."},
    {"silent", "", OptionType::boolean, "", "Write no output."},
});
constexpr std::string_view gc_description =
    R"('masu repo gc' is a plumbing command that will sweep the local set of stored objects and remove ones that are not pinned in order to reclaim hard disk space.
)";

boost::json::value removed_value(const Multihash& hash) {
  const std::string cid = Cid::v1(Codec::raw, hash).to_string();
  return {{"Key", {{"/", cid}}}};
}

// The errors of a collection, joined as Kubo joins them; the first and the last when there are very many.
class Errors {
 public:
  void add(const std::string& error) {
    if (!last_.empty()) append(last_);
    last_ = error;
  }
  bool empty() const { return last_.empty(); }
  std::string text() const {
    std::string all = text_;
    if (left_out_ > 0) all.append("(").append(std::to_string(left_out_)).append(" more errors); ");
    return all.append(last_);
  }

 private:
  static constexpr std::size_t bytes_max = 16 * 1024;
  void append(const std::string& error) {
    if (text_.size() + error.size() > bytes_max) {
      ++left_out_;
    } else {
      text_.append(error).append("; ");
    }
  }
  std::string text_, last_;
  std::uint64_t left_out_ = 0;
};

Task<CommandResult> run_gc(TaskMemory memory, Call& call) {
  Node& node = call.node();
  const bool stream_errors = call.flag("stream-errors"), quiet = call.flag("silent") && !stream_errors;
  node.before_large_work();
  store::Collection collection(node.collector(), {}, walk_secret(node));
  store::CollectStep step{
      store::CollectStep::Removed{AccountAllocator<Multihash>(node.import_account())}, 0, {}};
  Errors errors;
  while (true) {
    if (call.stopped()) co_return client_gone();
    const bool more = co_await collection.next(memory, step);
    if (!more) break;
    for (const Multihash& hash : step.removed) {
      if (quiet) break;
      const boost::json::value value = removed_value(hash);
      const bool there = co_await call.emit(memory, value);
      if (!there) co_return client_gone();
    }
    for (const std::string& error : step.errors) {
      if (!stream_errors) {
        errors.add(error);
        continue;
      }
      const boost::json::value value = {{"Key", nullptr}, {"Error", error}};
      const bool there = co_await call.emit(memory, value);
      if (!there) co_return client_gone();
    }
  }
  if (!errors.empty()) co_return rpc::fail(errors.text());
  if (collection.failed()) co_return rpc::fail("encountered errors during gc run");
  co_return CommandResult();
}

void gc_text(const boost::json::value& value, const Call& call, std::string& out) {
  if (call.flag("silent")) return;
  const boost::json::object& object = value.as_object();
  if (const auto* const error = object.if_contains("Error")) {
    const boost::json::string& text = error->as_string();
    out.append("Error: ").append(text.data(), text.size()).append("\n");
    return;
  }
  const boost::json::string& cid = object.at("Key").at("/").as_string();
  out.append(call.flag("quiet") ? "" : "removed ").append(cid.data(), cid.size()).append("\n");
}

// --- repo stat ---

constexpr auto stat_options = std::to_array<OptionSpec>({
    {"size-only", "s", OptionType::boolean, "", "Only report RepoSize and StorageMax."},
    {"human", "H", OptionType::boolean, "", "Print sizes in human readable format (e.g., 1K 234M 2G)."},
});
constexpr std::string_view stat_description =
    R"('masu repo stat' provides information about the local set of stored objects. It outputs:

RepoSize        int Size in bytes that the repo is currently taking.
StorageMax      string Maximum datastore size (from configuration)
NumObjects      int Number of objects in the local repo.
RepoPath        string The path to the repo being currently used.
Version         string The repo version.
)";

std::string version_text() { return "fs-repo@" + std::string(Repo::version); }

Task<CommandResult> run_stat(TaskMemory memory, Call& call) {
  Node& node = call.node();
  call.set_single_value();
  const bool whole = !call.flag("size-only");
  store::AwaitedJob<store::StoreResult<store::StoreUsage>> job(
      node.jobs(), store::JobClass::read, node.import_account(),
      [&blocks = node.blocks()] { return blocks.usage(); });
  const auto usage = co_await job;
  if (!usage) co_return fail(usage.error());
  const std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();
  boost::json::object value;
  value["RepoSize"] = usage->disk_bytes;
  value["StorageMax"] = node.config().size("Datastore.StorageMax").value_or(no_limit);
  value["NumObjects"] = whole ? usage->objects : 0;
  value["RepoPath"] = whole ? node.repo().path() : std::string();
  value["Version"] = whole ? version_text() : std::string();
  const boost::json::value all = std::move(value);
  co_await call.emit(memory, all);
  co_return CommandResult();
}

void stat_text(const boost::json::value& value, const Call& call, std::string& out) {
  const bool whole = !call.flag("size-only");
  const auto line = [&out](std::string_view name, std::string_view text) {
    constexpr std::size_t width = 12;
    out.append(name).append(width - name.size(), ' ').append(text).append("\n");
  };
  const auto size = [&](const char* name) {
    const auto bytes = value.at(name).to_number<std::uint64_t>();
    return call.flag("human") ? human_bytes(bytes) : std::to_string(bytes);
  };
  const auto word = [&](const char* name) { return std::string_view(value.at(name).as_string()); };
  if (whole) line("NumObjects:", std::to_string(value.at("NumObjects").to_number<std::uint64_t>()));
  line("RepoSize:", size("RepoSize"));
  line("StorageMax:", size("StorageMax"));
  if (!whole) return;
  line("RepoPath:", word("RepoPath"));
  line("Version:", word("Version"));
}

// --- repo version ---

constexpr auto version_options = std::to_array<OptionSpec>({
    {"quiet", "q", OptionType::boolean, "", "Write minimal output."},
});
constexpr std::string_view version_description = "'masu repo version' returns the current repo version.\n";

Task<CommandResult> run_version(TaskMemory memory, Call& call) {
  call.set_single_value();
  const boost::json::value value = {{"Version", Repo::version}};
  co_await call.emit(memory, value);
  co_return CommandResult();
}

void version_line(const boost::json::value&, const Call& call, std::string& out) {
  out.append(call.flag("quiet") ? "" : "ipfs repo version ").append(version_text()).append("\n");
}

}  // namespace

constexpr CommandSpec repo_gc{.path = "repo gc",
                              .tagline = "Perform a garbage collection sweep on the repo.",
                              .description = gc_description,
                              .options = gc_options,
                              .run = run_gc,
                              .text = gc_text};

constexpr CommandSpec repo_stat{.path = "repo stat",
                                .tagline = "Get stats for the currently used repo.",
                                .description = stat_description,
                                .options = stat_options,
                                .run = run_stat,
                                .text = stat_text};

constexpr CommandSpec repo_version{.path = "repo version",
                                   .tagline = "Show the repo version.",
                                   .description = version_description,
                                   .options = version_options,
                                   .run = run_version,
                                   .text = version_line};

}  // namespace masu::core::rpc::commands
