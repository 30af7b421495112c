// Server: the RPC, Kubo's HTTP API under /api/v0, over the table of commands.
//
// Made by core with the node; loop thread only. Each request is one task that parses the target into a Call
// and runs the command. Who may call is core/rpc/access.hpp's question. Requests are bounded by
// plan.rpc_requests; their memory (frames, JSON on its way) is charged to one account. Answers: http rows of
// docs; errors before the first byte are a status with JSON, later ones a trailer `X-Stream-Error`.
#pragma once

#include "alloc/budget.hpp"
#include "core/rpc/query.hpp"
#include "http/server.hpp"
#include "multiformats/multiaddr.hpp"

#include <expected>
#include <memory>
#include <string>

namespace masu::core {
class Node;
}

namespace masu::core::rpc {

class Server {
 public:
  // `account` ("http.request") has the plan's quota for requests. The configuration's rules are read now.
  Server(Node& node, Account& account, FindCommand find = find_command);
  // Requires: closed().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // As http::Server's.
  std::expected<Multiaddr, std::string> listen(const MultiaddrView& address);
  bool adopt(int fd);
  // Running calls see stopped(), those that wait for blocks end. The loop must run until closed().
  void close();
  bool closed() const;
  http::ServerStats stats() const;

  // Who connects is this very process, by adopt(): nobody is asked for a token or an Origin.
  void trust_clients();
  // Answers what is not under /api/v0 (a gateway, a page); null: 404.
  void set_other_paths(http::Handler* handler);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace masu::core::rpc
