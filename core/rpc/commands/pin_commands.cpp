// `pin add` and `pin rm`.

#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/pinning.hpp"
#include "core/rpc/commands/reading.hpp"
#include "net/timers.hpp"
#include "store/awaited_job.hpp"

#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

constexpr auto add_options = std::to_array<OptionSpec>({
    {"recursive", "r", OptionType::boolean, "true",
     "Recursively pin the object linked to by the specified object(s)."},
    {"name", "n", OptionType::text, "", "An optional name for created pin(s)."},
    {"progress", "", OptionType::boolean, "", "Show progress."},
    {"fast-provide-root", "", OptionType::boolean, "",
     "Immediately provide root CID to DHT after pinning. Default: Import.FastProvideRoot."},
    {"fast-provide-dag", "", OptionType::boolean, "",
     "Walk and provide the full DAG according to Provide.Strategy after pinning. Default: "
     "Import.FastProvideDAG."},
    {"fast-provide-wait", "", OptionType::boolean, "",
     "Block until the immediate provide completes. Default: Import.FastProvideWait."},
});
constexpr auto add_arguments = std::to_array<ArgumentSpec>({
    {.name = "ipfs-path",
     .required = true,
     .variadic = true,
     .accepts_stdin = true,
     .help = "Path to object(s) to be pinned."},
});
constexpr std::string_view add_description =
    R"(Create a pin for the given object, protecting resolved CID from being garbage collected.

An optional name can be provided, and read back via 'masu pin ls --names'.

Be mindful of defaults:

Default pin type is 'recursive' (entire DAG).
Pass -r=false to create a direct pin for a single block.
Use 'pin ls -t recursive' to only list roots of recursively pinned DAGs (significantly faster when many big DAGs are pinned recursively)

Default pin name is empty. Pass '--name' to 'pin add' to set one and use 'pin ls --names' to see it. Pinning a second time with a different name will update the name of the pin.

If daemon is running, any missing blocks will be retrieved from the network. It may take some time. Pass '--progress' to track the progress.
)";

// The pinning of all arguments, in their order: a task of its own, so that its progress can be told
// meanwhile.
class PinRun final : private TaskListener, private net::Timer {
 public:
  static constexpr Duration tick = 500ms;

  explicit PinRun(Call& call) : call_(call), reader_(call), dag_(pin_parts(call.node(), reader_.source())) {}

  void start(TaskMemory memory) { run_.start(pin_all(memory), *this); }
  bool done() const { return done_; }
  // Until it is done, or for so long.
  Task<void> wait(TaskMemory, bool with_ticks) {
    Completion<bool> woken;
    struct Waiting {
      Waiting(PinRun& waiting, Completion<bool>& done) : run(waiting) { run.woken_ = &done; }
      ~Waiting() {
        run.woken_ = nullptr;
        run.cancel();
      }
      PinRun& run;
    } waiting(*this, woken);
    if (done_) co_return;
    if (with_ticks) call_.node().timers().arm(*this, call_.node().clock().now() + tick);
    co_await woken;
    if (out_of_memory_) throw std::bad_alloc();
  }

  store::PinDag::Progress progress() const {
    return {before_.nodes + dag_.progress().nodes, before_.bytes + dag_.progress().bytes};
  }
  CommandResult result;
  boost::json::array pins;

 private:
  Task<void> pin_all(TaskMemory memory) {
    const store::PinMode mode = call_.flag("recursive") ? store::PinMode::recursive : store::PinMode::direct;
    for (const std::string& argument : call_.arguments()) {
      const auto cid = co_await reader_.resolve_text(memory, argument);
      if (!cid) {
        result = rpc::fail(cid.error().text);
        co_return;
      }
      const auto pinned = co_await dag_.pin(memory, *cid, mode, std::string(call_.text("name")));
      if (!pinned) {
        result = rpc::fail("pin: " + pinned.error().detail);
        co_return;
      }
      pins.emplace_back(call_.show(*cid));
      before_ = progress();
      dag_.reset_progress();
    }
  }
  void wake() {
    if (woken_ != nullptr) std::exchange(woken_, nullptr)->complete(true);
  }
  void on_task_done(TaskOutcome outcome) noexcept override {
    done_ = true;
    out_of_memory_ = outcome == TaskOutcome::out_of_memory;
    wake();
  }
  void on_timer(TimePoint) override { wake(); }

  Call& call_;
  ContentReader reader_;
  store::PinDag dag_;
  store::PinDag::Progress before_;
  Completion<bool>* woken_ = nullptr;
  bool done_ = false;
  bool out_of_memory_ = false;
  TaskRun run_;  // last: its task uses the others
};

boost::json::object progress_value(const store::PinDag::Progress& progress) {
  boost::json::object value;
  if (progress.nodes > 0) value["Progress"] = progress.nodes;
  if (progress.bytes > 0) value["Bytes"] = progress.bytes;
  return value;
}

Task<CommandResult> run_pin_add(TaskMemory memory, Call& call) {
  if (const auto checked = store::PinSet::check_name(call.text("name")); !checked)
    co_return fail(checked.error());
  const bool progress = call.flag("progress");
  if (!progress) call.set_single_value();
  PinRun run(call);
  run.start(memory);
  while (!run.done()) {
    co_await run.wait(memory, progress);
    if (run.done()) break;
    const boost::json::value value = progress_value(run.progress());
    const bool there = co_await call.emit(memory, value);
    if (!there) co_return client_gone();
  }
  if (!run.result) co_return std::move(run.result);
  if (progress && run.progress().nodes > 0) {
    const boost::json::value value = progress_value(run.progress());
    co_await call.emit(memory, value);
  }
  boost::json::object value;
  value["Pins"] = std::move(run.pins);
  const boost::json::value all = std::move(value);
  co_await call.emit(memory, all);
  co_return CommandResult();
}

// Progress has no text.
void add_text(const boost::json::value& value, const Call& call, std::string& out) {
  const auto* const pins = value.as_object().if_contains("Pins");
  if (pins == nullptr) return;
  const char* const how = call.flag("recursive") ? " recursively\n" : " directly\n";
  for (const boost::json::value& pin : pins->as_array()) {
    const boost::json::string& cid = pin.as_string();
    out.append("pinned ").append(cid.data(), cid.size()).append(how);
  }
}

// --- pin rm ---

constexpr auto rm_options = std::to_array<OptionSpec>({
    {"recursive", "r", OptionType::boolean, "true",
     "Recursively unpin the object linked to by the specified object(s)."},
});
constexpr auto rm_arguments = std::to_array<ArgumentSpec>({
    {.name = "ipfs-path",
     .required = true,
     .variadic = true,
     .accepts_stdin = true,
     .help = "Path to object(s) to be unpinned."},
});
constexpr std::string_view rm_description =
    R"(Removes the pin from the given object allowing it to be garbage collected if needed. (By default, recursively. Use -r=false for direct pins.)

A pin may not be removed because the specified object is not pinned or pinned indirectly. To determine if the object is pinned indirectly, use the command:
masu pin ls -t indirect <cid>
)";

Task<CommandResult> run_pin_rm(TaskMemory memory, Call& call) {
  call.set_single_value();
  ContentReader reader(call);
  const bool recursive = call.flag("recursive");
  boost::json::array pins;
  for (const std::string& argument : call.arguments()) {
    const auto cid = co_await reader.resolve_text(memory, argument);
    if (!cid) co_return rpc::fail(cid.error().text);
    store::AwaitedJob<store::StoreResult<void>> job(
        call.node().jobs(), store::JobClass::write, call.node().import_account(),
        [&set = call.node().pins(), cid = *cid, recursive] { return set.unpin(cid, recursive); });
    const auto removed = co_await job;
    if (!removed) co_return fail(removed.error());
    pins.emplace_back(call.show(*cid));
  }
  boost::json::object value;
  value["Pins"] = std::move(pins);
  const boost::json::value all = std::move(value);
  co_await call.emit(memory, all);
  co_return CommandResult();
}

void rm_text(const boost::json::value& value, const Call&, std::string& out) {
  for (const boost::json::value& pin : value.at("Pins").as_array()) {
    const boost::json::string& cid = pin.as_string();
    out.append("unpinned ").append(cid.data(), cid.size()).append("\n");
  }
}

}  // namespace

constexpr CommandSpec pin_add{.path = "pin add",
                              .tagline = "Pin objects to local storage.",
                              .description = add_description,
                              .options = add_options,
                              .arguments = add_arguments,
                              .run = run_pin_add,
                              .text = add_text};

constexpr CommandSpec pin_rm{.path = "pin rm",
                             .tagline = "Remove object from pin-list.",
                             .description = rm_description,
                             .options = rm_options,
                             .arguments = rm_arguments,
                             .run = run_pin_rm,
                             .text = rm_text};

}  // namespace masu::core::rpc::commands
