// The help of a command, made from its spec and from those of its subcommands, in the layout of Kubo's.
//
// No line is wider than `columns` unless a single word is. Pure functions.
#pragma once

#include "core/rpc/command.hpp"

#include <string>

namespace masu::core::cli {

inline constexpr std::size_t default_columns = 80;

// `--help`: everything. `-h`, and below a usage error: how to call it and what it does.
std::string long_help(const rpc::CommandSpec& command, std::size_t columns = default_columns);
std::string short_help(const rpc::CommandSpec& command, std::size_t columns = default_columns);

}  // namespace masu::core::cli
