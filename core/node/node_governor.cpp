#include "core/node/node_governor.hpp"

#include "alloc/heap.hpp"
#include "alloc/page_box.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <sys/resource.h>

namespace masu::core {
namespace {

constexpr Duration look_interval = 10ms;  // between two looks after turns, or before large work
constexpr Duration tick_interval = 50ms;  // while anything works
constexpr Duration purge_interval = 100ms;
constexpr Duration history_interval = 1s;
// While it works: free chunks beyond what was in use lately go back, and pages of code that nobody runs any
// more (those that are run come back within a millisecond or two).
constexpr Duration chunk_review_interval = 5s;
constexpr Duration code_review_interval = 60s;
constexpr Duration quiet_for_purge = 1s;
constexpr Duration quiet_for_code = 10s;
// Less than this in a tick is rest: timers, a ping, the look itself.
constexpr std::uint64_t resting_microseconds = 1'000;
// So much since it fell asleep ends its sleep.
constexpr std::uint64_t waking_microseconds = 10'000;

// Time that this process has worked, in microseconds.
std::uint64_t work_done() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto microseconds = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
  };
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

}  // namespace

NodeGovernor::NodeGovernor(NodeMemory& memory, EventLoop& loop)
    : memory_(memory), loop_(loop), governor_(governor_limits_of(memory.plan())), lending_(memory.plan()) {
  loop_.set_watch(this);
  quiet_since_ = chunks_reviewed_at_ = code_reviewed_at_ = loop_.clock().now();
  loop_.timers().arm(*this, quiet_since_ + tick_interval);
}

NodeGovernor::~NodeGovernor() { loop_.set_watch(nullptr); }

void NodeGovernor::follow_plan() {
  governor_.set_limits(governor_limits_of(memory_.plan()));
  lending_.set_plan(memory_.plan());
}

bool NodeGovernor::check() {
  look(loop_.clock().now());
  const auto count = read_resident();
  return count && count->all <= memory_.plan().budget_bytes;
}

void NodeGovernor::look_unless_just_done() {
  const TimePoint now = loop_.clock().now();
  if (now >= looked_at_ + look_interval) look(now);
}

void NodeGovernor::look(TimePoint now) {
  looked_at_ = now;
  memory_.settle();
  governor_.check(*this);
  lend(now);
}

void NodeGovernor::lend(TimePoint now) {
  const bool allowed = !governor_.active(Rung::shrink_caches);
  const LendingSample sample = memory_.lending_sample();
  chunks_used_ = std::max(chunks_used_, sample.chunks_used);
  const std::size_t chunks = lending_.update(sample, allowed, now);
  if (chunks == memory_.plan().chunks) return;
  memory_.set_chunks(with_chunks(memory_.plan(), chunks));
  if (hooks_.chunks_changed) hooks_.chunks_changed();
}

GovernorSample NodeGovernor::sample() {
  const auto count = read_resident().value_or(ResidentCount{});
  const DoorCount ours = process_box().count(Door::ours);
  GovernorSample sample{count.all, count.file, ours.charged_bytes, memory_.plan().ours_bytes};
  if (probe_) probe_(sample);
  resident_bytes_ = sample.resident_bytes;
  return sample;
}

void NodeGovernor::note(Rung rung, bool active) {
  const std::string line =
      log_.line(rung, active, resident_bytes_, memory_.plan().budget_bytes, loop_.clock().now());
  if (!line.empty()) std::fprintf(stderr, "%s\n", line.c_str());
}

void NodeGovernor::set_rung(Rung rung, bool active) {
  note(rung, active);
  if (hooks_.set) hooks_.set(rung, active);
}

void NodeGovernor::relieve(Rung rung) {
  switch (rung) {
    case Rung::purge: {
      const TimePoint now = loop_.clock().now();
      if (now < purged_at_ + purge_interval) return;
      purged_at_ = now;
      give_back();
      return;
    }
    case Rung::drop_code:
      if (!governor_.active(rung)) note(rung, true);  // its own limit brought it on
      memory_.code().drop();
      return;
    default:
      if (hooks_.relieve) hooks_.relieve(rung);
  }
}

void NodeGovernor::give_back() {
  memory_.chunks().trim(0);
  purge_heap();
}

// Without it memory at work would be what the busiest moment so far has left behind.
void NodeGovernor::review(TimePoint now) {
  if (now >= chunks_reviewed_at_ + chunk_review_interval) {
    chunks_reviewed_at_ = now;
    const std::size_t used = memory_.lending_sample().chunks_used;
    memory_.chunks().trim(chunks_used_ - std::min(chunks_used_, used));
    chunks_used_ = used;
  }
  if (now >= code_reviewed_at_ + code_review_interval) {
    code_reviewed_at_ = now;
    memory_.code().drop();
  }
}

void NodeGovernor::on_turn(TimePoint now) {
  if (now < looked_at_ + look_interval) return;
  look(now);
  if (armed() && rest_ == Rest::working) return;
  const std::uint64_t work = work_done();
  if (work - work_slept_ < waking_microseconds) return;
  rest_ = Rest::working;
  quiet_since_ = now;
  work_seen_ = work;
  loop_.timers().arm(*this, now + tick_interval);
}

void NodeGovernor::on_timer(TimePoint now) {
  look(now);
  if (rest_ != Rest::working || now >= noted_at_ + history_interval) {
    noted_at_ = now;
    memory_.note_history(now);
  }
  const std::uint64_t work = work_done();
  const auto ticks =
      rest_ == Rest::working ? 1u : static_cast<unsigned>((quiet_for_code - quiet_for_purge) / tick_interval);
  if (work - std::exchange(work_seen_, work) > resting_microseconds * ticks) {
    quiet_since_ = now;
    rest_ = Rest::working;
  }
  if (rest_ == Rest::working) review(now);
  Duration next = tick_interval;
  if (rest_ == Rest::working && now >= quiet_since_ + quiet_for_purge) {
    rest_ = Rest::purged;
    give_back();
    next = quiet_for_code - quiet_for_purge;
  } else if (rest_ == Rest::purged) {
    rest_ = Rest::asleep;
    give_back();
    memory_.code().drop();
    work_slept_ = work_done();
    return;
  }
  work_slept_ = work_seen_ = work_done();
  loop_.timers().arm(*this, now + next);
}

}  // namespace masu::core
