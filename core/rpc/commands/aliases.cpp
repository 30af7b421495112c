// Commands that Kubo has under two names.

#include "core/rpc/commands/commands.hpp"

namespace masu::core::rpc::commands {
namespace {

CommandSpec renamed(const CommandSpec& command, std::string_view path) {
  CommandSpec alias = command;
  alias.path = path;
  return alias;
}

}  // namespace

// The originals are constants, so they are there before these are made.
const CommandSpec repo_ls = renamed(refs_local, "repo ls");
const CommandSpec stats_repo = renamed(repo_stat, "stats repo");

}  // namespace masu::core::rpc::commands
