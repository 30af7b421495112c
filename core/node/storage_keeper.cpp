#include "core/node/storage_keeper.hpp"

#include "store/awaited_job.hpp"

#include <algorithm>
#include <cstdio>
#include <new>

namespace masu::core {
namespace {

// Kubo's own, where the configuration is silent.
constexpr std::uint64_t storage_max_default = 10'000'000'000;
constexpr std::int64_t watermark_default = 90;
constexpr Duration period_default = 1h;
// Longer than any uptime, and still a deadline that can be told apart from now.
constexpr Duration period_max = 24h * 3650;

constexpr std::size_t errors_told = 8;

}  // namespace

std::expected<StorageLimits, std::string> StorageLimits::from(const Config& config) {
  StorageLimits limits{.bytes_max = storage_max_default, .period = period_default};
  if (const std::string text = config.text("Datastore.StorageMax").value_or(""); !text.empty()) {
    const auto bytes = config.size("Datastore.StorageMax");
    if (!bytes) return std::unexpected("Datastore.StorageMax: " + text + " is not a size");
    limits.bytes_max = *bytes;
  }
  if (const std::string text = config.text("Datastore.GCPeriod").value_or(""); !text.empty()) {
    const auto period = config.duration("Datastore.GCPeriod");
    if (!period) return std::unexpected("Datastore.GCPeriod: " + text + " is not a duration");
    limits.period = std::clamp(Duration(*period), Duration::zero(), period_max);
  }
  const std::int64_t set = config.integer("Datastore.StorageGCWatermark").value_or(0);
  const auto percent = static_cast<std::uint64_t>(std::clamp<std::int64_t>(set, 0, 100));
  limits.bytes_max = limits.bytes_max / 100 * (percent == 0 ? watermark_default : percent);
  return limits;
}

StorageKeeper::StorageKeeper(const Parts& parts, const StorageLimits& limits)
    : parts_(parts), limits_(limits), memory_(parts.account) {
  if (limits_.period > Duration::zero()) arm();
}

void StorageKeeper::on_timer(TimePoint) {
  try {
    run_.start(look(memory_), *this);
  } catch (const std::bad_alloc&) {
    arm();
  }
}

// Memory that was short now is looked for at the next period.
void StorageKeeper::on_task_done(TaskOutcome) noexcept { arm(); }

Task<void> StorageKeeper::look(TaskMemory memory) {
  store::AwaitedJob<store::StoreResult<store::StoreUsage>> job(
      parts_.jobs, store::JobClass::read, parts_.account,
      [&blocks = parts_.blocks] { return blocks.usage(); });
  const auto usage = co_await job;
  if (!usage) {
    std::fprintf(stderr, "storage: its size is not known: %s\n", usage.error().detail.c_str());
    co_return;
  }
  if (usage->disk_bytes <= limits_.bytes_max) co_return;
  co_await collect(memory);
}

Task<void> StorageKeeper::collect(TaskMemory memory) {
  std::fprintf(stderr, "storage: watermark exceeded, collecting garbage\n");
  store::SeenSet::Secret secret;
  parts_.random.fill(secret);
  store::Collection collection(parts_.collector, {}, secret);
  store::CollectStep step{store::CollectStep::Removed{AccountAllocator<Multihash>(parts_.account)}, 0, {}};
  std::uint64_t blocks = 0;
  std::size_t errors = 0;
  for (;;) {
    const bool more = co_await collection.next(memory, step);
    if (!more) break;
    blocks += step.removed.size();
    for (const std::string& error : step.errors) {
      if (errors++ < errors_told) std::fprintf(stderr, "storage: %s\n", error.c_str());
    }
  }
  std::fprintf(stderr, "storage: %llu blocks of garbage removed, %zu errors\n",
               static_cast<unsigned long long>(blocks), errors);
}

}  // namespace masu::core
