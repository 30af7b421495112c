// Query: which command a request's target names, with which options and arguments.
//
// IO-free. The rules are those of go-ipfs-cmds: words of the path are commands as long as they are known, one
// more is the first argument; keys are options by either name, unknown ones are ignored, `arg` may be
// repeated. Sizes are bounded by the target's. A value; any thread.
#pragma once

#include "core/rpc/options.hpp"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace masu::core::rpc {

inline constexpr std::string_view api_prefix = "/api/v0";

struct Query {
  const CommandSpec* spec;
  OptionValues options;
  std::vector<std::string> arguments;
};

struct QueryError {
  unsigned status;
  std::string text;
};

using FindCommand = const CommandSpec* (*)(std::string_view path);

// `path` and `query` as they were sent, `path` with its prefix.
std::expected<Query, QueryError> parse_query(std::string_view path, std::string_view query,
                                             FindCommand find = find_command);

// The first text argument that is required and not among `count`; null: all are there.
const ArgumentSpec* missing_argument(const CommandSpec& spec, std::size_t count);
// The file argument that is required; null: none.
const ArgumentSpec* required_file(const CommandSpec& spec);
// Whether lines of an upload are arguments.
bool takes_arguments_from_body(const CommandSpec& spec);

}  // namespace masu::core::rpc
