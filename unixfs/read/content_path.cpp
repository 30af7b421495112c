#include "unixfs/read/content_path.hpp"

#include "unixfs/read/quote.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace masu::unixfs {
namespace {

constexpr std::array<PathNamespace, 3> namespaces = {PathNamespace::ipfs, PathNamespace::ipns,
                                                     PathNamespace::ipld};

auto invalid(std::string_view path, const std::string& why) {
  return fail(ErrorCode::invalid, "invalid path " + quote(path) + ": " + why);
}

std::string explain(CidError error) {
  switch (error) {
    case CidError::too_short: return "invalid cid: cid too short";
    case CidError::unknown_base: return "invalid cid: selected encoding not supported";
    default: return "invalid cid: " + std::string(name_of(error));
  }
}

// The components of a path from the root, cleaned.
std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    const std::string_view component = take_component(path);
    if (component.empty() || component == ".") continue;
    if (component != "..") {
      out.push_back(component);
    } else if (!out.empty()) {
      out.pop_back();
    }
  }
  return out;
}

// "ipfs:" and what follows as a path; the text itself when it has no such scheme.
std::string without_scheme(std::string_view text) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; };
  for (const PathNamespace space : namespaces) {
    const std::string_view scheme = name_of(space);
    if (text.size() <= scheme.size() || text[scheme.size()] != ':' ||
        !std::equal(scheme.begin(), scheme.end(), text.begin(),
                    [&same](char b, char a) { return same(a, b); })) {
      continue;
    }
    text.remove_prefix(scheme.size() + 1);
    if (text.starts_with("//")) text.remove_prefix(2);
    return "/" + std::string(scheme) + "/" + std::string(text);
  }
  return std::string(text);
}

}  // namespace

std::string_view name_of(PathNamespace space) {
  switch (space) {
    case PathNamespace::ipfs: return "ipfs";
    case PathNamespace::ipld: return "ipld";
    case PathNamespace::ipns: return "ipns";
  }
  return "unknown";
}

std::string_view take_component(std::string_view& path) {
  const std::size_t slash = path.find('/');
  const std::string_view component = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return component;
}

Result<ContentPath> ContentPath::parse_absolute(std::string_view text) {
  const std::vector<std::string_view> parts = components(text);
  if (!text.starts_with('/') || parts.size() < 2)
    return invalid(text, "path does not have enough components");
  const auto space = std::ranges::find(namespaces, parts[0], [](PathNamespace s) { return name_of(s); });
  if (space == namespaces.end()) return invalid(text, "unknown namespace: " + quote(parts[0]));
  ContentPath path;
  path.space_ = *space;
  if (!path.is_mutable()) {
    const auto cid = Cid::parse(parts[1]);
    if (!cid) return invalid(text, explain(cid.error()));
    path.cid_ = *cid;
  }
  for (const std::string_view part : parts) path.text_.append("/").append(part);
  if (text.ends_with('/')) path.text_ += '/';
  path.root_at_ = parts[0].size() + 2;
  path.root_bytes_ = parts[1].size();
  return path;
}

Result<ContentPath> ContentPath::parse(std::string_view text) {
  Result<ContentPath> path = parse_absolute(without_scheme(text));
  if (path) return path;
  if (Result<ContentPath> below = parse_absolute("/ipfs/" + std::string(text)); below) return below;
  return path;
}

std::string_view ContentPath::rest() const {
  std::string_view rest = std::string_view(text_).substr(root_at_ + root_bytes_);
  if (rest.starts_with('/')) rest.remove_prefix(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  return rest;
}

std::string_view ContentPath::last() const {
  std::string_view text = text_;
  if (text.ends_with('/')) text.remove_suffix(1);
  return text.substr(text.rfind('/') + 1);
}

}  // namespace masu::unixfs
