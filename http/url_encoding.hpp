// Percent-encoding of queries, as net/url of Go has it: '+' is a blank.
//
// Values; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace masu::http {

// Nothing: a '%' without two hexadecimal digits behind it.
std::optional<std::string> unescape_query(std::string_view text);
// The same for a path, where '+' is itself.
std::optional<std::string> unescape_path(std::string_view text);
// All but letters, digits and "-_.~" is escaped, a blank becomes '+'.
std::string escape_query(std::string_view text);

// The pairs of "a=b&c=d" in order. Malformed ones are left out.
class QueryReader {
 public:
  struct Pair {
    std::string name, value;
  };

  explicit QueryReader(std::string_view query) : rest_(query) {}
  // Nothing at the end.
  std::optional<Pair> next();

 private:
  std::string_view rest_;
};

}  // namespace masu::http
