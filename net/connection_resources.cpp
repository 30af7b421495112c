#include "net/connection_resources.hpp"

#include "alloc/check.hpp"
#include "alloc/plan.hpp"
#include "net/connection_stream.hpp"
#include "net/security/secure_reader.hpp"
#include "net/upgrade.hpp"

#include <algorithm>
#include <chrono>
#include <new>

#include <sodium.h>

namespace masu::net {
namespace {

NoiseIdentity make_identity(const PrivateKey& key, RandomSource& random) {
  NoiseKey secret;
  random.fill(secret);
  auto identity = NoiseIdentity::make(key, secret, muxer_protocol);
  sodium_memzero(secret.data(), secret.size());
  if (!identity) throw std::bad_alloc();
  return std::move(*identity);
}

}  // namespace

static_assert(sizeof(ConnectionStream) <= plan_entry::stream_bytes);
static_assert(sizeof(Upgrade) + sizeof(PartialLine) <= plan_entry::handshake_bytes);

struct ConnectionResources::Pools {
  SlabPool<Upgrade> upgrades;
  SlabPool<ConnectionStream> streams;
  SlabPool<PartialLine> partial_lines;
};

// Quotas of slab accounts follow from their counts.
ConnectionResources::ConnectionResources(Budget& budget, ChunkPool& chunks, RandomSource& random,
                                         const PrivateKey& identity, const ConnectionLimits& limits)
    : limits_(limits),
      chunks_(chunks),
      random_(random),
      receive_(budget, "net.receive", Lifetime::connection, limits.receive_bytes),
      send_(budget, "net.send", Lifetime::connection, limits.send_bytes),
      window_(budget, "net.window", Lifetime::connection, limits.window_bytes),
      handshake_(budget, "net.handshake", Lifetime::handshake,
                 limits.handshakes * sizeof(Upgrade) + limits.partial_lines * sizeof(PartialLine)),
      stream_(budget, "net.stream", Lifetime::stream, limits.streams * sizeof(ConnectionStream)),
      frame_slots_("net.frame", limits.frame_slots),
      identity_(make_identity(identity, random)),
      pools_(new Pools{SlabPool<Upgrade>(handshake_, limits.handshakes),
                       SlabPool<ConnectionStream>(stream_, limits.streams),
                       SlabPool<PartialLine>(handshake_, limits.partial_lines)}) {
  MASU_CHECK(limits.frame_slots * frame_chunks_max * chunk_bytes <= limits.receive_bytes,
             "frames that are being gathered fit their quota");
  MASU_CHECK(limits.outbound_streams_each <= 256, "yamux lets 256 streams go unacknowledged");
}

ConnectionResources::~ConnectionResources() = default;

SlabPool<Upgrade>& ConnectionResources::upgrades() { return pools_->upgrades; }
SlabPool<ConnectionStream>& ConnectionResources::streams() { return pools_->streams; }
SlabPool<PartialLine>& ConnectionResources::partial_lines() { return pools_->partial_lines; }

void ConnectionResources::set_bounds(const ConnectionLimits& limits) {
  limits_.receive_bytes = limits.receive_bytes;
  limits_.send_bytes = limits.send_bytes;
  limits_.window_bytes = limits.window_bytes;
  limits_.frame_slots = limits.frame_slots;
  receive_.set_quota(limits.receive_bytes);
  send_.set_quota(limits.send_bytes);
  window_.set_quota(limits.window_bytes);
  frame_slots_.set_slots(limits.frame_slots);
}

bool ConnectionResources::memory_low() const {
  if (!growth_allowed_) return true;
  const ChunkPoolStats stats = chunks_.stats();
  return stats.used > stats.capacity - stats.capacity / 8 ||
         receive_.live_bytes() > limits_.receive_bytes - limits_.receive_bytes / 8;
}

void ConnectionResources::wait(MemoryUser& user) {
  if (static_cast<IntrusiveListNode<MemoryUser, WaitsForMemory>&>(user).linked()) return;
  (user.is_of_use() ? waiting_of_use_ : waiting_).push_back(user);
}

void ConnectionResources::wake_one() {
  MemoryUser* user = waiting_of_use_.pop_front();
  if (user == nullptr) user = waiting_.pop_front();
  if (user != nullptr) user->on_memory_back();
}

void ConnectionResources::gathers(MemoryUser& user) {
  if (!static_cast<IntrusiveListNode<MemoryUser, GathersFrame>&>(user).linked()) gathering_.push_back(user);
}

void ConnectionResources::make_room(const MemoryUser& user, bool for_slot, TimePoint now) {
  const bool of_use = user.is_of_use();
  MemoryUser* slowest = nullptr;
  std::uint64_t least = 0;
  for (MemoryUser& other : gathering_) {
    const Duration age = now - other.gathers_since();
    if (&other == &user || age < limits_.memory_patience || (for_slot && !other.has_slot())) continue;
    const auto ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(age).count());
    const std::uint64_t pace = other.gathered_bytes() * 1000 / std::max<std::uint64_t>(ms, 1);
    if (slowest != nullptr && pace >= least) continue;
    const bool other_of_use = other.is_of_use();
    if (other_of_use && !of_use) continue;
    if (other_of_use == of_use && pace >= limits_.frame_pace_min) continue;
    slowest = &other;
    least = pace;
  }
  if (slowest == nullptr) return;
  static_cast<IntrusiveListNode<MemoryUser, GathersFrame>&>(*slowest).unlink();
  slowest->on_frame_taken();
}

}  // namespace masu::net
