// StorageKeeper: collects garbage when the repo is larger than a part of `Datastore.StorageMax`, as Kubo's
// daemon does with --enable-gc.
//
// Looks once in `Datastore.GCPeriod`, first after one period: usage in a job, then a Collection when it is
// above the watermark. What it says goes to the standard error. StorageMax stays soft: nothing is refused.
//
// Belongs to the node; loop thread. Destroying it leaves a collection where it is.
#pragma once

#include "alloc/resource.hpp"
#include "alloc/task.hpp"
#include "core/config.hpp"
#include "net/clock.hpp"
#include "net/random.hpp"
#include "net/timers.hpp"
#include "store/collectable_store.hpp"
#include "store/collector.hpp"
#include "store/jobs.hpp"

#include <cstdint>
#include <expected>
#include <string>

namespace masu::core {

struct StorageLimits {
  std::uint64_t bytes_max = 0;  // above it is collected
  Duration period{};            // zero: never

  // From `Datastore`; the error names the setting that cannot be read.
  static std::expected<StorageLimits, std::string> from(const Config& config);
};

class StorageKeeper final : private net::Timer, private TaskListener {
 public:
  struct Parts {
    net::TimerQueue& timers;
    const net::Clock& clock;
    store::Jobs& jobs;
    store::CollectableStore& blocks;
    store::Collector& collector;
    net::RandomSource& random;
    Account& account;  // of its task and jobs
  };
  StorageKeeper(const Parts& parts, const StorageLimits& limits);
  StorageKeeper(const StorageKeeper&) = delete;
  StorageKeeper& operator=(const StorageKeeper&) = delete;

 private:
  void on_timer(TimePoint now) override;
  void on_task_done(TaskOutcome outcome) noexcept override;
  Task<void> look(TaskMemory memory);
  Task<void> collect(TaskMemory memory);
  void arm() { parts_.timers.arm(*this, parts_.clock.now() + limits_.period); }

  const Parts parts_;
  const StorageLimits limits_;
  AccountResource memory_;
  TaskRun run_;
};

}  // namespace masu::core
