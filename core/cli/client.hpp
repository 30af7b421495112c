// One call of a command over the RPC: its target, its body, and the exchange.
//
// Blocking; one thread. Memory: Upload's buffer and the client's.
#pragma once

#include "core/cli/answer.hpp"
#include "core/cli/arguments.hpp"
#include "core/cli/outputs.hpp"
#include "core/cli/parse.hpp"

#include <optional>
#include <string>

namespace masu::core::cli {

// What is called: made before it is known whom to ask.
class RpcCall {
 public:
  // Takes arguments from standard input where the command does. The answer goes to `output`; null: to the
  // command's own. The error is a message for the user.
  static std::expected<RpcCall, std::string> make(const Invocation& invocation, Arguments arguments,
                                                  const Streams& streams,
                                                  std::unique_ptr<Output> output = nullptr);

  // Makes the call; nothing: it went well. Once.
  std::optional<std::string> exchange(http::Client client);

 private:
  RpcCall() = default;

  std::string target_;
  std::vector<http::Header> headers_;
  std::unique_ptr<Upload> upload_;    // the body, or
  std::unique_ptr<LinesBody> lines_;  // this, or there is none
  std::unique_ptr<Output> output_;
};

// "/api/v0/pin/ls?…": the options that were given, and as many of the texts as fit; `sent` is set to how
// many. Texts go in the target as far as they fit, the rest in the body.
std::string call_target(const Invocation& invocation, const std::vector<std::string>& texts,
                        const Presentation& presentation, std::size_t& sent);

}  // namespace masu::core::cli
