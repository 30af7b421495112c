#include "core/cli/json_lines.hpp"

#include <boost/json/parse.hpp>

namespace masu::core::cli {

bool JsonLines::take(Bytes bytes) {
  std::string_view rest = as_text(bytes);
  for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
    std::string_view line = rest.substr(0, end);
    if (!line_.empty()) line = line_ += line;
    if (!take_line(line)) return false;
    line_.clear();
  }
  line_ += rest;
  return line_.size() <= line_bytes_max || give_up("a line of the answer is too long");
}

bool JsonLines::end() { return take_line(line_); }

bool JsonLines::take_line(std::string_view line) {
  if (line.empty()) return true;
  boost::system::error_code error;
  auto value = boost::json::parse(line, error);
  const auto* object = error ? nullptr : value.if_object();
  return object != nullptr ? on_value(*object) : give_up("the answer is no JSON object: " + error.message());
}

}  // namespace masu::core::cli
