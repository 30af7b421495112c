#include "core/rpc/metrics.hpp"

#include "bitswap/bitswap.hpp"
#include "core/node.hpp"
#include "core/rpc/metrics_text.hpp"
#include "core/rpc/process_stat.hpp"
#include "core/version.hpp"
#include "net/swarm/swarm.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace masu::core::rpc {
namespace {

constexpr auto gauge = MetricType::gauge;
constexpr auto counter = MetricType::counter;
constexpr auto histogram = MetricType::histogram;

struct Source {
  Node& node;
  const MemoryReport& report;
  const ProcessStat& process;
};

// One part of the answer: a few KiB at most.
using Section = void (*)(MetricsText& text, const Source& from);

// --- What Kubo has too. ---

void put_process(MetricsText& text, const Source& from) {
  const ProcessStat& process = from.process;
  text.family("process_cpu_seconds_total", counter, "Total user and system CPU time spent in seconds.");
  text.sample(process.cpu_seconds);
  text.gauge("process_max_fds", process.files_max, "Maximum number of open file descriptors.");
  text.gauge("process_open_fds", process.files, "Number of open file descriptors.");
  text.gauge("process_resident_memory_bytes", from.report.rss.now, "Resident memory size in bytes.");
  text.family("process_start_time_seconds", gauge, "Start time of the process since unix epoch in seconds.");
  text.sample(process.start_seconds);
  text.gauge("process_virtual_memory_bytes", process.virtual_bytes, "Virtual memory size in bytes.");
  text.family("process_virtual_memory_max_bytes", gauge,
              "Maximum amount of virtual memory available in bytes.");
  text.sample(process.virtual_bytes_max);
  text.family("ipfs_info", gauge, "masu IPFS version information.");
  text.sample(std::uint64_t{1}, {{"commit", ""}, {"version", version_number}});
}

void put_bitswap(MetricsText& text, const Source& from) {
  const bitswap::Bitswap* const bitswap = from.node.bitswap();
  if (bitswap == nullptr) return;
  const bitswap::BitswapStat stat = bitswap->stat();
  text.gauge("ipfs_bitswap_blocks_received", stat.blocks_received, "Number of blocks received.");
  text.family("ipfs_bitswap_recv_all_blocks_bytes", histogram, "Summary of all data blocks received");
  text.sum_and_count(stat.data_received, stat.blocks_received);
  text.family("ipfs_bitswap_recv_dup_blocks_bytes", histogram, "Summary of duplicate data blocks received");
  text.sum_and_count(stat.duplicate_data_received, stat.duplicate_blocks_received);
  text.family("ipfs_bitswap_sent_all_blocks_bytes", histogram, "Histogram of blocks sent by this bitswap");
  text.sum_and_count(stat.data_sent, stat.blocks_sent);
  text.gauge("ipfs_bitswap_wantlist_total", stat.wants, "Number of items in wantlist.");
  text.gauge("masu_bitswap_peer_wants", stat.server_wants, "Wants of all peers that are kept.");
  text.gauge("masu_bitswap_peers", stat.peers, "Connected peers that speak Bitswap.");
  text.counter("masu_bitswap_messages_received_total", stat.messages_received, "Messages received.");
}

void put_network(MetricsText& text, const Source& from) {
  const net::Swarm* const swarm = from.node.swarm();
  if (swarm == nullptr) return;
  std::uint64_t inbound = 0, outbound = 0, streams = 0;
  swarm->for_each_connection([&](const net::ConnectionInfo& connection) {
    ++(connection.inbound ? inbound : outbound);
    streams += connection.streams;
  });
  text.family("libp2p_rcmgr_connections", gauge, "Number of Connections");
  text.sample(inbound, {{"dir", "inbound"}, {"scope", "system"}});
  text.sample(outbound, {{"dir", "outbound"}, {"scope", "system"}});
  const CapacityPlan& plan = from.node.plan();
  text.family("libp2p_rcmgr_limit", gauge, "Limits of the capacity plan");
  text.sample(std::uint64_t{plan.connections}, {{"resource", "conns"}, {"scope", "system"}});
  text.sample(std::uint64_t{plan.streams}, {{"resource", "streams"}, {"scope", "system"}});
  text.gauge("masu_swarm_streams", streams, "Open streams of all connections.");
  text.gauge("masu_swarm_peers", swarm->connected_peers(), "Connected peers.");
  const net::Bandwidth bandwidth = swarm->bandwidth();
  text.family("masu_swarm_bytes_total", counter, "Bytes of streams, as 'stats bw' counts them.");
  text.sample(bandwidth.total_in, {{"dir", "inbound"}});
  text.sample(bandwidth.total_out, {{"dir", "outbound"}});
}

// --- Memory. ---

void put_budget(MetricsText& text, const Source& from) {
  const MemoryReport& report = from.report;
  text.gauge("masu_memory_budget_bytes", report.budget, "What resident memory never passes.");
  text.gauge("masu_memory_high_water_bytes", report.rss.high_water,
             "The most that was ever resident (VmHWM).");
  text.gauge("masu_memory_live_bytes", report.live(), "Bytes that were asked for and not freed.");
  text.gauge("masu_memory_committed_bytes", report.committed(), "Pages charged to both doors of the box.");
  text.gauge("masu_memory_untouched_bytes", report.untouched(), "Of them, those that are not resident yet.");
  text.gauge("masu_memory_idle_bytes", report.idle(), "Free pool entries that are kept for the next burst.");
  text.gauge("masu_memory_kernel_socket_bytes", report.kernel_sockets,
             "Held by the kernel for sockets, beside RSS.");
  text.family("masu_memory_unexplained_bytes", gauge, "RSS above (or below) the sum of all rows.");
  text.sample(static_cast<double>(report.unexplained()));
}

// Two accounts may have one name (a table and its overflow): as samples they are one.
std::vector<AccountRow> rows_by_name(const std::vector<AccountRow>& accounts) {
  std::vector<AccountRow> rows;
  rows.reserve(accounts.size());
  for (const AccountRow& account : accounts) {
    const auto same = std::ranges::find(rows, account.name, &AccountRow::name);
    if (same == rows.end()) {
      rows.push_back(account);
      continue;
    }
    same->live += account.live;
    same->peak += account.peak;
    same->committed += account.committed;
    same->quota += std::min(account.quota, ~std::size_t{0} - same->quota);
    same->refusals += account.refusals;
  }
  return rows;
}

template <auto field>
void put_accounts(MetricsText& text, const Source& from, std::string_view name, MetricType type,
                  std::string_view help) {
  text.family(name, type, help);
  for (const AccountRow& row : rows_by_name(from.report.accounts)) {
    text.sample(std::uint64_t{row.*field}, {{"arena", row.name}, {"lifetime", name_of(row.lifetime)}});
  }
}

void put_live(MetricsText& text, const Source& from) {
  put_accounts<&AccountRow::live>(text, from, "masu_memory_arena_live_bytes", gauge,
                                  "Bytes that an account holds.");
}
void put_peak(MetricsText& text, const Source& from) {
  put_accounts<&AccountRow::peak>(text, from, "masu_memory_arena_peak_bytes", gauge,
                                  "The most that an account ever held.");
}
void put_committed(MetricsText& text, const Source& from) {
  put_accounts<&AccountRow::committed>(text, from, "masu_memory_arena_committed_bytes", gauge,
                                       "Pages that an account alone uses.");
}
void put_quota(MetricsText& text, const Source& from) {
  put_accounts<&AccountRow::quota>(text, from, "masu_memory_arena_quota_bytes", gauge,
                                   "What an account may hold.");
}
void put_refusals(MetricsText& text, const Source& from) {
  put_accounts<&AccountRow::refusals>(text, from, "masu_memory_arena_refusals_total", counter,
                                      "Reservations that an account was refused.");
}

template <auto field>
void put_heap_field(MetricsText& text, const Source& from, std::string_view name, std::string_view help) {
  text.family(name, gauge, help);
  for (const HeapCount& count : from.report.heap) {
    if (count.created) text.sample(std::uint64_t{count.*field}, {{"arena", name_of(count.arena)}});
  }
}

void put_heap(MetricsText& text, const Source& from) {
  put_heap_field<&HeapCount::allocated>(text, from, "masu_memory_heap_live_bytes",
                                        "Bytes that an arena of the heap holds.");
  put_heap_field<&HeapCount::charged>(text, from, "masu_memory_heap_committed_bytes",
                                      "Pages of an arena of the heap.");
  put_heap_field<&HeapCount::dirty>(text, from, "masu_memory_heap_dirty_bytes",
                                    "Pages without objects that an arena has not given back yet.");
  put_heap_field<&HeapCount::metadata>(text, from, "masu_memory_heap_table_bytes",
                                       "The heap's own tables for an arena.");
}

void put_doors(MetricsText& text, const Source& from) {
  const DoorCount &ours = from.report.ours, &library = from.report.library;
  const auto put = [&](std::string_view name, MetricType type, std::string_view help, std::uint64_t of_ours,
                       std::uint64_t of_library) {
    text.family(name, type, help);
    text.sample(of_ours, {{"door", "ours"}});
    text.sample(of_library, {{"door", "libraries"}});
  };
  put("masu_memory_door_committed_bytes", gauge, "Pages charged to a door of the box.", ours.charged_bytes,
      library.charged_bytes);
  put("masu_memory_door_peak_bytes", gauge, "The most that was charged to it.", ours.peak_bytes,
      library.peak_bytes);
  put("masu_memory_door_limit_bytes", gauge, "What may be charged to it.", ours.limit_bytes,
      library.limit_bytes);
  put("masu_memory_door_refusals_total", counter, "Pages that it refused.", ours.refusals, library.refusals);
}

void put_fixed(MetricsText& text, const Source& from) {
  const FixedPart& fixed = from.report.fixed;
  text.family("masu_memory_fixed_bytes", gauge, "Resident bytes outside of the box, by class.");
  const auto put = [&](std::string_view kind, std::size_t bytes) {
    text.sample(std::uint64_t{bytes}, {{"class", kind}});
  };
  put("code", fixed.code);
  put("data", fixed.data);
  put("stacks", fixed.stacks);
  put("early", fixed.early);
  put("kernel", fixed.kernel);
  put("unknown", fixed.unknown);
}

void put_rungs(MetricsText& text, const Source& from) {
  if (from.report.rungs.empty()) return;
  text.family("masu_memory_rung_active", gauge, "1: the rung of the pressure ladder is in force.");
  for (const RungRow& rung : from.report.rungs)
    text.sample(std::uint64_t{rung.active}, {{"rung", rung.name}});
  text.family("masu_memory_rung_entered_total", counter, "How often a rung was entered.");
  for (const RungRow& rung : from.report.rungs) text.sample(rung.entered, {{"rung", rung.name}});
}

constexpr auto sections = std::to_array<Section>({put_process, put_bitswap, put_network, put_budget, put_live,
                                                  put_peak, put_committed, put_quota, put_refusals, put_heap,
                                                  put_doors, put_fixed, put_rungs});

}  // namespace

Task<void> answer_metrics(TaskMemory memory, http::Exchange& exchange, Node& node) {
  const MemoryReport report = node.memory_report();
  const ProcessStat process = read_process_stat();
  const Source source{node, report, process};
  MetricsText text(memory.resource());
  exchange.start(200);
  exchange.add_header("Content-Type", metrics_content_type);
  exchange.add_header("Cache-Control", "no-store");
  for (const Section section : sections) {
    section(text, source);
    if (!text.full()) continue;
    const bool on = co_await exchange.write(memory, as_bytes(text.text()));
    if (!on) co_return;
    text.clear();
  }
  co_await exchange.write(memory, as_bytes(text.text()));
}

}  // namespace masu::core::rpc
