#include "core/cli/ignore_rules.hpp"

#include "core/cli/files.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

namespace masu::core::cli {

void IgnoreRules::add(std::string_view rule) {
  while (rule.ends_with('\r')) rule.remove_suffix(1);
  if (rule.starts_with('#')) return;
  while (rule.starts_with(' ')) rule.remove_prefix(1);
  while (rule.ends_with(' ')) rule.remove_suffix(1);
  if (rule.empty()) return;
  Rule result;
  if (rule.starts_with('!')) {
    result.includes = true;
    rule.remove_prefix(1);
  }
  if (rule.starts_with("\\#") || rule.starts_with("\\!")) rule.remove_prefix(1);
  while (rule.starts_with("**/")) rule.remove_prefix(3);
  if (rule.starts_with('/')) rule.remove_prefix(1);
  if (rule.ends_with("/**")) rule.remove_suffix(3);
  for (char c : rule) {
    if (c == '?') result.pattern += '\\';  // stands for itself
    result.pattern += c;
  }
  rules_.push_back(std::move(result));
}

std::expected<void, std::string> IgnoreRules::add_file(const std::string& path) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::unexpected(system_error("open", path));
  auto text = read_all(file.fd(), 1024 * 1024);
  if (!text) return std::unexpected(system_error("read", path));
  for (std::string_view rest = *text; !rest.empty();) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    add(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

bool IgnoreRules::excludes(const std::string& name) const {
  if (!include_hidden_ && name.starts_with('.') && name != "." && name != "..") return true;
  bool excluded = false;
  for (const Rule& rule : rules_)
    if (::fnmatch(rule.pattern.c_str(), name.c_str(), 0) == 0) excluded = !rule.includes;
  return excluded;
}

}  // namespace masu::core::cli
