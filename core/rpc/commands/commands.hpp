// The specs of all commands, one a line; each is defined in a source beside this header. The table that finds
// them by path is core/rpc/command_table.cpp.
#pragma once

#include "core/rpc/command.hpp"

namespace masu::core::rpc::commands {

extern const CommandSpec root;  // `masu` itself: the help of all; its options are global_options()

// Families: nothing runs, they are what help and `masu commands` show.
extern const CommandSpec bitswap;
extern const CommandSpec block;
extern const CommandSpec dag;
extern const CommandSpec memory;
extern const CommandSpec pin;
extern const CommandSpec repo;
extern const CommandSpec stats;
extern const CommandSpec swarm;

// Content: import and reading.
extern const CommandSpec cat;
extern const CommandSpec get;
extern const CommandSpec ls;
extern const CommandSpec refs;
extern const CommandSpec refs_local;
extern const CommandSpec resolve;

// Blocks, DAGs, pins and the repo.
extern const CommandSpec block_get;
extern const CommandSpec block_rm;
extern const CommandSpec block_stat;
extern const CommandSpec dag_export;
extern const CommandSpec dag_import;
extern const CommandSpec pin_add;
extern const CommandSpec pin_ls;
extern const CommandSpec pin_rm;
extern const CommandSpec repo_gc;
extern const CommandSpec repo_ls;
extern const CommandSpec repo_stat;
extern const CommandSpec repo_version;
extern const CommandSpec stats_repo;
extern const CommandSpec add;

// Blocks, DAGs, pins and the repo.
extern const CommandSpec block_put;

// The network.
extern const CommandSpec bitswap_stat;
extern const CommandSpec bitswap_wantlist;
extern const CommandSpec id;
extern const CommandSpec ping;
extern const CommandSpec stats_bitswap;
extern const CommandSpec stats_bw;
extern const CommandSpec swarm_addrs;
extern const CommandSpec swarm_addrs_listen;
extern const CommandSpec swarm_addrs_local;
extern const CommandSpec swarm_connect;
extern const CommandSpec swarm_disconnect;
extern const CommandSpec swarm_peers;

// The node itself.
extern const CommandSpec command_list;
extern const CommandSpec config;
extern const CommandSpec config_profile;
extern const CommandSpec config_profile_apply;
extern const CommandSpec config_replace;
extern const CommandSpec config_show;
extern const CommandSpec daemon;
extern const CommandSpec init;
extern const CommandSpec memory_plan;
extern const CommandSpec memory_set;
extern const CommandSpec shutdown;
extern const CommandSpec stats_memory;
extern const CommandSpec version;
extern const CommandSpec version_deps;

}  // namespace masu::core::rpc::commands
