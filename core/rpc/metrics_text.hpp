// MetricsText: Prometheus' text format (version 0.0.4), written family by family.
//
// family() begins one, sample() adds its lines. The text gathers in `memory`; whoever sends it takes it away
// whenever full() says so. Names are literals of ours; values of labels and help texts are escaped. Used by
// one answer; loop thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>

namespace masu::core::rpc {

enum class MetricType : std::uint8_t { gauge, counter, histogram };

class MetricsText {
 public:
  static constexpr std::size_t full_bytes = 2048;
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit MetricsText(std::pmr::memory_resource& memory) : text_(&memory) {}

  void family(std::string_view name, MetricType type, std::string_view help);
  void sample(std::uint64_t value, Labels labels = {});
  void sample(double value, Labels labels = {});
  // A histogram of which only the sum and the count are known.
  void sum_and_count(std::uint64_t sum, std::uint64_t count);
  // A family of one sample.
  void gauge(std::string_view name, std::uint64_t value, std::string_view help) {
    family(name, MetricType::gauge, help);
    sample(value);
  }
  void counter(std::string_view name, std::uint64_t value, std::string_view help) {
    family(name, MetricType::counter, help);
    sample(value);
  }

  bool full() const { return text_.size() >= full_bytes; }
  std::string_view text() const { return text_; }
  void clear() { text_.clear(); }

 private:
  void name_and_labels(std::string_view suffix, Labels labels);
  void number(std::uint64_t value);
  void number(double value);
  void escaped(std::string_view text, bool quotes);

  std::string_view name_;
  std::pmr::string text_;
};

}  // namespace masu::core::rpc
