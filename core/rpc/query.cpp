#include "core/rpc/query.hpp"

#include "core/rpc/global_options.hpp"
#include "http/url_encoding.hpp"

#include <algorithm>

namespace masu::core::rpc {
namespace {

std::unexpected<QueryError> not_found() { return std::unexpected(QueryError{404, "404 page not found"}); }

struct Found {
  const CommandSpec* spec = nullptr;
  std::optional<std::string> argument;
};

// "pin/ls/Qm…" after the prefix: words, of which the last may be an argument.
std::optional<Found> find_by_path(std::string_view escaped, FindCommand find) {
  std::optional<std::string> path = http::unescape_path(escaped);
  if (!path) return std::nullopt;
  std::ranges::replace(*path, '/', ' ');
  // A blank inside of a word would read as two words.
  if (escaped.find("%20") != std::string_view::npos) return std::nullopt;
  const std::size_t last = path->rfind(' ');
  if (const CommandSpec* const whole = path->empty() ? nullptr : find(*path)) {
    return Found{whole, std::nullopt};
  }
  if (last == std::string::npos) return std::nullopt;
  const CommandSpec* const parent = find(std::string_view(*path).substr(0, last));
  if (parent == nullptr) return std::nullopt;
  return Found{parent, path->substr(last + 1)};
}

}  // namespace

std::expected<Query, QueryError> parse_query(std::string_view path, std::string_view query,
                                             FindCommand find) {
  if (!path.starts_with(api_prefix)) return not_found();
  path.remove_prefix(api_prefix.size());
  if (!path.starts_with('/')) return not_found();
  std::optional<Found> found = find_by_path(path.substr(1), find);
  if (!found || found->spec->run == nullptr || found->spec->place == CommandPlace::client_only) {
    return not_found();
  }
  Query parsed{.spec = found->spec, .options = OptionValues(*found->spec, global_options()), .arguments = {}};
  if (found->argument) parsed.arguments.push_back(std::move(*found->argument));
  http::QueryReader reader(query);
  while (auto pair = reader.next()) {
    if (pair->name == "arg") {
      parsed.arguments.push_back(std::move(pair->value));
      continue;
    }
    const OptionSpec* const option = parsed.options.find(pair->name);
    if (option == nullptr) continue;
    if (const auto added = parsed.options.add(*option, pair->value); !added) {
      return std::unexpected(QueryError{400, added.error()});
    }
  }
  return parsed;
}

const ArgumentSpec* missing_argument(const CommandSpec& spec, std::size_t count) {
  std::size_t required = 0;
  for (const ArgumentSpec& argument : spec.arguments) {
    if (argument.is_file) continue;
    if (!argument.required) break;
    if (++required > count) return &argument;
  }
  return nullptr;
}

const ArgumentSpec* required_file(const CommandSpec& spec) {
  const auto at =
      std::ranges::find_if(spec.arguments, [](const ArgumentSpec& a) { return a.is_file && a.required; });
  return at == spec.arguments.end() ? nullptr : &*at;
}

bool takes_arguments_from_body(const CommandSpec& spec) {
  return !spec.arguments.empty() && spec.arguments.back().accepts_stdin && !spec.arguments.back().is_file;
}

}  // namespace masu::core::rpc
