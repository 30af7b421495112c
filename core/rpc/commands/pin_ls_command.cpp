// `pin ls`: pins as they lie in their set, page by page; blocks that are pinned indirectly by a walk. The
// answer goes out piece by piece, also where Kubo sends one JSON object, so that memory does not follow the
// number of pins.

#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/pinning.hpp"
#include "core/rpc/commands/reading.hpp"
#include "core/rpc/json_text.hpp"
#include "store/awaited_job.hpp"

#include <array>
#include <utility>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

using store::PinMode;

constexpr auto options = std::to_array<OptionSpec>({
    {"type", "t", OptionType::text, "all",
     "The type of pinned keys to list. Can be \"direct\", \"indirect\", \"recursive\", or \"all\"."},
    {"quiet", "q", OptionType::boolean, "", "Output only the CIDs of pins."},
    {"name", "n", OptionType::text, "",
     "Limit returned pins to ones with names that contain the value provided (case-sensitive, partial "
     "match). "
     "Implies --names=true."},
    {"stream", "s", OptionType::boolean, "", "Enable streaming of pins as they are discovered."},
    {"names", "", OptionType::boolean, "", "Include pin names in the output (slower, disabled by default)."},
});
constexpr auto arguments = std::to_array<ArgumentSpec>({
    {.name = "ipfs-path", .variadic = true, .help = "Path to object(s) to be listed."},
});
constexpr std::string_view description =
    R"(Returns a list of objects that are pinned locally.

By default, all pinned objects are returned, but the '--type' flag or arguments can restrict that to a specific pin type or to some specific objects respectively.

Use --type=<type> to specify the type of pinned keys to list. Valid values are:
    * "direct": pin that specific object.
    * "recursive": pin that specific object, and indirectly pin all its descendants
    * "indirect": pinned indirectly by an ancestor (like a refcount)
    * "all"

By default, pin names are not included (returned as empty). Pass '--names' flag to return pin names (set with '--name' from 'pin add').

With arguments, the command fails if any of the arguments is not a pinned object. And if --type=<type> is additionally used, the command will also fail if any of the arguments is not of the specified type.
)";

enum class Kind : std::uint8_t { direct, indirect, recursive, all };

std::optional<Kind> kind_of(std::string_view text) {
  if (text == "direct") return Kind::direct;
  if (text == "indirect") return Kind::indirect;
  if (text == "recursive") return Kind::recursive;
  if (text == "all") return Kind::all;
  return std::nullopt;
}

void append_line(std::string& out, bool quiet, std::string_view cid, std::string_view type,
                 std::string_view name) {
  out.append(cid);
  if (!quiet) out.append(" ").append(type);
  if (!quiet && !name.empty()) out.append(" ").append(name);
  out.append("\n");
}

// Values one by one (--stream), lines of text, or one JSON object in pieces.
class PinList {
 public:
  explicit PinList(Call& call)
      : call_(call), stream_(call.flag("stream")), quiet_(call.flag("quiet")), text_(call.text_encoding()) {
    if (!stream_) call.set_single_value();
    if (!stream_ && !text_) call.set_content_type("application/json");
    buffer_.reserve(buffer_bytes);
  }

  Task<bool> add(TaskMemory memory, std::string cid, std::string type, std::string name) {
    if (stream_) {
      boost::json::object value;
      value["Cid"] = cid;
      if (!name.empty()) value["Name"] = name;
      value["Type"] = type;
      const boost::json::value pin = std::move(value);
      co_return co_await call_.emit(memory, pin);
    }
    if (text_) {
      append_line(buffer_, quiet_, cid, type, name);
    } else {
      buffer_.append(any_ ? "," : R"({"Keys":{)");
      append_json_text(buffer_, cid);
      buffer_.append(R"(:{"Type":)");
      append_json_text(buffer_, type);
      buffer_.append(R"(,"Name":)");
      append_json_text(buffer_, name);
      buffer_.append("}");
    }
    any_ = true;
    if (buffer_.size() > buffer_bytes - entry_bytes) co_return co_await flush(memory);
    co_return true;
  }
  Task<void> end(TaskMemory memory) {
    if (!text_ && !stream_) buffer_.append(any_ ? "}}\n" : "{}\n");
    co_await flush(memory);
  }

 private:
  static constexpr std::size_t buffer_bytes = 8 * 1024;
  static constexpr std::size_t entry_bytes = 3 * 1024;  // two CIDs and a name, escaped

  Task<bool> flush(TaskMemory memory) {
    if (buffer_.empty()) co_return true;
    const bool there = co_await call_.write(memory, as_bytes(buffer_));
    buffer_.clear();
    co_return there;
  }

  Call& call_;
  const bool stream_, quiet_, text_;
  bool any_ = false;
  std::string buffer_;
};

// --- With arguments ---

Task<CommandResult> list_some(TaskMemory memory, Call& call, Kind kind, bool names, PinList& list) {
  ContentReader reader(call);
  IndirectSearch search;
  for (const std::string& argument : call.arguments()) {
    const auto cid = co_await reader.resolve_text(memory, argument);
    if (!cid) co_return rpc::fail(cid.error().text);
    auto pin = co_await find_pin(memory, call.node(), *cid);
    if (!pin) co_return fail(pin.error());
    const bool recursive = *pin && (*pin)->mode == PinMode::recursive;
    const bool direct = *pin && (*pin)->mode == PinMode::direct;
    // What is pinned recursively itself is never "indirect"; what is pinned directly may be.
    const bool shown = (recursive && (kind == Kind::recursive || kind == Kind::all)) ||
                       (direct && (kind == Kind::direct || kind == Kind::all));
    search.cids.push_back(*cid);
    search.pinned.emplace_back();
    if (shown) search.pinned.back().pin = std::move(**pin);
    search.wanted.push_back(!shown && !recursive && (kind == Kind::indirect || kind == Kind::all));
  }
  if (const auto searched = co_await search_indirect(memory, call, reader.source(), search); !searched) {
    co_return fail(searched.error());
  }
  for (std::size_t i = 0; i < search.cids.size(); ++i) {
    if (!search.pinned[i].pinned()) co_return rpc::fail("path '" + call.arguments()[i] + "' is not pinned");
  }
  for (std::size_t i = 0; i < search.cids.size(); ++i) {
    const Pinned& pinned = search.pinned[i];
    std::string cid = call.show(search.cids[i]), type, name;
    type = pinned.pin ? std::string(name_of(pinned.pin->mode)) : "indirect through " + call.show(*pinned.via);
    if (pinned.pin && names) name = pinned.pin->name;
    const bool there = co_await list.add(memory, std::move(cid), std::move(type), std::move(name));
    if (!there) co_return client_gone();
  }
  co_return CommandResult();
}

// --- All ---

Task<CommandResult> list_mode(TaskMemory memory, Call& call, PinMode mode, bool names, PinList& list) {
  const std::string_view part = call.text("name");
  std::optional<Cid> last;
  while (true) {
    const auto page = co_await next_pins(memory, call.node(), mode, last);
    if (!page) co_return fail(page.error());
    if (page->empty()) co_return CommandResult();
    last = page->back().cid;
    for (const store::Pin& pin : *page) {
      if (pin.name.find(part) == std::string::npos) continue;
      std::string cid = call.show(pin.cid), type(name_of(mode)), name;
      if (names) name = pin.name;
      const bool there = co_await list.add(memory, std::move(cid), std::move(type), std::move(name));
      if (!there) co_return client_gone();
    }
    if (call.stopped()) co_return client_gone();
  }
}

// Those of some CIDs that have no pin of their own.
using Batch = std::vector<Cid, AccountAllocator<Cid>>;
constexpr std::size_t batch_cids = 64;

Task<store::StoreResult<Batch>> keep_unpinned(TaskMemory, Node& node, Batch batch) {
  store::AwaitedJob<store::StoreResult<Batch>> job(
      node.jobs(), store::JobClass::read, node.import_account(),
      [&pins = node.pins(), batch = std::move(batch)]() mutable -> store::StoreResult<Batch> {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < batch.size(); ++i) {
          const auto pin = pins.find(batch[i]);
          if (!pin) return std::unexpected(pin.error());
          if (!*pin) batch[kept++] = batch[i];
        }
        batch.resize(kept);
        return std::move(batch);
      });
  co_return co_await job;
}

class IndirectList {
 public:
  IndirectList(Call& call, PinList& list) : call_(call), list_(list), batch_(empty_batch()) {}

  Task<CommandResult> run(TaskMemory memory) {
    ContentReader reader(call_);
    const std::unique_ptr<store::DagWalk> walk = walk_pins(call_.node(), reader.source());
    std::optional<Cid> last;
    while (true) {
      const auto page = co_await next_pins(memory, call_.node(), PinMode::recursive, last);
      if (!page) co_return fail(page.error());
      if (page->empty()) break;
      last = page->back().cid;
      for (const store::Pin& pin : *page) {
        walk->add_root(pin.cid);
        CommandResult walked = co_await walk_on(memory, *walk);
        if (!walked) co_return walked;
      }
    }
    co_return co_await flush(memory);
  }

 private:
  Batch empty_batch() { return Batch{AccountAllocator<Cid>(call_.node().import_account())}; }

  Task<CommandResult> walk_on(TaskMemory memory, store::DagWalk& walk) {
    store::WalkVisit visit;
    while (true) {
      if (call_.stopped()) co_return client_gone();
      const auto more = co_await walk.next(memory, visit);
      if (!more) co_return fail(more.error());
      if (!*more) co_return CommandResult();
      if (!visit.block) co_return fail(visit.block.error());
      if (visit.depth == 0) continue;
      batch_.push_back(visit.cid);
      if (batch_.size() < batch_cids) continue;
      visit.block = ChunkChain();
      CommandResult flushed = co_await flush(memory);
      if (!flushed) co_return flushed;
    }
  }
  Task<CommandResult> flush(TaskMemory memory) {
    Batch batch = std::exchange(batch_, empty_batch());
    const auto unpinned = co_await keep_unpinned(memory, call_.node(), std::move(batch));
    if (!unpinned) co_return fail(unpinned.error());
    for (const Cid& cid : *unpinned) {
      const bool there = co_await list_.add(memory, call_.show(cid), "indirect", "");
      if (!there) co_return client_gone();
    }
    co_return CommandResult();
  }

  Call& call_;
  PinList& list_;
  Batch batch_;
};

Task<CommandResult> list_all(TaskMemory memory, Call& call, Kind kind, bool names, PinList& list) {
  for (const PinMode mode : {PinMode::recursive, PinMode::direct}) {
    const bool asked =
        kind == Kind::all || kind == (mode == PinMode::recursive ? Kind::recursive : Kind::direct);
    if (!asked) continue;
    CommandResult listed = co_await list_mode(memory, call, mode, names, list);
    if (!listed) co_return listed;
  }
  // What is pinned indirectly has no name that could match.
  const bool indirect = (kind == Kind::all || kind == Kind::indirect) && call.text("name").empty();
  if (!indirect) co_return CommandResult();
  IndirectList rest(call, list);
  co_return co_await rest.run(memory);
}

Task<CommandResult> run(TaskMemory memory, Call& call) {
  if (const auto checked = store::PinSet::check_name(call.text("name")); !checked)
    co_return fail(checked.error());
  const std::string type(call.text("type"));
  const std::optional<Kind> kind = kind_of(type);
  if (!kind) {
    co_return rpc::fail("invalid type '" + type + "', must be one of {direct, indirect, recursive, all}");
  }
  const bool names = call.flag("names") || !call.text("name").empty();
  PinList list(call);
  CommandResult listed;
  if (call.arguments().empty()) {
    listed = co_await list_all(memory, call, *kind, names, list);
  } else {
    listed = co_await list_some(memory, call, *kind, names, list);
  }
  if (listed) co_await list.end(memory);
  co_return listed;
}

void text(const boost::json::value& value, const Call& call, std::string& out) {
  const auto word = [&value](std::string_view key) {
    const auto* const found = value.as_object().if_contains(key);
    return found == nullptr ? std::string_view() : std::string_view(found->as_string());
  };
  append_line(out, call.flag("quiet"), word("Cid"), word("Type"), word("Name"));
}

}  // namespace

constexpr CommandSpec pin_ls{.path = "pin ls",
                             .tagline = "List objects pinned to local storage.",
                             .description = description,
                             .options = options,
                             .arguments = arguments,
                             .run = run,
                             .text = text};

}  // namespace masu::core::rpc::commands
