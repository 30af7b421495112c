// The options that every command has, and how an option is found by the name a user or a client gave it.
//
// Constants of the program; any thread.
#pragma once

#include "core/rpc/command.hpp"

#include <span>
#include <string_view>

namespace masu::core::rpc {

// As Kubo's, in the order of its help. Those that only mean something to the command line (`api`, `repo-dir`,
// `help`, …) are among them; the server accepts and ignores these.
std::span<const OptionSpec> global_options();

// The option of `command`, else the global one, that has `name` as its name or short name. Null: no such
// option.
const OptionSpec* find_option(const CommandSpec& command, std::string_view name);

}  // namespace masu::core::rpc
