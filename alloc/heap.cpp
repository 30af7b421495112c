#include "alloc/heap.hpp"

#include "alloc/check.hpp"
#include "alloc/fixed.hpp"
#include "alloc/page_box.hpp"
#include "alloc/spin_lock.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(MASU_JEMALLOC)
#include <jemalloc/jemalloc.h>

// Read by jemalloc before main. narenas:1 and tcache:false: no memory per processor or thread. retain:false
// and oversize_threshold:0: extents go back when free, and none is made outside the hooks. thp:never: RSS
// moves in steps of 4 KiB. No muzzy state: a page is in use or given back. dirty_decay_ms: free pages serve
// the next burst for a quarter of a second; pages that stay free longer are paid for twice, here and in the
// plan.
const char* malloc_conf =
    "narenas:1,tcache:false,retain:false,oversize_threshold:0,dirty_decay_ms:100,muzzy_decay_ms:0,thp:never,"
    "background_thread:false";
#endif

namespace masu {

std::string_view name_of(HeapArena arena) {
  static constexpr std::array<std::string_view, heap_arena_count> names = {"heap.library", "heap.lasting",
                                                                           "heap.connection", "heap.passing"};
  return names[static_cast<std::size_t>(arena)];
}

HeapArena heap_arena_of(Lifetime lifetime) {
  switch (lifetime) {
    case Lifetime::process:
    case Lifetime::peer:
    case Lifetime::store: return HeapArena::lasting;
    case Lifetime::connection:
    case Lifetime::stream: return HeapArena::connection;
    case Lifetime::handshake:
    case Lifetime::request:
    case Lifetime::block: break;
  }
  return HeapArena::passing;
}

namespace {

// Those who may give pages back, in the order of their coming.
class Reclaimers {
 public:
  void add(Reclaimer reclaimer, void* context) {
    const std::lock_guard guard(lock_);
    for (Entry& entry : entries_) {
      if (entry.reclaimer != nullptr) continue;
      entry = {reclaimer, context};
      return;
    }
    check_failed(__FILE__, __LINE__, "there are eight reclaimers at most");
  }
  void remove(void* context) {
    const std::lock_guard guard(lock_);
    for (Entry& entry : entries_) {
      if (entry.context == context) entry = {};
    }
  }
  std::size_t ask(std::size_t wanted) {
    const std::lock_guard guard(lock_);
    std::size_t given = 0;
    for (const Entry& entry : entries_) {
      if (entry.reclaimer != nullptr && given < wanted)
        given += entry.reclaimer(entry.context, wanted - given);
    }
    return given;
  }

 private:
  struct Entry {
    Reclaimer reclaimer = nullptr;
    void* context = nullptr;
  };
  SpinLock lock_;
  std::array<Entry, 8> entries_;
};

constinit Reclaimers reclaimers;

}  // namespace

void add_reclaimer(Reclaimer reclaimer, void* context) { reclaimers.add(reclaimer, context); }
void remove_reclaimer(void* context) { reclaimers.remove(context); }

#if defined(MASU_JEMALLOC)

namespace {

constexpr std::size_t base_block_align = std::size_t{2} << 20;

// jemalloc hands its hooks' table back to them; ours is the front of what we know of the arena.
struct Arena {
  extent_hooks_t hooks;
  Door door;
  std::atomic<unsigned> index;
  std::atomic<std::size_t> charged;

  static Arena& of(extent_hooks_t* hooks) { return *reinterpret_cast<Arena*>(hooks); }
};

// Where jemalloc keeps its own tables: 2 MiB of addresses at a time, touched bit by bit, never given back.
struct BaseBlock {
  void* start = nullptr;
  std::size_t bytes = 0;
  const Arena* arena = nullptr;
};

class BaseBlocks {
 public:
  void* map(std::size_t bytes, const Arena& arena) {
    const std::lock_guard guard(lock_);
    if (count_ == blocks_.size()) return nullptr;
    void* start = process_box().map_uncharged(bytes, base_block_align);
    if (start != nullptr) blocks_[count_++] = {start, bytes, &arena};
    return start;
  }
  std::size_t resident(const Arena& arena) const {
    const std::lock_guard guard(lock_);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (blocks_[i].arena == &arena) bytes += resident_bytes(blocks_[i].start, blocks_[i].bytes);
    }
    return bytes;
  }

 private:
  mutable SpinLock lock_;
  std::array<BaseBlock, 16> blocks_;
  std::size_t count_ = 0;
};

constinit BaseBlocks base_blocks;

[[noreturn]] void end_out_of_memory(std::size_t bytes) {
  const DoorCount library = process_box().count(Door::library);
  const DoorCount ours = process_box().count(Door::ours);
  std::array<char, 400> text;
  const int length = std::snprintf(
      text.data(), text.size(),
      "masu: the memory budget is used up: a library asked for %zu KiB, the libraries hold %zu of "
      "their %zu KiB, the node %zu of %zu KiB. Libraries do not survive a refusal, so the node "
      "stops; what was acknowledged is on disk. Give it a larger --memory-budget.\n",
      bytes / 1024, library.charged_bytes / 1024, library.limit_bytes / 1024, ours.charged_bytes / 1024,
      ours.limit_bytes / 1024);
  if (write(STDERR_FILENO, text.data(), static_cast<std::size_t>(std::max(length, 0))) < 0) {
    // Nobody listens; the exit code is left.
  }
  _exit(75);  // EX_TEMPFAIL
}

// Both doors are full. Free chunks of ours make room in the ledger. Clean code pages make room in RSS: about
// half of them stay away (measured: of 15 MiB, 5 to 7 after dropping, 2 more after the next request), and the
// library door gets that half, once.
void* map_in_need(std::size_t bytes, std::size_t align) {
  PageBox& box = process_box();
  reclaimers.ask(bytes);
  if (void* memory = box.map(bytes, align, Door::library); memory != nullptr) return memory;
  static std::atomic_flag code_dropped;
  if (!code_dropped.test_and_set()) {
    const std::size_t dropped = drop_clean_code_pages();
    box.set_limits(box.count(Door::ours).limit_bytes, box.count(Door::library).limit_bytes + dropped / 2);
  }
  return box.map(bytes, align, Door::library);
}

void* hook_alloc(extent_hooks_t* hooks, void* wanted, std::size_t bytes, std::size_t align, bool* zero,
                 bool* commit, unsigned) {
  if (wanted != nullptr) return nullptr;  // growing in place is a wish
  Arena& arena = Arena::of(hooks);
  *zero = *commit = true;
  // Only base blocks come with this alignment and size (base.c of jemalloc 5.3, base_map).
  if (align == base_block_align && bytes % base_block_align == 0) return base_blocks.map(bytes, arena);
  PageBox& box = process_box();
  void* memory = box.map(bytes, align, arena.door);
  if (memory == nullptr && arena.door == Door::library) {
    // What is larger than all that the libraries have is nobody's honest need: the caller meets bad_alloc.
    if (bytes > box.count(Door::library).limit_bytes) return nullptr;
    memory = map_in_need(bytes, align);
    if (memory == nullptr) end_out_of_memory(bytes);
  }
  if (memory != nullptr) arena.charged.fetch_add(bytes, std::memory_order_relaxed);
  return memory;
}

bool hook_dalloc(extent_hooks_t* hooks, void* memory, std::size_t bytes, bool committed, unsigned) {
  if (!process_box().contains(memory)) {
    // Older than the hooks: jemalloc mapped it by itself.
    forget_early_mapping(memory, bytes);
    return munmap(memory, bytes) != 0;
  }
  Arena& arena = Arena::of(hooks);
  process_box().unmap(memory, bytes, arena.door);
  if (committed) arena.charged.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

void hook_destroy(extent_hooks_t* hooks, void* memory, std::size_t bytes, bool committed, unsigned index) {
  hook_dalloc(hooks, memory, bytes, committed, index);
}

bool hook_commit(extent_hooks_t* hooks, void* memory, std::size_t, std::size_t offset, std::size_t bytes,
                 unsigned) {
  Arena& arena = Arena::of(hooks);
  if (!process_box().contains(memory)) return false;  // never decommitted, see below
  if (!process_box().recommit(static_cast<std::uint8_t*>(memory) + offset, bytes, arena.door)) return true;
  arena.charged.fetch_add(bytes, std::memory_order_relaxed);
  return false;
}

bool hook_decommit(extent_hooks_t* hooks, void* memory, std::size_t, std::size_t offset, std::size_t bytes,
                   unsigned) {
  if (!process_box().contains(memory)) return true;
  Arena& arena = Arena::of(hooks);
  process_box().decommit(static_cast<std::uint8_t*>(memory) + offset, bytes, arena.door);
  arena.charged.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

// There is no muzzy state.
bool hook_purge_lazy(extent_hooks_t*, void*, std::size_t, std::size_t, std::size_t, unsigned) { return true; }

// The pages go, their charge stays: they are mapped, and may be touched without asking again.
bool hook_purge_forced(extent_hooks_t*, void* memory, std::size_t, std::size_t offset, std::size_t bytes,
                       unsigned) {
  return madvise(static_cast<std::uint8_t*>(memory) + offset, bytes, MADV_DONTNEED) != 0;
}

bool hook_split(extent_hooks_t*, void*, std::size_t, std::size_t, std::size_t, bool, unsigned) {
  return false;
}

// The box takes any part of its pages back; what it did not map is not joined to it.
bool hook_merge(extent_hooks_t*, void* a, std::size_t, void* b, std::size_t, bool, unsigned) {
  return process_box().contains(a) != process_box().contains(b);
}

constexpr extent_hooks_t hook_table = {hook_alloc,        hook_dalloc,   hook_destroy,
                                       hook_commit,       hook_decommit, hook_purge_lazy,
                                       hook_purge_forced, hook_split,    hook_merge};
constexpr unsigned no_index = ~0u;

constinit std::array<Arena, heap_arena_count> arenas = {{{hook_table, Door::library, 0, 0},
                                                         {hook_table, Door::ours, no_index, 0},
                                                         {hook_table, Door::ours, no_index, 0},
                                                         {hook_table, Door::ours, no_index, 0}}};

template <class Value>
bool read_control(const char* name, Value& value) {
  std::size_t bytes = sizeof(value);
  return mallctl(name, &value, &bytes, nullptr, 0) == 0 && bytes == sizeof(value);
}

// Before main, and before the constructors of everything that is linked statically. What jemalloc does at its
// first extent (tables for the box's addresses) is made to happen here, so that it counts as early.
__attribute__((constructor(101))) void install_heap() {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  extent_hooks_t* hooks = &arenas[0].hooks;
  MASU_CHECK(mallctl("arena.0.extent_hooks", nullptr, nullptr, &hooks, sizeof(hooks)) == 0,
             "jemalloc takes the hooks of arena 0");
  dallocx(mallocx(std::size_t{1} << 20, MALLOCX_ARENA(0)), 0);
  purge_heap();
  note_early_mappings(process_box());
}

// The jemalloc arena behind `which`, made at its first use; no_index when there is no memory for it.
unsigned index_of(HeapArena which) {
  Arena& arena = arenas[static_cast<std::size_t>(which)];
  unsigned index = arena.index.load(std::memory_order_acquire);
  if (index != no_index) return index;
  static constinit SpinLock making;
  const std::lock_guard guard(making);
  index = arena.index.load(std::memory_order_acquire);
  if (index != no_index) return index;
  extent_hooks_t* hooks = &arena.hooks;
  std::size_t bytes = sizeof(index);
  if (mallctl("arenas.create", &index, &bytes, &hooks, sizeof(hooks)) != 0) return no_index;
  arena.index.store(index, std::memory_order_release);
  return index;
}

int flags_of(std::size_t align) { return MALLOCX_TCACHE_NONE | MALLOCX_LG_ALIGN(std::countr_zero(align)); }

}  // namespace

void* heap_allocate(Lifetime lifetime, std::size_t bytes, std::size_t align) noexcept {
  MASU_CHECK(align < base_block_align, "an alignment of 2 MiB is how the hooks know jemalloc's own tables");
  const unsigned index = index_of(heap_arena_of(lifetime));
  if (index == no_index) return nullptr;
  const int flags = flags_of(align) | static_cast<int>(MALLOCX_ARENA(index));
  bytes = std::max<std::size_t>(bytes, 1);
  if (void* memory = mallocx(bytes, flags); memory != nullptr) return memory;
  // What earlier bursts left in the arenas is still charged.
  purge_heap();
  return mallocx(bytes, flags);
}

void heap_free(void* memory, std::size_t bytes, std::size_t align) noexcept {
  sdallocx(memory, std::max<std::size_t>(bytes, 1), flags_of(align));
}

namespace {

template <class Value>
bool differs(const char* option, Value wanted, HeapFault& fault) {
  Value found{};
  const bool known = read_control(option, found);
  if (known && found == wanted) return false;
  fault = {option, std::to_string(wanted), known ? std::to_string(found) : "unknown to this jemalloc"};
  return true;
}

bool text_differs(const char* option, std::string_view wanted, HeapFault& fault) {
  const char* found = nullptr;
  const bool known = read_control(option, found) && found != nullptr;
  if (known && std::string_view(found).starts_with(wanted)) return false;
  fault = {option, std::string(wanted), known ? found : "unknown to this jemalloc"};
  return true;
}

}  // namespace

std::expected<void, HeapFault> verify_heap() {
  HeapFault fault;
  if (text_differs("version", "5.3.", fault) || differs("opt.narenas", 1u, fault) ||
      differs("opt.tcache", false, fault) || differs("opt.retain", false, fault) ||
      differs("opt.oversize_threshold", std::size_t{0}, fault) ||
      differs("opt.dirty_decay_ms", ssize_t{100}, fault) ||
      differs("opt.muzzy_decay_ms", ssize_t{0}, fault) || text_differs("opt.thp", "never", fault) ||
      differs("opt.background_thread", false, fault) || text_differs("opt.percpu_arena", "disabled", fault) ||
      differs("arenas.page", page_bytes, fault)) {
    return std::unexpected(fault);
  }
  extent_hooks_t* hooks = nullptr;
  if (!read_control("arena.0.extent_hooks", hooks) || hooks != &arenas[0].hooks) {
    return std::unexpected(HeapFault{"arena.0.extent_hooks", "the page box", "others"});
  }
  return {};
}

void purge_heap() noexcept {
  // 4096 is MALLCTL_ARENAS_ALL.
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

std::array<HeapCount, heap_arena_count> count_heap() {
  std::array<HeapCount, heap_arena_count> counts;
  std::uint64_t epoch = 1;
  mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
  for (std::size_t i = 0; i < counts.size(); ++i) {
    HeapCount& count = counts[i];
    count.arena = static_cast<HeapArena>(i);
    const unsigned index = arenas[i].index.load(std::memory_order_acquire);
    count.created = index != no_index;
    if (!count.created) continue;
    const auto read = [index](const char* field) {
      std::array<char, 64> name;
      std::snprintf(name.data(), name.size(), "stats.arenas.%u.%s", index, field);
      std::size_t value = 0;
      return read_control(name.data(), value) ? value : 0;
    };
    count.charged = arenas[i].charged.load(std::memory_order_relaxed);
    count.allocated = read("small.allocated") + read("large.allocated");
    count.active = read("pactive") * page_bytes;
    count.dirty = read("pdirty") * page_bytes;
    count.metadata = base_blocks.resident(arenas[i]);
  }
  return counts;
}

#else  // the sanitizers' allocator

void* heap_allocate(Lifetime, std::size_t bytes, std::size_t align) noexcept {
  return ::operator new(std::max<std::size_t>(bytes, 1), std::align_val_t(align), std::nothrow);
}

void heap_free(void* memory, std::size_t, std::size_t align) noexcept {
  ::operator delete(memory, std::align_val_t(align));
}

std::expected<void, HeapFault> verify_heap() { return {}; }

void purge_heap() noexcept {}

std::array<HeapCount, heap_arena_count> count_heap() {
  std::array<HeapCount, heap_arena_count> counts;
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i].arena = static_cast<HeapArena>(i);
  return counts;
}

#endif

}  // namespace masu
