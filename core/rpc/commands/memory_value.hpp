// The memory report as JSON: what `stats memory --enc=json` prints. Sizes in bytes.
#pragma once

#include "alloc/report.hpp"

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {

boost::json::object memory_value(const MemoryReport& report);

}  // namespace masu::core::rpc::commands
