// The store on disk alone, as a program of its own: it prints what each phase took, and the resident memory.
//     store-bench DIRECTORY [small puts] [MiB of big blocks] [memtable, cache in KiB, open files]
// The last three are the plan's, if they are not given.
#include "alloc/page_box.hpp"
#include "alloc/plan.hpp"
#include "multiformats/digest.hpp"
#include "store/disk_store.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

namespace {

using namespace masu;
using namespace masu::store;
using Clock = std::chrono::steady_clock;

struct Memory {
  std::size_t resident = 0, anonymous = 0, peak = 0;
};
Memory memory() {
  std::ifstream status("/proc/self/status");
  Memory found;
  for (std::string line; std::getline(status, line);) {
    const auto kib = [&line] { return std::strtoul(line.c_str() + line.find(':') + 1, nullptr, 10); };
    if (line.starts_with("VmRSS")) found.resident = kib();
    if (line.starts_with("RssAnon")) found.anonymous = kib();
    if (line.starts_with("VmHWM")) found.peak = kib();
  }
  return found;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Processor time since the last call: on a busy machine it says more than the clock.
double processor_seconds() {
  static double before = 0;
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  const double now = seconds(used.ru_utime) + seconds(used.ru_stime);
  return now - std::exchange(before, now);
}

void report(const char* what, double seconds, double amount, const char* unit) {
  const Memory now = memory();
  std::printf(
      "%-22s %8.3f s  %12.1f %-8s CPU %7.3f s, RSS %6.1f MiB, anonymous %6.1f, peak %6.1f, libraries %6.2f\n",
      what, seconds, amount / seconds, unit, processor_seconds(), static_cast<double>(now.resident) / 1024,
      static_cast<double>(now.anonymous) / 1024, static_cast<double>(now.peak) / 1024,
      static_cast<double>(process_box().count(Door::library).peak_bytes) / (1 << 20));
  std::fflush(stdout);
}

template <class T>
T take(StoreResult<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().detail.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// A multihash that nobody has to compute.
Multihash numbered(std::uint64_t number) {
  std::array<std::uint8_t, 32> digest{};
  for (std::size_t i = 0; i < 4; ++i) {
    number = (number + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
    number ^= number >> 29;
    std::memcpy(&digest[8 * i], &number, 8);
  }
  return Multihash::make(HashCode::sha2_256, digest);
}

void put_big(DiskStore& store, std::size_t mib, std::uint64_t first) {
  std::vector<std::uint8_t> data(256 * 1024, 7);
  for (std::uint64_t i = 0; i < mib * 4; ++i) {
    std::memcpy(data.data(), &i, 8);
    take(store.put(numbered(first + i), Bytes(data)));
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  const std::size_t small_puts = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 1'000'000;
  const std::size_t mib = count > 3 ? std::strtoul(arguments[3], nullptr, 10) : 1024;
  const auto plan = derive_plan(std::size_t{64} << 20);
  if (!plan) return 1;
  enter_plan(*plan);
  Budget budget("bench", plan->ours_bytes);
  Account account(budget, "bench.chunks", Lifetime::block, std::size_t{8} << 20);
  ChunkPool pool(account, 512);
  std::filesystem::create_directories(arguments[1]);
  DiskStoreOptions options;
  options.directory = arguments[1];
  options.memtable_bytes = plan->memtable_bytes;
  options.block_cache_bytes = plan->block_cache_bytes;
  options.open_files = plan->open_files;
  options.memory_bytes = plan->store_bytes;
  const auto given = [&](int at, std::size_t unit, std::size_t& value) {
    if (count > at) value = std::strtoul(arguments[at], nullptr, 10) * unit;
  };
  given(4, 1024, options.memtable_bytes);
  given(5, 1024, options.block_cache_bytes);
  given(6, 1, options.open_files);

  report("before", 1, 0, "");
  auto start = Clock::now();
  auto store = take(DiskStore::open(options, budget));
  report("open, new", seconds_since(start), 1, "/s");

  start = Clock::now();
  put_big(*store, mib, 1'000'000'000);
  report("put 256 KiB blocks", seconds_since(start), static_cast<double>(mib), "MiB/s");
  const auto sync_start = Clock::now();
  take(store->sync());
  report("  its sync", seconds_since(sync_start), 1, "/s");
  report("  both", seconds_since(start), static_cast<double>(mib), "MiB/s");

  start = Clock::now();
  for (std::uint64_t i = 0; i < mib * 4; ++i) {
    take(store->get(numbered(1'000'000'000 + (i * 7919) % (mib * 4)), pool, account));
  }
  report("get 256 KiB blocks", seconds_since(start), static_cast<double>(mib), "MiB/s");

  start = Clock::now();
  for (std::uint64_t i = 0; i < small_puts; ++i) take(store->put(numbered(i), as_bytes("a small block")));
  take(store->sync());
  report("put small blocks", seconds_since(start), static_cast<double>(small_puts), "/s");

  start = Clock::now();
  for (std::uint64_t i = 0; i < small_puts / 10; ++i) take(store->size(numbered((i * 7919) % small_puts)));
  report("look up, here", seconds_since(start), static_cast<double>(small_puts) / 10, "/s");
  start = Clock::now();
  for (std::uint64_t i = 0; i < small_puts / 10; ++i) take(store->size(numbered(5'000'000'000 + i)));
  report("look up, not here", seconds_since(start), static_cast<double>(small_puts) / 10, "/s");

  start = Clock::now();
  auto cursor = take(store->open_keys());
  std::uint64_t keys = 0;
  while (take(cursor->next())) ++keys;
  cursor.reset();
  report("list keys", seconds_since(start), static_cast<double>(keys), "/s");

  start = Clock::now();
  for (std::uint64_t i = 0; i < mib * 4; ++i) {
    if (i % 4 != 0) take(store->remove(numbered(1'000'000'000 + i)));
  }
  const std::atomic<bool> stop{false};
  const std::uint64_t freed = take(store->reclaim(stop));
  report("remove 3/4, reclaim", seconds_since(start), static_cast<double>(freed) / (1 << 20), "MiB/s");

  start = Clock::now();
  store.reset();
  report("close", seconds_since(start), 1, "/s");
  start = Clock::now();
  store = take(DiskStore::open(options, budget));
  report("open, full", seconds_since(start), 1, "/s");
  std::size_t threads = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) threads += entry.exists();
  std::printf("%zu threads\n", threads);
  store.reset();
  std::filesystem::remove_all(arguments[1]);
  return 0;
}
