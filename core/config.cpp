#include "core/config.hpp"

#include "alloc/check.hpp"
#include "core/config_defaults.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/serializer.hpp>

namespace masu::core {
namespace {

namespace json = boost::json;

// Go's encoder writes these as escapes, so that a document can stand inside HTML.
void append_text(std::string& out, const json::string& text) {
  const std::string plain = json::serialize(text);
  for (std::size_t at = 0; at < plain.size(); ++at) {
    const char c = plain[at];
    if (c == '<') {
      out += "\\u003c";
    } else if (c == '>') {
      out += "\\u003e";
    } else if (c == '&') {
      out += "\\u0026";
    } else if (c == '\xe2' && at + 2 < plain.size() && plain[at + 1] == '\x80' &&
               (plain[at + 2] == '\xa8' || plain[at + 2] == '\xa9')) {
      out += plain[at + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      at += 2;
    } else {
      out += c;
    }
  }
}

void append_value(std::string& out, const json::value& value, std::size_t indent) {
  const auto new_line = [&](std::size_t level) { out.append(1, '\n').append(2 * level, ' '); };
  if (const json::object* object = value.if_object()) {
    if (object->empty()) {
      out += "{}";
      return;
    }
    out += '{';
    bool first = true;
    for (const auto& [key, item] : *object) {
      if (!std::exchange(first, false)) out += ',';
      new_line(indent + 1);
      append_text(out, json::string(key));
      out += ": ";
      append_value(out, item, indent + 1);
    }
    new_line(indent);
    out += '}';
  } else if (const json::array* array = value.if_array()) {
    if (array->empty()) {
      out += "[]";
      return;
    }
    out += '[';
    bool first = true;
    for (const json::value& item : *array) {
      if (!std::exchange(first, false)) out += ',';
      new_line(indent + 1);
      append_value(out, item, indent + 1);
    }
    new_line(indent);
    out += ']';
  } else if (const json::string* text = value.if_string()) {
    append_text(out, *text);
  } else {
    out += json::serialize(value);
  }
}

// The first key of a dotted path, which moves on behind it.
std::string_view take_key(std::string_view& path) {
  const std::size_t dot = path.find('.');
  const std::string_view key = path.substr(0, dot);
  path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  return key;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// A number with an optional fraction, and what stands behind it.
struct Quantity {
  double value = 0;
  std::string_view unit;
};
std::optional<Quantity> take_quantity(std::string_view text) {
  Quantity quantity;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), quantity.value, std::chars_format::fixed);
  if (error != std::errc() || quantity.value < 0) return std::nullopt;
  quantity.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return quantity;
}

std::optional<std::uint64_t> apply_unit(std::string_view text, bool binary) {
  const auto quantity = take_quantity(text);
  if (!quantity) return std::nullopt;
  std::string unit(quantity->unit);
  std::erase(unit, ' ');
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view letters = "kmgtp";
  double factor = 1;
  if (!unit.empty() && unit != "b") {
    const std::size_t power = letters.find(unit[0]);
    if (power == std::string_view::npos) return std::nullopt;
    const std::string_view rest = std::string_view(unit).substr(1);
    if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
    const double base = binary || rest != "b" ? 1024 : 1000;
    for (std::size_t step = 0; step <= power; ++step) factor *= base;
  }
  const double bytes = quantity->value * factor;
  if (bytes > 1e18) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) { return apply_unit(text, false); }
std::optional<std::uint64_t> parse_budget(std::string_view text) { return apply_unit(text, true); }

std::optional<std::int64_t> parse_duration(std::string_view text) {
  static constexpr std::array<Unit, 8> units = {{{"ns", 1},
                                                 {"us", 1'000},
                                                 {"µs", 1'000},
                                                 {"μs", 1'000},
                                                 {"ms", 1'000'000},
                                                 {"s", 1'000'000'000},
                                                 {"m", 60'000'000'000},
                                                 {"h", 3'600'000'000'000}}};
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double sum = 0;
  while (!text.empty()) {
    const auto quantity = take_quantity(text);
    if (!quantity) return std::nullopt;
    const std::size_t unit_end = std::min(quantity->unit.find_first_of("0123456789."), quantity->unit.size());
    const std::string_view unit = quantity->unit.substr(0, unit_end);
    const auto found =
        std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == unit; });
    if (found == units.end()) return std::nullopt;
    sum += quantity->value * static_cast<double>(found->factor);
    text = quantity->unit.substr(unit_end);
  }
  if (sum > 9.2e18) return std::nullopt;
  return static_cast<std::int64_t>(negative ? -sum : sum);
}

Config Config::defaults() {
  auto config = parse(default_config_text);
  MASU_CHECK(config, "the default configuration is JSON");
  return std::move(*config);
}

std::expected<Config, std::string> Config::parse(std::string_view text) {
  if (text.size() > text_bytes_max) return std::unexpected("the configuration is larger than 1 MiB");
  json::error_code error;
  json::parse_options options;
  options.max_depth = depth_max;
  json::value document = json::parse(text, error, {}, options);
  if (error) return std::unexpected("the configuration is no JSON: " + error.message());
  if (!document.is_object()) return std::unexpected("the configuration is no JSON object");
  return Config(std::move(document));
}

std::string Config::format(const json::value& value) {
  std::string text;
  append_value(text, value, 0);
  return text;
}

const json::value* Config::find(std::string_view path) const {
  const json::value* value = &document_;
  while (!path.empty()) {
    const json::object* object = value->if_object();
    if (object == nullptr) return nullptr;
    value = object->if_contains(take_key(path));
    if (value == nullptr) return nullptr;
  }
  return value;
}

std::expected<void, std::string> Config::set(std::string_view path, json::value value) {
  json::value* place = &document_;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view key = take_key(rest);
    if (place->is_null()) place->emplace_object();
    json::object* object = place->if_object();
    if (object == nullptr) {
      return std::unexpected("cannot set " + std::string(path) + ": a value above it is no object");
    }
    place = &(*object)[key];
  }
  *place = std::move(value);
  return {};
}

std::optional<std::string> Config::text(std::string_view path) const {
  const json::value* value = find(path);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

std::optional<bool> Config::boolean(std::string_view path) const {
  const json::value* value = find(path);
  if (value == nullptr || !value->is_bool()) return std::nullopt;
  return value->get_bool();
}

std::optional<std::int64_t> Config::integer(std::string_view path) const {
  const json::value* value = find(path);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_double()) return static_cast<std::int64_t>(value->get_double());
  return std::nullopt;
}

std::vector<std::string> Config::texts(std::string_view path) const {
  std::vector<std::string> texts;
  const json::value* value = find(path);
  if (value == nullptr) return texts;
  if (value->is_string()) {
    if (!value->get_string().empty()) texts.emplace_back(value->get_string());
  } else if (const json::array* array = value->if_array()) {
    for (const json::value& item : *array) {
      if (item.is_string()) texts.emplace_back(item.get_string());
    }
  }
  return texts;
}

std::optional<std::uint64_t> Config::size(std::string_view path) const {
  if (const auto number = integer(path)) {
    return *number < 0 ? std::nullopt : std::optional<std::uint64_t>(static_cast<std::uint64_t>(*number));
  }
  const auto value = text(path);
  return value ? parse_size(*value) : std::nullopt;
}

std::optional<std::int64_t> Config::duration(std::string_view path) const {
  const auto value = text(path);
  return value ? parse_duration(*value) : std::nullopt;
}

}  // namespace masu::core
