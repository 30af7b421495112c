// The outputs of commands that do more with an answer than print it, and which command has which.
//
// One call each; one thread. Memory: a line of JSON, at most 1 MiB; TarExtractor.
#pragma once

#include "core/cli/answer.hpp"
#include "core/cli/parse.hpp"
#include "core/cli/progress_bar.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace masu::core::cli {

// How a call is sent and its answer shown.
struct Presentation {
  std::unique_ptr<Output> output;
  std::string encoding;          // what is asked of the server
  std::optional<bool> progress;  // the option, where the command line decides it
};

// `upload_bytes`: the size of what will be sent, asked for when a bar needs it. The error is one of usage.
std::expected<Presentation, std::string> present(const Invocation& invocation,
                                                 const std::string& first_argument, const Streams& streams,
                                                 const std::function<std::uint64_t()>& upload_bytes);

}  // namespace masu::core::cli
