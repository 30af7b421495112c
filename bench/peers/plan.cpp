#include "bench/peers/plan.hpp"

#include <algorithm>
#include <sstream>

namespace masu::peers {
namespace {

Duration milliseconds(std::int64_t count) { return std::chrono::milliseconds(count); }

bool read_line(std::istringstream& line, Plan& plan) {
  std::string word;
  line >> word;
  if (word == "seed") return static_cast<bool>(line >> plan.seed);
  if (word == "files") return static_cast<bool>(line >> plan.files >> plan.file_bytes);
  if (word == "ask" || word == "limit") {
    std::int64_t count = 0;
    if (!(line >> count) || count <= 0) return false;
    (word == "ask" ? plan.ask : plan.limit) = milliseconds(count);
    return true;
  }
  if (word == "held") {
    std::string text;
    line >> text;
    const auto cid = Cid::parse(text);
    if (!cid) return false;
    plan.held.emplace_back(as_text(cid->bytes()));
    return true;
  }
  if (word == "visit") {
    Visit visit;
    std::int64_t joins = 0, leaves = 0;
    if (!(line >> visit.peer >> joins >> leaves >> visit.file >> visit.wants >> visit.addresses))
      return false;
    visit.joins = milliseconds(joins);
    visit.leaves = milliseconds(leaves);
    if (visit.leaves <= visit.joins || visit.file >= static_cast<int>(plan.files)) return false;
    plan.visits.push_back(visit);
    return true;
  }
  return false;
}

}  // namespace

std::expected<Plan, std::string> read_plan(std::string_view text) {
  Plan plan;
  std::istringstream lines{std::string(text)};
  for (std::string text_line; std::getline(lines, text_line);) {
    if (text_line.empty()) continue;
    std::istringstream line(text_line);
    if (!read_line(line, plan)) return std::unexpected("not understood: " + text_line);
  }
  std::ranges::stable_sort(plan.visits, {}, &Visit::joins);
  return plan;
}

}  // namespace masu::peers
