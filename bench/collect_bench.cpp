// Collection, pins and reading over the store on disk, as a program of its own: it prints what each phase
// took, and the resident memory, which must not follow the number of blocks.
//     collect-bench DIRECTORY [blocks] [pins] [MiB to read]
// Half of the blocks are garbage. Jobs run on the one thread that there is.
#include "alloc/plan.hpp"
#include "multiformats/digest.hpp"
#include "store/collector.hpp"
#include "store/disk_store.hpp"
#include "store/local_source.hpp"
#include "store/pin_set.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace masu;
using namespace masu::store;
using Clock = std::chrono::steady_clock;

// Runs what was posted when it is told to.
class InlineJobs final : public Jobs {
 public:
  [[nodiscard]] bool post(Job& job, JobClass) override {
    waiting_.push_back(job);
    return true;
  }
  void wait_for_room(JobRoomWaiter&, JobClass) override {}
  void run_all() {
    while (Job* const job = waiting_.pop_front()) {
      job->run();
      job->finish();
    }
  }

 private:
  IntrusiveList<Job> waiting_;
};

struct Ended final : TaskListener {
  void on_task_done(TaskOutcome outcome) noexcept override {
    if (outcome != TaskOutcome::done) std::abort();
  }
};

void report(const char* what, Clock::time_point start, double amount, const char* unit) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::ifstream status("/proc/self/status");
  double resident = 0, peak = 0;
  for (std::string line; std::getline(status, line);) {
    const auto mib = [&line] { return std::strtod(line.c_str() + line.find(':') + 1, nullptr) / 1024; };
    if (line.starts_with("VmRSS")) resident = mib();
    if (line.starts_with("VmHWM")) peak = mib();
  }
  std::printf("%-18s %8.3f s  %12.1f %-8s RSS %6.1f MiB, peak %6.1f\n", what, seconds, amount / seconds, unit,
              resident, peak);
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

Cid put(DiskStore& store, Codec codec, std::string_view block) {
  const Multihash hash = *multihash_of(HashCode::sha2_256, as_bytes(block));
  take(store.put(hash, as_bytes(block)));
  return Cid::v1(codec, hash);
}

// A dag-cbor list of links.
Cid put_node(DiskStore& store, const std::vector<Cid>& links, std::uint64_t label) {
  std::string block("\x9f\x1b");
  for (int shift = 56; shift >= 0; shift -= 8) block.push_back(static_cast<char>(label >> shift));
  for (const Cid& link : links) {
    block.append("\xd8\x2a\x58");
    block.push_back(static_cast<char>(link.bytes().size() + 1));
    block.push_back('\0');
    block.append(as_text(link.bytes()));
  }
  return put(store, Codec::dag_cbor, block.append("\xff"));
}

// Files of 174 leaves, five a directory; every other directory gets a pin, so that half is garbage from
// 10,000 blocks on.
void put_dags(DiskStore& store, PinSet& pins, std::uint64_t blocks) {
  constexpr std::size_t leaves_each = 174, files_each = 5;
  std::uint64_t count = 0;
  bool keep = false;
  std::vector<Cid> files;
  while (count < blocks) {
    std::vector<Cid> leaves;
    for (std::size_t i = 0; i < leaves_each; ++i) {
      leaves.push_back(put(store, Codec::raw, "leaf " + std::to_string(count++) + std::string(100, '.')));
    }
    files.push_back(put_node(store, leaves, count++));
    if (files.size() < files_each && count < blocks) continue;
    const Cid directory = put_node(store, files, count++);
    files.clear();
    keep = !keep;
    if (keep) take(pins.pin(directory, PinMode::recursive, ""));
  }
  take(store.sync());
}

Task<> collect(TaskMemory memory, Account& account, Collection& collection, std::uint64_t& removed) {
  CollectStep step{CollectStep::Removed{AccountAllocator<Multihash>(account)}, 0, {}};
  while (co_await collection.next(memory, step)) {
    removed += step.removed.size();
    for (const std::string& error : step.errors) std::fprintf(stderr, "%s\n", error.c_str());
  }
}

Task<> read(TaskMemory, BlockSource& source, Account& account, const std::vector<Cid>& cids,
            std::uint64_t& bytes) {
  constexpr std::size_t ahead = 4;
  std::array<std::optional<AwaitedBlock>, ahead> waits;
  for (std::size_t i = 0; i < cids.size() + ahead; ++i) {
    std::optional<AwaitedBlock>& wait = waits[i % ahead];
    if (wait) {
      const StoreResult<ChunkChain> block = co_await *wait;
      if (block) bytes += block->size();
      wait.reset();
    }
    if (i < cids.size()) wait.emplace(source, cids[i], account);
  }
}

void list_pins(PinSet& pins, Account& account, std::uint64_t& listed) {
  PinSet::Page page{AccountAllocator<Pin>(account)};
  std::optional<Cid> last;
  do {
    take(pins.list(PinMode::direct, last ? &*last : nullptr, page));
    listed += page.size();
    if (!page.empty()) last = page.back().cid;
  } while (!page.empty());
}

// Pins as a long life leaves them: many a batch.
void put_pins(RecordStore& records, std::uint64_t count) {
  constexpr std::size_t batch = 1000;
  std::vector<std::string> keys(batch);
  std::vector<RecordChange> changes(batch);
  const std::uint8_t no_name = 0;
  for (std::uint64_t at = 0; at < count; at += batch) {
    for (std::size_t i = 0; i < batch; ++i) {
      const std::string name = std::to_string(at + i);
      const Cid cid = Cid::v1(Codec::dag_pb, *multihash_of(HashCode::sha2_256, as_bytes(name)));
      keys[i] = std::string{static_cast<char>(record_table::pin), static_cast<char>(PinMode::direct)};
      keys[i].append(as_text(cid.bytes()));
      changes[i] = {as_bytes(keys[i]), Bytes(&no_name, 1)};
    }
    take(records.write(changes));
  }
}

std::uint64_t argument(int count, char** arguments, int at, std::uint64_t without) {
  return count > at ? std::strtoull(arguments[at], nullptr, 10) : without;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  const std::string directory = arguments[1];
  const std::uint64_t blocks = argument(count, arguments, 2, 1'000'000),
                      pin_count = argument(count, arguments, 3, 1'000'000),
                      mib = argument(count, arguments, 4, 1024);
  const auto plan = derive_plan(std::size_t{64} << 20);
  if (!plan) return 1;
  enter_plan(*plan);
  Budget budget("bench", plan->ours_bytes);
  Account chunk_pages(budget, "bench.chunks", Lifetime::block, plan->chunks * chunk_bytes);
  Account holder(budget, "bench.blocks", Lifetime::block, std::size_t{8} << 20);
  Account memory_account(budget, "store.collect", Lifetime::store, plan->collect_bytes);
  Account other(budget, "bench.other", Lifetime::process, std::size_t{1} << 20);
  AccountResource frames(other);
  ChunkPool chunks(chunk_pages, 512);
  std::filesystem::create_directories(directory);
  DiskStoreOptions options;
  options.directory = directory;
  options.memtable_bytes = plan->memtable_bytes;
  options.block_cache_bytes = plan->block_cache_bytes;
  options.open_files = plan->open_files;
  options.memory_bytes = plan->store_bytes;
  auto store = take(DiskStore::open(options, budget));
  PinSet pins(store->records());
  InlineJobs jobs;
  Ended ended;

  auto start = Clock::now();
  put_dags(*store, pins, blocks);
  report("put", start, static_cast<double>(blocks), "/s");
  {
    Collector collector({*store, pins, jobs, chunks, holder, memory_account, plan->collect_bytes, directory});
    start = Clock::now();
    std::uint64_t removed = 0;
    Collection collection(collector, {}, {});
    TaskRun run;
    run.start(collect(frames, other, collection, removed), ended);
    jobs.run_all();
    report("collect", start, static_cast<double>(blocks), "/s");
    std::printf("removed %llu, peak of store.collect %zu KiB of %zu\n",
                static_cast<unsigned long long>(removed), memory_account.peak_bytes() / 1024,
                plan->collect_bytes / 1024);
  }

  start = Clock::now();
  put_pins(store->records(), pin_count);
  report("put pins", start, static_cast<double>(pin_count), "/s");
  start = Clock::now();
  std::uint64_t listed = 0;
  list_pins(pins, other, listed);
  report("list pins", start, static_cast<double>(listed), "/s");

  std::vector<Cid> cids;
  std::string block(256 * 1024, 'b');
  for (std::uint64_t i = 0; i < mib * 4; ++i) {
    std::memcpy(block.data(), &i, sizeof(i));
    cids.push_back(put(*store, Codec::raw, block));
  }
  take(store->sync());
  {
    LocalReads reads(*store, jobs, chunks, other);
    for (const char* const what : {"read", "read again"}) {
      start = Clock::now();
      std::uint64_t bytes = 0;
      LocalSource source(reads);
      TaskRun run;
      run.start(read(frames, source, holder, cids, bytes), ended);
      jobs.run_all();
      report(what, start, static_cast<double>(bytes) / 1048576, "MiB/s");
    }
  }
  return 0;
}
