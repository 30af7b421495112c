#include "alloc/plan.hpp"

#include "alloc/chunk_pool.hpp"
#include "alloc/page_box.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>

namespace masu {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr std::size_t block_bytes = 2 * mib;        // the largest block that Bitswap must take
constexpr std::size_t identify_bytes = 160;         // of its messages, for each connection
constexpr std::size_t frame_bytes = 64 * kib;       // the largest Noise frame
constexpr std::size_t code_at_work = 15 * mib / 4;  // what 16M has for code

// One block beside the frames and handshakes of the smallest plan.
constexpr std::size_t chunks_least = block_bytes + 4 * frame_bytes + 4 * chunk_bytes;

constexpr std::size_t kept_chunks(std::size_t chunks) { return chunks / ChunkPool::closing_part; }

// Slab runs waste up to an eighth, and the last one may be nearly empty.
constexpr std::size_t slab_bytes(std::size_t count, std::size_t entry_bytes) {
  return whole_pages(count * entry_bytes * 9 / 8) + page_bytes;
}

// Blocks that come in have the largest part, and each needs its slot. Receiving and sending have a quarter
// each: those quotas overlap with the blocks', as blocks are rarely 2 MiB.
void share_chunks(CapacityPlan& plan) {
  const std::size_t pool = plan.chunks * chunk_bytes;
  plan.frame_slots = std::clamp<std::size_t>(pool / 16 / frame_bytes, 2, 64);
  const std::size_t gathered = plan.frame_slots * frame_bytes + plan.handshakes * chunk_bytes;
  const std::size_t beside = gathered + 2 * frame_bytes + kept_chunks(plan.chunks) * chunk_bytes;
  plan.block_bytes = std::min(pool - std::min(pool, beside), 128 * mib) / chunk_bytes * chunk_bytes;
  plan.block_slots = std::clamp<std::size_t>(plan.block_bytes / block_bytes, 1, 64);
  // A block that was fetched has room beside what clients upload, from 32M on.
  const std::size_t ahead = plan.rpc_requests * frame_bytes;
  const std::size_t fetched = std::min(plan.block_bytes, block_bytes + ahead);
  plan.upload_slots = std::max<std::size_t>((plan.block_bytes - fetched) / block_bytes, 1);
  plan.upload_bytes = plan.upload_slots * block_bytes + ahead;
  plan.receive_bytes = std::max(pool / 4, gathered);
  plan.send_bytes = pool / 4;
  plan.window_bytes = pool / 2;
}

class Planner {
 public:
  Planner(std::size_t budget_bytes, const FixedCosts& fixed) : fixed_(fixed) {
    plan_.budget_bytes = budget_bytes;
  }

  // First with the least of everything; what is left then is shared out.
  CapacityPlan make() {
    sum_up();
    const std::size_t least =
        plan_.sum_bytes() - plan_.chunks * (chunk_bytes + plan_entry::chunk_table_bytes) + chunks_least;
    room_ = plan_.budget_bytes > least ? plan_.budget_bytes - least : 0;
    plan_ = CapacityPlan{.budget_bytes = plan_.budget_bytes};
    sum_up();
    return std::move(plan_);
  }

 private:
  void sum_up() {
    plan_work();
    plan_fixed();
    plan_library();
    plan_unspent();
    plan_network();
    plan_kernel();
    plan_bitswap();
    plan_requests();
    plan_chunks();  // last: all that is left
  }

  void add(PlanGroup group, std::string_view name, std::size_t count, std::size_t bytes_each,
           std::size_t bytes) {
    plan_.rows.push_back({name, group, count, bytes_each, bytes});
    switch (group) {
      case PlanGroup::fixed: plan_.fixed_bytes += bytes; break;
      case PlanGroup::library: plan_.library_bytes += bytes; break;
      case PlanGroup::kernel: plan_.kernel_bytes += bytes; break;
      case PlanGroup::ours: plan_.ours_bytes += bytes; break;
      case PlanGroup::unspent: plan_.unspent_bytes += bytes; break;
    }
  }

  // A part of the budget, within bounds.
  std::size_t part(std::size_t divisor, std::size_t least, std::size_t most) const {
    return std::clamp(plan_.budget_bytes / divisor, least, most);
  }

  // A count that is `least` in the smallest plan, about `at_64m` in that for 64M, and follows the room that a
  // budget leaves between. Five significant bits: plans are read by people.
  std::size_t scaled(std::size_t at_64m, std::size_t least, std::size_t most) const {
    constexpr std::size_t room_at_64m = 28 * mib;
    const std::size_t room = std::min(room_, 64 * room_at_64m);
    const std::size_t count = least + (at_64m - least) * (room / kib) / (room_at_64m / kib);
    const int dropped_bits = std::max(static_cast<int>(std::bit_width(count)) - 5, 0);
    return std::clamp(count >> dropped_bits << dropped_bits, least, most);
  }

  void plan_work() {
    // Two hash or wait for the disk from 24M on (with one, a fetch at 32M reaches three quarters of the
    // pace); more than four wait for each other in RocksDB.
    plan_.worker_threads = plan_.budget_bytes < 24 * mib ? 1 : part(32 * mib, 2, 4);
    plan_.thread_stack_bytes = part(256, 128 * kib, 256 * kib) / page_bytes * page_bytes;
  }

  void plan_fixed() {
    // A small budget has room for the code that is at work; the governor drops clean pages at that mark.
    const std::size_t above = plan_.budget_bytes - std::min(plan_.budget_bytes, 16 * mib);
    plan_.code_bytes = std::min(fixed_.code_bytes, code_at_work + above * 2 / 3);
    add(PlanGroup::fixed, "code", 0, 0, plan_.code_bytes);
    add(PlanGroup::fixed, "data", 0, 0, fixed_.data_bytes);
    add(PlanGroup::fixed, "early heap", 0, 0, fixed_.early_bytes);
    // Main, workers, the store's for commits, and RocksDB's two: one for flushes, one for compactions.
    const std::size_t threads = 1 + plan_.worker_threads + 1 + 2;
    // Measured at work: 48 KiB, 28 each, 20, 12 and 40; a compaction had 60.
    const std::size_t touched = part(512, 76 * kib, 128 * kib);
    add(PlanGroup::fixed, "stacks", threads, touched, threads * touched);
    // jemalloc's tables: 121 KiB for each of the three arenas beside arena 0 (whose tables are early), and as
    // much again for their extents under load.
    const std::size_t tables = part(176, 124 * kib, 248 * kib);
    add(PlanGroup::fixed, "heap tables", 3, tables, 3 * tables);
    // Two bits for each page of four budgets.
    const std::size_t addresses = std::max(4 * plan_.budget_bytes, 256 * mib);
    add(PlanGroup::fixed, "box tables", 2, addresses / page_bytes / 8,
        2 * whole_pages(addresses / page_bytes / 8));
  }

  void plan_library() {
    plan_.memtable_bytes = part(64, 192 * kib, 8 * mib);
    plan_.block_cache_bytes = part(96, 192 * kib, 64 * mib);
    plan_.open_files = part(2 * mib, 16, 512);
    // Measured by store-bench (the peak of the library door, without the 1 MiB that others take): 2.9 MiB
    // with memtables of 128 KiB, 3.3 with 1 MiB, 3.0 for 4,000,000 keys with 512 KiB. There are two families
    // with a memtable (one of them half as large), and one memtable more is being flushed.
    const std::size_t rocksdb =
        1984 * kib + plan_.memtable_bytes * 2 + plan_.block_cache_bytes + plan_.open_files * 20 * kib;
    // OpenSSL's and c-ares' tables, Asio's and Beast's handlers, the parsed configuration.
    const std::size_t others = part(84, 576 * kib, 768 * kib);
    // A third above what was measured: a refusal here ends the process.
    add(PlanGroup::library, "RocksDB", 1, rocksdb, whole_pages(rocksdb * 4 / 3));
    add(PlanGroup::library, "other libraries", 1, others, whole_pages(others * 4 / 3));
  }

  void plan_unspent() {
    add(PlanGroup::unspent, "unspent", 0, 0, std::max(512 * kib, plan_.budget_bytes / 50));
  }

  void plan_network() {
    plan_.connections = scaled(944, 16, 2048);
    plan_.inbound_streams_per_connection = 32;
    // Identify's stream is gone after a second; those of Bitswap stay, and a DHT query or a ping comes along.
    // However few peers there are: one holds half a dozen, and some are greedy.
    plan_.streams = std::max<std::size_t>(plan_.connections * 3, 128);
    plan_.handshakes = scaled(32, 3, 96);
    plan_.dialled_peers = std::clamp<std::size_t>(plan_.handshakes * 2, 6, 128);
    plan_.peers = std::max(scaled(2560, 96, 65536), plan_.connections * 5 / 4);
    plan_.addresses = plan_.peers * 3;
    plan_.backoff_entries = std::clamp<std::size_t>(plan_.peers / 8, 24, 512);
    plan_.known_peers = scaled(256, 16, 1024);
    plan_.protocol_blocks = plan_.connections * 3;
    plan_.texts = std::clamp<std::size_t>(plan_.peers / 4, 128, 4096);
    plan_.peer_key_bytes = whole_pages(scaled(64 * kib, 8 * kib, mib));
    plan_.pings_in = std::min<std::size_t>(plan_.connections * 2, 128);
    plan_.pings_out = std::clamp<std::size_t>(plan_.connections / 2, 8, 32);
    // With identify's messages, of which there are some for each eight connections.
    add(PlanGroup::ours, "net.connection", plan_.connections, plan_entry::connection_bytes,
        slab_bytes(plan_.connections, plan_entry::connection_bytes) +
            slab_bytes(plan_.connections, identify_bytes));
    add(PlanGroup::ours, "net.link", plan_.connections, plan_entry::link_bytes,
        slab_bytes(plan_.connections, plan_entry::link_bytes));
    add(PlanGroup::ours, "net.stream", plan_.streams, plan_entry::stream_bytes,
        slab_bytes(plan_.streams, plan_entry::stream_bytes));
    add(PlanGroup::ours, "net.handshake", plan_.handshakes, plan_entry::handshake_bytes,
        slab_bytes(plan_.handshakes, plan_entry::handshake_bytes));
    add(PlanGroup::ours, "net.dial", plan_.dialled_peers, plan_entry::dial_bytes,
        slab_bytes(plan_.dialled_peers, plan_entry::dial_bytes) +
            whole_pages(plan_.backoff_entries * plan_entry::backoff_bytes));
    add(PlanGroup::ours, "net.peerstore", plan_.peers, plan_entry::peer_bytes,
        slab_bytes(plan_.peers, plan_entry::peer_bytes) +
            slab_bytes(plan_.addresses, plan_entry::address_bytes));
    // With their index.
    add(PlanGroup::ours, "net.known", plan_.known_peers, plan_entry::known_peer_bytes,
        slab_bytes(plan_.known_peers, plan_entry::known_peer_bytes) +
            slab_bytes(plan_.known_peers, 2 * sizeof(void*)));
    add(PlanGroup::ours, "net.protocols", plan_.protocol_blocks, plan_entry::protocol_block_bytes,
        slab_bytes(plan_.protocol_blocks, plan_entry::protocol_block_bytes) +
            slab_bytes(plan_.texts, plan_entry::text_bytes));
    add(PlanGroup::ours, "net.peerkey", 1, plan_.peer_key_bytes, plan_.peer_key_bytes);
    const std::size_t pings = plan_.pings_in + plan_.pings_out;
    add(PlanGroup::ours, "net.ping", pings, plan_entry::ping_bytes,
        slab_bytes(pings, plan_entry::ping_bytes));
  }

  // About 4 KiB for a connection's own objects. What is unread or unsent in its buffers (measured: 28 KiB and
  // 20 with 16 KiB each) is counted for all together, as few have any: we read what comes, and a link that
  // takes nothing is given up. It is no part of RSS.
  void plan_kernel() {
    plan_.socket_receive_bytes = 8 * kib;
    plan_.socket_send_bytes = 8 * kib;
    add(PlanGroup::kernel, "sockets", plan_.connections, 4 * kib, plan_.connections * 4 * kib);
    plan_.parked_bytes = std::max(scaled(2 * mib, 192 * kib, 64 * mib), 8 * 28 * kib);
    add(PlanGroup::kernel, "unread, unsent", 0, 0, plan_.parked_bytes);
    plan_.busy_connections = scaled(5, 1, 64);
    plan_.busy_socket_bytes = part(512, 32 * kib, 128 * kib);
    // As much as the kernel grants without privileges.
    plan_.busy_receive_bytes = part(320, 48 * kib, 208 * kib) / kib * kib;
    const std::size_t busy = (plan_.busy_socket_bytes + plan_.busy_receive_bytes) * 3 / 2;
    add(PlanGroup::kernel, "busy sockets", plan_.busy_connections, busy, plan_.busy_connections * busy);
    // A Kubo has four blocks of 256 KiB on their way to a peer: where the kernel takes them all, as from 64M
    // on, its one loop that sends never waits for us. Half of the buffer is the window; the kernel doubles
    // it.
    plan_.wide_connections = part(64 * mib, 1, 16);
    const std::size_t above = plan_.budget_bytes - std::min(plan_.budget_bytes, 32 * mib);
    plan_.wide_receive_bytes = std::min(plan_.busy_receive_bytes + above / 38, 1 * mib) / kib * kib;
    const std::size_t wider = 2 * (plan_.wide_receive_bytes - plan_.busy_receive_bytes);
    add(PlanGroup::kernel, "wide sockets", plan_.wide_connections, wider, plan_.wide_connections * wider);
  }

  void plan_bitswap() {
    plan_.bitswap_peers = plan_.connections;
    // Kubo keeps one open for its wants, and has up to eight for what it sends.
    plan_.bitswap_streams = plan_.connections + 32;
    plan_.wants = scaled(8192, 512, 1u << 20);
    // One peer may take an eighth of the table, and no more than Kubo's 1024.
    plan_.wants_per_peer = std::clamp<std::size_t>(plan_.wants / 8, 64, 1024);
    plan_.client_wants = scaled(4096, 256, 1u << 18);
    plan_.sessions = scaled(32, 4, 512);
    add(PlanGroup::ours, "bitswap.peer", plan_.bitswap_peers, plan_entry::bitswap_peer_bytes,
        slab_bytes(plan_.bitswap_peers, plan_entry::bitswap_peer_bytes));
    add(PlanGroup::ours, "bitswap.stream", plan_.bitswap_streams, plan_entry::bitswap_stream_bytes,
        slab_bytes(plan_.bitswap_streams, plan_entry::bitswap_stream_bytes));
    plan_.lookups = 2;
    plan_.sends = std::clamp<std::size_t>(plan_.wants / 1536, 2, 16);
    add(PlanGroup::ours, "bitswap.server", plan_.wants, plan_entry::server_want_bytes,
        slab_bytes(plan_.wants, plan_entry::server_want_bytes) +
            slab_bytes(plan_.lookups, plan_entry::lookup_bytes) +
            slab_bytes(plan_.sends, plan_entry::send_bytes));
    add(PlanGroup::ours, "bitswap.client", plan_.client_wants, plan_entry::client_want_bytes,
        slab_bytes(plan_.client_wants, plan_entry::client_want_bytes));
    add(PlanGroup::ours, "bitswap.session", plan_.sessions, plan_entry::session_bytes,
        slab_bytes(plan_.sessions, plan_entry::session_bytes));
  }

  // A request is read before it is answered, so that one of two buffers is full. The kernel doubles them, and
  // takes one segment more (a half, at 16 KiB). Measured: at most 38.2 KiB unread with 16 KiB, 15.3 with 8;
  // of one that waits, with 4 KiB, 7.4.
  void plan_rpc_sockets() {
    constexpr std::size_t objects = 4 * kib;
    plan_.rpc_socket_bytes = part(2048, 8 * kib, 16 * kib);
    const std::size_t each = objects + plan_.rpc_socket_bytes * 5 / 2 + 1 * kib;
    add(PlanGroup::kernel, "RPC sockets", plan_.rpc_requests, each, plan_.rpc_requests * each);
    // A script that runs many commands at once has a connection for each.
    plan_.rpc_backlog = 8 + 2 * plan_.rpc_requests;
    plan_.waiting_rpc_socket_bytes = 4 * kib;
    const std::size_t waiting = objects + 2 * plan_.waiting_rpc_socket_bytes;
    add(PlanGroup::kernel, "RPC accept queue", plan_.rpc_backlog, waiting, plan_.rpc_backlog * waiting);
    plan_.busy_rpc_sockets = scaled(2, 1, 16);
    plan_.busy_rpc_socket_bytes = part(1024, 16 * kib, 64 * kib);
    add(PlanGroup::kernel, "busy RPC sockets", plan_.busy_rpc_sockets, 2 * plan_.busy_rpc_socket_bytes,
        2 * plan_.busy_rpc_sockets * plan_.busy_rpc_socket_bytes);
  }

  void plan_requests() {
    plan_.rpc_requests = scaled(15, 4, 192);
    plan_.import_bytes = scaled(1280 * kib, 192 * kib, 64 * mib);
    plan_.collect_bytes = scaled(1280 * kib, 256 * kib, 64 * mib);
    plan_.store_bytes = scaled(256 * kib, 128 * kib, 4 * mib);
    plan_.store_reads = 32;  // eight at most for each walk
    const std::size_t requests = plan_.rpc_requests * plan_entry::request_bytes;
    add(PlanGroup::ours, "http.request", plan_.rpc_requests, plan_entry::request_bytes, requests);
    plan_rpc_sockets();
    add(PlanGroup::ours, "unixfs.import", 1, plan_.import_bytes, plan_.import_bytes);
    add(PlanGroup::ours, "store.collect", 1, plan_.collect_bytes, plan_.collect_bytes);
    add(PlanGroup::ours, "store.disk", 1, plan_.store_bytes, plan_.store_bytes);
    add(PlanGroup::ours, "store.read", plan_.store_reads, plan_entry::read_bytes,
        slab_bytes(plan_.store_reads, plan_entry::read_bytes));
    // Ten minutes, a sample for each five seconds.
    plan_.history_samples = 120;
    add(PlanGroup::ours, "memory.history", plan_.history_samples, plan_entry::history_bytes,
        whole_pages(plan_.history_samples * plan_entry::history_bytes));
    // The store's few large pieces are whole pages. Of the others, size classes waste a fifth at most, bins
    // that are half empty and pages that wait 100 ms for their next use about as much again.
    const std::size_t on_heap = requests + plan_.import_bytes + plan_.collect_bytes + plan_.peer_key_bytes;
    add(PlanGroup::ours, "heap slack", 0, 0, whole_pages(on_heap * 2 / 5));
  }

  void plan_chunks() {
    // More than a quarter of a GiB in flight serves nobody.
    const std::size_t taken = plan_.sum_bytes();
    const std::size_t left = plan_.budget_bytes > taken ? plan_.budget_bytes - taken : 0;
    plan_.chunks = std::min(left - std::min(left, page_bytes), 256 * mib) /
                   (chunk_bytes + plan_entry::chunk_table_bytes);
    share_chunks(plan_);
    add(PlanGroup::ours, "chunks", plan_.chunks, chunk_bytes,
        plan_.chunks * chunk_bytes + whole_pages(plan_.chunks * plan_entry::chunk_table_bytes));
  }

  const FixedCosts fixed_;
  std::size_t room_ = 0;
  CapacityPlan plan_;
};

// Empty: the plan can work.
std::string_view broken_relation(const CapacityPlan& plan) {
  if (plan.sum_bytes() > plan.budget_bytes) return "the sum is above the budget";
  // Whatever the others hold, all slots can be filled, every handshake has its chunk, and two frames can
  // leave.
  const std::size_t pool = plan.chunks * chunk_bytes;
  const std::size_t frames = plan.frame_slots * frame_bytes;
  const std::size_t handshakes = plan.handshakes * chunk_bytes;
  const std::size_t kept = kept_chunks(plan.chunks) * chunk_bytes;
  if (plan.block_bytes < block_bytes ||
      plan.block_bytes + frames + handshakes + 2 * frame_bytes + kept > pool) {
    return "the chunks do not hold one block of 2 MiB beside frames and handshakes";
  }
  if (frames + handshakes > plan.receive_bytes)
    return "frames and handshakes need more than is there for receiving";
  if (plan.send_bytes < 2 * frame_bytes) return "the chunks for sending hold no two frames";
  if (plan.bitswap_peers > plan.wants) return "there is less than one want for each peer";
  if (plan.connections > plan.streams) return "there is less than one stream for each connection";
  return {};
}

std::size_t smallest_budget(const FixedCosts& fixed) {
  std::size_t budget = Planner(0, fixed).make().fixed_bytes / mib * mib;
  while (!broken_relation(Planner(budget, fixed).make()).empty()) budget += mib;
  return budget;
}

}  // namespace

std::string_view name_of(PlanGroup group) {
  static constexpr std::array<std::string_view, 5> names = {"fixed", "libraries", "kernel", "ours",
                                                            "unspent"};
  return names[static_cast<std::size_t>(group)];
}

CapacityPlan with_chunks(CapacityPlan plan, std::size_t chunks) {
  plan.chunks = chunks;
  share_chunks(plan);
  return plan;
}

std::expected<CapacityPlan, PlanError> derive_plan(std::size_t budget_bytes, const FixedCosts& fixed) {
  // Sums of the planner cannot overflow below this, and no machine has more.
  budget_bytes = std::min(budget_bytes, ~std::size_t{0} / 64);
  CapacityPlan plan = Planner(budget_bytes, fixed).make();
  const std::string_view broken = broken_relation(plan);
  if (broken.empty()) return plan;
  std::string reason = "a memory budget of ";
  reason.append(format_bytes(budget_bytes)).append(" is too small: ").append(broken);
  reason.append(". The smallest that works is ").append(format_bytes(smallest_budget(fixed))).append(".");
  return std::unexpected(PlanError{std::move(reason), std::move(plan)});
}

// ThreadSanitizer keeps the state of a thread in the thread's own mapping: more than a stack of the plan
// holds.
#if defined(__SANITIZE_THREAD__)
constexpr std::size_t sanitizer_stack_bytes = 4 * mib;
#else
constexpr std::size_t sanitizer_stack_bytes = 0;
#endif

void enter_plan(const CapacityPlan& plan) {
  process_box().set_limits(plan.ours_bytes, plan.library_bytes);
  process_box().shrink_addresses(std::max(4 * plan.budget_bytes, 256 * mib));
  pthread_attr_t attributes;
  if (pthread_getattr_default_np(&attributes) == 0) {
    pthread_attr_setstacksize(&attributes, plan.thread_stack_bytes + sanitizer_stack_bytes);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
  }
}

std::string format_bytes(std::size_t bytes) {
  std::array<char, 32> text;
  if (bytes >= mib) {
    std::snprintf(text.data(), text.size(), "%.2f MiB",
                  static_cast<double>(bytes) / static_cast<double>(mib));
  } else if (bytes >= kib) {
    std::snprintf(text.data(), text.size(), "%.1f KiB",
                  static_cast<double>(bytes) / static_cast<double>(kib));
  } else {
    std::snprintf(text.data(), text.size(), "%zu B", bytes);
  }
  return text.data();
}

namespace {

// What the rows do not say.
std::string format_counts(const CapacityPlan& plan) {
  std::string table = "\nCOUNTS\n";
  std::array<char, 160> line;
  const auto print = [&](const char* name, const std::string& count) {
    std::snprintf(line.data(), line.size(), "%-38s %12s\n", name, count.c_str());
    table += line.data();
  };
  print("inbound streams of a connection", std::to_string(plan.inbound_streams_per_connection));
  print("addresses of peers", std::to_string(plan.addresses));
  print("wants of a peer", std::to_string(plan.wants_per_peer));
  print("wants of all peers", std::to_string(plan.wants));
  print("blocks on their way", std::to_string(plan.block_slots));
  print("blocks on their way, in all", format_bytes(plan.block_bytes));
  print("blocks being uploaded", std::to_string(plan.upload_slots));
  print("worker threads", std::to_string(plan.worker_threads));
  print("RocksDB: a memtable", format_bytes(plan.memtable_bytes));
  print("RocksDB: block cache", format_bytes(plan.block_cache_bytes));
  print("RocksDB: open files", std::to_string(plan.open_files));
  return table;
}

}  // namespace

std::string format_plan(const CapacityPlan& plan) {
  std::string table;
  std::array<char, 160> line;
  const auto print = [&](std::string_view name, std::string_view group, const std::string& count,
                         const std::string& each, const std::string& bytes) {
    std::snprintf(line.data(), line.size(), "%-18.*s %-10.*s %8s %12s %12s\n", static_cast<int>(name.size()),
                  name.data(), static_cast<int>(group.size()), group.data(), count.c_str(), each.c_str(),
                  bytes.c_str());
    table += line.data();
  };
  print("HOLDER", "GROUP", "COUNT", "EACH", "AT MOST");
  for (const PlanRow& row : plan.rows) {
    const bool counted = row.count > 0;
    print(row.name, name_of(row.group), counted ? std::to_string(row.count) : "",
          counted ? format_bytes(row.bytes_each) : "", format_bytes(row.bytes));
  }
  print("sum", "", "", "", format_bytes(plan.sum_bytes()));
  print("budget", "", "", "", format_bytes(plan.budget_bytes));
  return table + format_counts(plan);
}

}  // namespace masu
