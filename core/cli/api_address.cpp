#include "core/cli/api_address.hpp"

#include "core/cli/files.hpp"
#include "core/cli/quote.hpp"
#include "core/repo.hpp"

#include <cerrno>

#include <fcntl.h>

namespace masu::core::cli {
namespace {

constexpr std::size_t file_bytes_max = 2047;

std::expected<Multiaddr, std::string> parse_address(std::string_view text) {
  auto address = Multiaddr::parse(text);
  if (address) return *address;
  std::string message = "failed to parse multiaddr " + quoted(text);
  if (!text.starts_with('/'))
    return std::unexpected(message + (text.empty() ? ": empty multiaddr" : ": must begin with /"));
  return std::unexpected(message.append(": ").append(name_of(address.error())));
}

}  // namespace

std::string repo_path(const Invocation& invocation) {
  std::string path(invocation.text("repo-dir"));
  return path.empty() ? Repo::default_path() : path;
}

std::expected<std::optional<ApiAddress>, std::string> find_api(const Invocation& invocation) {
  if (auto given = invocation.given("api")) {
    auto address = parse_address(*given);
    if (!address) return std::unexpected(std::move(address.error()));
    return ApiAddress{std::move(*address), true};
  }
  const std::string path = repo_path(invocation) + "/api";
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!file) return std::unexpected(system_error("open", path));
  auto text = read_all(file.fd(), file_bytes_max);
  if (!text) return std::unexpected("API file too large, must be <2048 bytes long: " + path);
  constexpr std::string_view space = " \t\r\n";
  std::size_t first = text->find_first_not_of(space), last = text->find_last_not_of(space);
  auto address = parse_address(first == text->npos ? std::string_view()
                                                   : std::string_view(*text).substr(first, last - first + 1));
  if (!address) return std::unexpected(std::move(address.error()));
  return ApiAddress{std::move(*address), false};
}

}  // namespace masu::core::cli
