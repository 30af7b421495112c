#include "core/rpc/command.hpp"
#include "core/rpc/commands/commands.hpp"

#include <algorithm>
#include <array>

namespace masu::core::rpc {
namespace {

// One a line, in the order of their paths.
constexpr auto listed = std::to_array<const CommandSpec*>({
    &commands::root,
    &commands::add,
    &commands::bitswap,
    &commands::bitswap_stat,
    &commands::bitswap_wantlist,
    &commands::block,
    &commands::block_get,
    &commands::block_put,
    &commands::block_rm,
    &commands::block_stat,
    &commands::cat,
    &commands::command_list,
    &commands::config,
    &commands::config_profile,
    &commands::config_profile_apply,
    &commands::config_replace,
    &commands::config_show,
    &commands::daemon,
    &commands::dag,
    &commands::dag_export,
    &commands::dag_import,
    &commands::get,
    &commands::id,
    &commands::init,
    &commands::ls,
    &commands::memory,
    &commands::memory_plan,
    &commands::memory_set,
    &commands::pin,
    &commands::pin_add,
    &commands::pin_ls,
    &commands::pin_rm,
    &commands::ping,
    &commands::refs,
    &commands::refs_local,
    &commands::repo,
    &commands::repo_gc,
    &commands::repo_ls,
    &commands::repo_stat,
    &commands::repo_version,
    &commands::resolve,
    &commands::shutdown,
    &commands::stats,
    &commands::stats_bitswap,
    &commands::stats_bw,
    &commands::stats_memory,
    &commands::stats_repo,
    &commands::swarm,
    &commands::swarm_addrs,
    &commands::swarm_addrs_listen,
    &commands::swarm_addrs_local,
    &commands::swarm_connect,
    &commands::swarm_disconnect,
    &commands::swarm_peers,
    &commands::version,
    &commands::version_deps,
});

// By path, word for word: the order of `masu commands`, in which find_command() searches.
const auto& table() {
  static const auto sorted = [] {
    auto commands = listed;
    std::ranges::sort(commands, {}, &CommandSpec::path);
    return commands;
  }();
  return sorted;
}

}  // namespace

std::span<const CommandSpec* const> all_commands() { return table(); }

const CommandSpec* find_command(std::string_view path) {
  auto at = std::ranges::lower_bound(table(), path, {}, &CommandSpec::path);
  return at != table().end() && (*at)->path == path ? *at : nullptr;
}

}  // namespace masu::core::rpc
