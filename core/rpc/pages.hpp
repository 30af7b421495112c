// Pages: what the API's port serves to browsers and to Prometheus beside the RPC: /memory, a live picture of
// the memory budget, and /debug/metrics/prometheus.
//
// Only GET and HEAD, nothing is changed by them. A browser must have come by an address, localhost or a name
// that the configuration allows (Access), so that no foreign page reads them through a name of its own. Like
// Kubo's, the metrics need no token; the page asks for its figures by the RPC, with all of its rules. Loop
// thread.
#pragma once

#include "core/rpc/access.hpp"
#include "http/server.hpp"

namespace masu::core {
class Node;
}

namespace masu::core::rpc {

class Pages final : public http::Handler {
 public:
  explicit Pages(Node& node);

  Task<void> handle(TaskMemory memory, http::Exchange& exchange) override;

 private:
  Node& node_;
  const Access access_;
};

}  // namespace masu::core::rpc
