// The ladder of pressure, what is lent to the pool of chunks, and reservations, while the budget is set up
// and down: rungs come on and are undone in turn, each only while it may be, nothing is lent beyond what
// others leave idle, the ledger adds up and stays below its limit, and without pressure everything is undone
// and back.
#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/governor.hpp"
#include "alloc/lending.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

using namespace masu;
using namespace std::chrono_literals;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::array<std::size_t, 5> megabytes = {20, 24, 32, 64, 256};

const CapacityPlan& plan_of(std::uint8_t which) {
  static const auto plans = [] {
    std::array<CapacityPlan, megabytes.size()> all;
    for (std::size_t at = 0; at < all.size(); ++at) {
      const auto plan = derive_plan(megabytes[at] << 20);
      require(plan.has_value());
      all[at] = *plan;
    }
    return all;
  }();
  return plans[which % plans.size()];
}

class World final : public Relief {
 public:
  World() : budget_("ours", plan_->ours_bytes), governor_(governor_limits_of(*plan_)), lending_(*plan_) {
    others_.emplace(budget_, "others", Lifetime::process, std::size_t{1} << 40);
    chunks_.emplace(budget_, "chunks", Lifetime::block, std::size_t{1} << 40);
  }
  ~World() { end(); }

  void step(FuzzInput& input) {
    const std::uint8_t what = input.byte();
    switch (what % 8) {
      case 0: return set_budget(what / 8);
      case 1: return take(*others_, input.word() * chunk_bytes / 16, static_cast<Need>(what / 8 % 4));
      case 2: return give(*others_, input.word() * chunk_bytes / 16);
      case 3: return take(*chunks_, input.byte() * chunk_bytes, static_cast<Need>(what / 8 % 4));
      case 4: return give(*chunks_, input.byte() * chunk_bytes);
      case 5:
        outside_bytes_ = plan_->budget_bytes / 256 * input.byte();
        code_bytes_ = std::size_t{input.byte()} << 16;
        return;
      case 6: relief_bytes_ = std::size_t{input.byte()} << 14; return look();
      default: now_ += input.byte() * 50ms; return look();
    }
  }
  void check() const {
    require(others_->committed_bytes() + chunks_->committed_bytes() == budget_.committed_bytes());
    require(lending_.lent() <= plan_->chunks);
  }

  GovernorSample sample() override {
    const std::size_t ours = budget_.committed_bytes();
    return {ours + outside_bytes_ + code_bytes_, code_bytes_, ours, plan_->ours_bytes};
  }
  void set_rung(Rung rung, bool active) override {
    bool& now = active_[static_cast<std::size_t>(rung)];
    require(now != active);
    now = active;
    if (active) ++entered_[static_cast<std::size_t>(rung)];
  }
  void relieve(Rung rung) override {
    // Code that is full is dropped by itself, before the rungs.
    if (rung != Rung::drop_code) {
      require(active_[static_cast<std::size_t>(rung)]);
      require(!relieved_ || *relieved_ < rung);  // the milder first
      relieved_ = rung;
    }
    if (rung == Rung::drop_code) code_bytes_ -= std::min(code_bytes_, relief_bytes_);
    outside_bytes_ -= std::min(outside_bytes_, relief_bytes_);
  }

 private:
  void set_budget(std::uint8_t which) {
    plan_ = &plan_of(which);
    budget_.set_limit(plan_->ours_bytes);
    governor_.set_limits(governor_limits_of(*plan_));
    lending_.set_plan(*plan_);
    require(lending_.lent() == 0);
  }
  void take(Account& account, std::size_t bytes, Need need) {
    const std::size_t before = budget_.committed_bytes();
    if (account.commit(bytes, need)) {
      require(budget_.committed_bytes() == before + bytes && before + bytes <= budget_.limit_bytes());
      if (need == Need::optional && bytes > 0)
        require(before + bytes <= budget_.limit_bytes() - budget_.limit_bytes() / 8);
    } else {
      require(budget_.committed_bytes() == before);
    }
  }
  static void give(Account& account, std::size_t bytes) {
    account.uncommit(std::min(bytes, account.committed_bytes()));
  }
  void look() {
    relieved_.reset();
    const bool calm = governor_.check(*this);
    require(calm || governor_.active(Rung::purge));
    for (std::size_t i = 0; i < rung_count; ++i)
      require(governor_.active(static_cast<Rung>(i)) == active_[i]);
    const bool allowed = !governor_.active(Rung::shrink_caches);
    const std::size_t pages = chunks_->committed_bytes();
    const std::size_t capacity = lending_.update(
        {budget_.committed_bytes(), pages, pages / chunk_bytes, budget_.refusals()}, allowed, now_);
    require(capacity == plan_->chunks + lending_.lent() && capacity <= Lending::chunks_max(*plan_));
    require(allowed || lending_.lent() == 0);
    // What others hold, and all that the pool may have, fit the door; half of what was idle is left.
    const std::size_t taken = others_->committed_bytes() + plan_->chunks * chunk_bytes;
    const std::size_t idle = plan_->ours_bytes - std::min(plan_->ours_bytes, taken);
    require(lending_.lent() * chunk_bytes <= idle / 2);
  }
  void end() {
    outside_bytes_ = code_bytes_ = 0;
    give(*others_, others_->committed_bytes());
    give(*chunks_, chunks_->committed_bytes());
    require(budget_.committed_bytes() == 0);
    for (int seconds = 0; seconds < 30; ++seconds) {
      now_ += 1s;
      look();
    }
    require(lending_.lent() == 0);
    for (const bool active : active_) require(!active);
    for (std::size_t i = 0; i < rung_count; ++i) {
      // Code that is full counts as entered each time.
      if (static_cast<Rung>(i) != Rung::drop_code)
        require(governor_.entered(static_cast<Rung>(i)) == entered_[i]);
    }
  }

  const CapacityPlan* plan_ = &plan_of(3);
  Budget budget_;
  std::optional<Account> others_, chunks_;
  Governor governor_;
  Lending lending_;
  TimePoint now_{1000s};
  std::size_t outside_bytes_ = 0, code_bytes_ = 0, relief_bytes_ = 0;
  std::array<bool, rung_count> active_{};
  std::array<std::uint64_t, rung_count> entered_{};
  std::optional<Rung> relieved_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  World world;
  for (int steps = 0; !input.empty() && steps < 1000; ++steps) {
    world.step(input);
    world.check();
  }
  return 0;
}
