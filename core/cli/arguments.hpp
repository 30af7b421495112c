// What the arguments of an invocation stand for: texts, files on this disk, or standard input.
//
// By Kubo's rules: optional arguments get a value only when there are enough; files are looked at (that they
// exist, and whether they are directories) before anything is sent, and go in the order of their names; an
// argument that may come from standard input does so when it was not given. One thread; looks at the disk.
#pragma once

#include "core/cli/parse.hpp"
#include "core/cli/upload.hpp"

#include <expected>
#include <string>
#include <vector>

namespace masu::core::cli {

struct Arguments {
  std::vector<std::string> texts;
  std::vector<Upload::Root> roots;
  bool texts_from_stdin = false;  // read_stdin_texts() has the rest
};

// The error is a usage error: help is shown below it.
std::expected<Arguments, std::string> gather_arguments(const Invocation& invocation, int standard_input);

// The lines of standard input as text arguments: all of them, or as many as the command takes. The error
// names an argument that is missing.
std::expected<void, std::string> read_stdin_texts(const rpc::CommandSpec& command, int standard_input,
                                                  Arguments& arguments);

// A terminal, or another device that somebody may be typing at.
bool is_terminal(int fd);

}  // namespace masu::core::cli
