// Where the repo is, and whether a daemon serves it: `--repo-dir`, $IPFS_PATH, ~/.masu; `--api`, the repo's
// file `api`. Looks at the disk; one thread.
#pragma once

#include "core/cli/parse.hpp"
#include "multiformats/multiaddr.hpp"

#include <expected>
#include <optional>
#include <string>

namespace masu::core::cli {

std::string repo_path(const Invocation& invocation);

struct ApiAddress {
  Multiaddr address;
  bool asked_for = false;  // by `--api`: no other will do
};

// Nothing: no daemon wrote its address. The error: the address is none, or the file cannot be read.
std::expected<std::optional<ApiAddress>, std::string> find_api(const Invocation& invocation);

}  // namespace masu::core::cli
