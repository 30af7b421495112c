#include "core/cli/arguments.hpp"

#include "core/cli/quote.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace masu::core::cli {
namespace {

using rpc::ArgumentSpec;
using rpc::CommandSpec;

constexpr std::size_t stdin_texts_bytes_max = 64 * 1024 * 1024;

// As Go's filepath.Clean: "." and ".." are taken out where that can be done without looking.
std::string clean_path(std::string_view path) {
  const bool rooted = path.starts_with('/');
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    std::size_t end = std::min(path.find('/'), path.size());
    std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    bool goes_up = part == ".." && !parts.empty() && parts.back() != "..";
    if (goes_up)
      parts.pop_back();
    else if (part != ".." || !rooted)
      parts.push_back(part);
  }
  std::string result = rooted ? "/" : "";
  for (std::string_view part : parts) {
    if (!result.empty() && !result.ends_with('/')) result += '/';
    result += part;
  }
  return result.empty() ? "." : result;
}

std::string base_name(const std::string& path) {
  std::size_t slash = path.rfind('/');
  return slash == path.npos || path.size() == 1 ? path : path.substr(slash + 1);
}

std::string directory_name(const std::string& path) {
  std::size_t slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::expected<std::string, std::string> real_path(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return std::unexpected(system_error("lstat", path));
  std::string result = resolved;
  std::free(resolved);
  return result;
}

// Gives the values of an invocation to the arguments of its command.
class Gatherer {
 public:
  Gatherer(const Invocation& invocation, int standard_input)
      : invocation_(invocation), specs_(invocation.command->arguments), stdin_(standard_input) {}

  std::expected<Arguments, std::string> gather();

 private:
  using Result = std::expected<void, std::string>;

  Result take_value(const ArgumentSpec& spec, const std::string& value);
  Result take_file(const ArgumentSpec& spec, const std::string& value);
  Result check_file(const ArgumentSpec& spec, const std::string& path, File& pipe);
  Result take_stdin();

  const Invocation& invocation_;
  std::span<const ArgumentSpec> specs_;
  int stdin_;
  bool stdin_used_ = false;
  Arguments result_;
  std::map<std::string, std::string> directories_;  // of the files taken, by their names
};

std::expected<Arguments, std::string> Gatherer::gather() {
  const auto& values = invocation_.arguments;
  const bool variadic = !specs_.empty() && specs_.back().variadic;
  if (!variadic && values.size() > specs_.size())
    return std::unexpected("expected " + std::to_string(specs_.size()) + " argument(s), got " +
                           std::to_string(values.size()));
  const bool may_read = !specs_.empty() && specs_.back().accepts_stdin;
  auto required_left = std::ranges::count_if(specs_, &ArgumentSpec::required);
  const std::size_t inputs = values.size() + (may_read ? 1 : 0);
  std::size_t at = 0;
  for (std::size_t input = 0; input < inputs; ++input, ++at) {
    auto left = static_cast<std::ptrdiff_t>(inputs - input);
    while (at + 1 < specs_.size() && left <= required_left && !specs_[at].required) ++at;
    const ArgumentSpec& spec = specs_[std::min(at, specs_.size() - 1)];
    if (spec.required) --required_left;
    Result taken;
    if (input < values.size())
      taken = take_value(spec, values[input]);
    else if (at < specs_.size() && spec.accepts_stdin && (!spec.is_file || spec.required))
      taken = take_stdin();
    if (!taken) return std::unexpected(std::move(taken.error()));
  }
  for (; at < specs_.size(); ++at) {
    if (!specs_[at].required) continue;
    return std::unexpected("argument " + quoted(specs_[at].name) + " is required");
  }
  std::ranges::stable_sort(result_.roots, {}, &Upload::Root::name);
  return std::move(result_);
}

Gatherer::Result Gatherer::take_value(const ArgumentSpec& spec, const std::string& value) {
  if (!spec.is_file) {
    result_.texts.push_back(value);
    return {};
  }
  return value == "-" ? take_stdin() : take_file(spec, value);
}

Gatherer::Result Gatherer::take_stdin() {
  if (std::exchange(stdin_used_, true)) return {};
  const ArgumentSpec& spec = specs_.back();
  if (!spec.is_file) {
    result_.texts_from_stdin = spec.required || spec.variadic;
    return {};
  }
  File copy(::fcntl(stdin_, F_DUPFD_CLOEXEC, 3));
  if (!copy) return std::unexpected(system_error("stat", "/dev/stdin"));
  result_.roots.push_back({std::string(invocation_.text("stdin-name")), "", std::move(copy)});
  return {};
}

Gatherer::Result Gatherer::take_file(const ArgumentSpec& spec, const std::string& value) {
  std::string path = clean_path(value);
  const bool follow = invocation_.flag("dereference-args") || invocation_.flag("dereference-symlinks");
  if (path == "." || follow) {
    auto real = real_path(path);
    if (!real) return std::unexpected(std::move(real.error()));
    path = std::move(*real);
  }
  File pipe;
  if (Result checked = check_file(spec, path, pipe); !checked) return checked;
  std::string name = base_name(path);
  auto [known, is_new] = directories_.try_emplace(name, directory_name(path));
  if (!is_new && known->second != directory_name(path))
    return std::unexpected("file name " + name + " repeated under different import directories: " +
                           directory_name(path) + " and " + known->second);
  if (!is_new) return {};
  result_.roots.push_back({std::move(name), pipe ? "" : path, std::move(pipe)});
  return {};
}

Gatherer::Result Gatherer::check_file(const ArgumentSpec& spec, const std::string& path, File& pipe) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) return std::unexpected(system_error("lstat", path));
  if (S_ISDIR(status.st_mode)) {
    if (!spec.recursive)
      return std::unexpected("invalid path '" + path + "', argument '" + std::string(spec.name) +
                             "' does not support directories");
    if (!invocation_.flag("recursive"))
      return std::unexpected("'" + path + "' is a directory, use the '-r' flag to specify directories");
  }
  if (S_ISFIFO(status.st_mode)) {
    pipe = File(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!pipe) return std::unexpected(system_error("open", path));
  } else if (!S_ISLNK(status.st_mode) && ::access(path.c_str(), R_OK) != 0) {
    return std::unexpected(system_error("open", path));
  }
  return {};
}

}  // namespace

std::expected<Arguments, std::string> gather_arguments(const Invocation& invocation, int standard_input) {
  return Gatherer(invocation, standard_input).gather();
}

bool is_terminal(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode);
}

std::expected<void, std::string> read_stdin_texts(const CommandSpec& command, int standard_input,
                                                  Arguments& arguments) {
  const ArgumentSpec& last = command.arguments.back();
  auto text = read_all(standard_input, stdin_texts_bytes_max);
  if (!text) return std::unexpected(system_error("read", "/dev/stdin"));
  std::size_t wanted = last.variadic ? text->size() : command.arguments.size() - arguments.texts.size();
  for (std::string_view rest = *text; !rest.empty() && wanted > 0; --wanted) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r') && end < rest.size()) line.remove_suffix(1);
    arguments.texts.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::size_t needed = 0;
  for (const ArgumentSpec& spec : command.arguments) {
    needed += spec.required && !spec.is_file ? 1 : 0;
    if (needed > arguments.texts.size())
      return std::unexpected("argument " + quoted(spec.name) + " is required");
  }
  return {};
}

}  // namespace masu::core::cli
