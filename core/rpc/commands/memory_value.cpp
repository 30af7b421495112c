#include "core/rpc/commands/memory_value.hpp"

namespace masu::core::rpc::commands {
namespace {

using boost::json::array;
using boost::json::object;

object account_value(const AccountRow& row) {
  return {{"Name", row.name},        {"Lifetime", name_of(row.lifetime)}, {"Live", row.live},
          {"Peak", row.peak},        {"Committed", row.committed},        {"Quota", row.quota},
          {"Refusals", row.refusals}};
}

object arena_value(const HeapCount& count) {
  return {{"Name", name_of(count.arena)},
          {"Live", count.allocated},
          {"Committed", count.charged},
          {"Dirty", count.dirty},
          {"Tables", count.metadata}};
}

object door_value(const DoorCount& door) {
  return {{"Committed", door.charged_bytes},
          {"Peak", door.peak_bytes},
          {"Limit", door.limit_bytes},
          {"Refusals", door.refusals}};
}

object fixed_value(const FixedPart& fixed) {
  return {{"Code", fixed.code},   {"Data", fixed.data},     {"Stacks", fixed.stacks},
          {"Early", fixed.early}, {"Kernel", fixed.kernel}, {"Unknown", fixed.unknown}};
}

object rung_value(const RungRow& rung) {
  return {
      {"Name", rung.name}, {"Active", rung.active}, {"Entered", rung.entered}, {"Threshold", rung.threshold}};
}

}  // namespace

object memory_value(const MemoryReport& report) {
  array accounts, heap, rungs;
  for (const AccountRow& row : report.accounts) accounts.push_back(account_value(row));
  for (const HeapCount& count : report.heap)
    if (count.created) heap.push_back(arena_value(count));
  for (const RungRow& rung : report.rungs) rungs.push_back(rung_value(rung));
  return {{"Budget", report.budget},
          {"Rss", report.rss.now},
          {"RssHighWater", report.rss.high_water},
          {"Sum", report.explained()},
          {"Unexplained", report.unexplained()},
          {"Live", report.live()},
          {"Idle", report.idle()},
          {"Committed", report.committed()},
          {"Untouched", report.untouched()},
          {"HeapTables", report.heap_tables()},
          {"BoxTables", report.box_tables},
          {"Unaccounted", report.unaccounted()},
          {"KernelSockets", report.kernel_sockets},
          {"Accounts", std::move(accounts)},
          {"Heap", std::move(heap)},
          {"Ours", door_value(report.ours)},
          {"Libraries", door_value(report.library)},
          {"Fixed", fixed_value(report.fixed)},
          {"Rungs", std::move(rungs)}};
}

object history_value(const MemoryHistory& history, TimePoint now) {
  array rss, committed, live;
  history.for_each(now, [&](const MemorySample& sample) {
    rss.push_back(sample.rss);
    committed.push_back(sample.committed);
    live.push_back(sample.live);
  });
  constexpr auto seconds = std::chrono::duration_cast<std::chrono::seconds>(MemoryHistory::interval);
  return {{"IntervalSeconds", seconds.count()},
          {"Rss", std::move(rss)},
          {"Committed", std::move(committed)},
          {"Live", std::move(live)}};
}

object plan_value(const CapacityPlan& plan) {
  array rows;
  for (const PlanRow& row : plan.rows) {
    rows.push_back(object{{"Name", row.name},
                          {"Group", name_of(row.group)},
                          {"Count", row.count},
                          {"BytesEach", row.bytes_each},
                          {"Bytes", row.bytes}});
  }
  return {{"Budget", plan.budget_bytes},
          {"Sum", plan.sum_bytes()},
          {"Fixed", plan.fixed_bytes},
          {"Libraries", plan.library_bytes},
          {"Kernel", plan.kernel_bytes},
          {"Ours", plan.ours_bytes},
          {"Unspent", plan.unspent_bytes},
          {"Connections", plan.connections},
          {"InboundStreamsPerConnection", plan.inbound_streams_per_connection},
          {"Handshakes", plan.handshakes},
          {"Peers", plan.peers},
          {"Addresses", plan.addresses},
          {"Streams", plan.streams},
          {"Chunks", plan.chunks},
          {"BlockSlots", plan.block_slots},
          {"BlockBytes", plan.block_bytes},
          {"UploadSlots", plan.upload_slots},
          {"Wants", plan.wants},
          {"WantsPerPeer", plan.wants_per_peer},
          {"Requests", plan.rpc_requests},
          {"RequestBacklog", plan.rpc_backlog},
          {"RequestSocketBytes", plan.rpc_socket_bytes},
          {"Workers", plan.worker_threads},
          {"SocketReceiveBytes", plan.socket_receive_bytes},
          {"SocketSendBytes", plan.socket_send_bytes},
          {"MemtableBytes", plan.memtable_bytes},
          {"BlockCacheBytes", plan.block_cache_bytes},
          {"OpenFiles", plan.open_files},
          {"Rows", std::move(rows)}};
}

}  // namespace masu::core::rpc::commands
