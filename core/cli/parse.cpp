#include "core/cli/parse.hpp"

#include "core/cli/quote.hpp"
#include "core/rpc/global_options.hpp"
#include "core/rpc/options.hpp"

#include <algorithm>

namespace masu::core::cli {
namespace {

using rpc::CommandSpec;
using rpc::OptionSpec;
using rpc::OptionType;

std::string_view long_name(const OptionSpec& option) {
  return option.name.empty() ? option.short_name : option.name;
}

const OptionSpec* find_in(std::span<const OptionSpec> options, std::string_view name) {
  for (const OptionSpec& option : options)
    if (option.name == name || option.short_name == name) return &option;
  return nullptr;
}

// The option of that name: of the command, of those above it, or a global one.
const OptionSpec* find_known(const CommandSpec& command, std::string_view name) {
  if (name.empty()) return nullptr;
  if (const OptionSpec* own = find_in(command.options, name)) return own;
  std::string_view path = command.path;
  for (std::size_t space; (space = path.rfind(' ')) != path.npos;) {
    path = path.substr(0, space);
    const CommandSpec* above = rpc::find_command(path);
    const OptionSpec* option = above == nullptr ? nullptr : find_in(above->options, name);
    if (option != nullptr) return option;
  }
  return find_in(rpc::global_options(), name);
}

// The words of one command line, and how far they were read.
class Reader {
 public:
  explicit Reader(std::span<const std::string_view> words) : words_(words) {}

  std::expected<Invocation, std::string> read();

 private:
  using Result = std::expected<void, std::string>;

  Result read_long(std::string_view word);
  Result read_short(std::string_view word);
  Result add(std::string_view name, std::string_view value);
  Result add(const OptionSpec& option, std::string value);
  Result add_next_word(const OptionSpec& option, std::string_view shown);
  Result read_word(std::string_view word);

  std::span<const std::string_view> words_;
  std::size_t at_ = 0;
  Invocation result_{.command = rpc::find_command(""), .options = {}, .arguments = {}};
};

std::expected<Invocation, std::string> Reader::read() {
  for (; at_ < words_.size(); ++at_) {
    std::string_view word = words_[at_];
    if (word == "--") {
      for (std::string_view rest : words_.subspan(at_ + 1)) result_.arguments.emplace_back(rest);
      break;
    }
    Result read = word.starts_with("--")                 ? read_long(word.substr(2))
                  : word.starts_with('-') && word != "-" ? read_short(word.substr(1))
                                                         : read_word(word);
    if (!read) return std::unexpected(std::move(read.error()));
  }
  return std::move(result_);
}

Reader::Result Reader::read_long(std::string_view word) {
  if (std::size_t equals = word.find('='); equals != word.npos)
    return add(word.substr(0, equals), word.substr(equals + 1));
  const OptionSpec* option = find_known(*result_.command, word);
  if (option == nullptr) return std::unexpected("unknown option " + quoted(word));
  if (option->type == OptionType::boolean) return add(*option, "true");
  return add_next_word(*option, word);
}

Reader::Result Reader::read_short(std::string_view word) {
  if (std::size_t equals = word.find('='); equals != word.npos)
    return add(word.substr(0, equals), word.substr(equals + 1));
  for (std::size_t at = 0; at < word.size(); ++at) {
    const OptionSpec* option = find_known(*result_.command, word.substr(at, 1));
    if (option == nullptr) return std::unexpected("unknown option " + quoted(word));
    if (option->type != OptionType::boolean) {
      if (at + 1 < word.size()) return add(word.substr(at, 1), word.substr(at + 1));
      return add_next_word(*option, word);
    }
    if (Result added = add(*option, "true"); !added) return added;
  }
  return {};
}

Reader::Result Reader::add_next_word(const OptionSpec& option, std::string_view shown) {
  if (at_ + 1 == words_.size()) return std::unexpected("missing argument for option " + quoted(shown));
  return add(long_name(option), words_[++at_]);
}

Reader::Result Reader::add(std::string_view name, std::string_view value) {
  const OptionSpec* option = find_known(*result_.command, name);
  if (option == nullptr) return std::unexpected("unknown option " + quoted(name));
  auto parsed = parse_value(option->type, value);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return add(*option, std::move(*parsed));
}

Reader::Result Reader::add(const OptionSpec& option, std::string value) {
  if (option.type != OptionType::texts && result_.given(long_name(option)))
    return std::unexpected("multiple values for option " + quoted(long_name(option)));
  result_.options.push_back({&option, std::move(value)});
  return {};
}

Reader::Result Reader::read_word(std::string_view word) {
  std::string path(result_.command->path);
  if (!path.empty()) path += ' ';
  const CommandSpec* below = word.contains(' ') ? nullptr : rpc::find_command(path.append(word));
  if (below != nullptr && !word.empty()) {
    result_.command = below;
    return {};
  }
  if (result_.command->path.empty()) return std::unexpected(unknown_command(word));
  result_.arguments.emplace_back(word);
  return {};
}

// --- Values. ---

// What Go's strconv says of a value that was refused.
std::string number_error(std::string_view function, std::string_view value) {
  std::string_view digits = value.starts_with('-') ? value.substr(1) : value;
  bool is_number = !digits.empty() && digits[0] != '0' &&
                   digits.find_first_not_of("0123456789") == digits.npos &&
                   (digits.size() == value.size() || function != "ParseUint");
  return "strconv." + std::string(function) + ": parsing " + quoted(value) +
         (is_number ? ": value out of range" : ": invalid syntax");
}

std::expected<std::string, std::string> parse_boolean(std::string_view value) {
  std::string lower(value);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (auto parsed = rpc::parse_boolean(lower)) return *parsed ? "true" : "false";
  return std::unexpected(number_error("ParseBool", lower));
}

// --- What an unknown word may have meant. ---

// The cost to make `from` into `to`, where a letter to add costs less than one to take away.
int edit_cost(std::string_view from, std::string_view to) {
  constexpr int insertion = 1, deletion = 3, substitution = 2;
  std::vector<int> above(to.size() + 1), row(to.size() + 1);
  for (std::size_t x = 0; x <= to.size(); ++x) above[x] = int(x) * insertion;
  for (std::size_t y = 1; y <= from.size(); ++y) {
    row[0] = int(y) * deletion;
    for (std::size_t x = 1; x <= to.size(); ++x) {
      int changed = above[x - 1] + (from[y - 1] == to[x - 1] ? 0 : substitution);
      row[x] = std::min({changed, above[x] + deletion, row[x - 1] + insertion});
    }
    std::swap(row, above);
  }
  return above[to.size()];
}

std::vector<std::string_view> suggestions(std::string_view word) {
  constexpr int cost_max = 3;
  constexpr std::size_t word_bytes_max = 64;
  std::vector<std::string_view> contained;
  std::vector<std::pair<int, std::string_view>> near;
  for (const CommandSpec* command : rpc::all_commands()) {
    std::string_view name = command->path;
    if (name.empty() || name.contains(' ')) continue;
    if (word.contains(name)) contained.push_back(name);
    int cost = word.size() <= word_bytes_max ? edit_cost(word, name) : cost_max + 1;
    if (cost <= cost_max) near.emplace_back(cost, name);
  }
  if (!contained.empty()) return contained;
  std::ranges::stable_sort(near, {}, &std::pair<int, std::string_view>::first);
  for (auto& [cost, name] : near) contained.push_back(name);
  return contained;
}

}  // namespace

std::optional<std::string_view> Invocation::given(std::string_view option) const {
  for (const GivenOption& given : options)
    if (long_name(*given.spec) == option) return given.value;
  return std::nullopt;
}

std::string_view Invocation::text(std::string_view option) const {
  if (auto value = given(option)) return *value;
  const OptionSpec* spec = find_known(*command, option);
  return spec == nullptr ? std::string_view() : spec->default_text;
}

bool Invocation::flag(std::string_view option) const { return text(option) == "true"; }

std::vector<std::string> Invocation::texts(std::string_view option) const {
  std::vector<std::string> result;
  for (const GivenOption& given : options)
    if (long_name(*given.spec) == option) result.push_back(given.value);
  return result;
}

std::expected<Invocation, std::string> parse_words(std::span<const std::string_view> words) {
  return Reader(words).read();
}

std::expected<std::string, std::string> parse_value(OptionType type, std::string_view value) {
  switch (type) {
    case OptionType::boolean: return parse_boolean(value);
    case OptionType::integer:
      if (auto number = rpc::parse_integer(value)) return std::to_string(*number);
      return std::unexpected(number_error("ParseInt", value));
    case OptionType::unsigned_integer:
      if (auto number = rpc::parse_unsigned(value)) return std::to_string(*number);
      return std::unexpected(number_error("ParseUint", value));
    case OptionType::floating:
      if (!rpc::parse_float(value)) return std::unexpected(number_error("ParseFloat", value));
      break;
    case OptionType::text:
    case OptionType::texts: break;
  }
  return std::string(value);
}

std::string unknown_command(std::string_view word) {
  std::string message = "Unknown Command \"" + std::string(word) + "\"\n";
  auto names = suggestions(word);
  if (names.empty()) return message;
  message += names.size() > 1 ? "\nDid you mean any of these?\n" : "\nDid you mean this?\n";
  for (std::string_view name : names) message.append("\n\t").append(name);
  return message;
}

}  // namespace masu::core::cli
