#include "core/rpc/server.hpp"

#include "core/node.hpp"
#include "core/rpc/access.hpp"
#include "core/rpc/server_call.hpp"
#include "core/version.hpp"

namespace masu::core::rpc {

struct Server::Impl final : http::Handler, SocketHolder {
  Impl(Node& its_node, Account& its_account, FindCommand its_find)
      : node(its_node),
        account(its_account),
        find(its_find),
        access(node.config()),
        server(node.context(), node.chunks(), account, *this, options_of(node.plan())) {
    node.set_api_sockets(this);
  }
  ~Impl() { node.set_api_sockets(nullptr); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static http::ServerOptions options_of(const CapacityPlan& plan) {
    http::ServerOptions options;
    options.connections_max = plan.rpc_requests;
    options.backlog = plan.rpc_backlog;
    options.waiting_socket_bytes = plan.waiting_rpc_socket_bytes;
    options.small_socket_bytes = plan.rpc_socket_bytes;
    options.large_sockets_max = plan.busy_rpc_sockets;
    options.large_socket_bytes = plan.busy_rpc_socket_bytes;
    return options;
  }

  std::size_t parked_bytes() const override { return server.parked_bytes(); }

  Task<void> handle(TaskMemory memory, http::Exchange& exchange) override {
    exchange.add_header("Server", product);
    const std::string_view path = exchange.path();
    if (path.starts_with(api_prefix) &&
        (path.size() == api_prefix.size() || path[api_prefix.size()] == '/')) {
      return answer_api(memory, exchange);
    }
    if (other_paths != nullptr) return other_paths->handle(memory, exchange);
    return refuse(memory, exchange, 404, "404 page not found");
  }

  Task<void> answer_api(TaskMemory memory, http::Exchange& exchange) {
    const std::string_view method = exchange.method();
    if (Access::is_preflight(exchange)) {
      access.answer_preflight(exchange);
      exchange.start(204);
      co_return;
    }
    access.add_headers(exchange);
    if (method == "OPTIONS") {
      exchange.add_header("Allow", "OPTIONS, POST");
      exchange.start(204);
      co_return;
    }
    if (method != "POST") {
      exchange.add_header("Allow", "OPTIONS, POST");
      co_await refuse(memory, exchange, 405, "405 - Method Not Allowed");
      co_return;
    }
    const std::string denied = trusting ? std::string() : access.refusal(exchange);
    if (!denied.empty()) {
      co_await refuse(memory, exchange, 403, denied);
      co_return;
    }
    auto query = parse_query(exchange.path(), exchange.query(), find);
    if (!query) {
      co_await refuse(memory, exchange, query.error().status, query.error().text);
      co_return;
    }
    co_await call(memory, exchange, std::move(*query));
  }

  Task<void> call(TaskMemory memory, http::Exchange& exchange, Query query) {
    ServerCall one(node, account, exchange, access, memory, std::move(query));
    const auto ready = co_await one.prepare(memory);
    if (!ready) {
      co_await refuse(memory, exchange, ready.error().status, ready.error().text);
      co_return;
    }
    co_await one.run(memory);
  }

  // As Go's http.Error().
  Task<void> refuse(TaskMemory memory, http::Exchange& exchange, unsigned status, std::string text) {
    exchange.add_header("X-Content-Type-Options", "nosniff");
    text += '\n';
    co_await exchange.respond(memory, status, "text/plain; charset=utf-8", text);
  }

  Node& node;
  Account& account;
  const FindCommand find;
  const Access access;
  const std::string product = "masu/" + std::string(version_number);
  bool trusting = false;
  http::Handler* other_paths = nullptr;
  http::Server server;
};

Server::Server(Node& node, Account& account, FindCommand find)
    : impl_(std::make_unique<Impl>(node, account, find)) {}

Server::~Server() = default;

std::expected<Multiaddr, std::string> Server::listen(const MultiaddrView& address) {
  return impl_->server.listen(address);
}

bool Server::adopt(int fd) { return impl_->server.adopt(fd); }

void Server::close() { impl_->server.close(); }

bool Server::closed() const { return impl_->server.closed(); }

http::ServerStats Server::stats() const { return impl_->server.stats(); }

void Server::trust_clients() { impl_->trusting = true; }

void Server::set_other_paths(http::Handler* handler) { impl_->other_paths = handler; }

}  // namespace masu::core::rpc
