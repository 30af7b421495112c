// What the program says of itself: its version and its commands. Both are commands that need neither node nor
// repo, so the command line answers them alone, with the same values and texts as the RPC. Pure functions.
#pragma once

#include <string>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace masu::core::rpc::commands {

boost::json::object version_info();

struct VersionFlags {
  bool number = false, commit = false, repo = false, all = false;
};
void append_version(const boost::json::value& info, const VersionFlags& flags, std::string& out);

// {"Name", "Subcommands", "Options"} of every command that can be called, from the root down.
boost::json::object command_tree();
// One path a line, sorted; with `flags` also each option by all of its names.
void append_command_paths(const boost::json::value& tree, bool flags, std::string& out);

}  // namespace masu::core::rpc::commands
