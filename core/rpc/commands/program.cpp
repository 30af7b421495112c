#include "core/rpc/commands/program.hpp"

#include "core/rpc/commands/commands.hpp"
#include "core/rpc/global_options.hpp"
#include "core/version.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace masu::core::rpc::commands {
namespace {

#if defined(__x86_64__)
constexpr std::string_view architecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view architecture = "arm64";
#elif defined(__arm__)
constexpr std::string_view architecture = "arm";
#elif defined(__riscv)
constexpr std::string_view architecture = "riscv64";
#else
constexpr std::string_view architecture = "386";
#endif

std::string_view text_of(const boost::json::value& object, std::string_view key) {
  const auto* fields = object.if_object();
  const auto* value = fields == nullptr ? nullptr : fields->if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

// --- The tree of commands. ---

boost::json::array options_value(std::span<const OptionSpec> options) {
  boost::json::array list;
  for (const OptionSpec& option : options) {
    boost::json::array names;
    for (std::string_view name : {option.name, option.short_name})
      if (!name.empty()) names.emplace_back(name);
    list.push_back(boost::json::object{{"Names", std::move(names)}});
  }
  return list;
}

// The command at `at` and all below it; leaves `at` behind them. The table is sorted, so they follow.
boost::json::object tree_of(std::span<const CommandSpec* const> table, std::size_t& at) {
  const CommandSpec& command = *table[at++];
  const std::string_view path = command.path;
  boost::json::array below;
  while (at < table.size()) {
    std::string_view next = table[at]->path;
    bool is_below = path.empty() || (next.starts_with(path) && next.substr(path.size()).starts_with(' '));
    if (!is_below) break;
    below.push_back(tree_of(table, at));
  }
  std::string_view name = path.empty() ? "masu" : path.substr(path.rfind(' ') + 1);
  return {{"Name", name},
          {"Subcommands", std::move(below)},
          {"Options", options_value(path.empty() ? global_options() : command.options)}};
}

const boost::json::array& list_of(const boost::json::value& object, std::string_view key) {
  static const boost::json::array none;
  const auto* fields = object.if_object();
  const auto* value = fields == nullptr ? nullptr : fields->if_contains(key);
  const auto* list = value == nullptr ? nullptr : value->if_array();
  return list == nullptr ? none : *list;
}

void collect_paths(const boost::json::value& command, const std::string& prefix, bool flags,
                   std::vector<std::string>& lines) {
  std::string path = prefix + std::string(text_of(command, "Name"));
  lines.push_back(path);
  for (const auto& option : list_of(command, "Options")) {
    if (!flags || prefix.empty()) break;
    std::string line;
    for (const auto& value : list_of(option, "Names")) {
      std::string_view name = value.if_string() == nullptr ? "" : std::string_view(value.get_string());
      if (!line.empty()) line += " / ";
      line.append(path).append(name.size() == 1 ? " -" : " --").append(name);
    }
    lines.push_back(std::move(line));
  }
  for (const auto& below : list_of(command, "Subcommands")) collect_paths(below, path + " ", flags, lines);
}

// --- The commands. ---

constexpr auto version_options = std::to_array<OptionSpec>({
    {"number", "n", OptionType::boolean, "", "Only show the version number."},
    {"commit", "", OptionType::boolean, "", "Show the commit hash."},
    {"repo", "", OptionType::boolean, "", "Show repo version."},
    {"all", "", OptionType::boolean, "", "Show all version information."},
});

Task<CommandResult> run_version(TaskMemory memory, Call& call) {
  const boost::json::value info = version_info();
  call.set_single_value();
  co_await call.emit(memory, info);
  co_return CommandResult();
}

void write_version(const boost::json::value& value, const Call& call, std::string& out) {
  append_version(value,
                 {.number = call.flag("number"),
                  .commit = call.flag("commit"),
                  .repo = call.flag("repo"),
                  .all = call.flag("all")},
                 out);
}

Task<CommandResult> run_version_deps(TaskMemory, Call&) { co_return CommandResult(); }

constexpr auto commands_options = std::to_array<OptionSpec>({
    {"flags", "f", OptionType::boolean, "", "Show command flags."},
});

Task<CommandResult> run_commands(TaskMemory memory, Call& call) {
  const boost::json::value tree = command_tree();
  call.set_single_value();
  co_await call.emit(memory, tree);
  co_return CommandResult();
}

void write_commands(const boost::json::value& value, const Call& call, std::string& out) {
  append_command_paths(value, call.flag("flags"), out);
}

}  // namespace

boost::json::object version_info() {
  return {{"Version", version_number},
          {"Commit", ""},
          {"Repo", core::repo_version},
          {"System", std::string(architecture) + "/linux"},
          {"Golang", "none"}};
}

void append_version(const boost::json::value& info, const VersionFlags& flags, std::string& out) {
  std::string number(text_of(info, "Version"));
  std::string_view commit = text_of(info, "Commit");
  if ((flags.all || flags.commit) && !commit.empty()) number.append("-").append(commit);
  if (flags.all) {
    out.append("masu version: ").append(number);
    out.append("\nRepo version: ").append(text_of(info, "Repo"));
    out.append("\nSystem version: ").append(text_of(info, "System"));
    out.append("\nGolang version: ").append(text_of(info, "Golang")).append("\n");
  } else if (flags.repo) {
    out.append(text_of(info, "Repo")).append("\n");
  } else {
    out.append(flags.number ? "" : "masu version ").append(number).append("\n");
  }
}

boost::json::object command_tree() {
  std::size_t at = 0;
  return tree_of(all_commands(), at);
}

void append_command_paths(const boost::json::value& tree, bool flags, std::string& out) {
  std::vector<std::string> lines;
  collect_paths(tree, "", flags, lines);
  std::ranges::sort(lines);
  for (const std::string& line : lines) out.append(line).append("\n");
}

constexpr CommandSpec version{.path = "version",
                              .tagline = "Show IPFS version information.",
                              .description = "Returns the current version of masu and exits.",
                              .options = version_options,
                              .run = run_version,
                              .text = write_version};

constexpr CommandSpec version_deps{.path = "version deps",
                                   .tagline = "Shows information about dependencies used for build.",
                                   .description = "Kubo lists its Go modules here; masu has none.",
                                   .run = run_version_deps};

// Not named by its path: `commands` is this namespace.
constexpr CommandSpec command_list{.path = "commands",
                                   .tagline = "List all available commands.",
                                   .description = "Lists all available commands (and subcommands) and exits.",
                                   .options = commands_options,
                                   .run = run_commands,
                                   .text = write_commands};

}  // namespace masu::core::rpc::commands
