#include "core/rpc/command.hpp"
#include "core/rpc/commands/commands.hpp"

#include <algorithm>
#include <array>

namespace masu::core::rpc {
namespace {

// Sorted by path, word for word, which is the order of `masu commands`; find_command() relies on it.
constexpr auto table = std::to_array<const CommandSpec*>({
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
    &commands::pin,
    &commands::pin_add,
    &commands::pin_ls,
    &commands::pin_rm,
    &commands::ping,
    &commands::refs,
    &commands::refs_local,
    &commands::repo,
    &commands::repo_gc,
    &commands::repo_stat,
    &commands::repo_version,
    &commands::resolve,
    &commands::shutdown,
    &commands::stats,
    &commands::stats_bitswap,
    &commands::stats_bw,
    &commands::stats_memory,
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

}  // namespace

std::span<const CommandSpec* const> all_commands() { return table; }

const CommandSpec* find_command(std::string_view path) {
  auto at = std::ranges::lower_bound(table, path, {}, &CommandSpec::path);
  return at != table.end() && (*at)->path == path ? *at : nullptr;
}

}  // namespace masu::core::rpc
