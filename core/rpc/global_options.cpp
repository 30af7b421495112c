#include "core/rpc/global_options.hpp"

#include <array>

namespace masu::core::rpc {
namespace {

constexpr auto options = std::to_array<OptionSpec>({
    {"repo-dir", "", OptionType::text, "", "Path to the repository directory to use."},
    {"config-file", "", OptionType::text, "", "Path to the configuration file to use."},
    {"config", "c", OptionType::text, "", "[DEPRECATED] Path to the configuration file to use."},
    {"debug", "D", OptionType::boolean, "", "Operate in debug mode."},
    {"help", "", OptionType::boolean, "", "Show the full command help text."},
    {"", "h", OptionType::boolean, "", "Show a short version of the command help text."},
    {"local", "L", OptionType::boolean, "",
     "Run the command locally, instead of using the daemon. DEPRECATED: use --offline."},
    {"offline", "", OptionType::boolean, "", "Run the command offline."},
    {"api", "", OptionType::text, "", "Use a specific API instance (defaults to /ip4/127.0.0.1/tcp/5001)"},
    {"api-auth", "", OptionType::text, "",
     "Optional RPC API authorization secret (defined as AuthSecret in API.Authorizations config)"},
    {"cid-base", "", OptionType::text, "",
     "Multibase encoding for CIDs in output. CIDv0 is automatically converted to CIDv1 when a base other "
     "than base58btc is specified."},
    {"upgrade-cidv0-in-output", "", OptionType::boolean, "",
     "[DEPRECATED] Upgrade version 0 to version 1 CIDs in output."},
    {"encoding", "enc", OptionType::text, "text",
     "The encoding type the output should be encoded with (json or text)"},
    {"stream-channels", "", OptionType::boolean, "", "Stream channel output"},
    {"timeout", "", OptionType::text, "", "Set a global timeout on the command"},
});

const OptionSpec* find_in(std::span<const OptionSpec> list, std::string_view name) {
  for (const OptionSpec& option : list)
    if (option.name == name || option.short_name == name) return &option;
  return nullptr;
}

}  // namespace

std::span<const OptionSpec> global_options() { return options; }

const OptionSpec* find_option(const CommandSpec& command, std::string_view name) {
  if (name.empty()) return nullptr;
  if (const OptionSpec* own = find_in(command.options, name)) return own;
  return find_in(options, name);
}

}  // namespace masu::core::rpc
