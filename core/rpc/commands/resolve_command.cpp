// `resolve`: the immutable path that a path comes down to.

#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/reading.hpp"

#include <array>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

constexpr auto resolve_options = std::to_array<OptionSpec>({
    {"recursive", "r", OptionType::boolean, "true", "Resolve until the result is an IPFS name."},
    {"dht-record-count", "dhtrc", OptionType::integer, "",
     "Number of records to request for DHT resolution."},
    {"dht-timeout", "dhtt", OptionType::text, "",
     "Max time to collect values during DHT resolution e.g. \"30s\". Pass 0 for no timeout."},
});
constexpr auto resolve_arguments = std::to_array<ArgumentSpec>({
    {.name = "name", .required = true, .accepts_stdin = true, .help = "The name to resolve."},
});
constexpr std::string_view resolve_description =
    R"(There are a number of mutable name protocols that can link among themselves and into IPNS. This command accepts any of these identifiers and resolves them to the referenced item.

Resolve the value of an IPFS DAG path:

  $ masu resolve /ipfs/QmeZy1fGbwgVSrqbfh9fKQrAWgeyRnj7h8fsHS1oy3k99x/beep/boop
  /ipfs/QmYRMjyvAiHKN9UTi8Bzt1HUspmSRD8T8DwxfSMzLgBon1
)";

// In the base that was asked for, else in that of the CID in the path.
std::string shown(const Call& call, const unixfs::ContentPath& path, const Cid& cid) {
  if (call.given("cid-base") || path.cid().version() == 0) return call.show(cid);
  const auto base = cid_base_of(path.root());
  return base ? cid.to_v1().to_string(*base) : call.show(cid);
}

Task<CommandResult> run_resolve(TaskMemory memory, Call& call) {
  const auto path = unixfs::ContentPath::parse(call.arguments()[0]);
  if (!path) co_return fail(path.error());
  ContentReader content(call);
  const auto resolved = co_await content.resolve_path(memory, *path);
  if (!resolved) co_return fail(resolved.error());
  std::string text = "/";
  text.append(name_of(path->space())).append("/").append(shown(call, *path, resolved->cid));
  if (!resolved->rest.empty()) text.append("/").append(resolved->rest);
  const boost::json::value value = boost::json::object{{"Path", text}};
  call.set_single_value();
  co_await call.emit(memory, value);
  co_return CommandResult();
}

void resolve_text(const boost::json::value& value, const Call&, std::string& out) {
  const boost::json::string& path = value.at("Path").as_string();
  out.append(path.data(), path.size()).append("\n");
}

}  // namespace

constexpr CommandSpec resolve{.path = "resolve",
                              .tagline = "Resolve the value of names to IPFS.",
                              .description = resolve_description,
                              .options = resolve_options,
                              .arguments = resolve_arguments,
                              .run = run_resolve,
                              .text = resolve_text};

}  // namespace masu::core::rpc::commands
