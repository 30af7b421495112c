#include "http/media_type.hpp"

#include "http/head.hpp"
#include "http/url_encoding.hpp"

#include <algorithm>

namespace masu::http {
namespace {

constexpr std::size_t parameters_max = 16;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A quoted string or a token off the front.
std::optional<std::string> take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    const std::string_view token = trim_end(text.substr(0, text.find(';')));
    if (!is_header_name(token)) return std::nullopt;
    text.remove_prefix(token.size());
    return std::string(token);
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    // Browsers send Windows paths without escaping: only what needs one is taken for an escape.
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    value.push_back(text[i]);
  }
  return std::nullopt;
}

}  // namespace

std::optional<MediaType> MediaType::parse(std::string_view text) {
  MediaType media;
  std::size_t end = std::min(text.find(';'), text.size());
  std::string_view type = text.substr(0, end);
  skip_blanks(type);
  media.type_ = lower(trim_end(type));
  const std::string_view whole = media.type_;
  const std::size_t slash = whole.find('/');
  const bool is_type = slash == std::string_view::npos ? is_header_name(whole)
                                                       : is_header_name(whole.substr(0, slash)) &&
                                                             is_header_name(whole.substr(slash + 1));
  if (!is_type) return std::nullopt;
  for (std::string_view rest = text.substr(end); !rest.empty(); skip_blanks(rest)) {
    if (rest.front() != ';') return std::nullopt;
    rest.remove_prefix(1);
    skip_blanks(rest);
    if (rest.empty()) break;
    end = rest.find('=');
    if (end == std::string_view::npos) return std::nullopt;
    std::string name = lower(trim_end(rest.substr(0, end)));
    if (!is_header_name(name) || media.parameters_.size() == parameters_max) return std::nullopt;
    rest.remove_prefix(end + 1);
    skip_blanks(rest);
    std::optional<std::string> value = take_value(rest);
    if (!value) return std::nullopt;
    if (name.ends_with('*')) {
      // charset'language'percent-encoded
      const std::size_t first = value->find('\'');
      const std::size_t second = first == std::string::npos ? first : value->find('\'', first + 1);
      if (second == std::string::npos || lower(value->substr(0, first)) != "utf-8") continue;
      value = unescape_path(std::string_view(*value).substr(second + 1));
      if (!value) continue;
      name.pop_back();
      std::erase_if(media.parameters_, [&name](const auto& pair) { return pair.first == name; });
    } else if (!media.parameter(name).empty()) {
      continue;  // the extended form goes before the plain one
    }
    media.parameters_.emplace_back(std::move(name), std::move(*value));
  }
  return media;
}

std::string_view MediaType::parameter(std::string_view name) const {
  const auto at = std::ranges::find(parameters_, name, &std::pair<std::string, std::string>::first);
  return at == parameters_.end() ? std::string_view() : std::string_view(at->second);
}

}  // namespace masu::http
