// Commands on the configuration. Each reads the file anew, because programs around the node rewrite it.

#include "core/config.hpp"
#include "core/node.hpp"
#include "core/repo.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/config_diff.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <boost/json/error.hpp>
#include <boost/json/parse.hpp>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace masu::core::rpc::commands {
namespace {

using boost::json::value;

bool equal_names(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t dot; (dot = path.find('.')) != path.npos; path.remove_prefix(dot + 1))
    parts.push_back(path.substr(0, dot));
  parts.push_back(path);
  return parts;
}

// Kubo keeps secrets in the file; they are neither shown nor set.
CommandResult check_secret(std::string_view key) {
  if (equal_names(key, "identity") || equal_names(key, "identity.privkey"))
    return fail("cannot show or change private key through API");
  constexpr auto concealed =
      std::to_array<std::string_view>({"Pinning", "RemoteServices", "*", "API", "Key"});
  auto parts = parts_of(key);
  bool covered = true;
  for (std::size_t at = 0; at < std::min(parts.size(), concealed.size()); ++at)
    covered = covered && (concealed[at] == "*" || equal_names(concealed[at], parts[at]));
  if (covered) return fail("cannot show or change pinning services credentials");
  return {};
}

// The value at a path, or what Kubo says when there is none.
std::expected<value, std::string> find_value(const Config& config, std::string_view key) {
  const value* at = &config.document();
  std::string path;
  for (std::string_view part : parts_of(key)) {
    const auto* object = at->if_object();
    if (object == nullptr) return std::unexpected(path + " key is not a map");
    if (!path.empty()) path += '.';
    path += part;
    at = object->if_contains(part);
    if (at == nullptr) return std::unexpected(path + " not found");
  }
  return *at;
}

// As a person reads it: a text as it is, all else as indented JSON.
std::string human_text(const value& item) {
  const auto* text = item.if_string();
  if (text == nullptr) return Config::format(sorted(item)) + "\n";
  std::string_view trimmed(*text);
  while (trimmed.starts_with('\n')) trimmed.remove_prefix(1);
  while (trimmed.ends_with('\n')) trimmed.remove_suffix(1);
  return std::string(trimmed) + "\n";
}

// Without the placeholders "auto": there is no AutoConf service to ask.
value without_auto(const value& item) {
  if (const auto* text = item.if_string()) return *text == "auto" ? value("") : item;
  if (const auto* list = item.if_array()) {
    boost::json::array kept;
    for (const value& entry : *list)
      if (entry != value("auto")) kept.push_back(without_auto(entry));
    return kept;
  }
  const auto* object = item.if_object();
  if (object == nullptr) return item;
  boost::json::object kept;
  for (const auto& [key, entry] : *object)
    if (entry != value("auto")) kept[key] = without_auto(entry);
  return kept;
}

// Takes `path` out of the document, where "*" is any key.
void scrub(value& document, std::span<const std::string_view> path) {
  auto* object = document.if_object();
  if (object == nullptr || path.empty()) return;
  std::vector<std::string> dropped;
  for (auto& pair : *object) {
    if (path[0] != "*" && !equal_names(path[0], pair.key())) continue;
    if (path.size() == 1)
      dropped.emplace_back(pair.key());
    else
      scrub(pair.value(), path.subspan(1));
  }
  for (const std::string& key : dropped) object->erase(key);
}

value scrubbed(const Config& config) {
  constexpr auto key = std::to_array<std::string_view>({"Identity", "PrivKey"});
  constexpr auto authorizations = std::to_array<std::string_view>({"API", "Authorizations"});
  constexpr auto services = std::to_array<std::string_view>({"Pinning", "RemoteServices", "*", "API", "Key"});
  value document = config.document();
  scrub(document, key);
  scrub(document, authorizations);
  scrub(document, services);
  return document;
}

std::expected<Config, CommandError> read_config(Call& call) {
  auto config = Repo::read_config(call.node().repo().path());
  if (!config) return std::unexpected(CommandError{config.error()});
  return std::move(*config);
}

CommandResult save_config(Call& call, Config config) {
  call.node().config() = std::move(config);
  auto saved = call.node().repo().save_config();
  if (!saved) return fail(saved.error());
  return {};
}

// --- config ---

constexpr auto config_options = std::to_array<OptionSpec>({
    {"bool", "", OptionType::boolean, "", "Set a boolean value."},
    {"json", "", OptionType::boolean, "", "Parse stringified JSON."},
    {"expand-auto", "", OptionType::boolean, "",
     "Leave out the 'auto' placeholders of the AutoConf service."},
});
constexpr auto config_arguments = std::to_array<ArgumentSpec>({
    {.name = "key", .required = true, .help = "The key of the config entry (e.g. \"Addresses.API\")."},
    {.name = "value", .help = "The value to set the config entry to."},
});

constexpr std::string_view config_description =
    R"('masu config' controls configuration variables. It works much like 'git config'. The configuration values are stored in a config file inside your repository (IPFS_PATH).

Examples:

Get the value of the 'Routing.Type' key:

  $ masu config Routing.Type

Set the value of the 'Routing.Type' key:

  $ masu config Routing.Type auto

Set multiple values in the 'Addresses.AppendAnnounce' array:

  $ masu config Addresses.AppendAnnounce --json \
      '["/dns4/a.example.com/tcp/4001", "/dns4/b.example.com/tcp/4002"]'
)";

std::expected<value, CommandError> value_to_set(const Call& call) {
  const std::string& text = call.arguments()[1];
  if (call.flag("json")) {
    boost::system::error_code error;
    value parsed = boost::json::parse(text, error);
    if (error) {
      bool cut_off = error == boost::json::error::incomplete;
      return std::unexpected(CommandError{"failed to unmarshal json. " +
                                          (cut_off ? "unexpected end of JSON input" : error.message())});
    }
    return parsed;
  }
  if (call.flag("bool")) return value(text == "true");
  return value(text);
}

// A text where Kubo has a flag or a group would be read as "not set": most likely `--json` was forgotten.
CommandResult check_kind(const Config& config, std::string_view key, const value& item) {
  const value* old = config.find(key);
  if (old == nullptr || !item.is_string() || !(old->is_bool() || old->is_object())) return {};
  return fail("failed to set config value: failure to decode config: json: cannot unmarshal string into " +
              std::string(key) + " of type " + (old->is_bool() ? "bool" : "map") + " (maybe use --json?)");
}

CommandResult set_value(Call& call, Config& config, const std::string& key) {
  auto item = value_to_set(call);
  if (!item) return std::unexpected(item.error());
  if (auto checked = check_kind(config, key, *item); !checked) return checked;
  if (auto set = config.set(key, std::move(*item)); !set)
    return fail("failed to set config value: " + set.error() + " (maybe use --json?)");
  return save_config(call, config);
}

Task<CommandResult> run_config(TaskMemory memory, Call& call) {
  const std::string& key = call.arguments()[0];
  if (auto checked = check_secret(key); !checked) co_return checked;
  auto config = read_config(call);
  if (!config) co_return std::unexpected(config.error());
  if (call.arguments().size() == 2) {
    if (call.flag("expand-auto"))
      co_return fail("--expand-auto can only be used for reading config values, not for setting them");
    if (auto set = set_value(call, *config, key); !set) co_return set;
  }
  auto found = find_value(*config, key);
  if (!found) co_return fail("failed to get config value: " + quoted(found.error()));
  const value answer =
      boost::json::object{{"Key", key}, {"Value", call.flag("expand-auto") ? without_auto(*found) : *found}};
  call.set_single_value();
  co_await call.emit(memory, answer);
  co_return CommandResult();
}

void write_config(const value& item, const Call& call, std::string& out) {
  if (call.arguments().size() == 2) return;
  if (const auto* object = item.if_object())
    if (const value* found = object->if_contains("Value")) out += human_text(*found);
}

// --- config show ---

Task<CommandResult> run_config_show(TaskMemory memory, Call& call) {
  auto config = read_config(call);
  if (!config) co_return std::unexpected(config.error());
  const value shown = call.flag("expand-auto") ? without_auto(scrubbed(*config)) : scrubbed(*config);
  call.set_single_value();
  co_await call.emit(memory, shown);
  co_return CommandResult();
}

void write_config_show(const value& item, const Call&, std::string& out) { out += human_text(item); }

// --- config replace ---

constexpr auto replace_arguments = std::to_array<ArgumentSpec>({
    {.name = "file", .required = true, .is_file = true, .help = "The file to use as the new config."},
});

// The whole file of the request, or nothing when it is too large for a configuration.
Task<std::expected<std::string, CommandError>> read_upload(TaskMemory memory, Call& call) {
  auto entry = co_await call.next_entry(memory);
  if (!entry) co_return std::unexpected(entry.error());
  if (!*entry) co_return std::unexpected(CommandError{"file argument was nil"});
  std::string text;
  for (;;) {
    auto piece = co_await call.read_entry(memory, call.node().import_account());
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    if (text.size() + piece->size() > Config::text_bytes_max)
      co_return std::unexpected(CommandError{"failed to decode file as config"});
    std::size_t old = text.size();
    text.resize(old + piece->size());
    piece->copy_to(0, {reinterpret_cast<std::uint8_t*>(text.data()) + old, piece->size()});
  }
  co_return text;
}

// The services of the file have their secrets from the old configuration, and must be the same.
CommandResult keep_services(const Config& old, Config& fresh) {
  auto services_of = [](const Config& config) {
    const value* found = config.find("Pinning.RemoteServices");
    return found != nullptr && found->is_object() ? found->get_object() : boost::json::object();
  };
  boost::json::object before = services_of(old), after = services_of(fresh);
  if (before.size() != after.size())
    return fail("cannot add or remove remote pinning services with 'config replace'");
  for (auto& [name, service] : before) {
    value* kept = after.if_contains(name);
    auto* fields = kept == nullptr ? nullptr : kept->if_object();
    if (fields == nullptr) return fail("cannot add or remove remote pinning services with 'config replace'");
    const auto* api = service.is_object() ? service.get_object().if_contains("API") : nullptr;
    if (api != nullptr) (*fields)["API"] = *api;
  }
  if (!after.empty()) (void)fresh.set("Pinning.RemoteServices", std::move(after));
  return {};
}

Task<CommandResult> run_config_replace(TaskMemory memory, Call& call) {
  auto text = co_await read_upload(memory, call);
  if (!text) co_return std::unexpected(text.error());
  auto fresh = Config::parse(*text);
  if (!fresh) co_return fail("failed to decode file as config");
  if (!fresh->text("Identity.PrivKey").value_or("").empty())
    co_return fail("setting private key with API is not supported");
  auto old = read_config(call);
  if (!old) co_return std::unexpected(old.error());
  auto key = old->text("Identity.PrivKey");
  if (!key) co_return fail("failed to get PrivKey");
  if (auto kept = keep_services(*old, *fresh); !kept) co_return kept;
  // The id belongs to the key, which stays.
  const value id(old->text("Identity.PeerID").value_or(""));
  const value secret(*key);
  for (auto set : {fresh->set("Identity.PeerID", id), fresh->set("Identity.PrivKey", secret)})
    if (!set) co_return fail(set.error());
  co_return save_config(call, std::move(*fresh));
}

// --- config profile apply ---

constexpr auto apply_options = std::to_array<OptionSpec>({
    {"dry-run", "", OptionType::boolean, "",
     "print difference between the current config and the config that would be generated"},
});
constexpr auto apply_arguments = std::to_array<ArgumentSpec>({
    {.name = "profile", .required = true, .help = "The profile to apply to the config."},
});

// A copy of the file beside it, as it was before the profile.
CommandResult back_up(const std::string& repo_path, const std::string& profile, const Config& config) {
  std::string path = repo_path + "/config-pre-" + profile + "-XXXXXX";
  int file = ::mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) return fail("cannot back up the config: " + path);
  const std::string text = config.to_text();
  bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  if (!written) return fail("cannot back up the config: " + path);
  return {};
}

Task<CommandResult> run_profile_apply(TaskMemory memory, Call& call) {
  const std::string& name = call.arguments()[0];
  if (std::ranges::find(Config::profiles(), name, &Config::Profile::name) == Config::profiles().end())
    co_return fail(name + " is not a profile");
  auto old = read_config(call);
  if (!old) co_return std::unexpected(old.error());
  Config fresh = *old;
  if (auto applied = fresh.apply_profile(name); !applied) co_return fail(applied.error());
  if (!call.flag("dry-run")) {
    if (auto kept = back_up(call.node().repo().path(), name, *old); !kept) co_return kept;
    if (auto saved = save_config(call, fresh); !saved) co_return saved;
  }
  const value answer = boost::json::object{{"OldCfg", scrubbed(*old)}, {"NewCfg", scrubbed(fresh)}};
  call.set_single_value();
  co_await call.emit(memory, answer);
  co_return CommandResult();
}

void write_profile_apply(const value& item, const Call&, std::string& out) {
  const auto* object = item.if_object();
  const value* before = object == nullptr ? nullptr : object->if_contains("OldCfg");
  const value* after = object == nullptr ? nullptr : object->if_contains("NewCfg");
  if (before != nullptr && after != nullptr) out += config_diff(*before, *after);
}

}  // namespace

constexpr CommandSpec config{.path = "config",
                             .tagline = "Get and set IPFS config values.",
                             .description = config_description,
                             .options = config_options,
                             .arguments = config_arguments,
                             .run = run_config,
                             .text = write_config};

constexpr CommandSpec config_show{
    .path = "config show",
    .tagline = "Output config file contents.",
    .description =
        "NOTE: For security reasons, this command will omit your private key and remote services. "
        "If you would like to make a full backup of your config (private key included), you must "
        "copy the config file from your repo.",
    .run = run_config_show,
    .text = write_config_show};

constexpr CommandSpec config_replace{.path = "config replace",
                                     .tagline = "Replace the config with <file>.",
                                     .description =
                                         "Make sure to back up the config file first if necessary, "
                                         "as this operation can't be undone.",
                                     .arguments = replace_arguments,
                                     .run = run_config_replace};

constexpr CommandSpec config_profile{.path = "config profile", .tagline = "Apply profiles to config."};

constexpr CommandSpec config_profile_apply{.path = "config profile apply",
                                           .tagline = "Apply profile to config.",
                                           .options = apply_options,
                                           .arguments = apply_arguments,
                                           .run = run_profile_apply,
                                           .text = write_profile_apply};

}  // namespace masu::core::rpc::commands
