// Access: who may call the RPC: the rules against requests that a browser makes for a foreign page, and the
// tokens of `API.Authorizations`.
//
// IO-free. Rules (as Kubo's): with an Origin or a Referer, its scheme and host must be allowed; a browser
// sends one of them with each POST, so a browser's User-Agent without either is refused. Beyond Kubo: a
// request of a page must name a Host that is an address, localhost or of an allowed origin, against names
// that were rebound to this machine; and a page that came from the very address and port that it asks is one
// of ours (/memory, opened from a phone), so its Origin is allowed. Tokens are compared in constant time. A
// value; loop thread.
#pragma once

#include "http/client.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace masu::http {
class Exchange;
}

namespace masu::core {
class Config;
}

namespace masu::core::rpc {

class Access {
 public:
  // Of `API.HTTPHeaders` and `API.Authorizations`.
  explicit Access(const Config& config);

  // Of a request that is no preflight. Empty: it may go on; else the text of a 403.
  std::string refusal(const http::Exchange& exchange) const;
  // Of a GET that is no command: whether a browser, if it is one, came by a name that is ours.
  bool may_look(const http::Exchange& exchange) const;
  // Adds the headers of CORS to an answer.
  void add_headers(http::Exchange& exchange) const;
  // An OPTIONS request with Access-Control-Request-Method: all of its answer but the status.
  static bool is_preflight(const http::Exchange& exchange);
  void answer_preflight(http::Exchange& exchange) const;
  // Headers of the configuration, for every answer of a command.
  const std::vector<http::Header>& headers() const { return headers_; }

 private:
  struct Token {
    std::string authorization;  // as the header has it
    std::vector<std::string> paths;
  };

  bool allows_origin(std::string_view origin, std::uint16_t port) const;
  bool allows_host(std::string_view host, std::uint16_t port) const;
  bool has_token(const http::Exchange& exchange) const;

  std::vector<std::string> origins_;  // "<port>" stands for the listener's
  std::vector<std::string> methods_;
  bool credentials_ = false;
  std::vector<http::Header> headers_;
  std::vector<Token> tokens_;
  bool needs_token_ = false;
};

// What the Authorization header must be for a secret of the configuration ("basic:user:password",
// "bearer:token", "token"); empty: of an unknown kind.
std::string authorization_of(std::string_view secret);

}  // namespace masu::core::rpc
