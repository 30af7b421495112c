// Which names an upload leaves out: hidden ones, and those that match rules of .gitignore's syntax.
//
// A rule is tried on the name of an entry alone, never on its path, as Kubo does: so a rule with a directory
// in it matches nothing. The last rule that matches decides; one with '!' in front takes a name back in. A
// value.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace masu::core::cli {

class IgnoreRules {
 public:
  explicit IgnoreRules(bool include_hidden = false) : include_hidden_(include_hidden) {}

  void add(std::string_view rule);
  // Each line of the file is a rule. The error names the file.
  std::expected<void, std::string> add_file(const std::string& path);
  bool excludes(const std::string& name) const;

 private:
  struct Rule {
    std::string pattern;  // for fnmatch()
    bool includes = false;
  };

  bool include_hidden_;
  std::vector<Rule> rules_;
};

}  // namespace masu::core::cli
