#include "core/rpc/pages.hpp"

#include "core/node.hpp"
#include "core/rpc/metrics.hpp"
#include "core/rpc/pages/memory_page.hpp"

#include <string>

namespace masu::core::rpc {
namespace {

// As Go's http.Error().
Task<void> refuse(TaskMemory memory, http::Exchange& exchange, unsigned status, std::string_view text) {
  exchange.add_header("X-Content-Type-Options", "nosniff");
  co_await exchange.respond(memory, status, "text/plain; charset=utf-8", text);
}

Task<void> show_memory_page(TaskMemory memory, http::Exchange& exchange) {
  exchange.add_header("Content-Security-Policy", pages::memory_page_policy);
  exchange.add_header("X-Content-Type-Options", "nosniff");
  exchange.add_header("Referrer-Policy", "same-origin");
  // Another version of the node has another page.
  exchange.add_header("Cache-Control", "no-cache");
  co_await exchange.respond(memory, 200, "text/html; charset=utf-8", pages::memory_page);
}

}  // namespace

Pages::Pages(Node& node) : node_(node), access_(node.config()) {}

Task<void> Pages::handle(TaskMemory memory, http::Exchange& exchange) {
  const std::string_view path = exchange.path();
  const bool is_page = path == "/memory", is_metrics = path == "/debug/metrics/prometheus";
  if (!is_page && !is_metrics) return refuse(memory, exchange, 404, "404 page not found\n");
  if (exchange.method() != "GET" && exchange.method() != "HEAD") {
    exchange.add_header("Allow", "GET, HEAD");
    return refuse(memory, exchange, 405, "405 - Method Not Allowed\n");
  }
  if (!access_.may_look(exchange)) return refuse(memory, exchange, 403, "403 - Forbidden\n");
  if (is_page) return show_memory_page(memory, exchange);
  return answer_metrics(memory, exchange, node_);
}

}  // namespace masu::core::rpc
