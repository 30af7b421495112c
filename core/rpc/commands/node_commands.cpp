// Commands about the process: its start, its end and its memory.

#include "core/config.hpp"
#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/memory_value.hpp"
#include "core/rpc/commands/network.hpp"

#include <array>

namespace masu::core::rpc::commands {
namespace {

// --- init and daemon: run by the command line, which becomes the node. ---

constexpr auto init_options = std::to_array<OptionSpec>({
    {"algorithm", "a", OptionType::text, "ed25519", "Cryptographic algorithm to use for key generation."},
    {"bits", "b", OptionType::integer, "", "Number of bits to use in the generated RSA private key."},
    {"empty-repo", "e", OptionType::boolean, "true", "Don't add and pin help files to the local storage."},
    {"profile", "p", OptionType::text, "",
     "Apply profile settings to config. Multiple profiles can be separated by ','"},
});

constexpr auto init_arguments = std::to_array<ArgumentSpec>({
    {.name = "default-config",
     .is_file = true,
     .accepts_stdin = true,
     .help = "Initialize with the given configuration."},
});

constexpr std::string_view init_description =
    R"(Initializes masu configuration files and generates a new keypair.

If you are going to run masu in server environment, you may want to initialize it using 'server' profile.

For the list of available profiles see 'masu config profile --help'

masu uses a repository in the local file system. By default, the repo is located at ~/.masu. To change the repo location, set the $IPFS_PATH environment variable:

    export IPFS_PATH=/path/to/repo
)";

constexpr auto daemon_options = std::to_array<OptionSpec>({
    {"memory-budget", "", OptionType::text, "",
     "What the resident memory of the process never passes (64M, 48MiB, 100000000). Default: Memory.Budget "
     "in the config, else 64M"},
    {"init", "", OptionType::boolean, "", "Initialize masu with default settings if not already initialized"},
    {"init-config", "", OptionType::text, "",
     "Path to existing configuration file to be loaded during --init"},
    {"init-profile", "", OptionType::text, "",
     "Configuration profiles to apply for --init. See masu init --help for more"},
    {"routing", "", OptionType::text, "default", "Overrides the routing option"},
    {"mount", "", OptionType::boolean, "", "Not supported: masu mounts nothing"},
    {"mount-ipfs", "", OptionType::text, "", "Accepted and ignored: masu mounts nothing"},
    {"mount-ipns", "", OptionType::text, "", "Accepted and ignored: masu mounts nothing"},
    {"mount-mfs", "", OptionType::text, "", "Accepted and ignored: masu mounts nothing"},
    {"unrestricted-api", "", OptionType::boolean, "", "Accepted and ignored: the API port serves no content"},
    {"disable-transport-encryption", "", OptionType::boolean, "",
     "Not supported: every connection is encrypted"},
    {"enable-gc", "", OptionType::boolean, "", "Enable automatic periodic repo garbage collection"},
    {"manage-fdlimit", "", OptionType::boolean, "true", "Check and raise file descriptor limits if needed"},
    {"migrate", "", OptionType::boolean, "",
     "If true, assume yes at the migrate prompt. If false, assume no."},
    {"enable-pubsub-experiment", "", OptionType::boolean, "", "DEPRECATED"},
    {"enable-namesys-pubsub", "", OptionType::boolean, "", "DEPRECATED"},
    {"enable-mplex-experiment", "", OptionType::boolean, "", "DEPRECATED"},
    {"agent-version-suffix", "", OptionType::text, "",
     "Optional suffix to the AgentVersion presented by `masu id` and exposed via libp2p identify protocol."},
});

constexpr std::string_view daemon_description =
    R"(Runs a node in the foreground until it is stopped. While the daemon is running, calls to 'masu' commands will be sent over the network to the daemon.

The resident memory of the daemon stays below its budget:

  masu daemon --memory-budget=64M

'masu stats memory' shows where that memory is, 'masu memory plan' what a budget buys.

The daemon will start listening on ports on the network, which are documented in (and can be modified through) 'masu config Addresses'. For example, to change the RPC API address:

  masu config Addresses.API /ip4/127.0.0.1/tcp/5002

Make sure to restart the daemon after changing addresses. Be careful if you expose the RPC API: anyone could control your node remotely. Protect the port as you would other services or set API.Authorizations. To open no port for it, use a unix socket:

  masu config Addresses.API /unix/var/run/masu.socket

To shut down the daemon, send a SIGINT signal to it (e.g. by pressing 'Ctrl-C') or a SIGTERM signal, or call 'masu shutdown'. A second signal ends it at once.
)";

// --- shutdown ---

Task<CommandResult> run_shutdown(TaskMemory, Call& call) {
  call.node().shut_down();
  co_return CommandResult();
}

// --- memory ---

constexpr auto stats_memory_options = std::to_array<OptionSpec>({
    {"watch", "w", OptionType::boolean, "", "Show the table anew each second until Ctrl-C."},
    {"history", "", OptionType::boolean, "",
     "With --enc=json: also the last ten minutes, a sample for each five seconds."},
});

Task<CommandResult> run_stats_memory(TaskMemory memory, Call& call) {
  const MemoryReport report = call.node().memory_report();
  if (call.text_encoding()) {
    const std::string table = format_report(report);
    co_await call.write(memory, as_bytes(table));
    co_return CommandResult();
  }
  boost::json::object value = memory_value(report);
  if (call.flag("history")) {
    Node& node = call.node();
    value["History"] = history_value(node.memory_history(), node.clock().now());
  }
  call.set_single_value();
  const boost::json::value shown = std::move(value);
  co_await call.emit(memory, shown);
  co_return CommandResult();
}

constexpr auto set_arguments = std::to_array<ArgumentSpec>({
    {.name = "budget",
     .required = true,
     .help = "What the process may have resident from now on (48M, 32MiB)."},
});

// Returns when what is resident is below the new budget, or after a second.
Task<CommandResult> run_memory_set(TaskMemory memory, Call& call) {
  constexpr Duration wait = 1s;
  constexpr Duration step = 5ms;
  const std::string& text = call.arguments().front();
  const auto bytes = parse_budget(text);
  if (!bytes) co_return fail("the memory budget \"" + text + "\" is no size: give one like 64M, 96MiB or 1G");
  Node& node = call.node();
  const TimePoint begun = node.clock().now();
  if (auto set = node.set_budget(static_cast<std::size_t>(*bytes)); !set) co_return fail(set.error());
  while (!node.check_memory() && node.clock().now() < begun + wait && !call.stopped()) {
    Pause pause(call, node.clock().now() + step);
    co_await pause;
  }
  const MemoryReport report = node.memory_report();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(node.clock().now() - begun).count();
  call.set_single_value();
  const boost::json::object value{
      {"Budget", report.budget}, {"Rss", report.rss.now}, {"Milliseconds", milliseconds}};
  co_await call.emit(memory, value);
  co_return CommandResult();
}

void append_memory_set(const boost::json::value& value, const Call&, std::string& out) {
  const auto size = [&](const char* name) {
    return format_bytes(static_cast<std::size_t>(value.at(name).to_number<std::uint64_t>()));
  };
  out += "budget " + size("Budget") + ", resident " + size("Rss") + " after " +
         std::to_string(value.at("Milliseconds").to_number<std::int64_t>()) + " ms\n";
}

constexpr auto plan_options = std::to_array<OptionSpec>({
    {"memory-budget", "", OptionType::text, "64M", "The budget to plan for (64M, 48MiB, 100000000)."},
});

}  // namespace

constexpr CommandSpec init{.path = "init",
                           .tagline = "Initializes masu config file.",
                           .description = init_description,
                           .options = init_options,
                           .arguments = init_arguments,
                           .place = CommandPlace::client_only};

constexpr CommandSpec daemon{.path = "daemon",
                             .tagline = "Run a network-connected IPFS node.",
                             .description = daemon_description,
                             .options = daemon_options,
                             .place = CommandPlace::client_only};

constexpr CommandSpec shutdown{.path = "shutdown",
                               .tagline = "Shut down the IPFS daemon.",
                               .place = CommandPlace::daemon_only,
                               .run = run_shutdown};

constexpr CommandSpec stats_memory{
    .path = "stats memory",
    .tagline = "Show where each byte of the process's memory is.",
    .description =
        "A row for each account of memory, with what it holds now (live), what it held at most "
        "(peak), the pages it has (committed), its limit (quota) and how often it was refused. The "
        "rows add up to the resident memory that the kernel reports; what they leave over is "
        "'unexplained'. The page /memory on the port of the RPC API shows the same as a picture.",
    .options = stats_memory_options,
    .run = run_stats_memory};

constexpr CommandSpec memory_set{.path = "memory set",
                                 .tagline = "Change the memory budget of the running node.",
                                 .description =
                                     "The resident memory is below the new budget within a second, also "
                                     "while the node works: caches, buffers and "
                                     "connections that are worth least go first. At most the budget that it "
                                     "was started with. A budget that is too "
                                     "small is refused, and the old one stays. Memory.Budget in the config "
                                     "is not changed; after a change there, "
                                     "SIGHUP makes the daemon take it.",
                                 .arguments = set_arguments,
                                 .place = CommandPlace::daemon_only,
                                 .run = run_memory_set,
                                 .text = append_memory_set};

constexpr CommandSpec memory_plan{
    .path = "memory plan",
    .tagline = "Show what a memory budget is spent on.",
    .description =
        "Prints the sum of all parts of a node with this budget, and how many connections, "
        "streams, blocks and requests it has room for. Needs no repo and no daemon.",
    .options = plan_options,
    .place = CommandPlace::client_only};

}  // namespace masu::core::rpc::commands
