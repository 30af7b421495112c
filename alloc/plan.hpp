// CapacityPlan: from the budget, how many of everything, and what each kind of holder costs at most.
//
// Count first, then bytes. One function, derive_plan(), makes the whole sum; whoever builds a table, a pool
// or a socket takes its size from here and nowhere else. The plan covers the process: the fixed part (code,
// stacks) at its worst, the libraries' reserve, what the kernel holds for our sockets, our pools at their
// caps, and what stays unspent because kernels count RSS in batches. A plan that is returned is consistent:
// its sum is within the budget, and no pool is smaller than what its slots may ask for. Plain values; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace masu {

// What one entry may cost at most, in its pool's pages. Whoever defines the entry asserts that it fits.
namespace plan_entry {
inline constexpr std::size_t connection_bytes = 2912;  // Noise, yamux, and two tagged peers
inline constexpr std::size_t link_bytes = 704;         // the socket
inline constexpr std::size_t stream_bytes = 320;
inline constexpr std::size_t handshake_bytes = 4 * 1024;  // beside the connection; gone when it is made
inline constexpr std::size_t dial_bytes = 6 * 1024;       // a peer: its addresses, why each failed, who waits
inline constexpr std::size_t backoff_bytes = 256;         // an address that did not answer
inline constexpr std::size_t peer_bytes = 224;            // peerstore: a peer without its addresses
inline constexpr std::size_t address_bytes = 96;
inline constexpr std::size_t protocol_block_bytes = 128;  // of 15 protocols that a peer speaks
inline constexpr std::size_t text_bytes = 208;         // a protocol or an agent, and its place in the table
inline constexpr std::size_t server_want_bytes = 168;  // bitswap: what a peer wants of us, with its tables
inline constexpr std::size_t lookup_bytes = 5 * 1024;  // what a worker looks up for 32 of them
inline constexpr std::size_t send_bytes = 2816;        // what a worker reads for a message
inline constexpr std::size_t client_want_bytes = 208;  // bitswap: what we want, with who was asked
inline constexpr std::size_t bitswap_peer_bytes = 2 * 1024 + 128;
inline constexpr std::size_t bitswap_stream_bytes = 896;  // an inbound stream: what is known of its message
inline constexpr std::size_t session_bytes = 4 * 1024;
inline constexpr std::size_t history_bytes = 16;          // a sample of memory
inline constexpr std::size_t known_peer_bytes = 224;      // remembered over restarts, with addresses
inline constexpr std::size_t ping_bytes = 320;            // a stream of /ipfs/ping
inline constexpr std::size_t read_bytes = 320;            // a block being read from the store
inline constexpr std::size_t chunk_table_bytes = 2 * 16;  // of a chunk: the table has room for what is lent
inline constexpr std::size_t request_bytes = 64 * 1024;   // RPC: parsed request, path walk, JSON on its way
}  // namespace plan_entry

// What a node costs before it holds anything: measured on the static release build for x86-64, at full size
// for code, since every page of it may be run. Another build passes its own.
struct FixedCosts {
  std::size_t code_bytes = std::size_t{17} << 20;
  std::size_t data_bytes = std::size_t{1} << 20;  // variables and relocated constants
  std::size_t early_bytes = std::size_t{384}
                            << 10;  // mapped before the heap's hooks: loader, jemalloc's tables
};

enum class PlanGroup : std::uint8_t {
  fixed,    // outside the box, and tables of box and heap
  library,  // the library door
  kernel,   // held by the kernel for our sockets; not in RSS, but in a cgroup's count
  ours,     // the door of our pools and arenas
  unspent,
};
std::string_view name_of(PlanGroup);

// One line of the sum. `count` x `bytes_each` need not be `bytes`: pages waste a little.
struct PlanRow {
  std::string_view name;
  PlanGroup group = PlanGroup::ours;
  std::size_t count = 0;
  std::size_t bytes_each = 0;
  std::size_t bytes = 0;
};

struct CapacityPlan {
  std::size_t budget_bytes = 0;

  // Of code and constants, resident at once: all of it, or a small budget's share.
  std::size_t code_bytes = 0;

  // Network.
  std::size_t connections = 0;  // hard cap; the connection manager's marks lie below
  std::size_t inbound_streams_per_connection = 0;
  std::size_t streams = 0;  // of all connections, both ways
  std::size_t handshakes = 0;
  std::size_t dialled_peers = 0;
  std::size_t backoff_entries = 0;  // addresses that did not answer
  std::size_t peers = 0;            // peerstore
  std::size_t addresses = 0;
  std::size_t known_peers = 0;  // remembered over restarts
  std::size_t protocol_blocks = 0;
  std::size_t texts = 0;           // names of protocols and agents
  std::size_t peer_key_bytes = 0;  // public keys that are not in their peer's id
  std::size_t pings_in = 0;        // streams of /ipfs/ping
  std::size_t pings_out = 0;
  std::size_t socket_receive_bytes = 0;  // SO_RCVBUF and SO_SNDBUF of every connection, set before connect
  std::size_t socket_send_bytes = 0;
  std::size_t parked_bytes = 0;       // unread and unsent in all of them, as the kernel counts it
  std::size_t busy_connections = 0;   // those that may have large buffers, for as long as they are busy
  std::size_t busy_socket_bytes = 0;  // of the buffer for sending of a busy one
  std::size_t busy_receive_bytes = 0;
  std::size_t wide_connections = 0;  // busy ones that receive more than that
  std::size_t wide_receive_bytes = 0;

  // Bytes in flight.
  std::size_t chunks = 0;        // ChunkPool
  std::size_t frame_slots = 0;   // Noise frames of up to 64 KiB being gathered
  std::size_t block_slots = 0;   // blocks of up to 2 MiB being gathered
  std::size_t block_bytes = 0;   // all blocks that come in; these are quotas over the pool, which overlap
  std::size_t upload_slots = 0;  // blocks of up to 2 MiB that clients are sending
  std::size_t upload_bytes = 0;  // those, and what each request has read ahead
  std::size_t receive_bytes = 0;
  std::size_t send_bytes = 0;
  std::size_t window_bytes = 0;  // credit given above the first yamux windows; bytes come out of the pool

  // Bitswap.
  std::size_t bitswap_peers = 0;
  std::size_t bitswap_streams = 0;  // inbound, of all peers
  std::size_t wants_per_peer = 0;   // server
  std::size_t wants = 0;            // server, of all peers
  std::size_t lookups = 0;          // batches of them being looked up
  std::size_t sends = 0;            // messages with blocks being read
  std::size_t client_wants = 0;
  std::size_t sessions = 0;

  // Requests and work.
  std::size_t rpc_requests = 0;
  std::size_t rpc_backlog = 0;               // connections that wait to be accepted, on all its listeners
  std::size_t rpc_socket_bytes = 0;          // SO_RCVBUF and SO_SNDBUF of a connection; the kernel doubles it
  std::size_t waiting_rpc_socket_bytes = 0;  // SO_RCVBUF of one that waits
  std::size_t busy_rpc_sockets = 0;       // of them, those that may have a large buffer while they move much
  std::size_t busy_rpc_socket_bytes = 0;  // the kernel doubles it
  std::size_t import_bytes = 0;           // UnixFS imports and exports: directories, sorting
  std::size_t collect_bytes = 0;          // garbage collection and verification: sorted runs
  std::size_t store_bytes = 0;            // the store on disk: write buffers, table of segments
  std::size_t store_reads = 0;            // blocks being read from it for requests
  std::size_t history_samples = 0;        // of memory: ten minutes
  std::size_t worker_threads = 0;
  std::size_t thread_stack_bytes = 0;  // of every thread, RocksDB's too

  // RocksDB.
  std::size_t memtable_bytes = 0;  // each
  std::size_t block_cache_bytes = 0;
  std::size_t open_files = 0;

  // Sums. `ours` and `library` are the limits of the box's doors.
  std::size_t fixed_bytes = 0;
  std::size_t library_bytes = 0;
  std::size_t kernel_bytes = 0;
  std::size_t ours_bytes = 0;
  std::size_t unspent_bytes = 0;

  std::vector<PlanRow> rows;

  std::size_t sum_bytes() const {
    return fixed_bytes + library_bytes + kernel_bytes + ours_bytes + unspent_bytes;
  }
};

// The budget is too small: `reason` names the relation that cannot hold and the smallest budget that will do;
// `plan` is the sum that was tried.
struct PlanError {
  std::string reason;
  CapacityPlan plan;
};

// The same plan with another number of chunks, and the quotas over them that follow. For more chunks than it
// has, others must leave as much idle: see Lending.
CapacityPlan with_chunks(CapacityPlan plan, std::size_t chunks);

std::expected<CapacityPlan, PlanError> derive_plan(std::size_t budget_bytes, const FixedCosts& fixed = {});

// Puts the process under the plan: the doors of the box, its addresses (four budgets, which is as far as a
// budget can grow later), and the stack size of every thread made from now on. To be called once, before
// threads are made and RocksDB is opened, after verify_heap() said that the limits will hold.
void enter_plan(const CapacityPlan& plan);

// The sum as a table for people, one row a line.
std::string format_plan(const CapacityPlan& plan);

// "64M", "1.5 MiB", "12 KiB": for tables and messages.
std::string format_bytes(std::size_t bytes);

}  // namespace masu
