#include "core/rpc/metrics_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace masu::core::rpc {
namespace {

std::string_view name_of(MetricType type) {
  static constexpr std::array<std::string_view, 3> names = {"gauge", "counter", "histogram"};
  return names[static_cast<std::size_t>(type)];
}

}  // namespace

void MetricsText::family(std::string_view name, MetricType type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ");
  escaped(help, false);
  text_.append("\n# TYPE ").append(name).append(" ").append(name_of(type)).append("\n");
}

void MetricsText::sample(std::uint64_t value, Labels labels) {
  name_and_labels("", labels);
  number(value);
}

void MetricsText::sample(double value, Labels labels) {
  name_and_labels("", labels);
  number(value);
}

void MetricsText::sum_and_count(std::uint64_t sum, std::uint64_t count) {
  name_and_labels("_bucket", {{"le", "+Inf"}});
  number(count);
  name_and_labels("_sum", {});
  number(sum);
  name_and_labels("_count", {});
  number(count);
}

void MetricsText::name_and_labels(std::string_view suffix, Labels labels) {
  text_.append(name_).append(suffix);
  char separator = '{';
  for (const auto& [label, value] : labels) {
    text_.push_back(std::exchange(separator, ','));
    text_.append(label).append("=\"");
    escaped(value, true);
    text_.push_back('"');
  }
  if (separator != '{') text_.push_back('}');
  text_.push_back(' ');
}

void MetricsText::number(std::uint64_t value) {
  std::array<char, 20> digits;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  text_.append(digits.data(), end).push_back('\n');
}

void MetricsText::number(double value) {
  if (!std::isfinite(value)) {
    text_.append(std::isnan(value) ? "NaN\n" : value > 0 ? "+Inf\n" : "-Inf\n");
    return;
  }
  std::array<char, 32> digits;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  text_.append(digits.data(), end).push_back('\n');
}

void MetricsText::escaped(std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      text_.append("\\n");
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) text_.push_back('\\');
    text_.push_back(c);
  }
}

}  // namespace masu::core::rpc
