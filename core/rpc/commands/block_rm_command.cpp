// `block rm`.

#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/pinning.hpp"
#include "core/rpc/commands/reading.hpp"
#include "store/awaited_job.hpp"
#include "store/disk_store.hpp"

#include <array>
#include <utility>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

constexpr auto options = std::to_array<OptionSpec>({
    {"force", "f", OptionType::boolean, "", "Ignore nonexistent blocks."},
    {"quiet", "q", OptionType::boolean, "", "Write minimal output."},
});
constexpr auto arguments = std::to_array<ArgumentSpec>({
    {.name = "cid", .required = true, .variadic = true, .help = "CIDs of block(s) to remove."},
});
constexpr std::string_view description =
    R"('masu block rm' is a plumbing command for removing raw blocks. It takes a list of CIDs to remove from the local datastore.
)";

// Why a block stays; empty: it is not pinned.
std::string kept_by(const Pinned& pinned) {
  if (pinned.pin) return "pinned: " + std::string(name_of(pinned.pin->mode));
  if (pinned.via) return "pinned via " + pinned.via->to_string();
  return {};
}

Task<store::StoreResult<bool>> remove(TaskMemory, Node& node, Cid cid) {
  store::AwaitedJob<store::StoreResult<bool>> job(
      node.jobs(), store::JobClass::write, node.import_account(),
      [&blocks = node.blocks(), hash = cid.hash()]() -> store::StoreResult<bool> {
        if (hash.is_identity()) return true;  // it was here, and still is
        auto removed = blocks.remove(hash);
        if (!removed || !*removed) return removed;
        if (auto synced = blocks.sync(); !synced) return std::unexpected(std::move(synced.error()));
        return removed;
      });
  co_return co_await job;
}

boost::json::value value_of(std::string_view cid, std::string_view error) {
  boost::json::object value;
  value["Hash"] = cid;
  if (!error.empty()) value["Error"] = error;
  return value;
}

Task<CommandResult> run(TaskMemory memory, Call& call) {
  ContentReader reader(call);
  IndirectSearch search;
  for (const std::string& argument : call.arguments()) {
    const auto cid = co_await reader.resolve_text(memory, argument);
    if (!cid) co_return rpc::fail(cid.error().text);
    auto pin = co_await find_pin(memory, call.node(), *cid);
    if (!pin) co_return fail(pin.error());
    search.cids.push_back(*cid);
    search.wanted.push_back(!*pin);
    search.pinned.push_back({std::move(*pin), std::nullopt});
  }
  if (const auto searched = co_await search_indirect(memory, call, reader.source(), search); !searched) {
    co_return rpc::fail("pin check failed: " + searched.error().detail);
  }
  bool some_failed = false;
  for (std::size_t i = 0; i < search.cids.size(); ++i) {
    const Cid& cid = search.cids[i];
    std::string error = kept_by(search.pinned[i]);
    if (error.empty()) {
      const auto removed = co_await remove(memory, call.node(), cid);
      if (!removed) error = removed.error().detail;
      if (removed && !*removed && !call.flag("force")) error = "ipld: could not find " + cid.to_string();
    }
    some_failed = some_failed || !error.empty();
    if (error.empty() && call.flag("quiet")) continue;
    const boost::json::value value = value_of(call.show(cid), error);
    const bool there = co_await call.emit(memory, value);
    if (!there) co_return client_gone();
  }
  // Over HTTP the values say it all; as text this is what makes the exit code.
  if (some_failed && call.text_encoding()) co_return rpc::fail("some blocks not removed");
  co_return CommandResult();
}

void text(const boost::json::value& value, const Call&, std::string& out) {
  const boost::json::object& object = value.as_object();
  const boost::json::string& cid = object.at("Hash").as_string();
  if (const auto* const error = object.if_contains("Error")) {
    const boost::json::string& why = error->as_string();
    out.append("cannot remove ").append(cid.data(), cid.size()).append(": ").append(why.data(), why.size());
  } else {
    out.append("removed ").append(cid.data(), cid.size());
  }
  out.append("\n");
}

}  // namespace

constexpr CommandSpec block_rm{.path = "block rm",
                               .tagline = "Remove IPFS block(s) from the local datastore.",
                               .description = description,
                               .options = options,
                               .arguments = arguments,
                               .run = run,
                               .text = text};

}  // namespace masu::core::rpc::commands
