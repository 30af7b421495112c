#include "alloc/governor.hpp"

#include <algorithm>

namespace masu {
namespace {

enum class By : bool { resident, resident_or_door };

struct RungRule {
  std::string_view name;
  unsigned threshold;
  By by;
};

// A door that is full refuses by itself. What it has given out brings on what makes room in it; turning peers
// away and resetting them is for what is resident: after a budget shrank the door is full for a while, with
// nothing to fear.
constexpr std::array<RungRule, rung_count> rules = {{
    {"purge", 800, By::resident_or_door},
    {"drop code", 830, By::resident_or_door},
    {"shrink caches", 860, By::resident_or_door},
    {"stop growth", 885, By::resident_or_door},
    {"stop dialling", 905, By::resident_or_door},
    {"shorten idle times", 920, By::resident_or_door},
    {"trim connections", 935, By::resident_or_door},
    {"refuse streams", 950, By::resident},
    {"refuse connections", 960, By::resident},
    {"reset the heaviest", 975, By::resident},
}};

// Between two looks pages of code come in, 64 KiB at a time.
constexpr std::size_t code_margin_bytes = std::size_t{768} * 1024;

}  // namespace

std::string_view name_of(Rung rung) { return rules[static_cast<std::size_t>(rung)].name; }

GovernorLimits governor_limits_of(const CapacityPlan& plan) {
  return {plan.budget_bytes - plan.unspent_bytes, plan.code_bytes};
}

unsigned Governor::pressure(const GovernorSample& sample, Rung rung) const {
  const auto thousandths = [](std::size_t bytes, std::size_t limit) {
    return static_cast<unsigned>(
        std::min<std::size_t>(bytes / 1024 * 1000 / std::max<std::size_t>(limit / 1024, 1), 9999));
  };
  const unsigned resident = thousandths(sample.resident_bytes, limits_.resident_bytes);
  if (rules[static_cast<std::size_t>(rung)].by == By::resident) return resident;
  return std::max(resident, thousandths(sample.ours_bytes, sample.ours_limit_bytes));
}

bool Governor::code_is_full(const GovernorSample& sample) const {
  return sample.code_bytes + std::min(code_margin_bytes, limits_.code_bytes / 4) > limits_.code_bytes;
}

void Governor::set(Relief& relief, Rung rung, bool active) {
  bool& now = active_[static_cast<std::size_t>(rung)];
  if (now == active) return;
  now = active;
  if (active) ++entered_[static_cast<std::size_t>(rung)];
  relief.set_rung(rung, active);
}

bool Governor::check(Relief& relief) {
  GovernorSample sample = relief.sample();
  if (code_is_full(sample)) {
    ++entered_[static_cast<std::size_t>(Rung::drop_code)];
    relief.relieve(Rung::drop_code);
    sample = relief.sample();
  }
  for (std::size_t i = 0; i < rung_count; ++i) {
    const auto rung = static_cast<Rung>(i);
    const unsigned now = pressure(sample, rung);
    if (now >= rules[i].threshold) {
      set(relief, rung, true);
      relief.relieve(rung);
      sample = relief.sample();
    } else if (now + hysteresis < rules[i].threshold) {
      set(relief, rung, false);
    }
  }
  return pressure(sample, Rung::purge) < rules[0].threshold;
}

std::vector<RungRow> Governor::rows() const {
  std::vector<RungRow> rows;
  for (std::size_t i = 0; i < rung_count; ++i) {
    rows.push_back(
        {rules[i].name, active_[i], entered_[i], limits_.resident_bytes / 1000 * rules[i].threshold});
  }
  return rows;
}

}  // namespace masu
