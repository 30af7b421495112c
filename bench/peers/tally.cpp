#include "bench/peers/tally.hpp"

#include <algorithm>
#include <cstdio>

namespace masu::peers {
namespace {

float quantile(std::vector<float>& values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

std::string number(std::string_view name, std::uint64_t value) {
  return "\"" + std::string(name) + "\":" + std::to_string(value);
}

std::string number(std::string_view name, float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(value));
  return "\"" + std::string(name) + "\":" + text;
}

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::connect: return "connect";
    case Kind::ping: return "ping";
    case Kind::have: return "have";
    case Kind::block: return "block";
    case Kind::absent: return "absent";
  }
  return "";
}

void Tally::answer(Kind kind, Duration took) {
  Figures& figures = of(kind);
  if (took > limit_) {
    ++figures.late;
    return;
  }
  ++figures.answered;
  figures.milliseconds.push_back(std::chrono::duration<float, std::milli>(took).count());
}

std::string Tally::json() const {
  std::string out = "{\"kinds\":{";
  Figures all;
  const auto add = [&](std::string_view name, Figures figures) {
    out += "\"" + std::string(name) + "\":{" + number("asked", figures.asked) + "," +
           number("answered", figures.answered) + "," + number("late", figures.late) + "," +
           number("median_ms", quantile(figures.milliseconds, 0.5)) + "," +
           number("p99_ms", quantile(figures.milliseconds, 0.99)) + "},";
  };
  for (std::size_t n = 0; n < kind_count; ++n) {
    const Figures& figures = kinds_[n];
    all.asked += figures.asked;
    all.answered += figures.answered;
    all.late += figures.late;
    all.milliseconds.insert(all.milliseconds.end(), figures.milliseconds.begin(), figures.milliseconds.end());
    add(name_of(static_cast<Kind>(n)), figures);
  }
  add("all", std::move(all));
  out.back() = '}';
  for (const auto& [name, value] :
       std::initializer_list<std::pair<std::string_view, std::uint64_t>>{{"connected", connected},
                                                                         {"refused", refused},
                                                                         {"cut_off", cut_off},
                                                                         {"wrong", wrong},
                                                                         {"pushes", pushes},
                                                                         {"addresses", addresses},
                                                                         {"wants_told", wants_told},
                                                                         {"cancels", cancels},
                                                                         {"blocks_given", blocks_given},
                                                                         {"bytes_given", bytes_given},
                                                                         {"bytes_got", bytes_got}}) {
    out += "," + number(name, value);
  }
  return out + "}";
}

}  // namespace masu::peers
