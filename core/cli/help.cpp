#include "core/cli/help.hpp"

#include "core/rpc/global_options.hpp"

#include <algorithm>
#include <vector>

namespace masu::core::cli {
namespace {

using rpc::CommandSpec;
using rpc::OptionSpec;
using rpc::OptionType;

constexpr std::size_t indent_columns = 2;
constexpr std::string_view program = "masu";

// What follows the commands in the root's help.
constexpr std::string_view root_notes = R"(Use 'masu <command> --help' to learn more about each command.

masu uses a repository in the local file system. By default, the repo is
located at ~/.masu. To change the repo location, set the $IPFS_PATH
environment variable:

  export IPFS_PATH=/path/to/repo

EXIT STATUS

The CLI will exit with one of the following values:

0     Successful execution.
1     Failed executions.
)";

struct Group {
  std::string_view title;
  std::vector<std::string_view> commands;
};

std::span<const Group> groups() {
  static const std::vector<Group> all = {
      {"BASIC COMMANDS", {"init", "add", "cat", "get", "ls", "refs"}},
      {"DATA STRUCTURE COMMANDS", {"dag", "files", "block"}},
      {"TEXT ENCODING COMMANDS", {"cid", "multibase"}},
      {"ADVANCED COMMANDS",
       {"daemon", "shutdown", "resolve", "name", "key", "pin", "repo", "stats", "memory"}},
      {"NETWORK COMMANDS", {"id", "bootstrap", "swarm", "routing", "ping", "bitswap", "pubsub"}},
      {"TOOL COMMANDS", {"config", "version", "diag", "commands", "log"}},
  };
  return all;
}

std::string full_path(const CommandSpec& command) {
  std::string path(program);
  if (!command.path.empty()) path.append(" ").append(command.path);
  return path;
}

// --- Text in columns. ---

// `text` behind `prefix`, wrapped at `columns`; further lines begin below the text.
std::string wrapped(std::string prefix, std::string_view text, std::size_t columns) {
  constexpr std::size_t text_columns_min = 30;
  std::size_t offset = prefix.size();
  if (offset + text_columns_min > columns && offset + text.size() > columns) {
    offset = 2 * indent_columns;
    while (prefix.ends_with(' ')) prefix.pop_back();
    prefix.append("\n").append(offset, ' ');
  }
  const std::size_t room = columns > offset ? columns - offset : 1;
  while (text.size() > room) {
    std::size_t cut = text.rfind(' ', room);
    if (cut == text.npos || cut == 0) cut = text.find(' ');
    if (cut == text.npos) break;
    prefix.append(text.substr(0, cut)).append("\n").append(offset, ' ');
    text.remove_prefix(cut);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  return prefix.append(text);
}

// Paragraphs: each line that is too long is wrapped under its own indentation.
std::string wrapped_lines(std::string_view text, std::size_t columns) {
  std::string result;
  while (text.starts_with('\n')) text.remove_prefix(1);
  while (text.ends_with('\n')) text.remove_suffix(1);
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    std::size_t spaces = std::min(line.find_first_not_of(' '), line.size());
    result += wrapped(std::string(spaces, ' '), line.substr(spaces), columns);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!text.empty()) result += '\n';
  }
  return result;
}

std::string indented(std::string_view text) {
  std::string result;
  bool at_start = true;
  for (char c : text) {
    if (at_start && c != '\n') result.append(indent_columns, ' ');
    at_start = c == '\n';
    result += c;
  }
  return result;
}

void align(std::vector<std::string>& lines) {
  std::size_t longest = 0;
  for (const std::string& line : lines) longest = std::max(longest, line.size());
  for (std::string& line : lines) line.resize(longest, ' ');
}

std::string joined(const std::vector<std::string>& lines) {
  std::string result;
  for (const std::string& line : lines) {
    if (!result.empty()) result += '\n';
    result += line;
  }
  return result;
}

// --- Parts. ---

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::boolean: return "bool";
    case OptionType::integer: return "int";
    case OptionType::unsigned_integer: return "uint";
    case OptionType::floating: return "float64";
    case OptionType::text: return "string";
    case OptionType::texts: return "array";
  }
  return "";
}

std::string dashed(std::string_view name) { return (name.size() == 1 ? "-" : "--") + std::string(name); }

std::vector<std::string> option_names(const OptionSpec& option) {
  std::vector<std::string> names;
  for (std::string_view name : {option.name, option.short_name})
    if (!name.empty()) names.push_back(dashed(name));
  return names;
}

std::string sentence(std::string_view help) {
  std::string text(help);
  if (!text.empty() && !text.ends_with('.')) text += '.';
  return text;
}

std::span<const OptionSpec> options_of(const CommandSpec& command) {
  return command.path.empty() ? rpc::global_options() : command.options;
}

std::string options_text(const CommandSpec& command, std::size_t columns) {
  std::span<const OptionSpec> options = options_of(command);
  std::vector<std::string> lines;
  for (const OptionSpec& option : options) {
    auto names = option_names(option);
    std::ranges::stable_sort(names, {}, &std::string::size);
    std::string line = names.front();
    if (names.size() > 1) line.append(", ").append(names.back());
    lines.push_back(std::move(line));
  }
  align(lines);
  for (std::size_t at = 0; at < lines.size(); ++at)
    lines[at].append("  ").append(type_name(options[at].type));
  align(lines);
  for (std::size_t at = 0; at < lines.size(); ++at) {
    std::string help = sentence(options[at].help);
    if (!options[at].default_text.empty())
      help.append(" Default: ").append(options[at].default_text).append(".");
    lines[at] = wrapped(lines[at] + " - ", help, columns);
  }
  return joined(lines);
}

std::string argument_usage(const rpc::ArgumentSpec& argument) {
  std::string text = "<" + std::string(argument.name) + ">";
  if (!argument.required) text = "[" + text + "]";
  return argument.variadic ? text + "..." : text;
}

// "masu pin add <ipfs-path>..."
std::string call_text(const CommandSpec& command) {
  std::string text = full_path(command);
  for (const rpc::ArgumentSpec& argument : command.arguments)
    text.append(" ").append(argument_usage(argument));
  return text;
}

std::string synopsis_option(const OptionSpec& option) {
  auto names = option_names(option);
  std::string text;
  if (option.type == OptionType::boolean && option.default_text == "true") {
    text = "--" + std::string(option.name) + "=false";
  } else {
    text = names.front();
    if (option.type != OptionType::boolean) text.append("=<").append(option.name).append(">");
    if (names.size() > 1) text.append(" | ").append(names.back());
  }
  return "[" + text + (option.type == OptionType::texts ? "]..." : "]");
}

std::string synopsis(const CommandSpec& command, std::size_t columns) {
  std::string text = full_path(command);
  const std::size_t offset = text.size();
  std::size_t used = offset;
  auto append = [&](const std::string& part) {
    if (used + part.size() + 1 > columns) {
      text.append("\n").append(offset, ' ');
      used = offset;
    }
    used += part.size() + 1;
    text.append(" ").append(part);
  };
  for (const OptionSpec& option : options_of(command)) append(synopsis_option(option));
  if (command.path.empty()) append("<command>"), append("...");
  if (!command.arguments.empty()) append("[--]");
  for (const rpc::ArgumentSpec& argument : command.arguments) append(argument_usage(argument));
  return text;
}

std::string arguments_text(const CommandSpec& command, std::size_t columns) {
  std::vector<std::string> lines;
  for (const rpc::ArgumentSpec& argument : command.arguments) lines.push_back(argument_usage(argument));
  align(lines);
  for (std::size_t at = 0; at < lines.size(); ++at)
    lines[at] = wrapped(lines[at] + " - ", sentence(command.arguments[at].help), columns);
  return joined(lines);
}

bool is_child(const CommandSpec& parent, const CommandSpec& command) {
  if (command.path.size() <= parent.path.size() + 1 || !command.path.starts_with(parent.path)) return false;
  return command.path[parent.path.size()] == ' ' &&
         !command.path.substr(parent.path.size() + 1).contains(' ');
}

std::string subcommands_text(const CommandSpec& command, std::size_t columns) {
  std::vector<const CommandSpec*> children;
  std::vector<std::string> lines;
  for (const CommandSpec* other : rpc::all_commands()) {
    if (command.path.empty() || !is_child(command, *other)) continue;
    children.push_back(other);
    lines.push_back(call_text(*other));
  }
  align(lines);
  for (std::size_t at = 0; at < lines.size(); ++at)
    lines[at] = wrapped(lines[at] + " - ", children[at]->tagline, columns);
  return joined(lines);
}

std::string root_commands_text(std::size_t columns) {
  constexpr std::size_t name_columns = 14;
  std::string text;
  for (const Group& group : groups()) {
    std::string lines;
    for (std::string_view name : group.commands) {
      const CommandSpec* command = rpc::find_command(name);
      if (command == nullptr) continue;
      std::string line = "  " + std::string(name);
      line.resize(2 + name_columns, ' ');
      lines.append(wrapped(line, command->tagline, columns)).append("\n");
    }
    if (!lines.empty()) text.append(group.title).append("\n").append(lines).append("\n");
  }
  return text.append(root_notes);
}

std::string usage_text(const CommandSpec& command, std::size_t columns) {
  return wrapped(call_text(command) + " - ", command.tagline, columns);
}

void append_section(std::string& out, std::string_view title, std::string_view text, bool gap) {
  if (text.empty()) return;
  out.append(title).append(gap ? "\n\n" : "\n").append(indented(text)).append("\n\n");
}

std::string all_subcommands(const CommandSpec& command, std::size_t columns) {
  return command.path.empty() ? root_commands_text(columns) : subcommands_text(command, columns);
}

std::string more_help(const CommandSpec& command) {
  return "  For more information about each command, use:\n  '" + full_path(command) +
         " <subcmd> --help'\n\n";
}

}  // namespace

std::string long_help(const CommandSpec& command, std::size_t columns) {
  columns = std::max<std::size_t>(columns, 40) - indent_columns;
  std::string text;
  append_section(text, "USAGE", usage_text(command, columns), false);
  append_section(text, "SYNOPSIS", synopsis(command, columns), false);
  append_section(text, "ARGUMENTS", arguments_text(command, columns), true);
  append_section(text, "OPTIONS", options_text(command, columns), true);
  append_section(text, "DESCRIPTION", wrapped_lines(command.description, columns), true);
  std::string subcommands = all_subcommands(command, columns);
  append_section(text, "SUBCOMMANDS", subcommands, false);
  if (!subcommands.empty()) text += more_help(command);
  return text;
}

std::string short_help(const CommandSpec& command, std::size_t columns) {
  columns = std::max<std::size_t>(columns, 40) - indent_columns;
  std::string text = "USAGE\n" + indented(usage_text(command, columns)) + "\n\n";
  text += indented(synopsis(command, columns)) + "\n\n";
  std::string description = wrapped_lines(command.description, columns);
  if (!description.empty()) text += indented(description) + "\n\n";
  append_section(text, "SUBCOMMANDS", all_subcommands(command, columns), false);
  return text += more_help(command);
}

}  // namespace masu::core::cli
