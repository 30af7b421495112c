// The memory report as JSON: what `stats memory --enc=json` prints. Sizes in bytes.
#pragma once

#include "alloc/plan.hpp"
#include "alloc/report.hpp"
#include "core/node/memory_history.hpp"

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {

// The plan, as `memory plan --enc=json` prints it.
boost::json::object plan_value(const CapacityPlan& plan);

boost::json::object memory_value(const MemoryReport& report);
// Samples of the last ten minutes, the oldest first, the last of now.
boost::json::object history_value(const MemoryHistory& history, TimePoint now);

}  // namespace masu::core::rpc::commands
