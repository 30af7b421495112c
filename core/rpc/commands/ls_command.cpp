// `ls`: the entries of directories (or the links of other nodes), sorted by name, as one JSON object or as a
// table; with --stream one by one, as they come.
//
// Sorted answers begin when all entries are known, since the table needs its widths and an error is an error
// of the whole; until then the entries lie in a sorter, which goes to the disk when they are many. So memory
// is flat for any number of them. A job of the sorter may outlive the command, so they share it.

#include "alloc/resource.hpp"
#include "core/repo.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/ls_entry.hpp"
#include "core/rpc/commands/reading.hpp"
#include "core/rpc/json_text.hpp"
#include "store/awaited_job.hpp"
#include "store/links.hpp"
#include "store/sort/record_sorter.hpp"
#include "unixfs/read/directory_reader.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <vector>

namespace masu::core::rpc::commands {
namespace {

constexpr auto ls_options = std::to_array<OptionSpec>({
    {"headers", "v", OptionType::boolean, "", "Print table headers (Hash, Size, Name)."},
    {"resolve-type", "", OptionType::boolean, "true", "Resolve linked objects to find out their types."},
    {"size", "", OptionType::boolean, "true", "Resolve linked objects to find out their file size."},
    {"stream", "s", OptionType::boolean, "",
     "Enable experimental streaming of directory entries as they are traversed."},
    {"long", "l", OptionType::boolean, "",
     "Use a long listing format, showing file mode and modification time."},
});
constexpr auto ls_arguments = std::to_array<ArgumentSpec>({
    {.name = "ipfs-path",
     .required = true,
     .variadic = true,
     .accepts_stdin = true,
     .help = "The path to the IPFS object(s) to list links from."},
});
constexpr std::string_view ls_description =
    R"(Displays the contents of an IPFS or IPNS object(s) at the given path, with the following format:

  <cid> <size> <name>

With the --long (-l) option, display optional file mode (permissions) and modification time in a format similar to Unix 'ls -l':

  <mode> <cid> <size> <mtime> <name>

Mode and mtime are optional UnixFS metadata. They are only present if the content was imported with 'masu add --preserve-mode' and '--preserve-mtime'. Without preserved metadata, both mode and mtime display '-'. Times are in UTC.

The JSON output contains type information.
)";

constexpr std::size_t target_bytes_max = 3 * 1024;
constexpr std::size_t gathered_bytes_max = 128 * 1024;
constexpr std::uint64_t spilled_bytes_max = std::uint64_t{1} << 30;
constexpr std::size_t batch_bytes = 16 * 1024;

std::int64_t now_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())
      .time_since_epoch()
      .count();
}

// --- Entries, in the order of the links ---

class EntryConsumer {
 public:
  virtual Task<CommandResult> on_entry(TaskMemory memory, LsEntry& entry) = 0;

 protected:
  ~EntryConsumer() = default;
};

// What a child says of itself, as far as it was asked for.
Task<CommandResult> describe(TaskMemory memory, const unixfs::ReadContext& context, bool read_children,
                             std::uint64_t tsize, LsEntry& entry) {
  entry.size = 0;
  entry.type = 0;
  entry.target.clear();
  entry.metadata = {};
  if (entry.cid.codec() == Codec::raw) {
    entry.type = 2;
    entry.size = tsize;
    co_return CommandResult();
  }
  if (entry.cid.codec() != Codec::dag_pb || !read_children) co_return CommandResult();
  unixfs::LoadedNode node;
  auto loaded = co_await node.load(memory, context, entry.cid);
  if (!loaded) co_return fail(loaded.error());
  if (!node.unixfs()) co_return fail(node.unixfs().error());
  const unixfs::Node& child = *node.unixfs();
  entry.metadata = child.metadata;
  switch (child.type) {
    case unixfs::NodeType::raw:
    case unixfs::NodeType::file:
      entry.type = 2;
      entry.size = child.filesize.value_or(0);
      break;
    case unixfs::NodeType::directory:
    case unixfs::NodeType::hamt_shard:
    case unixfs::NodeType::metadata: entry.type = 1; break;
    case unixfs::NodeType::symlink:
      entry.type = 4;
      entry.size = child.data.size();
      if (child.data.size() > target_bytes_max) co_return fail("ls: the target of a symlink is too long");
      append(entry.target, child.data);
      break;
  }
  co_return CommandResult();
}

// Entries of a directory.
Task<CommandResult> list_directory(TaskMemory memory, const unixfs::ReadContext& context,
                                   unixfs::LoadedNode& node, bool read_children, EntryConsumer& consumer) {
  using unixfs::DirectoryReader;
  DirectoryReader reader(
      context, memory.resource(),
      read_children ? DirectoryReader::Hint::shards_and_entries : DirectoryReader::Hint::shards);
  auto opened = reader.open(node);
  if (!opened) co_return fail(opened.error());
  unixfs::DirectoryEntry link{.name = std::pmr::string(&memory.resource()), .cid = Cid(), .tsize = 0};
  LsEntry entry;
  while (true) {
    auto more = co_await reader.next(memory, link);
    if (!more) co_return fail(more.error());
    if (!*more) co_return CommandResult();
    entry.name = link.name;
    entry.cid = link.cid;
    auto described = co_await describe(memory, context, read_children, link.tsize, entry);
    if (!described) co_return described;
    auto consumed = co_await consumer.on_entry(memory, entry);
    if (!consumed) co_return consumed;
  }
}

struct PlainLink {
  Cid cid;
  std::uint64_t tsize = 0;
};

// The links of a node that is no directory; those of other codecs have no names. `out` is bounded by its
// memory.
unixfs::Result<> collect_links(const unixfs::LoadedNode& node, std::pmr::vector<PlainLink>& out) {
  if (node.kind() == unixfs::LoadedNode::Kind::dag_pb) {
    unixfs::DagPbLinks links = node.dag_pb().links();
    while (const auto link = links.next()) out.push_back({link->cid, link->tsize.value_or(0)});
    return {};
  }
  const auto visited = store::for_each_link(node.cid().codec(), node.block(), [&out](const Cid& cid) {
    out.push_back({cid, 0});
    return true;
  });
  if (!visited) return unixfs::fail(unixfs::ErrorCode::malformed, visited.error().detail);
  return {};
}

Task<CommandResult> list_links(TaskMemory memory, const unixfs::ReadContext& context,
                               unixfs::LoadedNode& node, bool read_children, EntryConsumer& consumer) {
  std::pmr::vector<PlainLink> links(&memory.resource());
  auto collected = collect_links(node, links);
  if (!collected) co_return fail(collected.error());
  node.clear();
  LsEntry entry;
  for (const PlainLink& link : links) {
    entry.cid = link.cid;
    auto described = co_await describe(memory, context, read_children, link.tsize, entry);
    if (!described) co_return described;
    auto consumed = co_await consumer.on_entry(memory, entry);
    if (!consumed) co_return consumed;
  }
  co_return CommandResult();
}

Task<CommandResult> list_path(TaskMemory memory, Call& call, ContentReader& content, std::string_view path,
                              EntryConsumer& consumer) {
  const bool read_children = call.flag("resolve-type") || call.flag("size");
  unixfs::LoadedNode node;
  auto loaded = co_await content.load(memory, path, node);
  if (!loaded) co_return fail(loaded.error());
  if (node.kind() == unixfs::LoadedNode::Kind::dag_pb) {
    if (!node.unixfs()) co_return fail(node.unixfs().error());
    if (node.unixfs()->is_directory()) {
      co_return co_await list_directory(memory, content.context(), node, read_children, consumer);
    }
  }
  co_return co_await list_links(memory, content.context(), node, read_children, consumer);
}

LsColumns columns_of(const Call& call) {
  return {.size = call.flag("size"), .long_format = call.flag("long"), .width_min = 1, .widths = {}};
}

// --- --stream ---

class Streamer final : public EntryConsumer {
 public:
  explicit Streamer(Call& call) : call_(call), columns_(columns_of(call)), now_(now_seconds()) {
    columns_.width_min = 10;
  }

  void begin(std::string_view path) {
    path_ = path;
    begun_ = false;
  }
  Task<CommandResult> on_entry(TaskMemory memory, LsEntry& entry) override {
    std::string out;
    const std::string hash = call_.show(entry.cid);
    if (call_.text_encoding()) {
      if (!begun_) append_title(out);
      begun_ = true;
      columns_.append_line(out, entry, hash, now_);
    } else {
      out = "{\"Objects\":[{\"Hash\":";
      append_json_text(out, path_);
      out += ",\"Links\":[";
      append_ls_json(out, entry, hash);
      out += "]}]}\n";
    }
    co_return co_await send(memory, out);
  }
  // An answer without entries has its headers too.
  Task<CommandResult> finish(TaskMemory memory) {
    if (announced_) co_return CommandResult();
    co_return co_await send(memory, std::string());
  }

 private:
  Task<CommandResult> send(TaskMemory memory, std::string out) {
    if (!std::exchange(announced_, true)) call_.set_header("X-Chunked-Output", "1");
    const bool sent = co_await call_.write(memory, as_bytes(out));
    if (!sent) co_return client_gone();
    co_return CommandResult();
  }
  void append_title(std::string& out) {
    if (call_.arguments().size() > 1) {
      if (std::exchange(titled_, true)) out += '\n';
      out.append(path_).append(":\n");
    }
    if (call_.flag("headers")) columns_.append_header(out);
  }

  Call& call_;
  LsColumns columns_;
  const std::int64_t now_;
  std::string_view path_;
  bool begun_ = false, titled_ = false, announced_ = false;
};

// --- Sorted ---

// Keys: the number of the path, and the name.
class Sorted {
 public:
  Sorted(Account& account, std::string directory)
      : memory_(account), spill_(std::move(directory)), sorter_(spill_, memory_) {}

  void add(std::uint32_t path, const LsEntry& entry) {
    std::string key;
    for (unsigned shift = 32; shift > 0;) key += static_cast<char>(path >> (shift -= 8));
    key += entry.name;
    sorter_.add(as_bytes(key), as_bytes(pack_ls_entry(entry)));
  }
  bool full() const { return sorter_.gathered_bytes() > gathered_bytes_max; }
  bool too_much() const { return spill_.live_bytes() > spilled_bytes_max; }
  store::StoreResult<void> spill() { return sorter_.spill(); }
  // Some of the records in order, as pairs; none at the end.
  store::StoreResult<std::vector<std::pair<std::uint32_t, LsEntry>>> take() {
    if (!std::exchange(reading_, true)) {
      auto started = sorter_.start_reading();
      if (!started) return std::unexpected(std::move(started.error()));
    }
    std::vector<std::pair<std::uint32_t, LsEntry>> out;
    for (std::size_t bytes = 0; bytes < batch_bytes;) {
      auto record = sorter_.next();
      if (!record) return std::unexpected(std::move(record.error()));
      if (!*record) break;
      std::uint32_t path = 0;
      for (const std::uint8_t byte : (*record)->key.first(4)) path = path << 8 | byte;
      out.emplace_back(path, unpack_ls_entry(as_text((*record)->key.subspan(4)), as_text((*record)->value)));
      bytes += (*record)->key.size() + (*record)->value.size() + sizeof(LsEntry);
    }
    return out;
  }

 private:
  AccountResource memory_;
  store::SpillFile spill_;
  store::RecordSorter sorter_;
  bool reading_ = false;
};

class Gatherer final : public EntryConsumer {
 public:
  explicit Gatherer(Call& call)
      : call_(call),
        now_(now_seconds()),
        sorted_(std::make_shared<Sorted>(call.node().import_account(), call.node().repo().path())) {}

  void begin() {
    columns_.push_back(columns_of(call_));
    if (call_.flag("headers")) columns_.back().fit_header();
  }
  Task<CommandResult> on_entry(TaskMemory, LsEntry& entry) override {
    sorted_->add(static_cast<std::uint32_t>(columns_.size() - 1), entry);
    if (call_.text_encoding()) columns_.back().fit(entry, call_.show(entry.cid), now_);
    if (!sorted_->full()) co_return CommandResult();
    if (sorted_->too_much()) co_return fail("ls: more entries than can be sorted; use --stream");
    const auto work = [sorted = sorted_] { return sorted->spill(); };
    store::AwaitedJob<store::StoreResult<void>> job(call_.node().jobs(), store::JobClass::write,
                                                    call_.node().import_account(), work);
    store::StoreResult<void> spilled = co_await job;
    if (!spilled) co_return fail(spilled.error().detail);
    co_return CommandResult();
  }

  Task<CommandResult> send(TaskMemory memory) {
    const bool text = call_.text_encoding();
    std::string out = text ? "" : "{\"Objects\":[";
    begin_path(out, 0);
    std::size_t path = 0;
    while (true) {
      const auto work = [sorted = sorted_] { return sorted->take(); };
      store::AwaitedJob<Batch> job(call_.node().jobs(), store::JobClass::read, call_.node().import_account(),
                                   work);
      Batch batch = co_await job;
      if (!batch) co_return fail(batch.error().detail);
      if (batch->empty()) break;
      for (const auto& [index, entry] : *batch) {
        while (path < index) next_path(out, ++path);
        append_entry(out, path, entry);
      }
      const bool sent = co_await call_.write(memory, as_bytes(out));
      if (!sent) co_return client_gone();
      out.clear();
    }
    while (path + 1 < columns_.size()) next_path(out, ++path);
    if (!text) out += "]}]}\n";
    if (!out.empty()) co_await call_.write(memory, as_bytes(out));
    co_return CommandResult();
  }

 private:
  using Batch = store::StoreResult<std::vector<std::pair<std::uint32_t, LsEntry>>>;

  void begin_path(std::string& out, std::size_t path) {
    first_ = true;
    const std::string& name = call_.arguments()[path];
    if (!call_.text_encoding()) {
      out += "{\"Hash\":";
      append_json_text(out, name);
      out += ",\"Links\":[";
      return;
    }
    if (columns_.size() > 1) out.append(name).append(":\n");
    if (call_.flag("headers")) columns_[path].append_header(out);
  }
  void next_path(std::string& out, std::size_t path) {
    out += call_.text_encoding() ? "\n" : "]},";
    begin_path(out, path);
  }
  void append_entry(std::string& out, std::size_t path, const LsEntry& entry) {
    if (call_.text_encoding()) {
      columns_[path].append_line(out, entry, call_.show(entry.cid), now_);
      return;
    }
    if (!std::exchange(first_, false)) out += ',';
    append_ls_json(out, entry, call_.show(entry.cid));
  }

  Call& call_;
  const std::int64_t now_;
  std::shared_ptr<Sorted> sorted_;
  std::vector<LsColumns> columns_;  // one for each path
  bool first_ = true;               // of the entries of a path
};

Task<CommandResult> run_ls(TaskMemory memory, Call& call) {
  ContentReader content(call);
  call.set_content_type(call.text_encoding() ? "text/plain" : "application/json");
  if (call.flag("stream")) {
    call.set_single_value();
    Streamer streamer(call);
    for (const std::string& path : call.arguments()) {
      streamer.begin(path);
      auto listed = co_await list_path(memory, call, content, path, streamer);
      if (!listed) co_return listed;
    }
    co_return co_await streamer.finish(memory);
  }
  call.set_single_value();
  Gatherer gatherer(call);
  for (const std::string& path : call.arguments()) {
    gatherer.begin();
    auto listed = co_await list_path(memory, call, content, path, gatherer);
    if (!listed) co_return listed;
  }
  co_return co_await gatherer.send(memory);
}

}  // namespace

constexpr CommandSpec ls{.path = "ls",
                         .tagline = "List directory contents for Unix filesystem objects.",
                         .description = ls_description,
                         .options = ls_options,
                         .arguments = ls_arguments,
                         .run = run_ls};

}  // namespace masu::core::rpc::commands
