#include "core/cli/run.hpp"

#include "alloc/plan.hpp"
#include "core/cli/api_address.hpp"
#include "core/cli/client.hpp"
#include "core/cli/files.hpp"
#include "core/cli/help.hpp"
#include "core/cli/parse.hpp"
#include "core/cli/quote.hpp"
#include "core/cli/watch.hpp"
#include "core/config.hpp"
#include "core/node/node_memory.hpp"
#include "core/repo.hpp"
#include "core/rpc/commands/memory_value.hpp"
#include "core/rpc/commands/program.hpp"
#include "core/rpc/options.hpp"

#include <algorithm>
#include <vector>

#include <boost/json/serialize.hpp>
#include <poll.h>
#include <sys/ioctl.h>

namespace masu::core::cli {
namespace {

using rpc::CommandPlace;
using rpc::CommandSpec;

std::size_t columns_of(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : default_columns;
}

// One run of the program.
class Program {
 public:
  Program(Host& host, const Streams& streams) : host_(host), streams_(streams) {}

  int run(std::span<const std::string_view> words);

 private:
  int fail(std::string_view message) {
    write_all(streams_.err, "Error: " + std::string(message) + "\n");
    return 1;
  }
  int print(std::string_view text) { return write_all(streams_.out, text) ? 0 : 1; }

  int run_invocation(const Invocation& invocation);
  int run_here(const Invocation& invocation, const Arguments& arguments);
  int run_init(const Invocation& invocation, const Arguments& arguments);
  int run_daemon(const Invocation& invocation);
  int run_memory_plan(const Invocation& invocation);
  int run_remote(const Invocation& invocation, Arguments arguments);
  int run_watch(const Invocation& invocation, const MultiaddrView& api);
  int run_on_local_node(const Invocation& invocation, RpcCall call);
  // A value as the user asked for it.
  int print_value(const Invocation& invocation, const boost::json::value& value, const std::string& text);

  Host& host_;
  const Streams streams_;
};

// `masu help X`, `masu --version`: other ways to say it.
std::vector<std::string_view> usual_words(std::span<const std::string_view> words) {
  std::vector<std::string_view> result(words.begin(), words.end());
  if (result.empty()) return result;
  if (result[0] == "--version") result[0] = "version";
  if (result[0] != "help") return result;
  if (result.size() == 1) return {"--help"};
  result.erase(result.begin());
  if (result[0] != "--help") result.emplace_back("--help");
  return result;
}

int Program::run(std::span<const std::string_view> words) {
  auto invocation = parse_words(usual_words(words));
  if (!invocation) return fail(invocation.error());
  if (auto timeout = invocation->given("timeout"))
    if (auto duration = rpc::parse_duration(*timeout); !duration) return fail(duration.error());
  const CommandSpec& command = *invocation->command;
  if (invocation->flag("help")) return print(long_help(command, columns_of(streams_.out)));
  if (invocation->flag("h")) return print(short_help(command, columns_of(streams_.out)));
  return run_invocation(*invocation);
}

bool needs_no_node(std::string_view path) {
  return path == "version" || path == "version deps" || path == "commands";
}

int Program::run_invocation(const Invocation& invocation) {
  const CommandSpec& command = *invocation.command;
  const bool is_family = command.run == nullptr && command.place != CommandPlace::client_only;
  auto arguments = gather_arguments(invocation, streams_.in);
  if (!arguments) {
    fail(arguments.error());
    write_all(streams_.err, "\n" + short_help(command, columns_of(streams_.err)));
    return 1;
  }
  if (is_family) return print(short_help(command, columns_of(streams_.out)));
  if (command.place == CommandPlace::client_only || needs_no_node(command.path))
    return run_here(invocation, *arguments);
  return run_remote(invocation, std::move(*arguments));
}

// --- Commands that need no node, or become one. ---

int Program::run_here(const Invocation& invocation, const Arguments& arguments) {
  namespace commands = rpc::commands;
  const std::string_view path = invocation.command->path;
  std::string text;
  if (path == "version") {
    const boost::json::value info = commands::version_info();
    commands::append_version(info,
                             {.number = invocation.flag("number"),
                              .commit = invocation.flag("commit"),
                              .repo = invocation.flag("repo"),
                              .all = invocation.flag("all")},
                             text);
    return print_value(invocation, info, text);
  }
  if (path == "commands") {
    const boost::json::value tree = commands::command_tree();
    commands::append_command_paths(tree, invocation.flag("flags"), text);
    return print_value(invocation, tree, text);
  }
  if (path == "version deps") return 0;
  if (path == "memory plan") return run_memory_plan(invocation);
  if (path == "daemon") return run_daemon(invocation);
  if (invocation.given("api")) return fail("api flag specified but command cannot be run on the daemon");
  return run_init(invocation, arguments);
}

int Program::print_value(const Invocation& invocation, const boost::json::value& value,
                         const std::string& text) {
  std::string_view encoding = invocation.text("encoding");
  if (encoding == "text" || encoding.empty()) return print(text);
  if (encoding == "json") return print(boost::json::serialize(value) + "\n");
  return fail("invalid encoding: " + std::string(encoding));
}

int Program::run_init(const Invocation& invocation, const Arguments& arguments) {
  if (!invocation.flag("empty-repo"))
    return fail("masu has no help files to add: --empty-repo=false is not supported");
  InitOptions options{.repo_path = repo_path(invocation),
                      .algorithm = std::string(invocation.text("algorithm"))};
  if (auto bits = rpc::parse_integer(invocation.text("bits"))) options.bits = *bits;
  std::string_view profiles = invocation.text("profile");
  while (!profiles.empty()) {
    std::size_t end = std::min(profiles.find(','), profiles.size());
    options.profiles.emplace_back(profiles.substr(0, end));
    profiles.remove_prefix(std::min(end + 1, profiles.size()));
  }
  if (!arguments.roots.empty()) {
    const std::string& path = arguments.roots.front().path;
    options.config_file = path.empty() ? "/dev/stdin" : path;
  }
  return host_.run_init(options);
}

int Program::run_daemon(const Invocation& invocation) {
  if (invocation.flag("mount")) return fail("masu mounts nothing: --mount is not supported");
  if (invocation.flag("disable-transport-encryption"))
    return fail("every connection is encrypted: --disable-transport-encryption is not supported");
  return host_.run_daemon({.repo_path = repo_path(invocation),
                           .init = invocation.flag("init"),
                           .init_profile = std::string(invocation.text("init-profile")),
                           .init_config = std::string(invocation.text("init-config")),
                           .memory_budget = std::string(invocation.text("memory-budget")),
                           .offline = invocation.flag("offline"),
                           .enable_gc = invocation.flag("enable-gc"),
                           .agent_version_suffix = std::string(invocation.text("agent-version-suffix"))});
}

int Program::run_memory_plan(const Invocation& invocation) {
  std::string_view text = invocation.text("memory-budget");
  auto budget = parse_budget(text);
  if (!budget) return fail("--memory-budget: " + quoted(text) + " is not a size (64M, 48MiB, 100000000)");
  const auto plan = derive_plan(static_cast<std::size_t>(*budget), fixed_costs());
  const CapacityPlan& sum = plan ? *plan : plan.error().plan;
  const int printed = print_value(invocation, rpc::commands::plan_value(sum), format_plan(sum));
  return plan ? printed : fail(plan.error().reason);
}

// --- Commands that a node runs. ---

// What a command that needs the network says when there is no daemon, in Kubo's words.
std::string offline_message(std::string_view path) {
  if (path == "shutdown") return "daemon not running";
  if (path.starts_with("swarm"))
    return "this action must be run in online mode, try running 'masu daemon' first";
  const bool measured = path == "stats bw" || path == "stats bitswap" || path == "bitswap stat";
  const std::string prefix = measured ? "unable to run offline: " : "";
  return prefix + "this command must be run in online mode. Try running 'masu daemon' first";
}

int Program::run_remote(const Invocation& invocation, Arguments arguments) {
  auto api = find_api(invocation);
  if (!api) return fail(api.error());
  std::optional<http::Client> client;
  if (*api) {
    auto connected = http::Client::connect((*api)->address.view());
    const bool must = (*api)->asked_for || !Repo::exists(repo_path(invocation));
    if (!connected && must)
      return fail(
          "cannot connect to the api. Is the daemon running? To run as a standalone CLI command remove "
          "the api file in `$IPFS_PATH/api`");
    if (connected) client.emplace(std::move(*connected));
  }
  if (!client) {
    if (!Repo::exists(repo_path(invocation)))
      return fail("no IPFS repo found in " + repo_path(invocation) + ".\nplease run: 'masu init'");
    if (invocation.command->place == CommandPlace::daemon_only)
      return fail(offline_message(invocation.command->path));
  }
  if (invocation.command->path == "stats memory" && invocation.flag("watch")) {
    if (!client) return fail(offline_message(invocation.command->path));
    return run_watch(invocation, (*api)->address.view());
  }
  auto call = RpcCall::make(invocation, std::move(arguments), streams_);
  if (!call) return fail(call.error());
  if (!client) return run_on_local_node(invocation, std::move(*call));
  auto error = call->exchange(std::move(*client));
  return error ? fail(*error) : 0;
}

// Asks again each second. A daemon that goes away leaves its last answer on the screen until it is back.
int Program::run_watch(const Invocation& invocation, const MultiaddrView& api) {
  WatchScreen screen(streams_.out);
  std::string shown;
  for (;;) {
    std::string text, error;
    auto call = RpcCall::make(invocation, {}, streams_, std::make_unique<TextOutput>(text));
    if (!call) return fail(call.error());
    auto client = http::Client::connect(api);
    if (client)
      error = call->exchange(std::move(*client)).value_or("");
    else
      error = client.error().detail;
    if (!error.empty() && !screen.is_terminal()) return fail(error);
    if (error.empty())
      shown = std::move(text);
    else
      text =
          "The daemon does not answer (" + error + "). Trying again; below is what it said last.\n\n" + shown;
    if (!screen.show(error.empty() ? shown : text)) return 1;
    ::poll(nullptr, 0, 1000);
  }
}

int Program::run_on_local_node(const Invocation& invocation, RpcCall call) {
  auto node = host_.start_node(repo_path(invocation));
  if (!node) return fail(node.error());
  auto error = call.exchange(http::Client((*node)->take_socket()));
  return error ? fail(*error) : 0;
}

}  // namespace

int run(std::span<const std::string_view> words, Host& host, const Streams& streams) {
  return Program(host, streams).run(words);
}

}  // namespace masu::core::cli
