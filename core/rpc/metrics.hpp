// The node's metrics for Prometheus: Kubo's names for what Kubo measures too, `masu_` for what is ours.
//
// Sets of labels are bounded: accounts, arenas, rungs, directions. Sent piece by piece. Loop thread.
#pragma once

#include "alloc/task.hpp"
#include "http/server.hpp"

namespace masu::core {
class Node;
}

namespace masu::core::rpc {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

// Answers with all of them.
Task<void> answer_metrics(TaskMemory memory, http::Exchange& exchange, Node& node);

}  // namespace masu::core::rpc
