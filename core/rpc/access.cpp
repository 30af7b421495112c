#include "core/rpc/access.hpp"

#include "core/config.hpp"
#include "core/rpc/query.hpp"
#include "http/head.hpp"
#include "http/server.hpp"
#include "multiformats/ip_address.hpp"
#include "multiformats/multibase.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <openssl/crypto.h>

namespace masu::core::rpc {
namespace {

constexpr auto default_origins = std::to_array<std::string_view>({
    "http://127.0.0.1:<port>", "https://127.0.0.1:<port>", "http://[::1]:<port>", "https://[::1]:<port>",
    "http://localhost:<port>", "https://localhost:<port>",
    "chrome-extension://nibjojkomfdiaoajekhjakgkdhaomnch",  // IPFS Companion
    "chrome-extension://hjoieblefckbooibpepigmacodalfndh",  // IPFS Companion, beta
});
constexpr auto request_headers =
    std::to_array<std::string_view>({"origin", "accept", "content-type", "x-requested-with"});
constexpr std::string_view denied =
    "RPC Access Denied: Please provide a valid authorization token as defined in the API.Authorizations "
    "configuration.";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

// "http://[::1]:5001" for "http://[::1]:<port>".
bool matches(std::string_view pattern, std::string_view origin, std::uint16_t port) {
  const std::size_t at = pattern.find("<port>");
  if (at == std::string_view::npos || port == 0) return pattern == origin;
  const std::string number = std::to_string(port);
  return origin.size() == pattern.size() - 6 + number.size() && origin.starts_with(pattern.substr(0, at)) &&
         origin.substr(at).starts_with(number) && origin.substr(at + number.size()) == pattern.substr(at + 6);
}

// Scheme and host of a URL, "http://a:1" of "http://user@a:1/path?query".
std::optional<std::string> origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return std::nullopt;
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const std::size_t user = host.rfind('@'); user != std::string_view::npos) host.remove_prefix(user + 1);
  return lower(url.substr(0, scheme)) + "://" + std::string(host);
}

// "http://192.0.2.1:5001" of the host "192.0.2.1:5001".
bool is_origin_of(std::string_view host, std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  return scheme != std::string_view::npos &&
         (origin.starts_with("http://") || origin.starts_with("https://")) &&
         http::equal_ignoring_case(origin.substr(scheme + 3), host);
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool is_literal(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    return IpAddress::parse_v6(host.substr(1, host.size() - 2)).has_value();
  }
  return http::equal_ignoring_case(host, "localhost") || IpAddress::parse_v4(host).has_value();
}

std::vector<std::string> texts_of(const boost::json::value& value) {
  std::vector<std::string> texts;
  if (const auto* const text = value.if_string()) texts.emplace_back(*text);
  if (const auto* const array = value.if_array()) {
    for (const boost::json::value& one : *array) {
      if (one.is_string()) texts.emplace_back(one.get_string());
    }
  }
  return texts;
}

}  // namespace

std::string authorization_of(std::string_view secret) {
  const std::size_t colon = secret.find(':');
  if (secret.empty()) return "";
  if (colon == std::string_view::npos) return "Bearer " + std::string(secret);
  const std::string_view rest = secret.substr(colon + 1);
  if (secret.starts_with("bearer:")) return "Bearer " + std::string(rest);
  if (!secret.starts_with("basic:")) return "";
  if (rest.find(':') == std::string_view::npos) return "Basic " + std::string(rest);
  return "Basic " + encode_base(Multibase::base64pad, as_bytes(rest));
}

Access::Access(const Config& config) {
  const boost::json::value* const headers = config.find("API.HTTPHeaders");
  if (headers != nullptr && headers->is_object()) {
    for (const auto& [name, value] : headers->get_object()) {
      const std::string_view key(name.data(), name.size());
      std::vector<std::string> texts = texts_of(value);
      if (http::equal_ignoring_case(key, "Access-Control-Allow-Origin")) {
        origins_ = std::move(texts);
      } else if (http::equal_ignoring_case(key, "Access-Control-Allow-Methods")) {
        methods_ = std::move(texts);
      } else if (http::equal_ignoring_case(key, "Access-Control-Allow-Credentials")) {
        credentials_ = !texts.empty() && http::equal_ignoring_case(texts.front(), "true");
      } else {
        for (std::string& text : texts) headers_.push_back({std::string(key), std::move(text)});
      }
    }
  }
  origins_.insert(origins_.end(), default_origins.begin(), default_origins.end());
  if (methods_.empty()) methods_ = {"POST"};
  const boost::json::value* const scopes = config.find("API.Authorizations");
  if (scopes == nullptr || !scopes->is_object()) return;
  for (const auto& [user, scope] : scopes->get_object()) {
    needs_token_ = true;
    if (!scope.is_object()) continue;
    const auto* const secret = scope.get_object().if_contains("AuthSecret");
    const auto* const paths = scope.get_object().if_contains("AllowedPaths");
    if (secret == nullptr || !secret->is_string()) continue;
    Token token{authorization_of(secret->get_string()), {}};
    if (paths != nullptr) token.paths = texts_of(*paths);
    if (!token.authorization.empty()) tokens_.push_back(std::move(token));
  }
}

bool Access::allows_origin(std::string_view origin, std::uint16_t port) const {
  return std::ranges::any_of(origins_, [origin, port](const std::string& allowed) {
    return allowed == "*" || matches(allowed, origin, port);
  });
}

bool Access::allows_host(std::string_view host, std::uint16_t port) const {
  // Over a unix socket the name means nothing.
  if (port == 0 || is_literal(without_port(host))) return true;
  return std::ranges::any_of(origins_, [host](const std::string& allowed) {
    if (allowed == "*") return true;
    const std::size_t scheme = allowed.find("://");
    return scheme != std::string::npos &&
           http::equal_ignoring_case(without_port(std::string_view(allowed).substr(scheme + 3)),
                                     without_port(host));
  });
}

bool Access::has_token(const http::Exchange& exchange) const {
  const std::string_view given = exchange.header("Authorization");
  for (const Token& token : tokens_) {
    const bool is_it = given.size() == token.authorization.size() &&
                       CRYPTO_memcmp(given.data(), token.authorization.data(), given.size()) == 0;
    if (!is_it) continue;
    const std::string_view path = exchange.path();
    return path == "/api/v0/version" || std::ranges::any_of(token.paths, [path](const std::string& prefix) {
             return path.starts_with(prefix);
           });
  }
  return false;
}

bool Access::may_look(const http::Exchange& exchange) const {
  const bool is_browser = exchange.header("User-Agent").starts_with("Mozilla") ||
                          exchange.has_header("Sec-Fetch-Site") || !exchange.header("Origin").empty();
  return !is_browser || allows_host(exchange.header("Host"), exchange.local_port());
}

std::string Access::refusal(const http::Exchange& exchange) const {
  if (needs_token_ && !has_token(exchange)) return std::string(denied);
  const std::string_view origin = exchange.header("Origin");
  const std::string_view referer = exchange.header("Referer");
  const std::uint16_t port = exchange.local_port();
  const std::string_view host = exchange.header("Host");
  const auto is_own = [&](std::string_view from) {
    return is_literal(without_port(host)) && is_origin_of(host, from);
  };
  bool allowed = true;
  if (!origin.empty()) allowed = allows_origin(origin, port) || is_own(origin);
  if (allowed && !referer.empty()) {
    const std::optional<std::string> of_referer = origin_of(referer);
    allowed = of_referer && (allows_origin(*of_referer, port) || is_own(*of_referer));
  }
  if (origin.empty() && referer.empty()) {
    const std::string_view agent = exchange.header("User-Agent");
    allowed = !agent.starts_with("Mozilla") || agent.find("Electron") != std::string_view::npos;
  } else if (allowed) {
    allowed = allows_host(host, port);
  }
  return allowed ? "" : "403 - Forbidden";
}

void Access::add_headers(http::Exchange& exchange) const {
  exchange.add_header("Vary", "Origin");
  const std::string_view origin = exchange.header("Origin");
  if (origin.empty() || !allows_origin(origin, exchange.local_port())) return;
  if (std::ranges::find(methods_, exchange.method()) == methods_.end()) return;
  const bool all = std::ranges::find(origins_, "*") != origins_.end();
  exchange.add_header("Access-Control-Allow-Origin", all ? "*" : origin);
  if (credentials_) exchange.add_header("Access-Control-Allow-Credentials", "true");
}

bool Access::is_preflight(const http::Exchange& exchange) {
  return exchange.method() == "OPTIONS" && !exchange.header("Access-Control-Request-Method").empty();
}

void Access::answer_preflight(http::Exchange& exchange) const {
  exchange.add_header("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  const std::string_view origin = exchange.header("Origin");
  const std::string_view method = exchange.header("Access-Control-Request-Method");
  std::string_view wanted = exchange.header("Access-Control-Request-Headers");
  if (origin.empty() || !allows_origin(origin, exchange.local_port())) return;
  if (method != "OPTIONS" && std::ranges::find(methods_, method) == methods_.end()) return;
  for (std::string_view rest = wanted; !rest.empty();) {
    const std::size_t end = rest.find(',');
    std::string_view name = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    const bool known = std::ranges::any_of(
        request_headers, [name](std::string_view one) { return http::equal_ignoring_case(one, name); });
    if (!known && !name.empty()) return;
  }
  const bool all = std::ranges::find(origins_, "*") != origins_.end();
  exchange.add_header("Access-Control-Allow-Origin", all ? "*" : origin);
  exchange.add_header("Access-Control-Allow-Methods", method);
  if (!wanted.empty()) exchange.add_header("Access-Control-Allow-Headers", wanted);
  if (credentials_) exchange.add_header("Access-Control-Allow-Credentials", "true");
}

}  // namespace masu::core::rpc
