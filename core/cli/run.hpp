// The command line: from the words after the program's name to the exit code.
//
// A command goes to the daemon that serves the repo; without one a node is opened in this process and asked
// in the same way. While a daemon is asked, no thread is started, no store opened, no name looked up.
// Blocking.
#pragma once

#include "core/cli/answer.hpp"
#include "core/cli/host.hpp"

#include <span>
#include <string_view>

namespace masu::core::cli {

// 0: done. 1: it failed, and standard error says why, on a line that begins with "Error: ".
int run(std::span<const std::string_view> words, Host& host, const Streams& streams);

}  // namespace masu::core::cli
